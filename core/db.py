"""Transactions with names and no surprises.

`transaction(name)` opens the outermost transaction and nothing else: asking for one inside another is a bug, because
the inner commit would not be durable. Functions that need their caller's transaction say `@transaction_required`;
functions that talk to a provider say `@outside_transaction`. The names are the kill points of the crash matrix.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, connection
from django.db import transaction as django_transaction

from core import killpoints

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


def run_after_commit(action: Callable[[], None]) -> None:
    """This will run `action` once the surrounding transaction is durable, or at once when there is none."""
    django_transaction.on_commit(action)


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
