"""Products, their prices and the arrival of units; each written in a number of statements that does not grow."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from catalog.models import Price, Product, Stock, Variant
from catalog.services.categories import known_categories
from catalog.services.texts import SLUG, TEXT_MAX_CHARACTERS
from catalog.services.units import UNITS_MAX, InvalidQuantity, refuse_units
from core.db import constraint_errors, transaction_required
from core.errors import Invalid
from core.ids import new_public_id
from core.models import SalesChannel
from core.money import AMOUNT_MAX, exponent, is_payable, payable_step

# Visible ASCII without the slash: a SKU stands in addresses (`carts/{id}/lines/{sku}`) and in file exports.
SKU = re.compile(r"[!-.0-~]{1,64}")

# The upsert names what it could not find, so that a typing error does not pass for success. Rows are written in the
# order of variants: two price lists at once wait for each other and never in a circle.
SET_PRICES = """
WITH wanted AS (
    SELECT * FROM unnest(%s::text[], %s::bigint[]) AS wanted (sku, amount_minor)
), known AS (
    SELECT variant.id, wanted.sku, wanted.amount_minor
    FROM wanted JOIN catalog_variant variant ON variant.channel_id = %s::bigint AND variant.sku = wanted.sku
), written AS (
    INSERT INTO catalog_price (variant_id, currency, amount_minor, changed_at)
    SELECT known.id, %s::text, known.amount_minor, %s::timestamptz FROM known ORDER BY known.id
    ON CONFLICT (variant_id, currency) DO UPDATE
        SET amount_minor = excluded.amount_minor, changed_at = excluded.changed_at
        WHERE catalog_price.amount_minor <> excluded.amount_minor
)
SELECT wanted.sku FROM wanted WHERE wanted.sku NOT IN (SELECT known.sku FROM known) ORDER BY wanted.sku
"""

# Stock rows are locked in the order of their ids, as everywhere.
RECEIVE = """
WITH wanted AS (
    SELECT * FROM unnest(%s::text[], %s::bigint[]) AS wanted (sku, units)
), locked AS (
    SELECT stock.id, wanted.sku, wanted.units
    FROM wanted
    JOIN catalog_variant variant ON variant.channel_id = %s::bigint AND variant.sku = wanted.sku
    JOIN catalog_stock stock ON stock.variant_id = variant.id
    ORDER BY stock.id
    FOR UPDATE OF stock
), received AS (
    UPDATE catalog_stock stock
    SET received = stock.received + locked.units, last_received_at = %s::timestamptz
    FROM locked
    WHERE stock.id = locked.id
)
SELECT wanted.sku FROM wanted WHERE wanted.sku NOT IN (SELECT locked.sku FROM locked) ORDER BY wanted.sku
"""


class InvalidProduct(Invalid):
    """A slug, a SKU or a name is not one that can be stored, or a product has no variant."""

    code = "invalid_product"
    title = "The product cannot be stored."


class SlugTaken(Invalid):
    """Another product of the channel has the slug."""

    code = "slug_taken"
    title = "Another product stands at this address."


class SkuTaken(Invalid):
    """Another variant of the channel has the SKU; an archived one keeps it too."""

    code = "sku_taken"
    title = "Another variant has this SKU."


class UnknownSku(Invalid):
    """The channel has no variant with one of the SKUs; nothing was written."""

    code = "unknown_sku"
    title = "There is no such SKU."


class InvalidPrice(Invalid):
    """A price is negative, too large or cannot be paid to its last minor unit, or the currency is not sold in."""

    code = "invalid_price"
    title = "The price cannot be stored."


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A variant to be made. `prices` are minor units by currency, `units` what is in stock from the start."""

    sku: str
    prices: Mapping[str, int] = field(default_factory=dict)
    units: int = 0
    name: str = ""
    is_physical: bool = True
    weight_grams: int = 0


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to be made, with at least one variant. `category` is the slug of a category that is there, or ""."""

    slug: str
    name: str
    variants: Sequence[NewVariant]
    description: str = ""
    tax_category: str = "standard"
    is_published: bool = True
    category: str = ""


@transaction_required
def create_product(*, channel: SalesChannel, product: NewProduct, now: datetime) -> Product:
    """This will store one product with variants, prices and stock. Needs its caller's transaction.

    Raises: InvalidProduct, InvalidPrice, InvalidQuantity, SlugTaken, SkuTaken, UnknownCategory, UnknownCurrency.
    """
    return create_products(channel=channel, products=[product], now=now)[0]


@transaction_required
def create_products(*, channel: SalesChannel, products: Sequence[NewProduct], now: datetime) -> list[Product]:
    """This will store many products with variants, prices and stock, in four statements and a look for categories.

    Needs its caller's transaction.
    Raises: InvalidProduct, InvalidPrice, InvalidQuantity, SlugTaken, SkuTaken, UnknownCategory, UnknownCurrency.
    """
    for product in products:
        _refuse_invalid(channel, product)
    categories = known_categories(channel, (product.category for product in products if product.category))
    with constraint_errors({"catalog_product_slug_unique": SlugTaken, "catalog_variant_sku_unique": SkuTaken}):
        stored = Product.objects.bulk_create(
            Product(
                public_id=new_public_id("prod"),
                channel=channel,
                category=categories.get(product.category),
                slug=product.slug,
                name=product.name,
                description=product.description,
                tax_category=product.tax_category,
                is_published=product.is_published,
                created_at=now,
            )
            for product in products
        )
        asked = [(row, variant) for row, product in zip(stored, products, strict=True) for variant in product.variants]
        variants = Variant.objects.bulk_create(
            Variant(
                public_id=new_public_id("var"),
                channel=channel,
                product=row,
                sku=variant.sku,
                name=variant.name,
                is_physical=variant.is_physical,
                weight_grams=variant.weight_grams,
                created_at=now,
            )
            for row, variant in asked
        )
    made = list(zip(variants, (variant for _, variant in asked), strict=True))
    # Every variant has a stock row from its birth, so that reserving and receiving only ever update.
    Stock.objects.bulk_create(
        Stock(variant=row, received=variant.units, last_received_at=now if variant.units else None)
        for row, variant in made
    )
    Price.objects.bulk_create(
        Price(variant=row, currency=currency, amount_minor=amount_minor, changed_at=now)
        for row, variant in made
        for currency, amount_minor in variant.prices.items()
    )
    return stored


@transaction_required
def set_prices(*, channel: SalesChannel, currency: str, prices: Mapping[str, int], now: datetime) -> None:
    """This will set unit prices (minor units of `currency`, as the channel enters them) by SKU, in one statement.

    A price that stays keeps its `changed_at`. Orders are untouched: they have their snapshot. Needs its caller's
    transaction. Raises: UnknownCurrency, InvalidPrice, UnknownSku (then nothing is written).
    """
    _refuse_prices(channel, currency=currency, prices=prices)
    with connection.cursor() as cursor:
        cursor.execute(SET_PRICES, [list(prices), list(prices.values()), channel.pk, currency, now])
        unknown = [sku for (sku,) in cursor.fetchall()]
    if unknown:
        raise UnknownSku(skus=unknown)


@transaction_required
def receive_stock(*, channel: SalesChannel, units: Mapping[str, int], now: datetime) -> None:
    """This will add units that arrived, by SKU, in one statement. Needs its caller's transaction.

    Raises: InvalidQuantity, UnknownSku (then nothing is written).
    """
    refuse_units(units)
    with connection.cursor() as cursor:
        cursor.execute(RECEIVE, [list(units), list(units.values()), channel.pk, now])
        unknown = [sku for (sku,) in cursor.fetchall()]
    if unknown:
        raise UnknownSku(skus=unknown)


def _refuse_invalid(channel: SalesChannel, product: NewProduct) -> None:
    if SLUG.fullmatch(product.slug) is None:
        raise InvalidProduct(detail="A slug is 1 to 80 letters, digits, hyphens and underscores.", slug=product.slug)
    texts = [product.name, *(variant.name for variant in product.variants)]
    if not product.name or any(len(text) > TEXT_MAX_CHARACTERS for text in texts):
        raise InvalidProduct(detail="A product needs a name of at most 200 characters.", slug=product.slug)
    if any("\x00" in text for text in [*texts, product.description]):
        raise InvalidProduct(detail="A text holds a NUL character.", slug=product.slug)
    if not product.variants:
        raise InvalidProduct(detail="A product is bought by its variants and needs one.", slug=product.slug)
    for variant in product.variants:
        if SKU.fullmatch(variant.sku) is None:
            raise InvalidProduct(detail="A SKU is 1 to 64 visible ASCII characters without a slash.", sku=variant.sku)
        if not 0 <= variant.units <= UNITS_MAX or variant.weight_grams < 0:
            raise InvalidQuantity(skus=[variant.sku])
        for currency, amount_minor in variant.prices.items():
            _refuse_prices(channel, currency=currency, prices={variant.sku: amount_minor})


def _refuse_prices(channel: SalesChannel, *, currency: str, prices: Mapping[str, int]) -> None:
    exponent(currency)
    if currency not in channel.currencies:
        raise InvalidPrice(detail=f"This shop does not sell in {currency}.", currency=currency)
    wrong = [sku for sku, amount_minor in prices.items() if not 0 <= amount_minor <= AMOUNT_MAX]
    if wrong:
        raise InvalidPrice(detail="A price is negative or too large.", skus=wrong)
    unpayable = [sku for sku, amount_minor in prices.items() if not is_payable(amount_minor, currency)]
    if unpayable:
        step = payable_step(currency)
        raise InvalidPrice(detail=f"Prices in {currency} are multiples of {step} minor units.", skus=unpayable)
