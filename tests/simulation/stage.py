"""The stage: actors are threads of which one runs at a time, from one yield point to the next.

# Note [The baton]
An actor gives the baton back where a transaction begins or was committed and around provider calls, never inside a
transaction, so no paused actor ever holds a row that another waits for. Who goes on, and what befalls them there, is
the script's choice, and how many such points it may run past before it pauses; therefore the same script gives the
same history.

# Note [Killed]
A kill is a BaseException at a point: nothing of ours may catch it. On its way out Django rolls back what is open, as
the server does for a dead process. A session with nothing open in it is kept, since the next process' could not be
told from it and a new one has to plan everything anew; any other is thrown away unrolled.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection
from psycopg import errors
from psycopg.pq import TransactionStatus

from core.db import in_transaction
from tests import databases
from tests.simulation import tables

Act = Callable[[], None]

# What may befall an actor at a point, and how often each.
INJURIES = {
    "kill": 5, "kill_in_commit": 4, "serialization_failure": 6, "deadlock": 6, "lost_before_commit": 8,
    "lost_after_commit": 8,
}  # fmt: skip
_REFUSALS = {"serialization_failure": errors.SerializationFailure, "deadlock": errors.DeadlockDetected}


# Who runs past so many points tells a story and pauses nowhere in it but between its scenes.
LONG = 1000
# Far more than any step takes: an actor that says nothing for so long waits for what will never come.
STUCK_SECONDS = 60.0


class StuckError(AssertionError):
    """Our bug: an actor waits for a lock that another one holds while it is paused, or its thread is gone."""


class Killed(BaseException):
    """The process died at this point."""


@dataclass
class Slot:
    """One actor's place: what it does, where it stands, what will befall it."""

    number: int
    act: Act | None = None
    name: str = ""
    point: str = ""
    injury: str = ""
    passes: int = 0
    crash: BaseException | None = None
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def is_busy(self) -> bool:
        """Whether somebody is in the middle of something here."""
        return self.act is not None


class Stage:
    """Slots with a thread each. Everything but `reach` is called by the director, whose thread has no slot."""

    def __init__(
        self, *, slots: int, on_lost_commit: Callable[[], None], always_pause: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Start the threads; `on_lost_commit` is told when a commit's answer is lost, so that no wake-up leaves.

        Nobody runs past a point of which `always_pause` says so.
        """
        self.slots = [Slot(number) for number in range(slots)]
        self.points: Counter[str] = Counter()
        self.injuries: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.statements = 0
        self.writes = 0
        self.changed: set[str] = set()
        self.calls = 0
        # What befell somebody last, and where.
        self.hurt = ""
        self._doomed: set[str] = set()
        self._always_pause = always_pause
        self._on_lost_commit = on_lost_commit
        self._back = threading.Semaphore(0)
        self._mine = threading.local()
        self._is_over = False
        self._threads = [
            threading.Thread(target=self._live, args=[slot], name=f"actor {slot.number}", daemon=True)
            for slot in self.slots
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """This will end the threads; whoever is in the middle of something is killed there."""
        self._is_over = True
        for slot, thread in zip(self.slots, self._threads, strict=True):
            slot.go.release()
            thread.join(timeout=STUCK_SECONDS)
            assert not thread.is_alive(), f"{slot.name} does not end at {slot.point}"

    def begin(self, number: int, *, name: str, act: Act, passes: int = 0) -> Slot:
        """This will let an actor begin in a free slot and run to a yield point, `passes` others passed, or its end."""
        slot = self.slots[number]
        assert not slot.is_busy
        slot.act, slot.name, slot.injury, slot.passes = act, name, "", passes
        return self._run(slot)

    def go_on(self, number: int, *, injury: str = "", passes: int = 0) -> Slot:
        """This will let a paused actor run on in the same way; the injury meets it where it stands or on the way."""
        slot = self.slots[number]
        assert slot.is_busy
        slot.injury, slot.passes = injury, passes
        return self._run(slot)

    def doom(self, point: str) -> None:
        """This will kill whoever gets to a point next, paused or not."""
        self._doomed.add(point)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """This will count the statements of this thread inside the block as actors' statements are counted."""
        with connection.execute_wrapper(self._count):
            yield

    def reach(self, point: str) -> None:
        """This will be called at every named point of our code; the director's own thread passes freely."""
        self.calls += point.endswith(":before")
        slot: Slot | None = getattr(self._mine, "slot", None)
        if slot is None:
            return
        if self._is_over:
            raise Killed(point)
        self.points[point] += 1
        slot.point = point
        if point in self._doomed:
            self._doomed.remove(point)
            slot.injury = "kill_in_commit" if in_transaction() else "kill"
            self._note(slot, point)
            raise Killed(point)
        if in_transaction():
            self._hurt_inside(slot, point)
            return
        if slot.injury == "lost_after_commit" and point.endswith(":committed"):
            self._note(slot, point)
            self._on_lost_commit()
            _drop_connection()
            raise OperationalError("server closed the connection unexpectedly")
        if slot.passes and (slot.passes > LONG or not self._always_pause(point)):
            slot.passes -= 1
            return
        self._pause(slot)
        if slot.injury == "kill":
            self._note(slot, point)
            raise Killed(point)

    def turn_page(self) -> None:
        """This will pause whoever tells a story between two scenes of it; nobody else pauses here."""
        slot: Slot | None = getattr(self._mine, "slot", None)
        if slot is not None and slot.passes > LONG:
            assert not in_transaction()
            slot.point = "page"
            self._pause(slot)

    def _pause(self, slot: Slot) -> None:
        self._back.release()
        slot.go.acquire()
        if self._is_over:
            raise Killed(slot.point)

    def _hurt_inside(self, slot: Slot, point: str) -> None:
        if not point.endswith(":commit"):
            return
        match slot.injury:
            case "kill_in_commit":
                self._note(slot, point)
                raise Killed(point)
            case "serialization_failure" | "deadlock":
                refusal = _REFUSALS[slot.injury]
                self._note(slot, point)
                raise OperationalError(point) from refusal(point)
            case "lost_before_commit":
                self._note(slot, point)
                _drop_connection()
                raise OperationalError("server closed the connection unexpectedly")

    def _count(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self.statements += 1
        self.writes += not tables.only_reads(sql)
        self.changed |= tables.written_by(sql)
        return execute(sql, params, many, context)

    def _note(self, slot: Slot, point: str) -> None:
        self.injuries[slot.injury] += 1
        if slot.injury.startswith("kill"):
            self.kills[point] += 1
        self.hurt = f"{slot.injury} at {point}"
        slot.injury = ""

    def _run(self, slot: Slot) -> Slot:
        slot.crash = None
        slot.go.release()
        if not self._back.acquire(timeout=STUCK_SECONDS):
            raise StuckError(f"{slot.name} neither paused nor ended after {slot.point}")
        return slot

    def _live(self, slot: Slot) -> None:
        self._mine.slot = slot
        slot.go.acquire()
        while not self._is_over:
            try:
                self._perform(slot)
            except BaseException as crash:  # noqa: BLE001 - the director judges it
                slot.crash = crash
            slot.act = None
            self._back.release()
            if not self._is_over:
                slot.go.acquire()
        connection.close()

    def _perform(self, slot: Slot) -> None:
        assert slot.act is not None
        try:
            with self.counting():
                slot.act()
        except Killed:
            _end_session()
        finally:
            _keep_what_works()


def _keep_what_works() -> None:
    """What a server does after a request: the next one gets a connection that works, or a new one."""
    raw: Any = connection.connection
    if raw is not None and (raw.closed or connection.errors_occurred or connection.in_atomic_block):
        connection.close()


def _end_session() -> None:
    """What is left of a killed process' session; see Note [Killed]."""
    raw: Any = connection.connection
    if raw is not None and (connection.in_atomic_block or raw.info.transaction_status != TransactionStatus.IDLE):
        _drop_connection()


def _drop_connection() -> None:
    """End this thread's session as a dead process does: the server rolls back, nobody says good-bye.

    Until it has, whoever skips what is locked would skip it or not as chance will have it, and a seed would not repeat.
    """
    raw: Any = connection.connection
    if raw is not None and not raw.closed:
        pid, is_here = raw.info.backend_pid, raw.info.host.startswith("/")
        raw.close()
        if is_here:
            databases.wait_for_end_of(pid)
