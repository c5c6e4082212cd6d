"""Transactions with names and no surprises.

`transaction(name)` opens the outermost transaction and nothing else: asking for one inside another is a bug, because
the inner commit would not be durable. Functions that need their caller's transaction say `@transaction_required`;
functions that talk to a provider say `@outside_transaction`. The names are the kill points of the crash matrix.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection
from django.db import transaction as django_transaction
from django.db.models import QuerySet

from core import killpoints

# Far longer than a provider is waited for. Who is ended all the same finds its rows due at the next period.
SILENT_SECONDS_MAX = 180

P = ParamSpec("P")
R = TypeVar("R")


class TransactionStanceError(AssertionError):
    """Our bug: code ran inside a transaction that must not, or outside one that must."""


def in_transaction() -> bool:
    """This will tell whether this thread's connection has a transaction open."""
    return bool(connection.in_atomic_block)


@contextmanager
def transaction(name: str) -> Iterator[None]:
    """This will run the block in one durable transaction: committed when the block ends, rolled back when it raises."""
    if in_transaction():
        raise TransactionStanceError(f"{name} must open the outermost transaction")
    killpoints.reach(f"tx:{name}:begin")
    with django_transaction.atomic():
        yield
        killpoints.reach(f"tx:{name}:commit")
    killpoints.reach(f"tx:{name}:committed")


def transaction_required(function: Callable[P, R]) -> Callable[P, R]:
    """This will refuse to run `function` unless its caller has opened a transaction."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not in_transaction():
            raise TransactionStanceError(f"{function.__qualname__} needs its caller's transaction")
        return function(*args, **kwargs)

    return guarded


def outside_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """This will refuse to run `function` while a transaction is open, because it talks to a provider or opens its
    own.
    """

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if in_transaction():
            raise TransactionStanceError(f"{function.__qualname__} must not run inside a transaction")
        return function(*args, **kwargs)

    return guarded


def one_or_none(rows: QuerySet[Any, R]) -> R | None:
    """This will return the only row that a unique key leaves, None where there is none; two would be a bug of ours.

    `first()` would ask for the primary key's order, and of a wide row that takes Django as long as all the rest.
    """
    try:
        return rows.get()
    except ObjectDoesNotExist:
        return None


def run_after_commit(action: Callable[[], None]) -> None:
    """This will run `action` once the surrounding transaction is durable, or at once when there is none."""
    django_transaction.on_commit(action)


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """This will tell the block whether nobody else is in one of that name, on any machine: who is not alone has to
    leave the work to who is.

    It is a lock of the database session, so it ends with its process. PostgreSQL ends the session of one that is frozen
    in the middle and says nothing for SILENT_SECONDS_MAX.
    """
    if in_transaction():
        raise TransactionStanceError(f"{name} must not run inside a transaction")
    is_alone = bool(_ask("SELECT pg_try_advisory_lock(hashtext('alone'), hashtext(%s))", name))
    session = connection.connection
    if is_alone:
        _ask("SELECT set_config('idle_session_timeout', %s, false)", f"{SILENT_SECONDS_MAX}s")
    try:
        yield is_alone
    finally:
        # A session that broke meanwhile took its lock along.
        if is_alone and connection.connection is session and not session.closed:
            _ask("SELECT set_config('idle_session_timeout', %s, false)", "0")
            _ask("SELECT pg_advisory_unlock(hashtext('alone'), hashtext(%s))", name)


def _ask(statement: str, argument: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, [argument])
        return cursor.fetchone()[0]


@contextmanager
def constraint_errors(errors: Mapping[str, Callable[[], Exception]]) -> Iterator[None]:
    """This will turn a violated constraint, by its name, into the typed error the caller declared for it."""
    try:
        yield
    except IntegrityError as violation:
        name = getattr(getattr(violation.__cause__, "diag", None), "constraint_name", None)
        if isinstance(name, str) and name in errors:
            raise errors[name]() from violation  # noqa: RSE102 - the caller's factory
        raise
