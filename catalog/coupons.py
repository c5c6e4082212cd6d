"""Reads of coupons: a code as people type it, and the rules of a cart's coupons with how far their limits are used."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from catalog.models import (
    Coupon,
    CouponUse,
    FirstOrder,
    Promotion,
    PromotionArticle,
    PromotionCount,
    PromotionFigure,
    Variant,
)
from catalog.pricing.coupons import Buyer, CouponLimits, CouponReason, CouponTerms
from catalog.pricing.request import DiscountKind
from core.db import one_or_none
from core.models import SalesChannel

Scope = PromotionCount.Scope
LIVE_USES = (CouponUse.Status.HELD, CouponUse.Status.USED)
CODE_MAX_CHARACTERS = 40

# Letters of other alphabets that look like Latin ones, and the digits that look like letters (as in Crockford's base
# 32): who reads a code from paper or is sent one cannot tell them apart, so they are the same code.
ALIKE = str.maketrans("АВЕЅНІЈКМОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABESHIJKMOPCTYXABEZHIKMNOPTYX")
DIGITS = str.maketrans("OIL", "011")

REASON_OF_SCOPE = {
    Scope.COUPON: CouponReason.USED_UP,
    Scope.TOTAL: CouponReason.USED_UP,
    Scope.CUSTOMER: CouponReason.USED_BY_CUSTOMER,
    Scope.PERIOD: CouponReason.USED_UP_FOR_NOW,
}


def code_key(code: str) -> str:
    """This will return the code without case, spaces, hyphens, accents and look-alikes, "" for what cannot be one."""
    letters = unicodedata.normalize("NFKD", code[: 4 * CODE_MAX_CHARACTERS]).upper()
    bare = "".join(letter for letter in letters if not (unicodedata.combining(letter) or letter.isspace()))
    key = bare.translate(ALIKE).translate(DIGITS).replace("-", "").replace("_", "")
    is_code = 0 < len(key) <= CODE_MAX_CHARACTERS and key.isascii() and key.isalnum()
    return key if is_code else ""


def find_coupon(*, channel_id: int, code: str, customer_id: int | None, now: datetime) -> Coupon | None:
    """This will return the coupon of this code that this customer may use now, in one query; None for every other.

    Unknown, ended, withdrawn and foreign are one answer from one statement, so that nobody learns which it was.
    """
    rows = Coupon.objects.filter(
        Q(customer=None) | Q(customer_id=customer_id),
        Q(promotion__valid_until=None) | Q(promotion__valid_until__gt=now),
        channel_id=channel_id,
        code_key=code_key(code),
        archived_at=None,
        promotion__archived_at=None,
        promotion__valid_from__lte=now,
    )
    return one_or_none(rows.select_related("promotion"))


def period_key(promotion: Promotion, *, channel: SalesChannel, now: datetime) -> str:
    """This will name the day, week or month of the shop's zone that `now` is in, "" where none is counted."""
    today = now.astimezone(ZoneInfo(channel.time_zone)).date()
    match promotion.period:
        case Promotion.Period.DAY:
            return today.isoformat()
        case Promotion.Period.WEEK:
            return f"{today:%G-W%V}"
        case Promotion.Period.MONTH:
            return f"{today:%Y-%m}"
        case _:
            return ""


def limits_of(
    coupon: Coupon, *, buyer: Buyer, channel: SalesChannel, now: datetime
) -> dict[tuple[str, str], int | None]:
    """This will return what a use of the coupon counts against, (scope, key) to limit: None is counted, not limited.

    A promotion for first orders counts once per customer, whatever it says: two first orders at once are one too many.
    """
    said = _limits(coupon)
    limits: dict[tuple[str, str], int | None] = {
        (Scope.COUPON, str(coupon.pk)): said.coupon_uses_max,
        (Scope.TOTAL, ""): said.uses_max,
    }
    limits |= {(Scope.CUSTOMER, key): said.uses_per_customer_max for key in buyer.keys}
    period = period_key(coupon.promotion, channel=channel, now=now)
    if period:
        limits[Scope.PERIOD, period] = said.uses_per_period_max
    return limits


def _limits(coupon: Coupon) -> CouponLimits:
    promotion = coupon.promotion
    return CouponLimits(
        uses_max=promotion.uses_max,
        coupon_uses_max=coupon.uses_max,
        uses_per_customer_max=1 if promotion.is_first_order_only else promotion.uses_per_customer_max,
        period=promotion.period,
        uses_per_period_max=promotion.uses_per_period_max,
    )


def is_using_elsewhere(*, channel_id: int, buyer: Buyer) -> bool:
    """This will tell whether another order than the buyer's own has promotions for first orders of theirs in use.

    Read without a lock: only redeeming promises a first order.
    """
    claims = FirstOrder.objects.filter(channel_id=channel_id, key__in=buyer.keys)
    return claims.exclude(order_public_id=buyer.order_id).exists()


def counted_keys(use: tuple[int, int, str, str, str]) -> Iterator[tuple[int, str, str]]:
    """This will return what `limits_of` made a use count against, from its row alone: rules may have changed since.

    `use` is the row's promotion and coupon, its keys of customer, contact and period.
    """
    promotion_id, coupon_id, customer_key, contact_key, period = use
    yield promotion_id, str(Scope.COUPON), str(coupon_id)
    yield promotion_id, str(Scope.TOTAL), ""
    for key in (customer_key, contact_key):
        if key:
            yield promotion_id, str(Scope.CUSTOMER), key
    if period:
        yield promotion_id, str(Scope.PERIOD), period


def terms_of(
    coupons: Sequence[Coupon], *, currency: str, variant_ids: Iterable[int], buyer: Buyer, channel: SalesChannel,
    now: datetime,
) -> list[CouponTerms]:  # fmt: skip
    """This will return the rules of `coupons` (read with their promotions) for a basket and a buyer, in four queries,
    five for the buyer of an order, whose own uses are left out.

    Counts are read without a lock: only redeeming promises a use.
    """
    promotions = {coupon.promotion_id for coupon in coupons}
    figures = list(PromotionFigure.objects.filter(promotion_id__in=promotions))
    articles = list(PromotionArticle.objects.filter(promotion_id__in=promotions))
    rows = Variant.objects.filter(pk__in=list(variant_ids)).values_list("sku", "product_id", "product__category_id")
    basket = list(rows) if articles else []
    counts = Counter(
        {
            (row.promotion_id, row.scope, row.key): row.uses_count
            for row in PromotionCount.objects.filter(promotion_id__in=promotions).filter(
                ~Q(scope=Scope.CUSTOMER) | Q(key__in=buyer.keys)
            )
        }
    )
    counts.subtract(_own_keys(buyer))
    return [
        _terms(
            coupon,
            figures=[figure for figure in figures if figure.promotion_id == coupon.promotion_id],
            currency=currency,
            skus=_skus([article for article in articles if article.promotion_id == coupon.promotion_id], basket),
            reached=_reached(coupon, limits_of(coupon, buyer=buyer, channel=channel, now=now), counts),
        )
        for coupon in coupons
    ]


def _own_keys(buyer: Buyer) -> list[tuple[int, str, str]]:
    if not buyer.order_id:
        return []
    live = CouponUse.objects.filter(order_public_id=buyer.order_id, status__in=LIVE_USES)
    uses = live.values_list("promotion_id", "coupon_id", "customer_key", "contact_key", "period_key")
    return [key for use in uses for key in counted_keys(use)]


def _terms(
    coupon: Coupon,
    *,
    figures: Sequence[PromotionFigure],
    currency: str,
    skus: frozenset[str] | None,
    reached: CouponReason | None,
) -> CouponTerms:
    promotion = coupon.promotion
    figure = next((figure for figure in figures if figure.currency == currency), None)
    return CouponTerms(
        coupon_id=coupon.pk,
        promotion_pk=promotion.pk,
        promotion_id=promotion.public_id,
        code=coupon.code,
        name=promotion.name,
        kind=DiscountKind(promotion.kind),
        rate=promotion.rate,
        amount_minor=figure.amount_minor if figure else 0,
        minimum_minor=figure.minimum_minor if figure else 0,
        # Without any figures it takes off a part or the way in every currency; a fixed amount needs its own.
        has_figures=figure is not None or (not figures and promotion.kind != Promotion.Kind.FIXED),
        skus=skus,
        is_combinable=promotion.is_combinable,
        is_first_order_only=promotion.is_first_order_only,
        valid_from=promotion.valid_from,
        valid_until=promotion.valid_until,
        limits=_limits(coupon),
        is_withdrawn=coupon.archived_at is not None or promotion.archived_at is not None,
        limit_reached=reached,
    )


def _skus(articles: Sequence[PromotionArticle], basket: Sequence[tuple[str, int, int | None]]) -> frozenset[str] | None:
    if not articles:
        return None
    included = [article for article in articles if not article.is_excluded]
    excluded = [article for article in articles if article.is_excluded]
    return frozenset(
        sku
        for sku, product_id, category_id in basket
        if (not included or _names(included, product_id, category_id)) and not _names(excluded, product_id, category_id)
    )


def _names(articles: Sequence[PromotionArticle], product_id: int, category_id: int | None) -> bool:
    return any(
        article.product_id == product_id or (article.category_id is not None and article.category_id == category_id)
        for article in articles
    )


def _reached(
    coupon: Coupon, limits: Mapping[tuple[str, str], int | None], counts: Mapping[tuple[int, str, str], int]
) -> CouponReason | None:
    for (scope, key), limit in limits.items():
        if limit is not None and counts.get((coupon.promotion_id, scope, key), 0) >= limit:
            return REASON_OF_SCOPE[Scope(scope)]
    return None
