"""Sweeps over money after and before it moved: holds that end, refunds nobody approved or that take too long, disputes
that nobody tells us of, orders whose windows are over.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from core import policies
from core.cause import Cause, system
from core.db import outside_transaction
from core.errors import DomainError
from core.money import Money
from orders import services as orders
from orders.selectors import lock_order, open_holds
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from payments import services as payments
from payments.models import Refund
from reconciliation.selectors import (
    authorizations_until,
    closable_orders,
    disputes_unheard_of,
    is_closable,
    refunds_pending_since,
    unapproved_refunds,
)
from reconciliation.services import BATCH, each_of

# Taken by itself so long before the bank lets go, unless somebody holds it.
CAPTURE_AHEAD = timedelta(hours=24)
# A bank decides in weeks, and the provider tells us: we ask in case that was lost.
SILENT_AFTER = timedelta(hours=24)


@outside_transaction
def sweep_authorizations(*, now: Callable[[], datetime]) -> int:
    """This will warn of held funds that are released within two days, and take those of the last one, unless an open
    hold says that the order has to wait. Returns how many were looked at.
    """
    warned = timedelta(hours=policies.current("payment")["authorization_warning_hours"])
    due = authorizations_until(deadline=now() + warned, limit=BATCH)

    def look(order_id: str) -> None:
        attempt = next(row for row in due if row.order.public_id == order_id)
        cause = system("sweep", now=now())
        with orders.order_transaction("reconciliation.authorization"):
            is_held = payments.warn_of_deadline(order_id, cause=cause)
            is_last_day = attempt.capture_before is not None and attempt.capture_before - cause.now <= CAPTURE_AHEAD
            if is_held and is_last_day and not open_holds(lock_order(order_id)):
                _capture(order_id, cause=cause)

    return each_of([attempt.order.public_id for attempt in due], look)


def _capture(order_id: str, *, cause: Cause) -> None:
    try:
        payments.request_capture(order_id, cause=cause)
    except DomainError:
        return  # It is over, cancelled, or taken meanwhile: the warning stands, and people see to it.


@outside_transaction
def sweep_refunds(*, now: Callable[[], datetime]) -> int:
    """This will give up refunds whose approval expired and tell people of slow ones. Returns how many it looked at."""

    def give_up(refund_id: str) -> None:
        with orders.order_transaction("reconciliation.unapproved_refund"):
            payments.cancel_unapproved(refund_id, cause=system("sweep", now=now()))

    days = policies.current("refunds")["pending_alert_days"]
    slow = refunds_pending_since(before=now() - timedelta(days=days), limit=BATCH)

    def tell(refund_id: str) -> None:
        refund = next(row for row in slow if row.public_id == refund_id)
        with orders.order_transaction("reconciliation.slow_refund"):
            _report_slow(refund, cause=system("sweep", now=now()))

    return each_of(unapproved_refunds(limit=BATCH), give_up) + each_of([row.public_id for row in slow], tell)


@outside_transaction
def sweep_disputes(*, now: Callable[[], datetime]) -> int:
    """This will ask the provider about open disputes of which nothing was heard for a day. Returns about how many."""
    silent = disputes_unheard_of(since=now() - SILENT_AFTER, limit=BATCH)
    attempts = {dispute.attempt.public_id: dispute.attempt for dispute in silent}

    def ask(attempt_id: str) -> None:
        payments.ask_provider(attempts[attempt_id], cause=system("sweep", now=now()))

    return each_of(list(attempts), ask)


@outside_transaction
def sweep_closing(*, now: Callable[[], datetime]) -> int:
    """This will close orders whose windows for refunds and disputes are over and about which nothing is open.

    Returns how many were looked at.
    """
    days = max(policies.current("refunds")["window_days"], policies.current("orders")["dispute_window_days"])
    before = now() - timedelta(days=days)

    def close(order_id: str) -> None:
        with orders.order_transaction("reconciliation.close"):
            order = lock_order(order_id)
            if is_closable(order, before=before):
                orders.close(order, cause=system("sweep", now=now()))

    return each_of(closable_orders(before=before, limit=BATCH), close)


def _report_slow(refund: Refund, *, cause: Cause) -> None:
    open_case(
        Report(
            type=CaseType.REFUND_PENDING_TOO_LONG,
            subject_id=refund.public_id,
            severity=Case.Severity.NORMAL,
            summary="A refund is under way for longer than refunds take. The provider is asked further.",
            money=Money(refund.amount_minor, refund.currency),
            order_public_id=refund.order.public_id,
        ),
        now=cause.now,
    )
