"""Webhooks on their way: queued with the event, signed when sent, repeated until received."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from sandbox.engine.desk import Desk
from sandbox.errors import NotFoundError
from sandbox.faults import WEBHOOK_KINDS, FaultPlan
from sandbox.records import Delivery, Event

# Faster at first than any real provider, so that a restarted receiver need not wait for hours.
RETRY_SECONDS = (2.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 21_600.0, 43_200.0, 86_400.0)

Signer = Callable[[bytes], dict[str, str]]


class OutgoingDelivery(NamedTuple):
    """What is to be posted."""

    id: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Endpoint:
    """Where a dialect's events go and how they are signed."""

    url: str
    sign: Signer


class Deliveries:
    """The queue of outgoing webhooks."""

    def __init__(self, desk: Desk, *, faults: FaultPlan) -> None:
        self._desk = desk
        self._store = desk.store
        self._faults = faults
        self._endpoints: dict[str, Endpoint] = {}
        self._listener: Callable[[], None] | None = None

    def register(self, dialect: str, *, endpoint: Endpoint) -> None:
        """This will send the dialect's events to that endpoint from now on."""
        self._endpoints[dialect] = endpoint

    def on_enqueue(self, listener: Callable[[], None]) -> None:
        """This will call `listener` after something was queued, to wake a sender."""
        self._listener = listener

    def has_endpoint(self, dialect: str) -> bool:
        """This will tell whether anybody wants the dialect's events."""
        return dialect in self._endpoints

    def enqueue(self, event: Event) -> None:
        """This will queue the event in the caller's transaction, as the fault plan lets it."""
        if event.dialect not in self._endpoints:
            return
        held = self._store.select(Delivery, "WHERE is_held = 1 ORDER BY seq")
        rule = self._faults.take(event.kind, metadata={}, kinds=WEBHOOK_KINDS)
        kind = rule.kind if rule else None
        wait = rule.seconds if rule and kind in {"delay", "reorder"} else 0.0
        delivery = self._add(event, wait=wait, fault=kind)
        if kind == "drop":
            self._store.update(replace(delivery, state="delivered", last_status=200))
            self._mark_event(event.id)
        elif kind == "duplicate":
            self._add(event, wait=0.0, fault=kind)
        elif kind == "reorder":
            self._store.update(replace(delivery, is_held=True))
        for earlier in held:
            # Note [Reordered]: what was held back goes out right behind its successor.
            self._store.update(replace(earlier, is_held=False, due_at=self._desk.clock.now(), position=self._next()))
        if self._listener:
            self._listener()

    def redeliver(self, event_id: str) -> Delivery:
        """This will send a stored event once more, past the fault plan. Raises `NotFoundError`."""
        event = self._store.find(Event, event_id)
        if event is None or event.dialect not in self._endpoints:
            raise NotFoundError(kind="event", record_id=event_id)
        with self._store.transaction():
            delivery = self._add(event, wait=0.0, fault=None)
        if self._listener:
            self._listener()
        return delivery

    def due(self, now: float, *, limit: int) -> list[OutgoingDelivery]:
        """This will return what is due, signed now. A repeated delivery has a fresh signature."""
        found = self._store.rows(
            "SELECT d.id, d.url, d.dialect, e.body FROM deliveries d JOIN events e ON e.id ="
            " d.event_id WHERE d.state = 'pending' AND d.due_at <= ?"
            " ORDER BY d.due_at, d.position LIMIT ?",
            (now, limit),
        )
        outgoing = []
        for delivery_id, url, dialect, text in found:
            body = text.encode()
            if dialect in self._endpoints:
                headers = self._endpoints[dialect].sign(body)
                outgoing.append(OutgoingDelivery(delivery_id, url, headers, body))
        return outgoing

    def next_due_at(self) -> float | None:
        """This will return when the earliest pending delivery is due."""
        earliest = self._store.rows("SELECT MIN(due_at) FROM deliveries WHERE state = 'pending'")
        return None if earliest[0][0] is None else float(earliest[0][0])

    def record(self, delivery_id: str, *, status: int | None) -> None:
        """This will mark the delivery received, due again later, or given up."""
        with self._store.transaction():
            delivery = self._store.find(Delivery, delivery_id)
            if delivery is None or delivery.state != "pending":
                return
            attempts = delivery.attempts + 1
            state, due_at = "pending", delivery.due_at
            if status is not None and 200 <= status < 300:
                state = "delivered"
            elif attempts > len(RETRY_SECONDS):
                state = "failed"
            else:
                due_at = self._desk.clock.now() + RETRY_SECONDS[attempts - 1]
            self._store.update(replace(delivery, attempts=attempts, last_status=status, state=state, due_at=due_at))
            self._mark_event(delivery.event_id)

    def deliver_now(self) -> int:
        """This will make everything pending due at once, also what was delayed."""
        count = self._store.execute(
            "UPDATE deliveries SET due_at = ?, is_held = 0 WHERE state = 'pending'",
            (self._desk.clock.now(),),
        )
        if self._listener:
            self._listener()
        return count

    def _add(self, event: Event, *, wait: float, fault: str | None) -> Delivery:
        delivery = Delivery(
            id=self._desk.new_id("dlv"),
            event_id=event.id,
            dialect=event.dialect,
            url=self._endpoints[event.dialect].url,
            position=self._next(),
            due_at=self._desk.clock.now() + wait,
            fault=fault,
        )
        self._store.insert(delivery)
        return delivery

    def _next(self) -> int:
        self._store.execute(
            "INSERT INTO settings VALUES ('position', '1') ON CONFLICT (name)"
            " DO UPDATE SET value = CAST(value AS INTEGER) + 1"
        )
        return int(self._store.read_setting("position") or 0)

    def _mark_event(self, event_id: str) -> None:
        # Only "pending" and "failed" speak against the event: a dropped one counts as delivered.
        self._store.execute(
            "UPDATE events SET is_delivered = NOT EXISTS (SELECT 1 FROM deliveries"
            " WHERE event_id = events.id AND state <> 'delivered') WHERE id = ?",
            (event_id,),
        )
