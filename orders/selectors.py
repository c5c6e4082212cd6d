"""Reads of orders, and the lock every change of one begins with."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Func, IntegerField, Q, QuerySet
from django.db.models.fields.json import KT

from core.db import one_or_none
from core.errors import NotFound
from core.lookups import id_in
from core.written import only_or, written
from orders.models import Hold, Order, OrderEvent, OrderState
from orders.models.money import BEFORE_PAYMENT, CANCELLED_STATES

# The states in which time can end an order; the same as in the partial index over `expires_at`.
EXPIRING_STATES = (
    OrderState.DRAFT,
    OrderState.PAYMENT_PENDING,
    OrderState.PAYMENT_FAILED,
    OrderState.PAYMENT_AUTHORIZED,
    OrderState.CAPTURE_FAILED,
)
# And those that end once their windows are over.
CLOSING_STATES = (
    OrderState.FULFILLED,
    OrderState.PARTIALLY_REFUNDED,
    OrderState.REFUNDED,
    OrderState.CANCELLED_WITH_REFUND,
)


class NoSuchOrder(NotFound):
    """Absent and foreign look the same."""

    code = "no_such_order"
    title = "There is no such order."


def lock_order(public_id: str) -> Order:
    """This will return the order, locked until the transaction ends; before its attempts and operations.

    Raises: NoSuchOrder.
    """
    return only_or(NoSuchOrder, _order_to_lock(public_id))


@written
def _order_to_lock(public_id: str) -> QuerySet[Order]:
    return Order.objects.select_for_update(of=("self",)).select_related("channel").filter(public_id=public_id)


def find_order(public_id: str) -> Order:
    """This will return the order with its channel and customer. Raises: NoSuchOrder."""
    return only_or(NoSuchOrder, _order_known_as(public_id))


@written
def _order_known_as(public_id: str) -> QuerySet[Order]:
    return Order.objects.select_related("channel", "customer").filter(public_id=public_id)


def open_holds(order: Order) -> list[str]:
    """This will return the reasons of the order's open holds."""
    return _reasons_held(order.pk)


@written
def _reasons_held(order_row_id: int) -> QuerySet[Hold, str]:
    rows = Hold.objects.filter(order_id=order_row_id, released_at=None)
    return rows.order_by("id").values_list("reason", flat=True)


def live_order_of_cart(*, channel_id: int, cart_id: str) -> Order | None:
    """This will return the cart's order that is not cancelled, if it has one."""
    rows = Order.objects.filter(channel_id=channel_id, cart_id=cart_id).exclude(state__in=CANCELLED_STATES)
    return one_or_none(rows.select_related("channel"))


def history_of(order: Order) -> QuerySet[OrderEvent]:
    """This will return an order's history, oldest first."""
    return OrderEvent.objects.filter(order=order).order_by("sequence")


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page, newest first; `next_cursor` is None on the last."""

    orders: Sequence[Order]
    next_cursor: str | None


def order_page(*, customer_id: int, size: int, cursor: str = "") -> OrderPage:
    """This will return up to `size` of the customer's orders without their snapshots, each with `lines_count` and
    `first_line`; `cursor` is the public id of the last one of the page before. Raises: NoSuchOrder.
    """
    rows = Order.objects.filter(customer_id=customer_id)
    if cursor:
        last = one_or_none(rows.filter(public_id=cursor).values_list("pk", flat=True))
        if last is None:
            raise NoSuchOrder
        rows = rows.filter(pk__lt=last)
    shown = rows.annotate(
        lines_count=Func(F("snapshot__lines"), function="jsonb_array_length", output_field=IntegerField()),
        first_line=KT("snapshot__lines__0__product_name"),
    ).defer("snapshot")
    found = list(shown.order_by("-id")[: size + 1])
    return OrderPage(found[:size], found[size - 1].public_id if len(found) > size else None)


def held_orders(orders: Sequence[Order]) -> set[int]:
    """This will return which of the orders have an open hold, by row id."""
    return set(_orders_held([order.pk for order in orders])) if orders else set()


@written
def _orders_held(order_row_ids: list[int]) -> QuerySet[Hold, int]:
    return Hold.objects.filter(id_in("order_id", order_row_ids), released_at=None).values_list("order_id", flat=True)


def has_bought(*, channel_id: int, customer_id: int | None, contact_digest: str) -> bool:
    """This will tell whether this customer, by account or by the digest of their address, ever paid an order here that
    was not cancelled.
    """
    who = Q(pk=None)
    if customer_id is not None:
        who |= Q(customer_id=customer_id)
    if contact_digest:
        who |= Q(contact__email_digest=contact_digest)
    paid = Order.objects.filter(who, channel_id=channel_id, paid_at__isnull=False)
    return paid.exclude(state__in=CANCELLED_STATES).exists()


def waiting_orders(*, customer_id: int | None, order_id: str) -> list[Order]:
    """This will return the customer's orders that wait for their payment, and this one if it does: at most the twenty
    newest, the oldest of them first.
    """
    who = Q(public_id=order_id)
    if customer_id is not None:
        who |= Q(customer_id=customer_id)
    rows = Order.objects.filter(who, state__in=BEFORE_PAYMENT).exclude(state=OrderState.EXPIRED)
    return list(rows.select_related("channel").order_by("-id")[:20])[::-1]


def active_checkout_of(*, customer_id: int) -> Order | None:
    """This will return the customer's newest order that still waits for its payment."""
    rows = Order.objects.filter(customer_id=customer_id, state__in=BEFORE_PAYMENT, cancel_requested_at=None)
    return rows.exclude(state=OrderState.EXPIRED).select_related("channel").order_by("-id").first()
