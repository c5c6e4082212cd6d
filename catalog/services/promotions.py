"""Making promotions and their codes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from catalog.coupons import CODE_MAX_CHARACTERS, code_key
from catalog.models import Category, Coupon, Product, Promotion, PromotionArticle, PromotionFigure
from core.db import constraint_errors, transaction_required
from core.errors import Invalid
from core.ids import new_public_id
from core.models import SalesChannel
from core.money import is_payable, payable_step

CODE_MIN_CHARACTERS = 4


class InvalidPromotion(Invalid):
    """The promotion's rules contradict each other, or name an article or category the shop does not have."""

    code = "invalid_promotion"
    title = "The promotion cannot be stored."


class InvalidCode(Invalid):
    """The code is too short, too long, or holds what cannot be typed."""

    code = "invalid_coupon_code"
    title = "A code has 4 to 40 letters and digits."


class CodeTaken(Invalid):
    """Another coupon of the shop has this code, or one that looks like it."""

    code = "coupon_code_taken"
    title = "There is a coupon with this code, or one that looks like it."


@dataclass(frozen=True, slots=True)
class Figures:
    """A promotion in one currency, minor units."""

    amount_minor: int = 0
    minimum_minor: int = 0


@dataclass(frozen=True, slots=True)
class NewPromotion:
    """What a promotion is made of: figures by currency, articles by product slug and category slug."""

    name: str
    kind: Promotion.Kind
    valid_from: datetime
    valid_until: datetime | None = None
    rate: Decimal = Decimal(0)
    figures: Mapping[str, Figures] = field(default_factory=dict)
    is_combinable: bool = False
    is_first_order_only: bool = False
    uses_max: int | None = None
    uses_per_customer_max: int | None = None
    period: str = ""
    uses_per_period_max: int | None = None
    products: Sequence[str] = ()
    categories: Sequence[str] = ()
    excluded_products: Sequence[str] = ()
    excluded_categories: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NewCoupon:
    """A code for it, perhaps for one customer alone (their row id) or for a number of uses of its own."""

    code: str
    customer_id: int | None = None
    uses_max: int | None = None


@transaction_required
def create_promotion(
    new: NewPromotion, *, channel: SalesChannel, coupons: Sequence[NewCoupon], now: datetime
) -> Promotion:
    """This will store a promotion with its figures, articles and codes. Raises: InvalidPromotion, InvalidCode,
    CodeTaken.
    """
    _refuse_unusable(new, channel=channel)
    refused = [
        "catalog_promotion_rate_of_percent",
        "catalog_promotion_valid_some_time",
        "catalog_promotion_period_has_limit",
        "catalog_promotion_figure_not_negative",
        "catalog_promotion_uses_max_some",
        "catalog_promotion_uses_per_customer_max_some",
        "catalog_promotion_uses_per_period_max_some",
    ]
    with constraint_errors(dict.fromkeys(refused, InvalidPromotion)):
        promotion = Promotion.objects.create(
            public_id=new_public_id("promo"),
            channel=channel,
            name=new.name,
            kind=new.kind,
            rate=new.rate,
            is_combinable=new.is_combinable,
            is_first_order_only=new.is_first_order_only,
            valid_from=new.valid_from,
            valid_until=new.valid_until,
            uses_max=new.uses_max,
            uses_per_customer_max=new.uses_per_customer_max,
            period=new.period,
            uses_per_period_max=new.uses_per_period_max,
            created_at=now,
        )
        PromotionFigure.objects.bulk_create(
            PromotionFigure(
                promotion=promotion,
                currency=currency,
                amount_minor=figures.amount_minor,
                minimum_minor=figures.minimum_minor,
            )
            for currency, figures in sorted(new.figures.items())
        )
    PromotionArticle.objects.bulk_create(_articles(promotion, new))
    add_coupons(promotion, coupons=coupons, now=now)
    return promotion


@transaction_required
def add_coupons(promotion: Promotion, *, coupons: Iterable[NewCoupon], now: datetime) -> list[Coupon]:
    """This will store further codes for a promotion, in one statement. Raises: InvalidCode, CodeTaken."""
    rows = [
        Coupon(
            promotion=promotion,
            channel_id=promotion.channel_id,
            code=new.code.strip(),
            code_key=code_key(new.code),
            customer_id=new.customer_id,
            uses_max=new.uses_max,
            created_at=now,
        )
        for new in coupons
    ]
    for row in rows:
        if len(row.code_key) < CODE_MIN_CHARACTERS or len(row.code) > CODE_MAX_CHARACTERS:
            raise InvalidCode(coupon_code=row.code)
    if len({row.code_key for row in rows}) != len(rows):
        raise CodeTaken
    with constraint_errors({"catalog_coupon_code_unique": CodeTaken, "catalog_coupon_uses_max_some": InvalidPromotion}):
        return Coupon.objects.bulk_create(rows)


def _refuse_unusable(new: NewPromotion, *, channel: SalesChannel) -> None:
    foreign = sorted(set(new.figures) - set(channel.currencies))
    if foreign:
        raise InvalidPromotion(detail="The shop does not sell in this currency.", currencies=foreign)
    for currency, figures in new.figures.items():
        if not is_payable(figures.amount_minor, currency):
            raise InvalidPromotion(
                detail=f"Amounts in {currency} are multiples of {payable_step(currency)} minor units."
            )
    if new.kind == Promotion.Kind.FIXED and not any(figures.amount_minor for figures in new.figures.values()):
        raise InvalidPromotion(detail="A fixed amount must be given in one currency at least.")
    if new.period not in {"", *Promotion.Period.values}:
        raise InvalidPromotion(detail="A period is a day, week or month.")


def _articles(promotion: Promotion, new: NewPromotion) -> list[PromotionArticle]:
    products = Product.objects.filter(
        channel_id=promotion.channel_id, slug__in=[*new.products, *new.excluded_products]
    ).in_bulk(field_name="pk")
    categories = Category.objects.filter(
        channel_id=promotion.channel_id, slug__in=[*new.categories, *new.excluded_categories]
    ).in_bulk(field_name="pk")
    product_of = {product.slug: product for product in products.values()}
    category_of = {category.slug: category for category in categories.values()}
    missing = [slug for slug in [*new.products, *new.excluded_products] if slug not in product_of]
    missing += [slug for slug in [*new.categories, *new.excluded_categories] if slug not in category_of]
    if missing:
        raise InvalidPromotion(detail="Some articles or categories are not the shop's.", slugs=missing)
    return [
        *(PromotionArticle(promotion=promotion, product=product_of[slug], is_excluded=False) for slug in new.products),
        *(
            PromotionArticle(promotion=promotion, product=product_of[slug], is_excluded=True)
            for slug in new.excluded_products
        ),
        *(
            PromotionArticle(promotion=promotion, category=category_of[slug], is_excluded=False)
            for slug in new.categories
        ),
        *(
            PromotionArticle(promotion=promotion, category=category_of[slug], is_excluded=True)
            for slug in new.excluded_categories
        ),
    ]
