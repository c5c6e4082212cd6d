"""Discounts, one after the other: each takes from what those before it left, never more, and no minor unit is lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.pricing.agreement import AppliedDiscount
from catalog.pricing.request import Discount, DiscountKind, PricedLine, QuoteRequest
from core.money import allocate, round_minor


@dataclass(frozen=True, slots=True)
class Reductions:
    """What was taken off each line (in the order given), off shipping, and by which promotion."""

    lines: tuple[int, ...]
    shipping_minor: int
    applied: tuple[AppliedDiscount, ...]


def reduce(request: QuoteRequest, lines: Sequence[PricedLine]) -> Reductions:
    """This will apply the request's discounts in their order to the lines, which come in the order of SKUs."""
    left = [line.quantity * line.unit_price_minor for line in lines]
    shipping_left = request.shipping.price_minor if request.shipping else 0
    subtotals, shipping_price, applied = list(left), shipping_left, []
    for discount in request.discounts:
        if discount.kind is DiscountKind.FREE_SHIPPING:
            amount, shipping_left = shipping_left, 0
        else:
            # Shares go by what is left of the lines it is for; the others have no weight and give nothing.
            weights = [rest if _is_for(discount, line) else 0 for rest, line in zip(left, lines, strict=True)]
            amount = _amount_of(discount, sum(weights), request)
            left = [rest - share for rest, share in zip(left, allocate(amount, weights), strict=True)]
        applied.append(_applied(discount, amount))
    return Reductions(
        lines=tuple(subtotal - rest for subtotal, rest in zip(subtotals, left, strict=True)),
        shipping_minor=shipping_price - shipping_left,
        applied=tuple(applied),
    )


def _is_for(discount: Discount, line: PricedLine) -> bool:
    return discount.skus is None or line.sku in discount.skus


def _amount_of(discount: Discount, left_minor: int, request: QuoteRequest) -> int:
    if discount.kind is DiscountKind.FIXED:
        return min(discount.amount_minor, left_minor)
    return round_minor(left_minor * discount.rate, mode=request.rounding_mode)


def _applied(discount: Discount, amount_minor: int) -> AppliedDiscount:
    return AppliedDiscount(
        promotion_id=discount.promotion_id,
        coupon_code=discount.coupon_code,
        name=discount.name,
        kind=discount.kind,
        amount_minor=amount_minor,
    )
