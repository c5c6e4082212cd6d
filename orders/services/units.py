"""What becomes of an order's units after payment: asked for, delivered, given back, and given back for nothing."""

from collections.abc import Mapping

from django.db import connection

from catalog import services as catalog
from core.cause import Cause
from core.db import constraint_errors, transaction_required
from core.errors import DomainError, Invalid
from orders.models import HoldReason, Order, OrderState, Reason
from orders.models.money import CANCELLED_STATES, PAID_STATES
from orders.selectors import open_holds
from orders.services.change import Because, record_fact
from orders.services.holds import open_hold
from orders.services.standing import carry_on
from oversight.models import Case, CaseType
from oversight.services import Report, open_case

# Totals that only grow: a report that comes late or twice changes nothing.
FULFIL = """
UPDATE orders_orderline AS line SET units_fulfilled = greatest(line.units_fulfilled, told.units)
FROM unnest(%s::int[], %s::int[]) AS told (position, units)
WHERE line.order_id = %s AND line.position = told.position RETURNING line.position
"""
GIVE_BACK = """
UPDATE orders_orderline AS line SET units_given_back = line.units_given_back + told.units
FROM unnest(%s::int[], %s::int[]) AS told (position, units)
WHERE line.order_id = %s AND line.position = told.position RETURNING line.position
"""


class NotFulfillable(DomainError):
    """Nothing may leave the house for this order now."""

    code = "not_fulfillable"
    title = "Nothing may be sent for this order now."


class UnknownUnits(Invalid):
    """The order has no such line, or not so many units of it."""

    code = "unknown_units"
    title = "The order has no such units."


@transaction_required
def request_fulfillment(order: Order, *, cause: Cause) -> Order:
    """This will ask for the goods of the locked, paid `order`. A second request changes nothing.

    Raises: NotFulfillable under a hold, an open cancellation, or where money went back or the order is not paid.
    """
    if order.is_fulfillment_requested:
        return order
    if order.state != OrderState.PAID or order.cancel_requested_at is not None or open_holds(order):
        raise NotFulfillable(order_id=order.public_id, state=order.state)
    order.is_fulfillment_requested = True
    order.save(update_fields=["is_fulfillment_requested"])
    return carry_on(order, Because(Reason.FULFILLMENT_REQUESTED, cause))


@transaction_required
def record_fulfillment(order: Order, *, units: Mapping[int, int], cause: Cause) -> Order:
    """This will note how many units of each position (from 1) are with the customer by now, all in all.

    Totals, so that the number and order of reports cannot matter. What is learned of an order that ended is a case.
    Raises: NotFulfillable for an order that was never paid, UnknownUnits.
    """
    if order.state not in {*PAID_STATES, *CANCELLED_STATES, OrderState.CLOSED} or order.paid_at is None:
        raise NotFulfillable(order_id=order.public_id, state=order.state)
    told = {position: count for position, count in units.items() if count > 0}
    if len(told) != len(units):
        raise UnknownUnits(order_id=order.public_id)
    _count(FULFIL, order, told)
    if not order.is_fulfillment_requested:
        order.is_fulfillment_requested = True
        order.save(update_fields=["is_fulfillment_requested"])
    facts = {"units": {str(position): count for position, count in told.items()}}
    if order.state not in PAID_STATES:
        _report_late(order, facts, cause=cause)
        return record_fact(order, Because(Reason.FULFILLMENT_RECORDED, cause, facts=facts))
    version = order.version
    carry_on(order, Because(Reason.FULFILLMENT_RECORDED, cause, facts=facts))
    if order.version == version:
        record_fact(order, Because(Reason.FULFILLMENT_RECORDED, cause, facts=facts))
    return order


@transaction_required
def give_units_back(order: Order, *, units: Mapping[int, int], restocked: Mapping[str, int]) -> None:
    """This will count units of the locked `order` as given back, by position, and put those of `restocked`, by SKU,
    back into stock. The caller moves the order and writes its history. Stock rows are the last locks of all.
    """
    _count(GIVE_BACK, order, units)
    catalog.restock(owner_id=order.public_id, units=restocked)


@transaction_required
def take_units_again(order: Order, *, units: Mapping[int, int], restocked: Mapping[str, int], cause: Cause) -> None:
    """This will undo `give_units_back`, because the money did not arrive; units that were sold meanwhile are looked at
    by a person.
    """
    _count(GIVE_BACK, order, {position: -count for position, count in units.items()})
    kept = catalog.sell_again(owner_id=order.public_id, units=restocked)
    missing = sorted(sku for sku, count in restocked.items() if count and sku not in kept)
    if missing:
        detail = f"A refund came back; its units were sold meanwhile: {', '.join(missing)}."
        open_hold(order, reason=HoldReason.STOCK_REVIEW, detail=detail, cause=cause)


def _count(statement: str, order: Order, units: Mapping[int, int]) -> None:
    if not units:
        return
    with (
        constraint_errors({"orders_line_units_within_quantity": UnknownUnits}),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [list(units), list(units.values()), order.pk])
        known = {position for (position,) in cursor.fetchall()}
    if known != set(units):
        raise UnknownUnits(order_id=order.public_id, positions=sorted(set(units) - known))


def _report_late(order: Order, facts: Mapping[str, object], *, cause: Cause) -> None:
    open_case(
        Report(
            type=CaseType.FULFILLED_AFTER_RETURN,
            subject_id=order.public_id,
            severity=Case.Severity.HIGH,
            summary="Goods reached the customer of an order whose money went back.",
            evidence=facts,
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )
