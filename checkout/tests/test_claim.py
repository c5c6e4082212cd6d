"""Signing in with a cart in hand: it becomes the customer's, once, and nobody else's."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from catalog.services import Figures
from catalog.tests.factories import a_coupon, a_product
from checkout.models import Cart, CartAddress, CartLine
from checkout.tests.customers import Customer, a_customer
from core import policies
from core.db import transaction
from core.tests.factories import NOW
from orders.models import Order
from tests.shop import Shop

ADDRESS = {"line1": "1 Lane", "city": "London", "postcode": "SW1A 1AA", "country": "GB"}


@pytest.fixture
def ada(shop: Shop) -> Customer:
    """A customer who signed in."""
    return a_customer(shop)


def claim(customer: Customer, cart: tuple[str, str]) -> Any:
    """This will claim a guest's cart."""
    return customer.api("POST", f"carts/{cart[0]}/claim", x_cart_token=cart[1])


def units(cart_id: str) -> dict[str, int]:
    """This will read a cart's units by SKU, in its order."""
    lines = CartLine.objects.filter(cart__public_id=cart_id).order_by("position", "id")
    return dict(lines.values_list("variant__sku", "quantity"))


class TestClaiming:
    def test_makes_the_cart_the_customer_s_and_answers_with_it(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart({"MUG-RED": 2})

        answer = claim(ada, cart)

        assert (answer.status_code, answer.json()["cart_id"]) == (200, cart[0])
        assert answer.json()["quote"]["total"]["amount_minor"] == 3998
        assert ada.api("GET", f"carts/{cart[0]}").status_code == 200

    def test_the_guest_s_token_opens_nothing_afterwards(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart()
        claim(ada, cart)

        assert shop.api("GET", f"carts/{cart[0]}", x_cart_token=cart[1]).status_code == 404
        assert shop.start(cart).status_code == 404

    def test_before_it_the_token_permits_nothing_else_to_who_is_signed_in(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart()

        assert ada.api("GET", f"carts/{cart[0]}", x_cart_token=cart[1]).status_code == 404
        assert claim(ada, cart).status_code == 200

    def test_twice_is_once(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart({"MUG-RED": 2})
        own = ada.a_cart({"MUG-RED": 1, "LAMP": 3})

        first, second = claim(ada, cart), claim(ada, cart)

        assert first.json() == second.json()
        assert units(cart[0]) == {"MUG-RED": 2, "LAMP": 3}
        assert ada.api("GET", f"carts/{own}").status_code == 404

    def test_the_order_is_the_customer_s(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart()
        claim(ada, cart)
        body = {"cart_id": cart[0], "contact": {"email": "ada@example.com"}, "payment": {"token": "pm_card_visa"}}

        started = ada.api("POST", "checkout/start", body, idempotency_key="key-1")

        assert started.status_code == 201
        assert "order_token" not in started.json()
        assert Order.objects.get().customer == ada.user


class TestMerging:
    def test_the_greater_quantity_wins_and_nothing_is_lost(self, shop: Shop, ada: Customer) -> None:
        a_product(shop.channel, sku="BOWL")
        own = ada.a_cart({"BOWL": 1, "MUG-RED": 5, "LAMP": 1})
        cart = shop.a_cart({"LAMP": 2, "MUG-RED": 3})

        claim(ada, cart)

        assert units(cart[0]) == {"LAMP": 2, "MUG-RED": 5, "BOWL": 1}
        assert Cart.objects.get(public_id=own).archived_at is not None

    def test_an_empty_cart_takes_everything(self, shop: Shop, ada: Customer) -> None:
        ada.a_cart({"MUG-RED": 5})
        opened = shop.api("POST", "carts", {}).json()

        claim(ada, (opened["cart_id"], opened["cart_token"]))

        assert units(opened["cart_id"]) == {"MUG-RED": 5}

    def test_the_cart_used_last_is_merged_others_stay(self, shop: Shop, ada: Customer) -> None:
        older = ada.a_cart({"LAMP": 1})
        shop.pass_time(seconds=5)
        newer = ada.a_cart({"MUG-RED": 4})
        cart = shop.a_cart({"MUG-RED": 1})

        claim(ada, cart)

        assert units(cart[0]) == {"MUG-RED": 4}
        assert ada.api("GET", f"carts/{older}").status_code == 200
        assert ada.api("GET", f"carts/{newer}").status_code == 404

    def test_a_cart_that_is_an_order_is_not_merged(self, shop: Shop, ada: Customer) -> None:
        order = ada.an_order()
        cart = shop.a_cart({"LAMP": 1})

        claim(ada, cart)

        assert units(cart[0]) == {"LAMP": 1}
        assert Cart.objects.get(order_public_id=order["order_id"]).archived_at is None

    def test_what_would_not_fit_stays_where_it_is(self, shop: Shop, ada: Customer) -> None:
        own = ada.a_cart({"LAMP": 1})
        cart = shop.a_cart({"MUG-RED": 1})
        with transaction("test"):
            policies.change("carts", values={"lines_max": 1}, reason="test", now=NOW)

        assert claim(ada, cart).status_code == 200

        assert (units(cart[0]), units(own)) == ({"MUG-RED": 1}, {"LAMP": 1})
        assert ada.api("GET", f"carts/{own}").status_code == 200

    def test_the_customer_s_address_goes_along_unless_the_guest_gave_one(self, shop: Shop, ada: Customer) -> None:
        own = ada.a_cart()
        ada.api("PUT", f"carts/{own}/addresses", {"shipping": ADDRESS})
        first, second = shop.a_cart(), shop.a_cart()
        elsewhere = {**ADDRESS, "line1": "2 Lane"}
        shop.api("PUT", f"carts/{second[0]}/addresses", {"shipping": elsewhere}, x_cart_token=second[1])

        assert claim(ada, first).json()["addresses"]["shipping"]["line1"] == "1 Lane"
        assert claim(ada, second).json()["addresses"]["shipping"]["line1"] == "2 Lane"
        assert CartAddress.objects.count() == 1

    def test_codes_come_along_the_guest_s_first_as_far_as_a_cart_takes_them(self, shop: Shop, ada: Customer) -> None:
        codes = [f"CODE{number}" for number in range(6)]
        for code in codes:
            a_coupon(shop.channel, code, kind="fixed", figures={"GBP": Figures(amount_minor=1)}, is_combinable=True)
        cart, own = shop.a_cart(), ada.a_cart({"LAMP": 1})
        for code in codes[:3]:
            shop.api("PUT", f"carts/{cart[0]}/coupons/{code}", x_cart_token=cart[1])
        for code in codes[2:]:
            ada.api("PUT", f"carts/{own}/coupons/{code}")

        answer = claim(ada, cart)

        assert {each["code"] for each in answer.json()["quote"]["discounts"]} == set(codes[:5])

    def test_a_changed_price_is_said_of_both(self, shop: Shop, ada: Customer) -> None:
        ada.a_cart({"LAMP": 1})
        cart = shop.a_cart({"MUG-RED": 1})
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_price SET amount_minor = amount_minor + 1")

        warnings = claim(ada, cart).json()["quote"]["warnings"]

        assert [warning["sku"] for warning in warnings if warning["code"] == "price_changed"] == ["MUG-RED", "LAMP"]


class TestNotTheirs:
    def test_a_guest_claims_nothing(self, shop: Shop) -> None:
        cart = shop.a_cart()

        answer = shop.api("POST", f"carts/{cart[0]}/claim", x_cart_token=cart[1])

        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_cart")

    def test_nor_does_who_has_another_token(self, shop: Shop, ada: Customer) -> None:
        cart, other = shop.a_cart(), shop.a_cart()

        assert claim(ada, (cart[0], other[1])).status_code == 404
        assert claim(ada, (cart[0], "")).status_code == 404
        assert Cart.objects.get(public_id=cart[0]).customer is None

    def test_nor_another_customer_with_the_token_afterwards(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart()
        claim(ada, cart)

        assert claim(a_customer(shop, email="eve@example.com"), cart).status_code == 404

    def test_a_cart_that_is_an_order_is_not_claimed(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart()
        order = shop.start(cart).json()

        answer = claim(ada, cart)

        assert (answer.status_code, answer.json()["code"]) == (409, "cart_checked_out")
        assert answer.json()["order_id"] == order["order_id"]
        assert Order.objects.get().customer is None

    def test_one_that_was_put_away_is_not_there(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart()
        shop.api("DELETE", f"carts/{cart[0]}", x_cart_token=cart[1])

        assert claim(ada, cart).status_code == 404


class TestRaces:
    def at_once(self, *acts: Callable[[], Any]) -> list[int]:
        """This will let every act begin at the same moment, on a connection of its own, and return their statuses."""
        start, statuses = Barrier(len(acts)), []

        def run(act: Callable[[], Any]) -> None:
            start.wait()
            statuses.append(act().status_code)
            connection.close()

        threads = [Thread(target=run, args=[act]) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    def test_one_cart_claimed_many_times_at_once(self, shop: Shop, ada: Customer) -> None:
        ada.a_cart({"LAMP": 3})
        cart = shop.a_cart({"MUG-RED": 2})

        assert self.at_once(*[lambda: claim(ada, cart)] * 6) == [200] * 6

        assert units(cart[0]) == {"MUG-RED": 2, "LAMP": 3}
        assert Cart.objects.filter(customer=ada.user, archived_at=None).count() == 1

    def test_two_carts_claimed_at_once_end_as_one(self, shop: Shop, ada: Customer) -> None:
        ada.a_cart({"LAMP": 1})
        first, second = shop.a_cart({"MUG-RED": 2}), shop.a_cart({"LAMP": 4})

        assert self.at_once(lambda: claim(ada, first), lambda: claim(ada, second)) == [200, 200]

        (left,) = Cart.objects.filter(customer=ada.user, archived_at=None)
        assert units(left.public_id) == {"MUG-RED": 2, "LAMP": 4}

    def test_two_customers_with_one_token_only_one_gets_it(self, shop: Shop, ada: Customer) -> None:
        eve = a_customer(shop, email="eve@example.com")
        cart = shop.a_cart()

        assert self.at_once(lambda: claim(ada, cart), lambda: claim(eve, cart)) == [200, 404]

    def test_claimed_while_it_is_checked_out_it_is_one_or_the_other(self, shop: Shop, ada: Customer) -> None:
        cart = shop.a_cart()

        statuses = self.at_once(lambda: claim(ada, cart), lambda: shop.start(cart, token="pm_card_visa"))

        row = Cart.objects.get(public_id=cart[0])
        assert statuses in ([200, 404], [201, 409], [200, 201])
        if Order.objects.exists():
            assert Order.objects.get().customer_id == row.customer_id
