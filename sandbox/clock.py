"""Where the sandbox takes its time from. Rules never read the machine's clock themselves."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the engine needs of a clock. All values are seconds since 1970, UTC."""

    def now(self) -> float:
        """This will return the engine's time, which decides what is due and what has expired."""

    def signing_time(self) -> float:
        """This will return the time a receiver's own clock shows, for signature time stamps."""

    def sleep(self, seconds: float) -> None:
        """This will let `seconds` of engine time pass."""


class AdjustableClock(Clock, Protocol):
    """A clock that a test may move forward."""

    def advance(self, seconds: float) -> None:
        """This will move the engine's time forward by `seconds`."""


class WallClock:
    """The machine's clock."""

    def now(self) -> float:
        """This will return the machine's time."""
        return time.time()

    def signing_time(self) -> float:
        """This will return the machine's time."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """This will block the calling thread."""
        time.sleep(seconds)


class OffsetClock:
    """The machine's clock plus an offset: time runs, and can be pushed forward by days."""

    def __init__(self, offset_seconds: float = 0.0) -> None:
        self.offset_seconds = offset_seconds

    def now(self) -> float:
        """This will return the machine's time plus the offset."""
        return time.time() + self.offset_seconds

    def signing_time(self) -> float:
        """This will return the machine's time, since the receiver knows nothing of the offset."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """This will block the calling thread."""
        time.sleep(seconds)

    def advance(self, seconds: float) -> None:
        """This will add to the offset."""
        self.offset_seconds += seconds


class VirtualClock:
    """A clock that stands still until it is moved: one seed then gives one history."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        """This will return the time the clock was last moved to."""
        return self._now

    def signing_time(self) -> float:
        """This will return the same time: a receiver in the same process shares this clock."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """This will move the clock instead of waiting."""
        self._now += seconds

    def advance(self, seconds: float) -> None:
        """This will move the clock forward."""
        self._now += seconds
