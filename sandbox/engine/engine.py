"""The engine as the edges see it: time, deliveries and the plan of faults in one place."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sandbox.account import DEFAULT, SETTING, Account, change_account, save_account
from sandbox.cards import CARDS, GENERIC_DECLINE
from sandbox.clock import Clock
from sandbox.engine.captures import end_hold, expire_hold, reverse_capture
from sandbox.engine.charges import get_charge
from sandbox.engine.deliveries import Deliveries, OutgoingDelivery
from sandbox.engine.desk import Desk
from sandbox.engine.disputes import DisputeRequest, decide_dispute, open_dispute, pass_due_time
from sandbox.engine.intents import finish_processing
from sandbox.engine.payouts import finish_payout, pay_out_daily, start_schedule
from sandbox.engine.refunds import fail_refund, settle_refund
from sandbox.engine.warnings import open_warning
from sandbox.errors import MoveRefusedError
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
        """This will forget all payments, events, keys, faults and what was settled about the account."""
        self.store.clear()
        self.store.forget_setting(SETTING)
        self.desk.account = DEFAULT
        self.desk.forget_timers()
        self.faults.reload()
        self.webhook_faults.reload()

    def configure(self, changes: Mapping[str, Any]) -> Account:
        """This will change settings of the account and keep them. Raises `AccountRefusedError`."""
        with self.store.transaction():
            account = change_account(self.desk.account, changes)
            is_schedule_new = account.payout_schedule != self.desk.account.payout_schedule
            save_account(self.store, account)
            self.desk.account = account
            if is_schedule_new:
                start_schedule(self.desk)
        return account

    def _act(self, *, kind: str, subject_id: str) -> None:
        act = TIMERS.get(kind)
        if act:
            act(self.desk, subject_id)


def _follow(desk: Desk, charge_id: str) -> None:
    """What the test card does to money that was taken; nothing where it is gone already."""
    aftermath = CARDS[get_charge(desk, charge_id).card].aftermath
    with suppress(MoveRefusedError), desk.store.savepoint():
        match aftermath:
            case "reversal":
                reverse_capture(desk, charge_id=charge_id)
            case "fraud_warning":
                open_warning(desk, charge_id=charge_id, fraud_type="unauthorized_use_of_card")
            case "inquiry":
                open_dispute(desk, request=DisputeRequest(charge_id, stage="warning_needs_response"))
            case "dispute":
                open_dispute(desk, request=DisputeRequest(charge_id))
            case "dispute_not_received":
                open_dispute(desk, request=DisputeRequest(charge_id, reason="product_not_received"))


TIMERS: dict[str, Callable[[Desk, str], object]] = {
    "finish": lambda desk, subject: finish_processing(desk, intent_id=subject, decline=None),
    "fail": lambda desk, subject: finish_processing(desk, intent_id=subject, decline=GENERIC_DECLINE),
    "expire": lambda desk, subject: expire_hold(desk, intent_id=subject),
    "end_hold": lambda desk, subject: end_hold(desk, intent_id=subject),
    "settle_refund": lambda desk, subject: settle_refund(desk, refund_id=subject),
    "fail_refund": lambda desk, subject: fail_refund(desk, refund_id=subject),
    "aftermath": _follow,
    "dispute_due": lambda desk, subject: pass_due_time(desk, dispute_id=subject),
    "win_dispute": lambda desk, subject: decide_dispute(desk, dispute_id=subject, status="won"),
    "lose_dispute": lambda desk, subject: decide_dispute(desk, dispute_id=subject, status="lost"),
    "pay_out": lambda desk, subject: finish_payout(desk, payout_id=subject, status="paid"),
    "fail_payout": lambda desk, subject: finish_payout(desk, payout_id=subject, status="failed"),
    "daily_payout": lambda desk, _: pay_out_daily(desk),
}
