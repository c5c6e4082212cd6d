"""Discounts, one after the other: each takes from what those before it left, never more, and no minor unit is lost.
What they leave can be paid, because each takes multiples of the currency's payable step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.pricing.agreement import AppliedDiscount
from catalog.pricing.request import Discount, DiscountKind, PricedLine, QuoteRequest
from core.money import allocate, payable_step, round_minor


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
            shares = allocate(amount, weights, step=payable_step(request.currency))
            left = [rest - share for rest, share in zip(left, shares, strict=True)]
        applied.append(_applied(discount, amount))
    return Reductions(
        lines=tuple(subtotal - rest for subtotal, rest in zip(subtotals, left, strict=True)),
        shipping_minor=shipping_price - shipping_left,
        applied=tuple(applied),
    )


def _is_for(discount: Discount, line: PricedLine) -> bool:
    return discount.skus is None or line.sku in discount.skus


def _amount_of(discount: Discount, left_minor: int, request: QuoteRequest) -> int:
    step = payable_step(request.currency)
    if discount.kind is DiscountKind.FIXED:
        amount = min(discount.amount_minor, left_minor)
        return amount - amount % step
    return round_minor(left_minor * discount.rate, mode=request.rounding_mode, step=step)


def _applied(discount: Discount, amount_minor: int) -> AppliedDiscount:
    return AppliedDiscount(
        promotion_id=discount.promotion_id,
        coupon_code=discount.coupon_code,
        name=discount.name,
        kind=discount.kind,
        amount_minor=amount_minor,
    )
