"""Queries that are written once: what nearly every request begins with, like the locks of an order, and what sweeps ask
every few seconds for ever.

Django writes a queryset's statement anew each time it is asked, and of a wide row or a search with subqueries that
takes longer than asking: the locked attempts of an order with their account took 2.08 ms of processor time, 0.55 with
the statement kept; the order itself 1.11 and 0.40, the sweep of cancelled sales 4.38 and 0.24 (`./run bench written`).
The rest of its work, from the cursor to the objects, stays Django's.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Generic, ParamSpec, TypeVar, cast

from django.core.exceptions import MultipleObjectsReturned
from django.db import connection, connections
from django.db.models import Model, QuerySet
from django.db.transaction import TransactionManagementError

from core.db import TransactionStanceError, in_transaction

P = ParamSpec("P")
M = TypeVar("M", bound=Model)
R = TypeVar("R")

# No instant of ours is in the last year there is.
LAST_YEAR = datetime(9999, 1, 1, tzinfo=UTC)
# What Django ends a statement with that locks its rows.
LOCKING = (" FOR UPDATE", " FOR NO KEY UPDATE")


class WrittenError(AssertionError):
    """Our bug: a query that is written once was asked as none can be that is."""


def written(rows: Callable[P, QuerySet[Any, R]]) -> Callable[P, list[R]]:
    """This will ask a queryset whose statement is written at its first use and only filled in with values from then on.

    `rows` takes whole numbers, words, instants and lists of numbers or words that stand in its statement as they are
    (`core/lookups.py`), and perhaps a `limit`; for each limit there is a statement, since a plan depends on it. Raises:
    TransactionStanceError where rows would be locked outside a transaction.
    """
    kept: dict[int | None, _Statement[R]] = {}
    signature = inspect.signature(rows)
    if any(parameter.default is not parameter.empty for parameter in signature.parameters.values()):
        raise WrittenError(f"{rows.__qualname__}: what is left out once would stay as it is")

    @functools.wraps(rows)
    def asked(*values: P.args, **named: P.kwargs) -> list[R]:
        given = dict(signature.bind(*values, **named).arguments)
        limit = given.pop("limit", None)
        statement = kept.get(limit)
        if statement is None:
            limited = rows if limit is None else functools.partial(rows, limit=limit)
            statement = _Statement(rows.__qualname__, cast("Callable[..., QuerySet[Any, R]]", limited), given)
            kept[limit] = statement
        return statement.ask(given)

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


def _as_django_would(value: Any, *, like: Any) -> Any:
    """Django says by types of its own how wide a number is."""
    if isinstance(like, list):
        return [_as_django_would(one, like=like[0]) for one in value]
    return type(like)(value) if isinstance(like, int) else value


class _Statement(Generic[R]):
    """A queryset's SQL, where in its parameters which value stands, and what Django knows of its columns."""

    def __init__(self, name: str, rows: Callable[..., QuerySet[Any, R]], values: Mapping[str, Any]) -> None:
        self._name = name
        probes = {key: self._probe(number, value) for number, (key, value) in enumerate(values.items())}
        queryset = rows(**probes)
        if queryset._prefetch_related_lookups:  # type: ignore[attr-defined] # noqa: SLF001 - said nowhere else
            raise WrittenError(f"{self._name}: what is read beside the rows is not read")
        self._reader: Any = queryset._iterable_class  # noqa: SLF001 - nor this
        self._compiler: Any = queryset.query.get_compiler(using=queryset.db)
        try:
            self._sql, self._params = cast("tuple[str, tuple[Any, ...]]", self._compiler.as_sql())
        except TransactionManagementError as refusal:
            raise self._not_locked() from refusal
        self._is_locking = any(words in self._sql for words in LOCKING)
        self._places = {
            key: [place for place, param in enumerate(self._params) if param == probe] for key, probe in probes.items()
        }
        self._require_places()
        converters = self._compiler.get_converters([column[0] for column in self._columns()])
        self._compiler.get_converters = lambda _: converters

    def ask(self, values: Mapping[str, Any]) -> list[R]:
        if self._is_locking and not in_transaction():
            raise self._not_locked()
        params = list(self._params)
        for key, places in self._places.items():
            value = values[key]
            self._require_value(value)
            for place in places:
                params[place] = _as_django_would(value, like=params[place])
        compiler = copy(self._compiler)
        compiler.connection = connections[connection.alias]
        compiler.as_sql = lambda: (self._sql, tuple(params))
        query = SimpleNamespace(get_compiler=lambda *_, **__: compiler)
        return list(self._reader(SimpleNamespace(query=query, db=connection.alias, _known_related_objects={})))

    def _columns(self) -> Sequence[Any]:
        columns: Sequence[Any] = self._compiler.select[: self._compiler.col_count]
        return columns

    def _probe(self, number: int, value: Any) -> Any:
        """No value of ours and no constant of a statement is one of these, so each is found where it is put."""
        self._require_value(value)
        if isinstance(value, list):
            return [self._probe(number, one) for one in value[:1]]
        if isinstance(value, datetime):
            return LAST_YEAR + timedelta(seconds=number)
        return f"\N{SECTION SIGN} value {number}" if isinstance(value, str) else 2_000_000_000 + number

    def _require_value(self, value: Any) -> None:
        # A list of nothing does not say of what it is one, and whoever has none need not ask.
        is_list = isinstance(value, list) and len(value) > 0
        kinds = {type(one) for one in value} if is_list else {type(value)}
        if not all(issubclass(kind, int | str if is_list else int | str | datetime) for kind in kinds):
            found = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise WrittenError(f"{self._name} is asked with whole numbers, words, instants and lists, not with {found}")

    def _require_places(self) -> None:
        for key, places in self._places.items():
            if not places:
                raise WrittenError(f"{self._name}: {key} does not stand in the statement as it is")

    def _not_locked(self) -> TransactionStanceError:
        return TransactionStanceError(f"{self._name} locks rows and needs a transaction")
