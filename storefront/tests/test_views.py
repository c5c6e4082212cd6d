"""The shop's pages as a browser without scripts reads them."""

import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.tests.factories import a_category, a_product
from core.channels import default_channel
from core.models import SalesChannel
from core.tests.factories import a_channel

pytestmark = pytest.mark.usefixtures("database")

ROOMS = ["/cart", "/checkout", "/checkout/return", "/orders/ord_0", "/account"]
PAGES = ["/", "/search", "/search?q=product", "/categories/cups", "/products/MUG-RED", *ROOMS]
NASTY = "<script>alert(1)</script>\"'&"


@pytest.fixture
def channel(database: str) -> SalesChannel:
    """A shop with a mug on its shelf of cups, and a lamp."""
    channel = a_channel(name="Lantern & Lark")
    a_category(channel)
    a_product(channel, sku="MUG-RED", price_minor=1999, category="cups")
    a_product(channel, sku="LAMP", price_minor=4500)
    return channel


def get(path: str, *, status: int = 200, **more: Any) -> str:
    """The page's HTML."""
    answer = Client().get(path, **more)
    assert answer.status_code == status, path
    return answer.content.decode()


def count_queries(path: str) -> int:
    """How many queries the page costs."""
    with CaptureQueriesContext(connection) as queries:
        get(path)
    return len(queries)


class TestWithoutScripts:
    def test_the_front_shows_what_is_on_sale_with_its_price(self, channel: SalesChannel) -> None:
        html = get("/")

        assert "Product MUG-RED" in html
        assert "£19.99" in html
        assert 'href="/products/LAMP"' in html
        assert 'href="/categories/cups"' in html

    def test_a_shelf_shows_its_own_things_alone(self, channel: SalesChannel) -> None:
        html = get("/categories/cups")

        assert "Product MUG-RED" in html
        assert "Product LAMP" not in html

    def test_the_search_looks_in_names(self, channel: SalesChannel) -> None:
        html = get("/search?q=lamp")

        assert "Product LAMP" in html
        assert "Product MUG-RED" not in html

    def test_a_product_says_what_it_costs_and_whether_it_is_there(self, channel: SalesChannel) -> None:
        a_product(channel, sku="RARE", stock=2)
        a_product(channel, sku="GONE", stock=0)

        assert "In stock" in get("/products/MUG-RED")
        assert "Only a few left" in get("/products/RARE")
        gone = get("/products/GONE")
        assert "Sold out" in gone
        assert "Put into the basket" not in gone

    def test_every_picture_has_its_size_reserved(self, channel: SalesChannel) -> None:
        for path in PAGES:
            for image in re.findall(r"<img [^>]+>", get(path)):
                assert re.search(r'width="\d+" height="\d+"', image), image

    def test_prices_follow_the_currency_of_the_address_and_so_do_the_links(self, channel: SalesChannel) -> None:
        a_product(channel, sku="BELL", price_minor=4200, currency="JPY")

        html = get("/?currency=JPY")

        assert ">JP¥4,200<" in html
        assert 'href="/products/BELL?currency=JPY"' in html
        assert "This is not sold in JPY" in get("/products/MUG-RED?currency=JPY")

    @pytest.mark.parametrize(
        ("currency", "price_minor", "written"),
        [
            ("GBP", 1999, "£19.99"),
            ("GBP", 123_400, "£1,234.00"),
            ("EUR", 1999, "€19.99"),
            ("EUR", 5, "€0.05"),
            ("JPY", 1999, "JP¥1,999"),
            ("KWD", 12_340, "KWD\N{NO-BREAK SPACE}12.340"),
            ("KWD", 1_234_500, "KWD\N{NO-BREAK SPACE}1,234.500"),
        ],
    )
    def test_a_price_has_as_many_decimals_as_its_currency(
        self, channel: SalesChannel, currency: str, price_minor: int, written: str
    ) -> None:
        a_product(channel, sku="BELL", price_minor=price_minor, currency=currency)

        for path in ("/", "/search?q=bell", "/products/BELL"):
            html = get(path, QUERY_STRING=f"q=bell&currency={currency}")
            assert f">{written}<" in html, path

    def test_a_long_list_goes_on_where_the_page_before_ended(self, channel: SalesChannel) -> None:
        for number in range(25):
            a_product(channel, sku=f"CUP-{number}", category="cups")

        first = get("/categories/cups?currency=EUR")
        [address] = re.findall(r'rel="next" href="([^"]+)"', first)
        second = get(f"/categories/cups{address.replace('&amp;', '&')}")

        assert "currency=EUR" in address
        assert first.count('class="card"') == 24
        assert second.count('class="card"') == 2
        assert 'rel="next"' not in second


class TestEmptyAndMissing:
    def test_before_there_is_a_shop_the_page_says_so_and_looks_again(self) -> None:
        html = get("/")

        assert "The shop is being set up" in html
        assert 'http-equiv="refresh"' in html
        assert "being set up" in get("/products/mug", status=503)

    def test_empty_shelves_of_a_demo_are_being_filled(self) -> None:
        a_channel()

        assert "The shelves are being filled" in get("/")

    def test_an_empty_live_shop_makes_no_promise(self) -> None:
        a_channel(is_livemode=True)

        html = get("/")

        assert "Nothing is on sale at the moment" in html
        assert 'http-equiv="refresh"' not in html

    def test_a_search_without_result_says_what_it_looked_for(self, channel: SalesChannel) -> None:
        assert "Nothing is called “teapot”" in get("/search?q=teapot")

    @pytest.mark.parametrize("path", ["/products/teapot", "/categories/teapots", "/products/HIDDEN"])
    def test_what_is_not_there_and_what_is_hidden_look_the_same(self, channel: SalesChannel, path: str) -> None:
        a_product(channel, sku="HIDDEN", is_published=False)

        assert "We do not have this" in get(path, status=404)

    @pytest.mark.parametrize(
        "query",
        ["currency=USD", "currency=gbp", "currency=GBPX", "cursor=prd_nothing", f"cursor={'x' * 41}", f"q={'x' * 101}"],
    )
    def test_an_address_nobody_wrote_is_refused_in_words(self, channel: SalesChannel, query: str) -> None:
        assert "We cannot read this address" in get(f"/search?q=a&{query}", status=400)

    @pytest.mark.parametrize("path", ["/search?q=%00", "/?cursor=%00", "/search?q=%FF%FE", "/?currency=%00"])
    def test_what_no_database_stores_is_no_mistake_of_ours(self, channel: SalesChannel, path: str) -> None:
        assert Client().get(path).status_code in {200, 400}

    @pytest.mark.parametrize("path", ["/products/%00", "/categories/a%2Fb", "/orders/%3Cscript%3E"])
    def test_an_odd_name_is_not_found(self, channel: SalesChannel, path: str) -> None:
        get(path, status=404)

    def test_other_people_s_parameters_are_nobody_s_business(self, channel: SalesChannel) -> None:
        assert "Product LAMP" in get("/?utm_source=letter&fbclid=1")

    def test_a_database_that_is_away_is_a_wait(self, channel: SalesChannel, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr("storefront.views.default_channel", refuse)

        answer = Client(raise_request_exception=False).get("/")

        assert answer.status_code == 503
        assert answer.headers["Retry-After"]


class TestSafety:
    @pytest.mark.parametrize("query", ["q=4242424242424242", "q=4242+4242+4242+4242", "cursor=4242424242424242"])
    def test_a_card_number_is_refused_and_stands_in_no_page_that_may_be_kept(
        self, channel: SalesChannel, query: str
    ) -> None:
        answer = Client().get(f"/search?{query}")

        html = answer.content.decode()
        assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
        assert "Card numbers are never sent to the shop" in html
        assert "4242" not in html

    def test_a_card_number_is_no_order_and_a_barcode_may_be_searched_for(self, channel: SalesChannel) -> None:
        assert "4242424242424242" not in get("/orders/4242424242424242", status=404)
        assert "4006381333931" in get("/search?q=4006381333931")

    def test_whatever_was_typed_is_shown_as_text(self, channel: SalesChannel) -> None:
        assert NASTY not in get("/search", QUERY_STRING=f"q={NASTY.replace('&', '%26')}")
        assert "&lt;script&gt;alert(1)" in get("/search", QUERY_STRING=f"q={NASTY.replace('&', '%26')}")

    def test_what_the_shop_is_called_is_shown_as_text(self) -> None:
        a_channel(name=NASTY)

        assert "<script>alert" not in get("/")

    @pytest.mark.parametrize("path", PAGES)
    def test_no_page_sets_a_cookie_or_holds_a_script_of_its_own(self, channel: SalesChannel, path: str) -> None:
        answer = Client().get(path)
        html = answer.content.decode()

        assert not answer.cookies
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert re.search(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=", html) is None

    @pytest.mark.parametrize("path", PAGES)
    def test_no_page_asks_anybody_else(self, channel: SalesChannel, path: str) -> None:
        assert re.search(r'(?:src|href|action)="(?:https?:)?//', get(path)) is None

    @pytest.mark.parametrize("path", PAGES)
    def test_nothing_is_written_by_posting_to_a_page(self, channel: SalesChannel, path: str) -> None:
        assert Client().post(path).status_code == 405

    @pytest.mark.parametrize("path", ROOMS)
    def test_the_rooms_of_one_customer_are_kept_by_nobody(self, channel: SalesChannel, path: str) -> None:
        assert Client().get(path).headers["Cache-Control"] == "no-store"

    def test_the_window_is_the_same_for_everybody(self, channel: SalesChannel) -> None:
        assert Client().get("/").headers["Cache-Control"] == "public, max-age=60"


class TestCost:
    @pytest.mark.parametrize(
        ("path", "queries"), [("/", 5), ("/search?q=cup", 5), ("/categories/cups", 6), ("/products/CUP-0", 8)]
    )
    def test_a_page_costs_the_same_however_much_there_is(self, channel: SalesChannel, path: str, queries: int) -> None:
        a_product(channel, sku="CUP-0", category="cups")
        few = count_queries(path)
        for number in range(1, 20):
            a_product(channel, sku=f"CUP-{number}", category="cups")

        assert count_queries(path) == few
        assert few <= queries

    @pytest.mark.parametrize("path", ROOMS)
    def test_a_room_costs_one(self, channel: SalesChannel, path: str) -> None:
        assert count_queries(path) == 1


class TestCountries:
    def test_the_shop_s_own_country_comes_first_and_none_that_no_parcel_goes_to(self) -> None:
        a_channel(countries=["GB", "JP", "DE", "XX", "EU", "ZZ"])

        names = re.findall(r'<option value="(\w\w)"[^>]*>([^<]+)</option>', get("/checkout"))

        assert default_channel().countries[0] == names[0][0]
        assert names == [("GB", "United Kingdom"), ("DE", "Germany"), ("JP", "Japan")]

    def test_each_says_what_a_parcel_there_needs(self) -> None:
        a_channel(countries=["GB", "HK", "US"])

        needs = re.findall(r'<option value="(\w\w)" data-needs="([^"]*)"', get("/checkout"))

        assert needs == [("GB", "city line1 postcode"), ("HK", "line1 region"), ("US", "city line1 postcode region")]
