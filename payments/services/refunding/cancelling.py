"""The end of an order that is paid and not yet on its way: what was taken goes back, and the order is cancelled."""

from core.cause import Cause
from core.db import transaction_required
from orders import services as orders
from orders.models import Order, Reason
from orders.refunding import NothingLeft, WantedEverything
from orders.selectors import lock_order, open_holds
from orders.services.change import Because
from oversight.models import ReasonCode
from payments.models import OPEN_DISPUTES
from payments.selectors import disputes_of, lock_attempts, lock_operations, newest_refund_id
from payments.services.columns import may_take_money
from payments.services.refunding.claims import close_claims
from payments.services.refunding.request import request_refund
from payments.services.refunding.terms import RefundWish


@transaction_required
def cancel_paid(order_id: str, *, reason: str, cause: Cause) -> Order:
    """This will open the cancellation of a paid order and send everything that is left of it back; a second request
    changes nothing. The order is cancelled once the money has arrived, and its units can be sold again then.

    Locks the order. Raises: NoSuchOrder, CannotCancel once goods were asked to leave the house, RefundLocked,
    NotRefundable.
    """
    order = lock_order(order_id)
    if order.cancel_requested_at is not None:
        return order
    orders.request_cancel(order, reason=reason, cause=cause)
    close_claims(order, note="Your order was cancelled: everything goes back to you.", cause=cause)
    return _return_all(order, cause=cause)


@transaction_required
def return_rest(order_id: str, *, cause: Cause) -> Order:
    """This will send back what is still here of a paid order whose cancellation is open: a refund that waited for a
    second person was not agreed to, or a bank gave money back to us. A held order is left to people, and a disputed one
    to its bank.

    Locks the order; any other order stays as it is. Raises: NoSuchOrder.
    """
    order = lock_order(order_id)
    is_ending = order.cancel_requested_at is not None and orders.is_at_home(order)
    if not is_ending or open_holds(order) or any(row.status in OPEN_DISPUTES for row in disputes_of(order)):
        return order
    return _return_all(order, cause=cause)


def _return_all(order: Order, *, cause: Cause) -> Order:
    """Everything that is left; where nothing is, because all of it is on its way or nothing was taken, facts decide."""
    wish = RefundWish(
        order_id=order.public_id,
        wanted=WantedEverything(),
        reason_code=ReasonCode.CANCELLATION,
        last_known_refund_id=newest_refund_id(order),
        note=order.cancel_reason,
    )
    if order.accepted_minor:
        try:
            request_refund(wish, cause=cause)
            return lock_order(order.public_id)
        except NothingLeft:
            pass
    may_end = not may_take_money(lock_attempts(order), lock_operations(order))
    because = Because(Reason.CUSTOMER_CANCELLED, cause, facts={"reason": order.cancel_reason})
    return orders.carry_on(order, because, may_end=may_end)
