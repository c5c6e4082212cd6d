"""A capture that the provider took back after it had succeeded, and one that it gave again."""

from dataclasses import asdict
from datetime import timedelta

from catalog import services as catalog
from core import policies
from core.cause import Cause
from core.db import transaction_required
from core.money import Money
from orders.models import HoldReason, Order, OrderState
from orders.models.money import MONEY_COLUMNS
from orders.services.change import Because, move, record_fact
from orders.services.holds import open_hold, release_hold
from orders.services.money import MoneyColumns
from orders.services.standing import units_of
from oversight.models import Case, CaseType
from oversight.services import Report, open_case, resolve_open


@transaction_required
def reverse_capture(order: Order, columns: MoneyColumns, because: Because) -> Order:
    """This will set the money of the locked, paid `order` after its provider took a capture back.

    Before anything left the house, and with nothing given back, its funds are missing again: capture_failed, the units
    held anew. After that no state tells it: hold and case, and a person sees to the money. Columns and state are saved
    together, because no paid order may have less than is due without that case.
    """
    for name, value in asdict(columns).items():
        setattr(order, name, value)
    is_untouched = order.returned_minor == 0 and not units_of(order).fulfilled
    if order.state in {OrderState.PAID, OrderState.FULFILLMENT_PENDING} and is_untouched:
        order.is_fulfillment_requested = False
        hold_seconds = policies.current("reservation")["hold_seconds"]
        order.expires_at = because.cause.now + timedelta(seconds=hold_seconds)
        move(order, order.capture_reversed, because, also=["expires_at", "is_fulfillment_requested"])
        _hold_units(order, cause=because.cause)
        return order
    order.is_capture_reversed = True
    record_fact(order, because, also=[*MONEY_COLUMNS, "is_capture_reversed"])
    detail = "The provider took the money back after goods or money had left."
    open_hold(order, reason=HoldReason.PAYMENT_REVERSED, detail=detail, cause=because.cause)
    open_case(
        Report(
            type=CaseType.CAPTURE_REVERSED,
            subject_id=order.public_id,
            severity=Case.Severity.HIGH,
            summary="The provider took the money of a sale back after goods or money had left.",
            money=Money(order.due_minor - order.accepted_minor, order.currency),
            order_public_id=order.public_id,
        ),
        now=because.cause.now,
    )
    return order


@transaction_required
def note_reinstated(order: Order, *, cause: Cause) -> None:
    """This will close hold and case of a capture that was taken back and given again, once what is due is there."""
    if not order.is_capture_reversed or order.accepted_minor != order.due_minor:
        return
    order.is_capture_reversed = False
    order.save(update_fields=["is_capture_reversed"])
    release_hold(order, reason=HoldReason.PAYMENT_REVERSED, cause=cause)
    resolve_open(
        type=CaseType.CAPTURE_REVERSED, subject_id=order.public_id, resolution="The money is back.", cause=cause
    )


def _hold_units(order: Order, *, cause: Cause) -> None:
    try:
        catalog.uncommit(owner_id=order.public_id, now=cause.now)
    except catalog.ReservationOver:
        return  # It never got its units: a stock_review said so.
