"""The end of an order: every window is over and nothing is open."""

from core.cause import Cause
from core.db import transaction_required
from orders.models import Order, OrderState, Reason
from orders.selectors import CLOSING_STATES
from orders.services.change import Because, move
from orders.services.standing import units_of


@transaction_required
def close(order: Order, *, cause: Cause) -> Order:
    """This will close the locked `order`, whose windows are over: the caller has made sure that nothing is open.

    One that gave a part back closes once every unit is delivered or given back; until then it stays, as does one that
    somebody closed meanwhile.
    """
    is_waiting = order.state == OrderState.PARTIALLY_REFUNDED and units_of(order).missing
    if order.state not in CLOSING_STATES or is_waiting:
        return order
    return move(order, order.closed, Because(Reason.WINDOWS_OVER, cause))
