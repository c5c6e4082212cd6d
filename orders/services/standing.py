"""Where a paid order stands: a pure function of what went back and of what was delivered, and the moves that carry the
order there. So the order in which the facts arrive cannot matter.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F, Sum, Value
from django.db.models.functions import Greatest

from catalog import services as catalog
from core.db import transaction_required
from orders.models import Order, OrderState
from orders.models.money import PAID_STATES
from orders.services.change import Because, move


@dataclass(frozen=True, slots=True)
class Units:
    """How many units of an order the customer ever had, and how many they are still to get."""

    fulfilled: int
    missing: int


@transaction_required
def carry_on(order: Order, because: Because, *, may_end: bool = False) -> Order:
    """This will move the locked, once paid `order` to the state its facts make, forth or back, in one move or two.

    A cancelled one ends only if it `may_end`: once no payment of it can take money any more. Any other order stays
    where it is.
    """
    if order.state not in PAID_STATES or order.is_capture_reversed:
        return order  # Money that was taken back after goods had left is told by hold and case, by no state.
    units = units_of(order)
    while order.state != (target := state_by_facts(order, units, may_end=may_end)):
        move(order, _way(order, target), because, also=["expires_at"])
    if order.state == OrderState.CANCELLED_WITH_REFUND:
        # Nothing was delivered: stock rows are the last locks of all.
        catalog.give_back_uses(owner_id=order.public_id, now=because.cause.now)
        catalog.release(owner_id=order.public_id, now=because.cause.now)
    return order


@transaction_required
def owe_again(order: Order, because: Because) -> Order:
    """This will note that a give-back of the locked, cancelled `order` failed after all: the money is owed again."""
    return move(order, order.refund_reversed_cancelled, because)


def units_of(order: Order) -> Units:
    """This will sum up an order's units in one query."""
    kept = F("quantity") - F("units_cancelled") - F("units_given_back")
    sums = order.lines.aggregate(
        fulfilled=Sum("units_fulfilled"), missing=Sum(Greatest(kept - F("units_fulfilled"), Value(0)))
    )
    return Units(fulfilled=sums["fulfilled"] or 0, missing=sums["missing"] or 0)


def state_by_facts(order: Order, units: Units, *, may_end: bool) -> OrderState:
    """This will return the state that money and units make of a paid order. Source: LIFECYCLE, after payment."""
    is_cancelled = order.cancel_requested_at is not None
    if order.returned_minor == order.accepted_minor and (order.accepted_minor or is_cancelled):
        if not is_cancelled or units.fulfilled:
            return OrderState.REFUNDED
        # What was taken beyond the sale, or may be, is still on its way: only when that is back it is over.
        return OrderState.CANCELLED_WITH_REFUND if may_end and order.is_given_back() else OrderState(order.state)
    if order.returned_minor:
        return OrderState.PARTIALLY_REFUNDED
    if not order.is_fulfillment_requested:
        return OrderState.PAID
    if not units.fulfilled:
        return OrderState.FULFILLMENT_PENDING
    return OrderState.PARTIALLY_FULFILLED if units.missing else OrderState.FULFILLED


def _way(order: Order, target: OrderState) -> Callable[[], None]:
    """The transition from where the order is towards `target`; its source and guard are looked at by the machine."""
    s = OrderState
    is_back = order.state in {s.PARTIALLY_REFUNDED, s.REFUNDED}
    if order.state == s.PAID and target in {s.PARTIALLY_FULFILLED, s.FULFILLED}:
        target = s.FULFILLMENT_PENDING
    ways: dict[tuple[OrderState, bool], Callable[[], None]] = {
        (s.CANCELLED_WITH_REFUND, False): order.cancellation_refunded,
        (s.CANCELLED_WITH_REFUND, True): order.cancellation_refunded,
        (s.REFUNDED, False): order.refund_confirmed_refunded,
        (s.REFUNDED, True): order.refund_confirmed_refunded,
        (s.PARTIALLY_REFUNDED, False): order.refund_confirmed_partially_refunded,
        (s.PARTIALLY_REFUNDED, True): order.refund_reversed_partially_refunded,
        (s.PAID, True): order.refund_reversed_paid,
        (s.FULFILLMENT_PENDING, False): order.fulfillment_requested,
        (s.FULFILLMENT_PENDING, True): order.refund_reversed_fulfillment_pending,
        (s.PARTIALLY_FULFILLED, False): order.fulfillment_progressed_partially_fulfilled,
        (s.PARTIALLY_FULFILLED, True): order.refund_reversed_partially_fulfilled,
        (s.FULFILLED, False): order.fulfillment_progressed_fulfilled,
        (s.FULFILLED, True): order.refund_reversed_fulfilled,
    }
    return ways[target, is_back]
