"""Things on a shelf, ready to be bought."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from catalog import services
from catalog.models import Category, Coupon, PromotionCount, ReservationLine, ShippingMethod, Stock, Variant
from catalog.services import (
    NewArea,
    NewCategory,
    NewCoupon,
    NewMethod,
    NewProduct,
    NewPromotion,
    NewVariant,
    NewZone,
    PriceStep,
)
from core.db import in_transaction, transaction
from core.models import SalesChannel
from core.tests.factories import NOW


def a_product(
    channel: SalesChannel,
    *,
    sku: str = "MUG-RED",
    price_minor: int | None = 1999,
    currency: str = "GBP",
    stock: int = 10,
    is_published: bool = True,
    category: str = "",
) -> Variant:
    """This will store a product with one variant and return the variant; without a price it cannot be bought."""
    prices = {} if price_minor is None else {currency: price_minor}
    new = NewProduct(
        slug=sku,
        name=f"Product {sku}",
        variants=[NewVariant(sku=sku, prices=prices, units=stock)],
        is_published=is_published,
        category=category,
    )
    if in_transaction():
        product = services.create_product(channel=channel, product=new, now=NOW)
    else:
        with transaction("test"):
            product = services.create_product(channel=channel, product=new, now=NOW)
    return product.variants.select_related("product", "stock").get()


def a_category(channel: SalesChannel, *, slug: str = "cups", position: int = 10) -> Category:
    """This will store a category with nothing in it."""
    with transaction("test"):
        new = NewCategory(slug=slug, name=f"Category {slug}", position=position)
        return services.create_categories(channel=channel, categories=[new])[0]


def shelf(variant: Variant) -> tuple[int, int, int]:
    """This will return the variant's available, held and committed units as they stand in the database."""
    stock = Stock.objects.get(variant=variant)
    return stock.available, stock.held, stock.committed


def units_on_live_reservations() -> dict[str, tuple[int, int]]:
    """This will return held and committed units by SKU as the reservations say, to compare with the stock."""
    totals: dict[str, tuple[int, int]] = {}
    for line in ReservationLine.objects.select_related("reservation", "stock__variant"):
        held, committed = totals.get(line.stock.variant.sku, (0, 0))
        held += line.quantity if line.reservation.status == "held" else 0
        committed += line.quantity if line.reservation.status == "committed" else 0
        totals[line.stock.variant.sku] = (held, committed)
    return totals


def a_way_to_ship(channel: SalesChannel, *, country: str = "GB", price_minor: int = 395) -> ShippingMethod:
    """This will store a zone of one country with one method, `post`, at one price in the channel's own currency."""
    price = PriceStep(channel.default_currency, price_minor)
    method = NewMethod("post", "By post", [price], days_min=2, days_max=3)
    new = NewZone(country.lower(), f"Zone {country}", areas=[NewArea(country)], methods=[method])
    with transaction("test"):
        return services.create_shipping_zone(channel=channel, zone=new, now=NOW).methods.get()


def a_coupon(channel: SalesChannel, code: str = "SPRING10", **changes: Any) -> Coupon:
    """This will store a promotion of ten per cent for everybody and for ever, with one code; `changes` are of the
    promotion.
    """
    fields: dict[str, Any] = {"name": f"Promotion {code}", "kind": "percent", "valid_from": NOW - timedelta(days=1)}
    if changes.get("kind", "percent") == "percent":
        fields["rate"] = Decimal("0.1")
    coupon = NewCoupon(
        code=code, customer_id=changes.pop("customer_id", None), uses_max=changes.pop("code_uses_max", None)
    )
    with transaction("test"):
        new = NewPromotion(**fields | changes)
        services.create_promotion(new, channel=channel, coupons=[coupon], now=NOW)
    return Coupon.objects.select_related("promotion").get(code=code)


def counts(code: str = "SPRING10") -> dict[str, int]:
    """This will return how often the code's promotion is in use, by scope: the highest where a scope has several."""
    found: dict[str, int] = {}
    for row in PromotionCount.objects.filter(promotion__coupons__code=code):
        found[row.scope] = max(found.get(row.scope, 0), row.uses_count)
    return found
