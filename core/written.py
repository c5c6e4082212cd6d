"""Queries that are written once, for what nearly every request begins with: the locks of an order and the like.

Django writes a queryset's statement anew each time it is asked, and of a wide row that takes longer than asking: the
locked attempts of an order with their account took 1.98 ms of processor time, 0.48 with the statement kept; the order
itself 1.35 and 0.51 (`./run bench written`). The rest of its work, from the cursor to the objects, stays Django's.
"""

import functools
from collections.abc import Callable, Sequence
from copy import copy
from types import SimpleNamespace
from typing import Any, Generic, ParamSpec, TypeVar, cast

from django.core.exceptions import MultipleObjectsReturned
from django.db import connection, connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from core.db import TransactionStanceError, in_transaction

P = ParamSpec("P")
M = TypeVar("M", bound=Model)

_PROBES: dict[type, Callable[[int], Any]] = {
    int: lambda number: 2_000_000_000 + number,
    str: lambda number: f"\N{SECTION SIGN} value {number}",
}


class WrittenError(AssertionError):
    """Our bug: a query that is written once was asked as none can be that is."""


def written(rows: Callable[P, QuerySet[M]]) -> Callable[P, list[M]]:
    """This will ask a queryset whose statement is written at its first use and only filled in with values from then on.

    `rows` takes whole numbers and words, by position, that stand in its statement as they are. Raises:
    TransactionStanceError where rows would be locked outside a transaction.
    """
    kept: list[_Statement[M]] = []

    @functools.wraps(rows)
    def asked(*values: P.args, **named: P.kwargs) -> list[M]:
        if named:
            raise WrittenError(f"{rows.__qualname__} takes its values by position")
        if not kept:
            kept.append(_Statement(cast("Callable[..., QuerySet[M]]", rows), [type(value) for value in values]))
        return kept[0].ask(values)

    return asked


def only(rows: Sequence[M]) -> M | None:
    """This will return the only row that a unique key leaves, None where there is none; two would be a bug of ours."""
    if len(rows) > 1:
        raise MultipleObjectsReturned(f"{len(rows)} rows of one key")
    return rows[0] if rows else None


class _Statement(Generic[M]):
    """A queryset's SQL, where in its parameters which value stands, and what Django knows of its columns."""

    def __init__(self, rows: Callable[..., QuerySet[M]], kinds: Sequence[type]) -> None:
        self._name = rows.__qualname__
        # No value of ours and no constant of the statement is one of these, so each is found where it is put.
        probes = [_PROBES[kind](number) for number, kind in enumerate(kinds)]
        queryset = rows(*probes)
        if queryset._prefetch_related_lookups:  # type: ignore[attr-defined] # noqa: SLF001 - said nowhere else
            raise WrittenError(f"{self._name}: what is read beside the rows is not read")
        self._is_locking = bool(queryset.query.select_for_update)
        self._require_transaction()
        self._compiler: Any = queryset.query.get_compiler(using=queryset.db)
        self._sql, self._params = cast("tuple[str, tuple[Any, ...]]", self._compiler.as_sql())
        self._places = [self._params.index(probe) for probe in probes]

    def ask(self, values: Sequence[Any]) -> list[M]:
        self._require_transaction()
        params = list(self._params)
        for place, value in zip(self._places, values, strict=True):
            if value is None:
                raise WrittenError(f"{self._name}: what is absent is asked for in other words")
            kind = type(params[place])
            # Django says by a type of its own how wide a number is.
            params[place] = kind(value) if issubclass(kind, int) else value
        compiler = copy(self._compiler)
        compiler.connection = connections[connection.alias]
        compiler.as_sql = lambda: (self._sql, tuple(params))
        query = SimpleNamespace(get_compiler=lambda **_: compiler)
        as_read = SimpleNamespace(query=query, db=connection.alias, _known_related_objects={})
        return list(ModelIterable(cast("QuerySet[M]", as_read)))

    def _require_transaction(self) -> None:
        if self._is_locking and not in_transaction():
            raise TransactionStanceError(f"{self._name} locks rows and needs a transaction")
