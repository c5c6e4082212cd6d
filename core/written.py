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
from django.db.transaction import TransactionManagementError

from core.db import TransactionStanceError, in_transaction

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


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
            kept.append(_Statement(cast("Callable[..., QuerySet[M]]", rows), values))
        return kept[0].ask(values)

    return asked


def only(rows: Sequence[M]) -> M | None:
    """This will return the only row that a unique key leaves, None where there is none; two would be a bug of ours."""
    if len(rows) > 1:
        raise MultipleObjectsReturned(f"{len(rows)} rows of one key")
    return rows[0] if rows else None


def only_or(absent: type[Exception], rows: Sequence[M]) -> M:
    """This will return that only row. Raises: `absent` where there is none."""
    row = only(rows)
    if row is None:
        raise absent
    return row


class _Statement(Generic[M]):
    """A queryset's SQL, where in its parameters which value stands, and what Django knows of its columns."""

    def __init__(self, rows: Callable[..., QuerySet[M]], values: Sequence[Any]) -> None:
        self._name = rows.__qualname__
        probes = [self._probe(number, value) for number, value in enumerate(values)]
        queryset = rows(*probes)
        if queryset._prefetch_related_lookups:  # type: ignore[attr-defined] # noqa: SLF001 - said nowhere else
            raise WrittenError(f"{self._name}: what is read beside the rows is not read")
        self._compiler: Any = queryset.query.get_compiler(using=queryset.db)
        try:
            self._sql, self._params = cast("tuple[str, tuple[Any, ...]]", self._compiler.as_sql())
        except TransactionManagementError as refusal:
            raise self._not_locked() from refusal
        self._is_locking = " FOR UPDATE" in self._sql
        self._places = [self._params.index(probe) for probe in probes]

    def ask(self, values: Sequence[Any]) -> list[M]:
        if self._is_locking and not in_transaction():
            raise self._not_locked()
        params = list(self._params)
        for place, value in zip(self._places, values, strict=True):
            self._require_value(value)
            kind = type(params[place])
            # Django says by a type of its own how wide a number is.
            params[place] = kind(value) if issubclass(kind, int) else value
        compiler = copy(self._compiler)
        compiler.connection = connections[connection.alias]
        compiler.as_sql = lambda: (self._sql, tuple(params))
        query = SimpleNamespace(get_compiler=lambda **_: compiler)
        as_read = SimpleNamespace(query=query, db=connection.alias, _known_related_objects={})
        return list(ModelIterable(cast("QuerySet[M]", as_read)))

    def _probe(self, number: int, value: Any) -> int | str:
        """No value of ours and no constant of a statement is one of these, so each is found where it is put."""
        self._require_value(value)
        return f"\N{SECTION SIGN} value {number}" if isinstance(value, str) else 2_000_000_000 + number

    def _require_value(self, value: Any) -> None:
        if not isinstance(value, int | str):
            raise WrittenError(f"{self._name} is asked with whole numbers and words, not with {type(value).__name__}")

    def _not_locked(self) -> TransactionStanceError:
        return TransactionStanceError(f"{self._name} locks rows and needs a transaction")
