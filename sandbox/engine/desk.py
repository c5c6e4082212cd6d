"""What every rule of the engine works with: store, clock, ids, timers, and who hears of facts."""

import random
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.account import load_account
from sandbox.clock import Clock
from sandbox.records import Intent, Record
from sandbox.store import Store

ALPHABET = string.ascii_letters + string.digits
NEVER = float("inf")


@dataclass(frozen=True)
class Fact:
    """Something that happened, told inside the transaction in which it happened. A payout has no intent."""

    kind: str
    subject: Record
    intent: Intent | None


Listener = Callable[[Fact], None]


class Desk:
    """The engine's shared tools. `seed` makes ids repeatable, for simulations."""

    def __init__(self, store: Store, clock: Clock, *, seed: int | None = None) -> None:
        self.store = store
        self.clock = clock
        self.account = load_account(store)
        self._random = random.Random(seed) if seed is not None else secrets.SystemRandom()  # noqa: S311
        self._listeners: list[Listener] = []
        self.next_timer_at = self._earliest_timer()

    def now(self) -> int:
        """This will return the engine's time in whole seconds, as wire formats show it."""
        return int(self.clock.now())

    def new_id(self, prefix: str, *, length: int = 24) -> str:
        """This will return an id that nobody has used."""
        return f"{prefix}_{''.join(self._random.choices(ALPHABET, k=length))}"

    def subscribe(self, listener: Listener) -> None:
        """This will let a dialect hear every fact from now on."""
        self._listeners.append(listener)

    def publish(self, kind: str, *, subject: Record, intent: Intent | None) -> None:
        """This will tell every listener, inside the caller's transaction."""
        for listener in self._listeners:
            listener(Fact(kind, subject, intent))

    def schedule(self, kind: str, *, subject_id: str, seconds: float) -> None:
        """This will make the engine act on its own after `seconds` of its clock."""
        due_at = self.clock.now() + seconds
        self.store.execute(
            "INSERT INTO timers (due_at, kind, subject_id) VALUES (?, ?, ?)",
            (due_at, kind, subject_id),
        )
        self.next_timer_at = min(self.next_timer_at, due_at)

    def take_due_timer(self, now: float) -> tuple[str, str] | None:
        """This will remove and return the earliest due timer as (kind, subject id)."""
        found = self.store.rows(
            "SELECT seq, kind, subject_id FROM timers WHERE due_at <= ? ORDER BY due_at, seq LIMIT 1",
            (now,),
        )
        if not found:
            self.next_timer_at = self._earliest_timer()
            return None
        seq, kind, subject_id = found[0]
        self.store.execute("DELETE FROM timers WHERE seq = ?", (seq,))
        return kind, subject_id

    def forget_timers(self) -> None:
        """This will bring the remembered next due time in line with the store."""
        self.next_timer_at = self._earliest_timer()

    def _earliest_timer(self) -> float:
        earliest = self.store.rows("SELECT MIN(due_at) FROM timers")[0][0]
        return NEVER if earliest is None else float(earliest)
