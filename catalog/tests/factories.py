"""Things on a shelf, ready to be bought."""

from catalog import services
from catalog.models import Category, ReservationLine, ShippingMethod, Stock, Variant
from catalog.services import NewArea, NewCategory, NewMethod, NewProduct, NewVariant, NewZone, PriceStep
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
