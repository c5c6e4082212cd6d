"""Carrying an order to where its returned money says it stands."""

from core.db import transaction_required
from orders.models import Order, OrderState
from orders.services.change import Because, move

REFUNDABLE = {
    OrderState.PAID,
    OrderState.FULFILLMENT_PENDING,
    OrderState.PARTIALLY_FULFILLED,
    OrderState.FULFILLED,
    OrderState.PARTIALLY_REFUNDED,
}


@transaction_required
def carry_refunds(order: Order, because: Because) -> Order:
    """This will move the locked, once paid `order` to partially_refunded or refunded when its money columns say so."""
    if order.state not in REFUNDABLE:
        return order
    if order.is_fully_returned():
        return move(order, order.refund_confirmed_refunded, because)
    if order.is_partly_returned() and order.state != OrderState.PARTIALLY_REFUNDED:
        return move(order, order.refund_confirmed_partially_refunded, because)
    return order


@transaction_required
def owe_again(order: Order, because: Because) -> Order:
    """This will note that a give-back of the locked, cancelled `order` failed after all: the money is owed again."""
    return move(order, order.refund_reversed_cancelled, because)
