"""Time, read at the edges and passed down as `now`; tests and the simulation put their own clock in.

Nothing below the edges may call `datetime.now` or use a database default: a virtual clock must be able to move every
deadline in the system (reservations, leases, provider keys) together.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """This will return the current instant, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """This will let `seconds` pass."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This will return the machine's time in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """This will block the calling thread."""
        time.sleep(seconds)


class _Current:
    clock: Clock = SystemClock()


def now() -> datetime:
    """This will return the current instant, aware, in UTC."""
    return _Current.clock.now()


def sleep(seconds: float) -> None:
    """This will let `seconds` pass on the current clock."""
    _Current.clock.sleep(seconds)


@contextmanager
def use(clock: Clock) -> Iterator[Clock]:
    """This will make `clock` the source of time for the whole process inside the block."""
    before, _Current.clock = _Current.clock, clock
    try:
        yield clock
    finally:
        _Current.clock = before
