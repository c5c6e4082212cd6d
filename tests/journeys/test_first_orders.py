"""Codes for a first order: one order has them in use, whoever asks at the same moment and by whatever code."""

from collections.abc import Iterator
from functools import partial

import pytest

from catalog.models import FirstOrder
from catalog.tests.factories import a_coupon, a_product
from checkout.tests.customers import a_customer
from orders.models import Order
from tests.concurrency.threads import at_once, deadlocks
from tests.journeys.buyers import cancel
from tests.journeys.facts import assert_sound, taken, wait
from tests.journeys.test_coupons import buy, enter, quote, statuses, with_code
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, database: str, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    a_product(shop.channel, sku="SOCK", price_minor=1000, stock=100)
    before = deadlocks(database)
    yield
    assert_sound(shop, caplog)
    assert deadlocks(database) == before


class TestFirstOrder:
    @pytest.mark.parametrize("codes", [["HELLO"], ["HELLO", "WELCOME"]], ids=["one code", "two codes"])
    def test_of_many_first_orders_at_once_one_is_the_first(self, shop: Shop, codes: list[str]) -> None:
        for code in codes:
            a_coupon(shop.channel, code, is_first_order_only=True)
        carts = [with_code(shop, codes[number % len(codes)], {"SOCK": 1}) for number in range(20)]

        answers = at_once([partial(buy, shop, cart, email="ada@example.com") for cart in carts])

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
        refusals = {answer.json()["code"] for answer in answers if answer.status_code == 409}
        assert refusals <= {"coupon_limit_reached", "coupon_first_order_only"}
        assert (statuses(), taken(shop), Order.objects.count()) == (["used"], [900], 1)

    def test_of_two_first_orders_by_account_and_by_address_one_is_the_first(self, shop: Shop) -> None:
        for code in ("HELLO", "WELCOME"):
            a_coupon(shop.channel, code, is_first_order_only=True)
        ada = a_customer(shop)
        cart_id = ada.a_cart({"SOCK": 1})
        assert ada.api("PUT", f"carts/{cart_id}/coupons/WELCOME").status_code == 200
        body = {"cart_id": cart_id, "contact": {"email": "ada@work.example"}, "payment": {"token": "pm_card_visa"}}
        own = partial(ada.api, "POST", "checkout/start", body, idempotency_key="own")
        guests = [partial(buy, shop, with_code(shop, "HELLO", {"SOCK": 1}), email="ada@work.example") for _ in range(5)]

        answers = at_once([own, *guests])

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
        assert (statuses(), taken(shop)) == (["used"], [900])

    def test_a_first_order_that_is_given_up_lets_the_next_be_the_first(self, shop: Shop) -> None:
        for code in ("HELLO", "WELCOME"):
            a_coupon(shop.channel, code, is_first_order_only=True)
        order = shop.start(with_code(shop, "HELLO"), contact={"email": "ada@example.com"}).json()
        cart = with_code(shop, "WELCOME")
        seen = quote(shop, cart)["quote_hash"]

        refused = buy(shop, cart, email="ada@example.com", quote_hash=seen)
        assert (refused.status_code, refused.json()["code"]) == (409, "coupon_first_order_only")
        assert refused.json()["quote"]["total"]["amount_minor"] == 1999
        cancel(shop, order)
        wait(shop, rounds=2, seconds=61)

        assert buy(shop, cart, email="ada@example.com", quote_hash=seen).status_code == 201
        assert (statuses(), FirstOrder.objects.count()) == (["given_back", "used"], 1)

    def test_two_codes_for_a_first_order_may_stand_in_the_same_one(self, shop: Shop) -> None:
        for code in ("HELLO", "WELCOME"):
            a_coupon(shop.channel, code, is_first_order_only=True, is_combinable=True)
        cart = with_code(shop, "HELLO")
        enter(shop, cart, "WELCOME")

        answer = buy(shop, cart, email="ada@example.com")

        assert (answer.status_code, statuses()) == (201, ["used", "used"])
