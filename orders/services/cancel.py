"""Cancelling is a request first: while anything could still capture, or money is on its way back, the order only knows
that it is wanted.
"""

from catalog import services as catalog
from core.cause import Cause
from core.db import transaction_required
from core.errors import DomainError
from orders.models import Order, OrderState, Reason
from orders.models.money import BEFORE_PAYMENT, CANCELLED_STATES
from orders.services.change import Because, move, record_fact
from orders.services.pay import undo_sale


class CannotCancel(DomainError):
    """Goods are on their way or with the customer, or everything went back: there is nothing left to cancel."""

    code = "cannot_cancel"
    title = "This order can no longer be cancelled here."


@transaction_required
def request_cancel(order: Order, *, reason: str, cause: Cause) -> Order:
    """This will open a cancellation on the locked `order`; a second request changes nothing.

    Raises: CannotCancel once anything was asked to leave the house, or everything went back.
    """
    if order.cancel_requested_at or OrderState(order.state) in CANCELLED_STATES:
        return order
    if not may_be_cancelled(order):
        raise CannotCancel(order_id=order.public_id, state=order.state)
    order.cancel_requested_at = cause.now
    order.cancel_requested_by = cause.actor
    order.cancel_reason = reason
    asked = Because(reason=Reason.CANCEL_REQUESTED, cause=cause, facts={"reason": reason})
    return record_fact(order, asked, also=["cancel_requested_at", "cancel_requested_by", "cancel_reason"])


def may_be_cancelled(order: Order) -> bool:
    """This will tell whether a cancellation can be opened: not paid, or paid while nothing was asked to leave the house
    and not everything went back. One that the bank took money back from is decided by people.
    """
    return OrderState(order.state) in BEFORE_PAYMENT or is_at_home(order)


def is_at_home(order: Order) -> bool:
    """This will tell whether a paid order's goods are all still here, and some of its money as well."""
    is_paid = order.state in {OrderState.PAID, OrderState.PARTIALLY_REFUNDED}
    return is_paid and not order.is_fulfillment_requested and not order.is_capture_reversed


@transaction_required
def cancel(order: Order, because: Because) -> Order:
    """This will end the locked `order` and give its coupons and stock back. The caller has made sure that nothing can
    capture any more.

    Raises: TransitionRefused when captured money is still owed.
    """
    order.expires_at = None
    move(order, order.cancelled, because, also=["expires_at"])
    undo_sale(order, cause=because.cause)
    _let_go(order, because)
    return order


@transaction_required
def confirm_cancellation_refund(order: Order, because: Because) -> Order:
    """This will note that everything taken for the locked, ended `order` was given back in full.

    Raises: TransitionRefused while money is still owed to the customer.
    """
    order.expires_at = None
    move(order, order.cancellation_refunded, because, also=["expires_at"])
    undo_sale(order, cause=because.cause)
    _let_go(order, because)
    return order


def _let_go(order: Order, because: Because) -> None:
    # Stock rows are the last lock of all.
    catalog.give_back_uses(owner_id=order.public_id, now=because.cause.now)
    catalog.release(owner_id=order.public_id, now=because.cause.now)
