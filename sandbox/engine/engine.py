"""The engine as the edges see it: time, deliveries and the plan of faults in one place."""

from sandbox.cards import GENERIC_DECLINE
from sandbox.clock import Clock
from sandbox.engine.deliveries import Deliveries, OutgoingDelivery
from sandbox.engine.desk import Desk
from sandbox.engine.intents import expire_hold, finish_processing
from sandbox.engine.refunds import fail_refund, settle_refund
from sandbox.faults import FaultPlan
from sandbox.store import Store


class Engine:
    """One payment provider. Safe to use from several threads."""

    def __init__(self, store: Store, clock: Clock, *, seed: int | None = None) -> None:
        self.store = store
        self.clock = clock
        self.desk = Desk(store, clock, seed=seed)
        self.faults = FaultPlan(store, scope="call")
        self.webhook_faults = FaultPlan(store, scope="webhook")
        self.deliveries = Deliveries(self.desk, faults=self.webhook_faults)

    def tick(self) -> int:
        """This will do everything that has become due by the engine's clock; returns how much.

        Opens one transaction for each timer, so that a late success is seen at its own time.
        """
        done = 0
        while self.clock.now() >= self.desk.next_timer_at:
            with self.store.transaction():
                timer = self.desk.take_due_timer(self.clock.now())
                if timer is None:
                    break
                self._act(kind=timer[0], subject_id=timer[1])
            done += 1
        return done

    def due_deliveries(self, now: float, *, limit: int = 100) -> list[OutgoingDelivery]:
        """This will return signed deliveries due at `now`, in sending order; it changes nothing."""
        self.tick()
        return self.deliveries.due(now, limit=limit)

    def record_delivery(self, delivery_id: str, status: int | None) -> None:
        """This will remember the receiver's HTTP status; None means it could not be reached."""
        self.deliveries.record(delivery_id, status=status)

    def reset(self) -> None:
        """This will forget all payments, events, keys and faults."""
        self.store.clear()
        self.desk.forget_timers()
        self.faults.reload()
        self.webhook_faults.reload()

    def _act(self, *, kind: str, subject_id: str) -> None:
        match kind:
            case "finish":
                finish_processing(self.desk, intent_id=subject_id, decline=None)
            case "fail":
                finish_processing(self.desk, intent_id=subject_id, decline=GENERIC_DECLINE)
            case "expire":
                expire_hold(self.desk, intent_id=subject_id)
            case "settle_refund":
                settle_refund(self.desk, refund_id=subject_id)
            case "fail_refund":
                fail_refund(self.desk, refund_id=subject_id)
