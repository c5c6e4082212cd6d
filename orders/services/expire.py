"""Time running out: extensions up to the cap, and the end when nothing can capture any more."""

from catalog import services as catalog
from core.cause import Cause
from core.db import transaction_required
from orders.models import Order, OrderState, Reason
from orders.services.cancel import cancel
from orders.services.change import Because, move, record_fact
from orders.services.pay import undo_sale


@transaction_required
def extend_reservation(order: Order, *, cause: Cause) -> bool:
    """This will keep the units of the locked `order` longer because a payment is under way; once, and within the cap.

    Returns whether anything was extended.
    """
    try:
        reservation = catalog.extend(owner_id=order.public_id, now=cause.now)
    except catalog.ReservationOver:
        return False
    if order.expires_at is None or reservation.expires_at <= order.expires_at:
        return False
    order.expires_at = reservation.expires_at
    record_fact(order, Because(reason=Reason.RESERVATION_EXTENDED, cause=cause), also=["expires_at"])
    return True


@transaction_required
def keeps_units(order: Order) -> bool:
    """This will tell whether the units of the locked `order` are still kept for it."""
    return order.state != OrderState.EXPIRED and catalog.is_reserved(owner_id=order.public_id)


@transaction_required
def keep_units_again(order: Order, *, cause: Cause) -> Order:
    """This will keep the units of the locked `order` once more, with a time and a cap that begin anew.

    An expired order waits for its payment again: the caller has opened an attempt. Raises: InsufficientStock.
    """
    reservation = catalog.reserve_again(owner_id=order.public_id, channel_id=order.channel_id, now=cause.now)
    order.expires_at = reservation.expires_at
    because = Because(reason=Reason.STOCK_RESERVED_AGAIN, cause=cause)
    if order.state == OrderState.EXPIRED:
        return move(order, order.payment_started, because, also=["expires_at"])
    return record_fact(order, because, also=["expires_at"])


@transaction_required
def expire(order: Order, because: Because) -> Order:
    """This will end the locked `order`'s time: the caller has made sure that nothing can capture any more.

    A draft, which no provider ever acknowledged, is cancelled instead. Raises: TransitionRefused.
    """
    if order.state == OrderState.DRAFT:
        return cancel(order, because)
    order.expires_at = None
    move(order, order.expired, because, also=["expires_at"])
    undo_sale(order, cause=because.cause)
    catalog.give_back_uses(owner_id=order.public_id, now=because.cause.now)
    catalog.expire(owner_id=order.public_id, now=because.cause.now)
    return order


@transaction_required
def note_stock_returned(order: Order, *, cause: Cause) -> Order:
    """This will note that the units of the locked `order` went back at the cap though a payment is still undecided."""
    return record_fact(order, Because(reason=Reason.STOCK_RETURNED, cause=cause))
