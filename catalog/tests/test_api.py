"""The shop window over HTTP: what everybody sees, page by page, how long it may be kept, and what is refused."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.api import PAGE_SIZE
from catalog.models import Product, Stock, Variant
from catalog.services import NewProduct, NewVariant
from catalog.tests.factories import a_category, a_product
from core.db import transaction
from core.models import SalesChannel
from core.tests.factories import NOW, a_channel

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def channel(database: str) -> SalesChannel:
    return a_channel()


def get(path: str, **headers: str) -> Any:
    """This will ask as a stranger does; header names are given with underscores."""
    return Client().get(f"/api/v1/catalog/{path}", headers={key.replace("_", "-"): headers[key] for key in headers})


def seen(path: str) -> Any:
    """This will return the body of an answer that must be 200."""
    answer = get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def stock(channel: SalesChannel, *products: NewProduct) -> None:
    """This will store products."""
    with transaction("test"):
        services.create_products(channel=channel, products=products, now=NOW)


def cups(count: int, *, category: str = "", variants: int = 1) -> list[NewProduct]:
    """This will return products to be made, each with some variants."""
    return [
        NewProduct(
            slug=f"cup-{n}",
            name=f"Cup {n}",
            variants=[NewVariant(sku=f"C{n}-{v}", prices={"GBP": 100 + v}, units=9) for v in range(variants)],
            category=category,
        )
        for n in range(count)
    ]


class TestProducts:
    def test_show_price_stock_kind_and_category(self, channel: SalesChannel) -> None:
        a_category(channel, slug="cups")
        variants = [
            NewVariant(sku="RED", name="Red", prices={"GBP": 1999, "EUR": 2300}, units=6),
            NewVariant(sku="FILM", name="Film", prices={"GBP": 500}, units=5, is_physical=False),
        ]
        stock(channel, NewProduct(slug="mug", name="Mug", description="Clay.", variants=variants, category="cups"))

        product, red, film = Product.objects.get(), Variant.objects.get(sku="RED"), Variant.objects.get(sku="FILM")

        assert seen("products") == {
            "products": [
                {
                    "product_id": product.public_id,
                    "slug": "mug",
                    "name": "Mug",
                    "description": "Clay.",
                    "category": {"slug": "cups", "name": "Category cups"},
                    "kinds": ["physical", "digital"],
                    "price_from": {"amount_minor": 500, "currency": "GBP", "display": "£5.00"},
                    "availability": "in_stock",
                    "variants": [
                        {
                            "variant_id": red.public_id,
                            "sku": "RED",
                            "name": "Red",
                            "kind": "physical",
                            "price": {"amount_minor": 1999, "currency": "GBP", "display": "£19.99"},
                            "availability": "in_stock",
                        },
                        {
                            "variant_id": film.public_id,
                            "sku": "FILM",
                            "name": "Film",
                            "kind": "digital",
                            "price": {"amount_minor": 500, "currency": "GBP", "display": "£5.00"},
                            "availability": "low_stock",
                        },
                    ],
                    "images": [],
                }
            ],
            "next_cursor": None,
        }
        assert seen("products/mug") == seen("products")["products"][0]

    def test_are_shown_in_pages_of_24_newest_first_each_once(self, channel: SalesChannel) -> None:
        stock(channel, *cups(2 * PAGE_SIZE + 1))
        names: list[str] = []
        sizes: list[int] = []
        cursor = ""

        while not sizes or cursor:
            page = seen(f"products?cursor={cursor}" if cursor else "products")
            names += [product["name"] for product in page["products"]]
            sizes.append(len(page["products"]))
            cursor = page["next_cursor"]

        assert sizes == [24, 24, 1]
        assert names == [f"Cup {n}" for n in reversed(range(49))]

    def test_a_full_last_page_has_no_next(self, channel: SalesChannel) -> None:
        stock(channel, *cups(PAGE_SIZE))

        assert seen("products")["next_cursor"] is None

    def test_what_is_new_or_hidden_between_two_pages_shifts_nothing(self, channel: SalesChannel) -> None:
        stock(channel, *cups(PAGE_SIZE + 2))
        cursor = seen("products")["next_cursor"]
        a_product(channel, sku="NEW")
        Product.objects.filter(public_id=cursor).update(is_published=False)

        page = seen(f"products?cursor={cursor}")

        assert [product["name"] for product in page["products"]] == ["Cup 1", "Cup 0"]

    def test_are_found_by_category_and_name(self, channel: SalesChannel) -> None:
        a_category(channel, slug="cups")
        a_category(channel, slug="empty")
        stock(channel, *cups(2, category="cups"), NewProduct(slug="l", name="100% CUP", variants=[NewVariant(sku="L")]))

        found = {
            query: [product["name"] for product in seen(f"products?{query}")["products"]]
            for query in [
                "q=cup",
                "q=CUP+1",
                "q=%25",
                "q=_",
                "q=",
                "category=cups",
                "category=cups&q=0",
                "category=empty",
            ]
        }

        assert found == {
            "q=cup": ["100% CUP", "Cup 1", "Cup 0"],
            "q=CUP+1": ["Cup 1"],
            "q=%25": ["100% CUP"],
            "q=_": [],
            "q=": ["100% CUP", "Cup 1", "Cup 0"],
            "category=cups": ["Cup 1", "Cup 0"],
            "category=cups&q=0": ["Cup 0"],
            "category=empty": [],
        }

    def test_leave_out_what_is_hidden_archived_or_another_shops(self, channel: SalesChannel) -> None:
        other = a_channel(slug="other")
        a_product(channel, sku="SHOWN")
        a_product(channel, sku="HIDDEN", is_published=False)
        a_product(other, sku="FOREIGN")
        ended = a_product(channel, sku="ENDED")
        Product.objects.filter(pk=ended.product_id).update(archived_at=NOW)

        assert [product["slug"] for product in seen("products")["products"]] == ["SHOWN"]
        assert [get(f"products/{slug}").status_code for slug in ("HIDDEN", "FOREIGN", "ENDED")] == [404, 404, 404]

    def test_prices_in_another_currency_are_those_typed_in_and_null_where_there_is_none(
        self, channel: SalesChannel
    ) -> None:
        variants = [
            NewVariant(sku="BOTH", prices={"GBP": 1999, "JPY": 3900}, units=1),
            NewVariant(sku="POUNDS", prices={"GBP": 10}, units=99),
        ]
        stock(channel, NewProduct(slug="mug", name="Mug", variants=variants))

        product = seen("products/mug?currency=JPY")

        assert product["price_from"] == {"amount_minor": 3900, "currency": "JPY", "display": "JP¥3,900"}
        assert [variant["price"] for variant in product["variants"]] == [product["price_from"], None]
        # There is plenty of the one that is not sold for yen, which is no use to who pays in yen.
        assert product["availability"] == "low_stock"

    @pytest.mark.parametrize(
        ("units", "availability"),
        [((0, 0), "out_of_stock"), ((0, 5), "low_stock"), ((1, 6), "in_stock")],
    )
    def test_a_product_is_as_available_as_its_best_variant(
        self, channel: SalesChannel, units: tuple[int, int], availability: str
    ) -> None:
        variants = [NewVariant(sku=f"S{n}", prices={"GBP": 1}, units=count) for n, count in enumerate(units)]
        stock(channel, NewProduct(slug="mug", name="Mug", variants=variants))

        assert seen("products/mug")["availability"] == availability

    def test_units_on_hold_are_not_available(self, channel: SalesChannel) -> None:
        a_product(channel, sku="MUG", stock=10)
        Stock.objects.update(held=4, committed=1)

        assert seen("products/MUG")["availability"] == "low_stock"

    def test_a_product_whose_variants_have_ended_is_out_of_stock(self, channel: SalesChannel) -> None:
        a_product(channel, sku="MUG")
        Variant.objects.update(archived_at=NOW)

        product = seen("products/MUG")

        assert (product["variants"], product["kinds"], product["price_from"]) == ([], [], None)
        assert product["availability"] == "out_of_stock"


class TestQueries:
    @pytest.mark.parametrize(("count", "variants"), [(1, 1), (PAGE_SIZE + 1, 1), (3 * PAGE_SIZE, 5)])
    def test_are_as_many_however_much_is_shown(self, channel: SalesChannel, count: int, variants: int) -> None:
        a_category(channel, slug="cups")
        stock(channel, *cups(count, category="cups", variants=variants))
        cursor = Product.objects.order_by("-id")[min(count - 1, PAGE_SIZE)].public_id

        counted = {}
        for path in (
            "products", "products?currency=EUR", "products?q=cup", "products?category=cups",
            f"products?cursor={cursor}", f"products?category=cups&q=cup&cursor={cursor}",
            "products/cup-0", "categories",
        ):  # fmt: skip
            with CaptureQueriesContext(connection) as queries:
                seen(path)
            counted[path.replace(cursor, "…")] = len(queries)

        assert counted == {
            "products": 4,
            # Nobody typed these prices in, so one query more looks for a rate to convert them by.
            "products?currency=EUR": 5,
            "products?q=cup": 4,
            "products?category=cups": 5,
            "products?cursor=…": 5,
            "products?category=cups&q=cup&cursor=…": 6,
            "products/cup-0": 4,
            "categories": 2,
        }


class TestKeeping:
    @pytest.mark.parametrize("path", ["products", "products/MUG", "categories"])
    def test_everybody_may_keep_an_answer_for_a_minute(self, channel: SalesChannel, path: str) -> None:
        a_product(channel, sku="MUG")

        answer = get(path)
        same = get(path, if_none_match=answer["ETag"])

        assert answer["Content-Type"] == "application/json"
        assert (answer["Cache-Control"], same["Cache-Control"]) == ("public, max-age=60", "public, max-age=60")
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", answer["ETag"])
        assert not answer.cookies
        # A kept answer fits whoever asks for the same languages, or everybody where the address names one.
        assert (answer["Vary"], same["Vary"]) == ("Accept-Language", "Accept-Language")
        assert not get(f"{path}?locale=en").has_header("Vary")

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
    def test_knows_its_etag_in_every_form(self, channel: SalesChannel, form: str) -> None:
        a_product(channel, sku="MUG")
        etag = get("products")["ETag"]

        assert get("products", if_none_match=form.format(etag)).status_code == 304

    def test_another_price_or_stock_is_another_answer(self, channel: SalesChannel) -> None:
        a_product(channel, sku="MUG", price_minor=1999, stock=10)
        first = get("products")["ETag"]
        with transaction("test"):
            services.set_prices(channel=channel, currency="GBP", prices={"MUG": 2099}, now=NOW)
        second = get("products", if_none_match=first)
        Stock.objects.update(held=10)
        third = get("products", if_none_match=second["ETag"])

        assert (second.status_code, third.status_code) == (200, 200)
        assert third.json()["products"][0]["availability"] == "out_of_stock"

    def test_credentials_and_wishes_for_another_form_change_nothing(self, channel: SalesChannel) -> None:
        a_product(channel, sku="MUG")

        asked = get("products", authorization="Bearer none", x_session_token="none", accept="text/html")

        assert (asked.status_code, asked.content) == (200, get("products").content)


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "code", "fields"),
        [
            ("products?page=2", "invalid", ["page"]),
            ("products?format=xml", "invalid", ["format"]),
            ("products?q=a&q=b", "invalid", ["q"]),
            ("products?q=%00", "not_storable", None),
            (f"products?q={'a' * 101}", "invalid", ["q"]),
            ("products?category=", "invalid", ["category"]),
            ("products?cursor=", "invalid", ["cursor"]),
            (f"products?cursor={'a' * 41}", "invalid", ["cursor"]),
            ("products?cursor=1", "bad_cursor", None),
            ("products?cursor=prod_0123456789ABCDEFGHJKMNPQRS", "bad_cursor", None),
            ("products?currency=gbp", "invalid", ["currency"]),
            ("products?currency=USD", "currency_not_for_sale", None),
            ("products/MUG?currency=USD", "currency_not_for_sale", None),
            ("products/MUG?q=a", "invalid", ["q"]),
            ("products/none?x=1", "invalid", ["x"]),
            ("products/%00", "not_storable", None),
            ("categories?x=1", "invalid", ["x"]),
        ],
    )
    def test_bad_input_is_a_problem(
        self, channel: SalesChannel, path: str, code: str, fields: list[str] | None
    ) -> None:
        a_product(channel, sku="MUG")

        answer = get(path)

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
        assert answer["Cache-Control"] == "no-store"
        problem = answer.json()
        assert (problem["code"], [each["field"] for each in problem.get("errors", [])] or None) == (code, fields)

    def test_another_shops_cursor_is_not_ours(self, channel: SalesChannel) -> None:
        foreign = a_product(a_channel(slug="other"))

        assert get(f"products?cursor={foreign.product.public_id}").json()["code"] == "bad_cursor"

    def test_what_is_not_there_is_404(self, channel: SalesChannel) -> None:
        a_category(a_channel(slug="other"), slug="foreign")

        codes = {
            path: (get(path).status_code, get(path).json()["code"])
            for path in ("products/none", "products?category=none", "products?category=foreign")
        }

        assert codes == {
            "products/none": (404, "not_found"),
            "products?category=none": (404, "no_such_category"),
            "products?category=foreign": (404, "no_such_category"),
        }

    def test_nothing_is_written_here(self, channel: SalesChannel) -> None:
        answers = [
            Client().generic(method, f"/api/v1/catalog/{path}", "{}", content_type="application/json")
            for method in ("POST", "PUT", "PATCH", "DELETE")
            for path in ("products", "products/MUG", "categories")
        ]

        assert {(answer.status_code, answer["Content-Type"]) for answer in answers} == {
            (405, "application/problem+json")
        }

    def test_before_there_is_a_shop_there_is_nothing(self) -> None:
        assert get("products").status_code == 404


class TestCategories:
    def test_stand_in_their_order_and_are_the_shops_own(self, channel: SalesChannel) -> None:
        a_category(channel, slug="second", position=20)
        a_category(channel, slug="first", position=10)
        a_category(channel, slug="third", position=20)
        a_category(a_channel(slug="other"), slug="foreign", position=1)

        assert seen("categories") == {
            "categories": [
                {"slug": "first", "name": "Category first"},
                {"slug": "second", "name": "Category second"},
                {"slug": "third", "name": "Category third"},
            ]
        }
