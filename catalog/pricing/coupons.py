"""Which of a cart's coupons take something off: rules read before, facts of the buyer and the basket, no database.

A coupon either applies or says why not, in words for the customer. One that may not stand beside others stands alone:
of all allowed ways to combine them the cheapest for the customer is taken, and of equals the one whose codes were
entered first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from catalog.pricing.agreement import Quote
from catalog.pricing.calculation import quote
from catalog.pricing.request import Discount, DiscountKind, QuoteRequest
from catalog.pricing.warnings import CouponNotApplicable
from core.money import Money

# Parts of what is left come first, then fixed amounts, then the way: the same whatever order codes were entered in.
ORDER_OF_KINDS = (DiscountKind.PERCENT, DiscountKind.FIXED, DiscountKind.FREE_SHIPPING)


class CouponReason(StrEnum):
    """Why a coupon takes nothing off."""

    ENDED = "ended"
    CURRENCY = "currency"
    MINIMUM = "minimum"
    ARTICLES = "articles"
    FIRST_ORDER = "first_order"
    NOT_COMBINABLE = "not_combinable"
    USED_UP = "used_up"
    USED_BY_CUSTOMER = "used_by_customer"
    USED_UP_FOR_NOW = "used_up_for_now"


LIMITS = {CouponReason.USED_UP, CouponReason.USED_BY_CUSTOMER, CouponReason.USED_UP_FOR_NOW}
# What only the customer's identity tells: refused at start though the quote, which did not know them, gave it.
PERSONAL = {*LIMITS, CouponReason.FIRST_ORDER}

SENTENCES = {
    CouponReason.ENDED: "This code is no longer valid.",
    CouponReason.CURRENCY: "This code does not apply to prices in this currency.",
    CouponReason.MINIMUM: "This code needs goods for at least {minimum}.",
    CouponReason.ARTICLES: "This code applies to none of the articles in your cart.",
    CouponReason.FIRST_ORDER: "This code is for your first order only.",
    CouponReason.NOT_COMBINABLE: "This code cannot be combined with your other code, which saves you more.",
    CouponReason.USED_UP: "This code has been used up.",
    CouponReason.USED_BY_CUSTOMER: "You have used this code already.",
    CouponReason.USED_UP_FOR_NOW: "This code has been used up for now. Try again another day.",
}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whom limits count: the account's row id, the digest of the address to reach them ("" while it is not known), and
    whether they bought here before or are using another code for first orders. What the order `order_id` has in use
    itself is not counted against it.
    """

    customer_id: int | None = None
    contact_digest: str = ""
    has_bought: bool = False
    order_id: str = ""

    @property
    def customer_key(self) -> str:
        """The account as counts name it, "" for a guest."""
        return f"user:{self.customer_id}" if self.customer_id is not None else ""

    @property
    def contact_key(self) -> str:
        """The address as counts name it, "" while it is not known."""
        return f"mail:{self.contact_digest}" if self.contact_digest else ""

    @property
    def keys(self) -> list[str]:
        """Everything this person is counted under."""
        return [key for key in (self.customer_key, self.contact_key) if key]


@dataclass(frozen=True, slots=True)
class CouponLimits:
    """How often it may be used; None is as often as anybody likes. `uses_max` is the promotion's, `coupon_uses_max` the
    code's own, `period` a day, week or month, "" where none is counted.
    """

    uses_max: int | None
    coupon_uses_max: int | None
    uses_per_customer_max: int | None
    period: str
    uses_per_period_max: int | None


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """One coupon with its promotion's rules, read for one currency, one basket and one buyer.

    `skus` are what it is for, None is all; `has_figures` is False where the promotion is not made for the currency;
    `limit_reached` is what the counts say, None while uses are left.
    """

    coupon_id: int
    promotion_pk: int
    promotion_id: str
    code: str
    name: str
    kind: DiscountKind
    rate: Decimal
    amount_minor: int
    minimum_minor: int
    has_figures: bool
    skus: frozenset[str] | None
    is_combinable: bool
    is_first_order_only: bool
    valid_from: datetime
    valid_until: datetime | None
    limits: CouponLimits
    is_withdrawn: bool = False
    limit_reached: CouponReason | None = None

    def discount(self) -> Discount:
        """This will return what the arithmetic needs of it."""
        return Discount(
            promotion_id=self.promotion_id,
            coupon_code=self.code,
            name=self.name,
            kind=self.kind,
            rate=self.rate,
            amount_minor=self.amount_minor,
            skus=self.skus,
        )

    def rules(self) -> dict[str, Any]:
        """This will return the promotion's rules as they were applied, for the order's snapshot."""
        return {
            "promotion_id": self.promotion_id,
            "coupon_code": self.code,
            "name": self.name,
            "kind": str(self.kind),
            "rate": f"{self.rate.normalize():f}",
            "amount_minor": self.amount_minor,
            "minimum_minor": self.minimum_minor,
            "skus": None if self.skus is None else sorted(self.skus),
            "is_combinable": self.is_combinable,
            "is_first_order_only": self.is_first_order_only,
            "valid_from": self.valid_from.isoformat(),
            "valid_until": self.valid_until and self.valid_until.isoformat(),
            "uses_max": self.limits.uses_max,
            "coupon_uses_max": self.limits.coupon_uses_max,
            "uses_per_customer_max": self.limits.uses_per_customer_max,
            "period": self.limits.period or None,
            "uses_per_period_max": self.limits.uses_per_period_max,
        }


@dataclass(frozen=True, slots=True)
class CouponQuote:
    """A quote with the coupons that apply in it, in the order they were applied."""

    quote: Quote
    applied: tuple[CouponTerms, ...]


def quote_with_coupons(
    request: QuoteRequest, coupons: Sequence[CouponTerms], *, buyer: Buyer, now: datetime
) -> CouponQuote:
    """This will price the request with the best allowed combination of `coupons`, which stand as they were entered.

    Those that do not apply are warned about. Raises: as `quote`.
    """
    fit: list[CouponTerms] = []
    lacking: list[tuple[CouponTerms, CouponReason]] = []
    for coupon in coupons:
        reason = unfit_reason(coupon, request, buyer=buyer, now=now)
        if reason is None:
            fit.append(coupon)
        else:
            lacking.append((coupon, reason))
    # The plain basket is no choice beside others: a code that saves nothing today is still what was entered.
    chosen = min(_ways(fit), key=lambda way: quote(_with(request, way)).total_minor)
    lacking += [(coupon, CouponReason.NOT_COMBINABLE) for coupon in fit if coupon not in chosen]
    warnings = tuple(_warning(coupon, reason, request.currency) for coupon, reason in lacking)
    applied = _with(request, chosen)
    return CouponQuote(quote=quote(replace(applied, advice=(*applied.advice, *warnings))), applied=chosen)


def unfit_reason(coupon: CouponTerms, request: QuoteRequest, *, buyer: Buyer, now: datetime) -> CouponReason | None:
    """This will say why the coupon takes nothing off this basket for this buyer, None when it does."""
    subtotal_minor = sum(line.quantity * line.unit_price_minor for line in request.lines)
    if coupon.is_withdrawn or now < coupon.valid_from or (coupon.valid_until is not None and now >= coupon.valid_until):
        return CouponReason.ENDED
    if not coupon.has_figures:
        return CouponReason.CURRENCY
    if coupon.limit_reached is not None:
        return coupon.limit_reached
    if coupon.is_first_order_only and buyer.has_bought:
        return CouponReason.FIRST_ORDER
    if subtotal_minor < coupon.minimum_minor:
        return CouponReason.MINIMUM
    if coupon.skus is not None and not coupon.skus & {line.sku for line in request.lines}:
        return CouponReason.ARTICLES
    return None


def _ways(fit: Sequence[CouponTerms]) -> list[tuple[CouponTerms, ...]]:
    """All combinable ones together, and each other one alone; nothing at all where nothing fits."""
    together = tuple(sorted(_one_per_promotion(coupon for coupon in fit if coupon.is_combinable), key=_place))
    alone = [(coupon,) for coupon in fit if not coupon.is_combinable]
    return [way for way in [together, *alone] if way] or [()]


def _one_per_promotion(coupons: Iterable[CouponTerms]) -> Iterator[CouponTerms]:
    seen = set()
    for coupon in coupons:
        if coupon.promotion_id not in seen:
            seen.add(coupon.promotion_id)
            yield coupon


def _place(coupon: CouponTerms) -> tuple[int, str]:
    return ORDER_OF_KINDS.index(coupon.kind), coupon.promotion_id


def _with(request: QuoteRequest, coupons: Sequence[CouponTerms]) -> QuoteRequest:
    return replace(request, discounts=(*request.discounts, *(coupon.discount() for coupon in coupons)))


def _warning(coupon: CouponTerms, reason: CouponReason, currency: str) -> CouponNotApplicable:
    sentence = SENTENCES[reason].format(minimum=Money(coupon.minimum_minor, currency).display())
    return CouponNotApplicable(coupon_code=coupon.code, reason=reason, message=sentence)
