"""Carrying an order to where its returned money says it stands."""

from collections.abc import Callable

from core.db import transaction_required
from orders.models import Order, OrderState
from orders.models.money import PAID_STATES
from orders.services.change import Because, move


@transaction_required
def carry_refunds(order: Order, because: Because) -> Order:
    """This will move the locked, once paid `order` to the state its returned money and its fulfilled units make, forth
    or back. Any other order stays where it is.
    """
    if order.state not in PAID_STATES:
        return order
    way = _way(order)
    return move(order, way, because) if way else order


@transaction_required
def owe_again(order: Order, because: Because) -> Order:
    """This will note that a give-back of the locked, cancelled `order` failed after all: the money is owed again."""
    return move(order, order.refund_reversed_cancelled, because)


def _way(order: Order) -> Callable[[], None] | None:
    """The transition that carries the order to where its facts say it stands; None when it stands there."""
    ways: dict[str, Callable[[], None]] = {
        OrderState.REFUNDED: order.refund_confirmed_refunded,
        OrderState.PAID: order.refund_reversed_paid,
        OrderState.FULFILLMENT_PENDING: order.refund_reversed_fulfillment_pending,
        OrderState.PARTIALLY_FULFILLED: order.refund_reversed_partially_fulfilled,
        OrderState.FULFILLED: order.refund_reversed_fulfilled,
    }
    target = _state_by_facts(order)
    if target == order.state:
        return None
    if target != OrderState.PARTIALLY_REFUNDED:
        return ways[target]
    is_back = order.state == OrderState.REFUNDED
    ways[target] = order.refund_reversed_partially_refunded if is_back else order.refund_confirmed_partially_refunded
    return ways[target]


def _state_by_facts(order: Order) -> str:
    if order.is_fully_returned():
        return OrderState.REFUNDED
    if order.is_partly_returned():
        return OrderState.PARTIALLY_REFUNDED
    if order.state not in {OrderState.PARTIALLY_REFUNDED, OrderState.REFUNDED}:
        return str(order.state)  # Nothing went back, so fulfillment alone decides, and it moves the order itself.
    if not order.is_fulfillment_requested:
        return OrderState.PAID
    lines = list(order.lines.all())
    if not any(line.units_fulfilled for line in lines):
        return OrderState.FULFILLMENT_PENDING
    is_complete = all(
        line.units_fulfilled >= line.quantity - line.units_cancelled - line.units_given_back for line in lines
    )
    return OrderState.FULFILLED if is_complete else OrderState.PARTIALLY_FULFILLED
