"""Sweeps: what nobody heard of is asked for, what is over is ended, what cannot be repaired becomes a case.

Every sweep reads a table that is its own queue, works row by row in transactions of its own and can be killed anywhere.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from catalog.services import release_capped
from core import idempotency, policies
from core.cause import Cause, system
from core.db import outside_transaction, transaction
from core.models import Heartbeat
from core.money import Money
from orders import services as orders
from orders.models import Order, OrderState
from orders.models.money import BEFORE_PAYMENT
from orders.selectors import lock_order
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from payments import services as payments
from payments.selectors import lock_attempts, lock_operations
from reconciliation.selectors import (
    attempts_to_ask_about,
    cancelled_with_rest,
    due_for_expiry,
    due_operations,
    is_worked_on_since,
    open_cancellations,
    owing_customers,
    worked_on_since,
)

log = structlog.get_logger()

BATCH = 100
# The customer or the provider is still at it, so the units are kept a little longer, within the cap.
UNDER_WAY = {"created", "requires_action", "processing"}


@outside_transaction
def sweep_operations(*, now: Callable[[], datetime]) -> int:
    """This will climb one rung for every operation whose next look is due. Returns how many."""
    with transaction("reconciliation.due_operations"):
        due = due_operations(now=now(), limit=BATCH)
    return each_of(due, lambda operation_id: payments.recover(operation_id, cause=system("sweep", now=now())))


@outside_transaction
def sweep_expired_orders(*, now: Callable[[], datetime]) -> int:
    """This will look at every order whose time is over: ask the provider first, extend once, close, expire. One whose
    payment is being closed waits for that; one about which nobody can tell while a provider is away stands before none.

    Also gives back the units of reservations at their cap. Returns how many orders were looked at.
    """
    for order_id in release_capped(now=now(), limit=BATCH):
        with orders.order_transaction("reconciliation.stock_returned"):
            orders.note_stock_returned(lock_order(order_id), cause=system("sweep", now=now()))
    due = due_for_expiry(now=now(), limit=BATCH)
    return each_of(due, lambda order_id: expire_order(order_id, cause=system("sweep", now=now())))


@outside_transaction
def expire_order(order_id: str, *, cause: Cause) -> None:
    """This will end one order whose time is over, unless the provider says it is paid or somebody is still paying."""
    _ask_about(order_id, cause=cause)
    with orders.order_transaction("reconciliation.expire"):
        order = lock_order(order_id)
        if OrderState(order.state) not in BEFORE_PAYMENT or order.expires_at is None or order.expires_at > cause.now:
            return
        attempts, operations = lock_attempts(order), lock_operations(order)
        is_under_way = any(row.is_current and row.status in UNDER_WAY for row in attempts)
        if is_under_way and orders.extend_reservation(order, cause=cause):
            return
        payments.close_expired(order, attempts, operations, cause=cause)


@outside_transaction
def sweep_cancellations(*, now: Callable[[], datetime]) -> int:
    """This will carry on every cancellation that was asked for, of paid orders too. Returns how many."""
    due = open_cancellations(now=now(), limit=BATCH)
    count = each_of(due, lambda order_id: settle(order_id, cause=system("sweep", now=now())))
    with_rest = cancelled_with_rest(limit=BATCH)
    return count + each_of(with_rest, lambda order_id: _return_rest(order_id, cause=system("sweep", now=now())))


@outside_transaction
def _return_rest(order_id: str, *, cause: Cause) -> None:
    with orders.order_transaction("reconciliation.return_rest"):
        payments.return_rest(order_id, cause=cause)


@outside_transaction
def sweep_owed_money(*, now: Callable[[], datetime]) -> int:
    """This will make sure that money nobody is owed is on its way back. Returns how many orders were looked at."""
    due = owing_customers(limit=BATCH)
    return each_of(due, lambda order_id: settle(order_id, cause=system("sweep", now=now()), is_asking=False))


@outside_transaction
def settle(order_id: str, *, cause: Cause, is_asking: bool = True) -> None:
    """This will ask the provider about an order's open attempts and arrange what follows from the facts."""
    if is_asking:
        _ask_about(order_id, cause=cause)
    with orders.order_transaction("reconciliation.settle"):
        order = lock_order(order_id)
        payments.settle_order(order, lock_attempts(order), lock_operations(order), cause=cause)


@outside_transaction
def sweep_pending_too_long(*, now: Callable[[], datetime]) -> int:
    """This will ask about payments the provider has worked on for too long and open a case for each that stays so.

    Returns how many were asked about.
    """
    before = now() - timedelta(seconds=policies.current("payment")["stuck_after_seconds"])
    stuck = worked_on_since(before=before, limit=BATCH)
    return each_of(stuck, lambda order_id: _tell_if_stuck(order_id, before=before, cause=system("sweep", now=now())))


@outside_transaction
def _tell_if_stuck(order_id: str, *, before: datetime, cause: Cause) -> None:
    _ask_about(order_id, cause=cause)
    with orders.order_transaction("reconciliation.pending_too_long"):
        order = lock_order(order_id)
        if is_worked_on_since(order, before=before):
            _report_stuck(order, cause=cause)


def _report_stuck(order: Order, *, cause: Cause) -> None:
    open_case(
        Report(
            type=CaseType.PAYMENT_PENDING_TOO_LONG,
            subject_id=order.public_id,
            severity=Case.Severity.NORMAL,
            summary="The provider has worked on this payment for too long without a result. It is asked further.",
            money=Money(order.due_minor, order.currency),
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )


def _ask_about(order_id: str, *, cause: Cause) -> None:
    """Ask the provider about every attempt that could still capture; no answer changes nothing."""
    for attempt in attempts_to_ask_about(order_id):
        payments.ask_provider(attempt, cause=cause)


@outside_transaction
def reap_keys(*, now: datetime) -> int:
    """This will delete idempotency keys past their time. Returns how many."""
    with transaction("reconciliation.reap_keys"):
        return idempotency.reap(now=now)


def beat(queue: str, *, now: datetime) -> None:
    """This will note that a worker of `queue` completed a task just now."""
    Heartbeat.objects.update_or_create(queue=queue, defaults={"completed_at": now})


def each_of(subject_ids: Sequence[str], work: Callable[[str], None]) -> int:
    """This will work on each; one that crashes is logged and does not keep the others waiting. Its row stays due."""
    for subject_id in subject_ids:
        try:
            work(subject_id)
        except Exception:
            log.exception("sweep_row_failed", subject_id=subject_id)
    return len(subject_ids)
