"""Carts over HTTP: prices that were seen, limits, currencies and countries, ways to pay."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import Price, Product, Stock
from catalog.tests.factories import a_product
from checkout.models import Cart, CartAddress, CartLine
from checkout.tests.customers import a_customer
from core import policies
from core.db import transaction
from core.tests.factories import NOW
from tests.shop import Shop


def reprice(sku: str, amount_minor: int) -> None:
    """This will give an article another price."""
    Price.objects.filter(variant__sku=sku).update(amount_minor=amount_minor)


def warnings(shop: Shop, cart: tuple[str, str]) -> list[dict[str, Any]]:
    """This will read the warnings of a cart's quote."""
    quoted = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()
    found: list[dict[str, Any]] = quoted["warnings"]
    return found


def money(amount_minor: int) -> dict[str, Any]:
    """Pounds on the wire."""
    return {"amount_minor": amount_minor, "currency": "GBP", "display": f"£{amount_minor / 100:.2f}"}


class TestPricesThatWereSeen:
    def test_a_change_is_said_until_the_customer_writes_the_line_again(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1})
        assert warnings(shop, cart) == []

        reprice("MUG-RED", 2100)
        changed = {"code": "price_changed", "sku": "MUG-RED", "before": money(1999), "now": money(2100)}
        assert warnings(shop, cart) == [changed]
        assert warnings(shop, cart) == [changed]  # reading acknowledges nothing

        written = shop.api("PUT", f"carts/{cart[0]}/lines/MUG-RED", {"quantity": 2}, x_cart_token=cart[1]).json()
        assert written["quote"]["warnings"] == [changed]  # said once more, with the answer that shows it
        assert warnings(shop, cart) == []

    def test_writing_another_line_acknowledges_nothing(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1})
        reprice("MUG-RED", 2100)

        shop.api("PUT", f"carts/{cart[0]}/lines/LAMP", {"quantity": 1}, x_cart_token=cart[1])

        assert [warning["code"] for warning in warnings(shop, cart)] == ["price_changed", "low_stock"]

    def test_writing_all_lines_acknowledges_all(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1})
        reprice("MUG-RED", 1500)
        lines = {"lines": [{"sku": "MUG-RED", "quantity": 1}]}

        said = shop.api("PUT", f"carts/{cart[0]}/lines", lines, x_cart_token=cart[1]).json()["quote"]["warnings"]

        assert [(warning["before"], warning["now"]) for warning in said] == [(money(1999), money(1500))]
        assert warnings(shop, cart) == []

    def test_a_price_that_came_back_is_no_change(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1})
        reprice("MUG-RED", 2100)
        reprice("MUG-RED", 1999)

        assert warnings(shop, cart) == []

    def test_a_copy_remembers_what_it_cost_then(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1})
        reprice("MUG-RED", 2100)

        copied = shop.api("POST", f"carts/{cart[0]}/copy", x_cart_token=cart[1]).json()

        assert [warning["code"] for warning in copied["quote"]["warnings"]] == ["price_changed"]

    def test_the_price_agreed_to_is_what_counts(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1})
        seen = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()["quote_hash"]
        reprice("MUG-RED", 2100)

        refused = shop.start(cart, quote_hash=seen)

        assert (refused.status_code, refused.json()["code"]) == (409, "quote_changed")

    def test_writing_costs_the_same_for_1_and_200_lines(self, shop: Shop) -> None:
        for number in range(200):
            a_product(shop.channel, sku=f"S{number:03}", stock=10)
        counted = []
        for count in (1, 200):
            cart = shop.a_cart()
            lines = {"lines": [{"sku": f"S{number:03}", "quantity": 1} for number in range(count)]}
            with CaptureQueriesContext(connection) as queries:
                shop.api("PUT", f"carts/{cart[0]}/lines", lines, x_cart_token=cart[1])
            counted.append(len(queries))

        assert counted[0] == counted[1]


class TestOtherWarnings:
    def test_sold_out_low_stock_and_not_for_sale(self, shop: Shop) -> None:
        a_product(shop.channel, sku="BOWL", stock=9)
        cart = shop.a_cart({"MUG-RED": 2, "LAMP": 1, "BOWL": 1})
        Stock.objects.filter(variant__sku="MUG-RED").update(received=1)
        Product.objects.filter(variants__sku="BOWL").update(is_published=False)

        found = {warning["sku"]: warning for warning in warnings(shop, cart)}

        assert found == {
            "BOWL": {"code": "not_for_sale", "sku": "BOWL", "reason": "unpublished"},
            "MUG-RED": {"code": "sold_out", "sku": "MUG-RED", "requested": 2, "available": 1},
            "LAMP": {"code": "low_stock", "sku": "LAMP", "available": 5},
        }


class TestChangingACart:
    def patch(self, shop: Shop, cart: tuple[str, str], **body: Any) -> Any:
        return shop.api("PATCH", f"carts/{cart[0]}", body, x_cart_token=cart[1])

    def test_another_currency_prices_it_anew(self, shop: Shop) -> None:
        a_product(shop.channel, sku="EURO", price_minor=900, currency="EUR")
        cart = shop.a_cart({"EURO": 1})

        changed = self.patch(shop, cart, currency="EUR").json()

        assert changed["quote"]["total"] == {"amount_minor": 900, "currency": "EUR", "display": "€9.00"}
        assert [warning["code"] for warning in changed["quote"]["warnings"]] == []
        Price.objects.filter(variant__sku="EURO").update(amount_minor=1000)
        assert [warning["code"] for warning in warnings(shop, cart)] == ["price_changed"]

    def test_another_country_forgets_addresses_elsewhere(self, shop: Shop) -> None:
        cart = shop.a_cart()
        address = {"line1": "1 Lane", "city": "London", "postcode": "SW1A 1AA", "country": "GB"}
        shop.api("PUT", f"carts/{cart[0]}/addresses", {"shipping": address}, x_cart_token=cart[1])

        changed = self.patch(shop, cart, country="DE").json()

        assert (changed["country"], changed["addresses"]) == ("DE", {"shipping": None, "billing": None})
        assert not CartAddress.objects.exists()

    def test_nothing_said_changes_nothing(self, shop: Shop) -> None:
        changed = self.patch(shop, shop.a_cart()).json()

        assert (changed["currency"], changed["country"]) == ("GBP", "GB")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"currency": "USD"}, "not_sold_there"),
            ({"country": "US"}, "not_sold_there"),
            ({"currency": "gbp"}, "invalid"),
            ({"country": "GB\n\n"}, None),
            ({"country": 7}, "invalid"),
            ({"total": 1}, "invalid"),
            ({"customer_id": 1}, "invalid"),
        ],
        ids=str,
    )
    def test_refuses_what_is_not_sold_or_not_known(self, shop: Shop, body: dict[str, Any], code: str | None) -> None:
        cart = shop.a_cart()

        answer = self.patch(shop, cart, **body)

        if code is not None:
            assert (answer.status_code, answer.json()["code"]) == (400, code)
        row = Cart.objects.get()
        assert (row.currency, row.country) == ("GBP", "GB")

    def test_refuses_once_it_is_an_order(self, shop: Shop) -> None:
        cart = shop.a_cart()
        shop.start(cart)

        answer = self.patch(shop, cart, country="DE")

        assert (answer.status_code, answer.json()["code"]) == (409, "cart_checked_out")


class TestLimits:
    def test_a_line_too_many_leaves_the_cart_as_it_was(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1})
        with transaction("test"):
            policies.change("carts", values={"lines_max": 1}, reason="test", now=NOW)

        both = {"lines": [{"sku": "MUG-RED", "quantity": 1}, {"sku": "LAMP", "quantity": 1}]}
        answers = [
            shop.api("PUT", f"carts/{cart[0]}/lines", both, x_cart_token=cart[1]),
            shop.api("PUT", f"carts/{cart[0]}/lines/LAMP", {"quantity": 1}, x_cart_token=cart[1]),
        ]

        assert {answer.json()["code"] for answer in answers} == {"cart_too_large"}
        assert CartLine.objects.get().variant.sku == "MUG-RED"

    def test_a_customer_keeps_the_carts_they_used_last(self, shop: Shop) -> None:
        headers = a_customer(shop).headers
        with transaction("test"):
            policies.change("carts", values={"open_max": 2}, reason="test", now=NOW)
        opened = []
        for _ in range(4):
            shop.pass_time(seconds=1)
            opened.append(shop.api("POST", "carts", {}, **headers).json()["cart_id"])

        found = [shop.api("GET", f"carts/{cart_id}", **headers).status_code for cart_id in opened]

        assert found == [404, 404, 200, 200]

    def test_a_customer_s_carts_share_their_bucket(self, shop: Shop) -> None:
        headers = a_customer(shop).headers

        for _ in range(3):
            shop.api("POST", "carts", {}, **headers)

        assert Cart.objects.filter(customer=User.objects.get()).count() == 3
        assert Cart.objects.values("bucket_id").distinct().count() == 1


class TestPaymentMethods:
    def test_name_what_can_be_used_here(self, shop: Shop) -> None:
        cart = shop.a_cart()

        answer = shop.api("GET", f"carts/{cart[0]}/payment-methods", x_cart_token=cart[1])

        (method,) = answer.json()["methods"]
        assert (method["method"], method["label"], answer["Cache-Control"]) == ("stripe", "Card", "private, no-store")
        assert method["client_mode"] in {"embedded", "hosted"}
        assert shop.start(cart, payment={"method": method["method"], "token": "pm_card_visa"}).status_code == 201

    def test_a_currency_the_account_does_not_take_has_none(self, shop: Shop) -> None:
        shop.account.currencies = ["EUR"]
        shop.account.save()
        cart = shop.a_cart()

        assert shop.api("GET", f"carts/{cart[0]}/payment-methods", x_cart_token=cart[1]).json()["methods"] == []
