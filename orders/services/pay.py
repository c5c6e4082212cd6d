"""What the payment funnel tells an order. Only these functions know the way to paid."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from catalog import services as catalog
from core.cause import Cause
from core.db import transaction_required
from ledger import services as ledger
from orders.models import HoldReason, Order, Reason
from orders.services.change import Because, move, record_fact
from orders.services.holds import open_hold
from oversight.models import Case, CaseType
from oversight.services import Report, open_case


@transaction_required
def mark_payment_started(order: Order, because: Because) -> Order:
    """This will note that the provider has acknowledged an attempt."""
    return move(order, order.payment_started, because)


@transaction_required
def mark_authorized(order: Order, because: Because, *, held_until: datetime | None) -> Order:
    """This will note that the funds due are held; the units stay held as long, because nothing ships before capture."""
    order.expires_at = held_until or order.expires_at
    move(order, order.payment_authorized, because, also=["expires_at"])
    if held_until is not None:
        try:
            catalog.hold_until(owner_id=order.public_id, until=held_until)
        except catalog.ReservationOver:
            open_hold(
                order,
                reason=HoldReason.STOCK_REVIEW,
                detail="Authorized after its reservation ended.",
                cause=because.cause,
            )
    return order


@transaction_required
def mark_payment_failed(order: Order, because: Because, *, pays_until: datetime | None = None) -> Order:
    """This will note that the current attempt failed, or brought too little since what had come before is gone: then
    the customer may bring what is missing until `pays_until`. Stock stays held until expiry or a cancel.
    """
    return _ask_anew(order, order.payment_failed, because, pays_until=pays_until)


@transaction_required
def mark_capture_failed(order: Order, because: Because, *, pays_until: datetime | None = None) -> Order:
    """This will note that held funds could not be taken. Where none are held any more the customer may bring what is
    missing until `pays_until`, and the units stay held for that unless they went back.
    """
    return _ask_anew(order, order.capture_failed, because, pays_until=pays_until)


def _ask_anew(order: Order, transition: Callable[[], None], because: Because, *, pays_until: datetime | None) -> Order:
    if pays_until is not None:
        order.expires_at = max(pays_until, order.expires_at or pays_until)
    move(order, transition, because, also=["expires_at"])
    if pays_until is not None:
        # Who pays for units that went back has them kept anew first.
        with suppress(catalog.ReservationOver):
            catalog.hold_until(owner_id=order.public_id, until=pays_until)
    return order


@transaction_required
def undo_sale(order: Order, *, cause: Cause) -> None:
    """This will take the sale of the locked, ended `order` out of the books, when its money was taken back before and
    nothing was ever kept. Needs its caller's transaction.
    """
    if not order.is_sale_recognised or order.accepted_minor:
        return
    order.is_sale_recognised = False
    order.save(update_fields=["is_sale_recognised"])
    if sale_of(order).has_figures:
        ledger.post_sale_undone(sale_of(order), round=order.sales_count, cause=cause)


@transaction_required
def mark_paid(order: Order, because: Because, *, may_reserve_again: bool) -> Order:
    """This will make the locked `order` paid: the only place that does.

    Transition, used coupons, committed stock, the sale in the books, history. When the units are no longer kept they
    are reserved again if `may_reserve_again` and stock allows, else a stock_review hold is opened.
    Raises: TransitionRefused unless accepted = due.
    """
    cause = because.cause
    order.paid_at = order.paid_at or cause.now
    order.expires_at = None
    is_sold_before = order.is_sale_recognised
    order.sales_count += not is_sold_before
    order.is_sale_recognised = True
    also = ["paid_at", "expires_at", "is_sale_recognised", "sales_count"]
    move(order, order.payment_captured, because, also=also)
    sale = sale_of(order)
    # Goods given away at a price of zero leave nothing to post; what a discount made free is a sale and a discount.
    if sale.has_figures and not is_sold_before:
        ledger.post_sale(sale, round=order.sales_count, cause=cause)
    _settle_coupons(order, cause=cause)
    # Stock rows are the last lock of all, also behind those of the books' accounts.
    _commit_stock(order, cause=cause, may_reserve_again=may_reserve_again)
    return order


def _settle_coupons(order: Order, *, cause: Cause) -> None:
    """A use given back before the money came counts outside the limit: the customer was promised the price."""
    if not order.snapshot.get("promotions"):
        return
    for use_id in catalog.mark_used(owner_id=order.public_id, now=cause.now):
        record_fact(order, Because(reason=Reason.COUPON_HONOURED_LATE, cause=cause, facts={"coupon_use": use_id}))
        open_case(
            Report(
                type=CaseType.COUPON_HONOURED_LATE,
                subject_id=use_id,
                severity=Case.Severity.LOW,
                summary="An order was paid after its coupon had gone back. The coupon counts outside its limit.",
                order_public_id=order.public_id,
            ),
            now=cause.now,
        )


def _commit_stock(order: Order, *, cause: Cause, may_reserve_again: bool) -> None:
    try:
        catalog.commit(owner_id=order.public_id, now=cause.now)
    except catalog.ReservationOver:
        shortage = _reserve_again(order, cause=cause) if may_reserve_again else "Paid after its reservation ended."
        if shortage:
            open_hold(order, reason=HoldReason.STOCK_REVIEW, detail=shortage, cause=cause)
            return
        catalog.commit(owner_id=order.public_id, now=cause.now)
        record_fact(order, Because(reason=Reason.STOCK_RESERVED_AGAIN, cause=cause))


def _reserve_again(order: Order, *, cause: Cause) -> str:
    """Keep the units once more; the returned sentence says what is missing, "" when nothing is."""
    try:
        catalog.reserve_again(owner_id=order.public_id, channel_id=order.channel_id, now=cause.now)
    except catalog.InsufficientStock as shortage:
        return shortage.detail
    return ""


def sale_of(order: Order) -> ledger.Sale:
    """This will return what the books need to know of a sale, net of tax and from the snapshot alone."""
    snapshot = order.snapshot
    lines, fees = snapshot["lines"], snapshot.get("fee_lines", [])
    shipping = [snapshot["shipping_method"]] if snapshot.get("shipping_method") else []
    taxes: dict[str, int] = defaultdict(int)
    for charged in (*lines, *shipping, *fees):
        taxes[charged["tax"]["region"]] += charged["tax"]["amount_minor"]
    # Version 1 of the snapshot knows no other discount than the one entered, and never had one.
    discounts_minor = sum(each.get("discount_net_minor", each["discount_minor"]) for each in (*lines, *shipping))
    shipping_minor = sum(each["tax"]["basis_minor"] + each["discount_net_minor"] for each in shipping)
    fees_minor = sum(fee["tax"]["basis_minor"] for fee in fees)
    return ledger.Sale(
        channel=order.channel,
        order_public_id=order.public_id,
        is_livemode=order.is_livemode,
        currency=order.currency,
        due_minor=order.due_minor,
        sales_minor=order.total_minor - snapshot["tax_minor"] - shipping_minor - fees_minor + discounts_minor,
        discounts_minor=discounts_minor,
        shipping_minor=shipping_minor,
        fees_minor=fees_minor,
        taxes_minor=taxes,
        due_adjustment_minor=order.due_minor - order.total_minor,
    )
