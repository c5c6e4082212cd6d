"""Lines ready to be priced, variants by SKU, and the shop window."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import selectors, services, window
from catalog.models import Product, Variant
from catalog.pricing import (
    Availability,
    NotForSale,
    NotForSaleReason,
    QuoteRequest,
    TaxEntry,
    quote,
    untaxed,
)
from catalog.services import NewProduct, NewVariant
from catalog.tests.factories import a_category, a_product
from core.db import transaction
from core.errors import NotFound
from core.models import SalesChannel
from core.tests.factories import NOW, a_channel
from tests.databases import superuser

# One in twenty of this shop, a fifth of those in the category, a quarter of all hidden; names of random letters.
MANY_PRODUCTS = """
INSERT INTO catalog_product
    (public_id, channel_id, category_id, slug, name, description, tax_category, is_published, created_at)
SELECT 'prod_' || n, CASE WHEN n %% 20 = 0 THEN %(shop)s::bigint ELSE %(other)s::bigint END,
    CASE WHEN n %% 100 = 0 THEN %(category)s::bigint END,
    'p-' || n, md5(n::text), '', 'standard', n %% 4 <> 1, now()
FROM generate_series(1, 20000) AS n
"""

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def channel(database: str) -> SalesChannel:
    return a_channel()


def many(channel: SalesChannel, count: int) -> list[Variant]:
    with transaction("test"):
        services.create_products(
            channel=channel,
            products=[
                NewProduct(slug=f"p-{n:04}", name=f"Cup {n}", variants=[NewVariant(sku=f"S{n}", prices={"GBP": n})])
                for n in range(count)
            ],
            now=NOW,
        )
    return list(Variant.objects.order_by("id"))


class TestPricedLines:
    def test_go_into_a_quote(self, channel: SalesChannel) -> None:
        mug, cup = a_product(channel, sku="MUG", price_minor=1999), a_product(channel, sku="CUP", price_minor=500)

        found = selectors.priced_lines(channel_id=channel.pk, currency="GBP", quantities={mug.pk: 2, cup.pk: 1})
        result = quote(
            QuoteRequest(
                currency="GBP",
                tax_entry=TaxEntry(channel.tax_entry),
                lines=found.lines,
                tax_rules=untaxed(region="GB", categories={line.tax_category for line in found.lines}),
            )
        )

        assert [(line.position, line.sku, line.variant_id) for line in result.lines] == [
            (1, "MUG", mug.public_id),
            (2, "CUP", cup.public_id),
        ]
        assert result.total_minor == 4498

    def test_report_what_cannot_be_bought(self, channel: SalesChannel) -> None:
        fine = a_product(channel, sku="FINE")
        hidden = a_product(channel, sku="HIDDEN", is_published=False)
        unpriced = a_product(channel, sku="UNPRICED", currency="EUR")
        withdrawn, ended = a_product(channel, sku="WITHDRAWN"), a_product(channel, sku="ENDED")
        Variant.objects.filter(pk=withdrawn.pk).update(archived_at=NOW)
        Product.objects.filter(pk=ended.product_id).update(archived_at=NOW)
        everything = [hidden, fine, unpriced, withdrawn, ended]

        found = selectors.priced_lines(
            channel_id=channel.pk, currency="GBP", quantities={variant.pk: 1 for variant in everything}
        )

        assert [line.sku for line in found.lines] == ["FINE"]
        assert found.not_for_sale == (
            NotForSale("HIDDEN", NotForSaleReason.UNPUBLISHED),
            NotForSale("UNPRICED", NotForSaleReason.UNPRICED),
            NotForSale("WITHDRAWN", NotForSaleReason.ARCHIVED),
            NotForSale("ENDED", NotForSaleReason.ARCHIVED),
        )

    def test_refuse_another_shops_variant(self, channel: SalesChannel) -> None:
        foreign = a_product(a_channel(slug="other"))

        with pytest.raises(NotFound):
            selectors.priced_lines(channel_id=channel.pk, currency="GBP", quantities={foreign.pk: 1})

    @pytest.mark.parametrize("lines", [1, 2000])
    def test_are_one_query(self, channel: SalesChannel, lines: int) -> None:
        variants = many(channel, 2000)[:lines]

        with CaptureQueriesContext(connection) as queries:
            found = selectors.priced_lines(
                channel_id=channel.pk, currency="GBP", quantities={variant.pk: 1 for variant in variants}
            )

        assert len(queries) == 1
        assert [line.sku for line in found.lines] == [variant.sku for variant in variants]


class TestFindVariants:
    def test_finds_by_exact_sku_in_one_query(self, channel: SalesChannel) -> None:
        upper, lower = a_product(channel, sku="15056BL"), a_product(channel, sku="15056bl")
        a_product(a_channel(slug="other"), sku="FOREIGN")

        with CaptureQueriesContext(connection) as queries:
            found = selectors.find_variants(channel_id=channel.pk, skus=["15056BL", "15056bl", "FOREIGN", "NONE"])

        assert len(queries) == 1
        assert found == {"15056BL": upper, "15056bl": lower}


class TestShopWindow:
    def test_pages_through_everything_once_newest_first(self, channel: SalesChannel) -> None:
        many(channel, 7)
        seen, cursor = [], ""

        for _ in range(4):
            with CaptureQueriesContext(connection) as queries:
                page = window.product_page(channel_id=channel.pk, currency="GBP", size=2, cursor=cursor)
            assert len(queries) == (4 if cursor else 3)
            seen += [product.name for product in page.products]
            cursor = page.next_cursor or ""

        assert seen == [f"Cup {n}" for n in reversed(range(7))]
        assert cursor == ""

    def test_finds_by_name(self, channel: SalesChannel) -> None:
        many(channel, 3)

        page = window.product_page(channel_id=channel.pk, currency="GBP", size=10, text="cup 1")

        assert [product.slug for product in page.products] == ["p-0001"]

    @pytest.mark.parametrize(
        ("stock", "availability"),
        [(0, Availability.OUT_OF_STOCK), (5, Availability.LOW_STOCK), (6, Availability.IN_STOCK)],
    )
    def test_shows_price_and_availability(self, channel: SalesChannel, stock: int, availability: Availability) -> None:
        a_product(channel, sku="MUG", price_minor=1999, stock=stock)

        product = window.published_product(channel_id=channel.pk, currency="GBP", slug="MUG")

        (variant,) = product.variants
        assert (variant.unit_price_minor, variant.availability) == (1999, availability)

    def test_hides_what_is_not_published(self, channel: SalesChannel) -> None:
        a_product(channel, sku="HIDDEN", is_published=False)

        with pytest.raises(NotFound):
            window.published_product(channel_id=channel.pk, currency="GBP", slug="HIDDEN")
        assert window.product_page(channel_id=channel.pk, currency="GBP", size=10).products == ()

    @pytest.mark.parametrize(
        ("way", "index"),
        [
            ({}, "catalog_product_window"),
            ({"category": "cups"}, "catalog_product_on_shelf"),
            ({"text": "a1b2c3"}, "catalog_product_name"),
        ],
    )
    def test_each_way_in_has_its_index(
        self, database: str, channel: SalesChannel, way: dict[str, str], index: str
    ) -> None:
        shelf, other = a_category(channel, slug="cups"), a_channel(slug="other")
        with superuser(database) as owner:
            owner.execute(MANY_PRODUCTS, {"shop": channel.pk, "other": other.pk, "category": shelf.pk})
            owner.execute("VACUUM ANALYZE catalog_product")

        with CaptureQueriesContext(connection) as queries:
            window.product_page(channel_id=channel.pk, currency="GBP", size=24, **way)
        (statement,) = [each["sql"] for each in queries.captured_queries if "LIMIT 25" in each["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}".replace("%", "%%"), [])
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert index in plan, plan
