"""Tries to pay are counted before the provider is called."""

import pytest

from core import clock, policies
from core.db import transaction
from orders.models import Order
from tests.journeys.buyers import pay_again
from tests.shop import Shop


def allow(**values: int) -> None:
    """This will change how many tries somebody has."""
    with transaction("test"):
        policies.change("throttles", values=values, reason="test", now=clock.now())


class TestTriesToPay:
    def test_one_order_too_often_is_429_before_the_provider_is_called(self, shop: Shop) -> None:
        allow(payments_order_max=3)
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        for tried in range(3):
            again = pay_again(shop, order, token="pm_card_chargeDeclined", key=f"again-{tried}")
            assert again.json()["status"] == "payment_failed"
        payments = len(shop.truth())

        answer = pay_again(shop, order, token="pm_card_visa", key="once-more")

        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")
        assert 0 < int(answer["Retry-After"]) <= 600
        assert len(shop.truth()) == payments
        shop.pass_time(seconds=int(answer["Retry-After"]))
        assert pay_again(shop, order, token="pm_card_visa", key="once-more").json()["status"] == "paid"

    def test_one_address_too_often_makes_no_order(self, shop: Shop) -> None:
        allow(payments_address_max=2)
        for tried in range(2):
            assert shop.start(shop.a_cart(), key=f"start-{tried}").status_code == 201

        answer = shop.start(shop.a_cart(), key="one-more")

        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")
        assert Order.objects.count() == 2


class TestDeclines:
    """A burst of them is somebody trying cards: it ends before the provider is called again."""

    def decline(self, shop: Shop, count: int, *, token: str = "pm_card_chargeDeclined") -> None:
        for tried in range(count):
            answer = shop.start(shop.a_cart(), token=token, key=f"decline-{tried}-{token}")
            assert answer.json()["status"] == "payment_failed"

    def test_of_one_order_stop_another_card_before_the_provider_is_called(self, shop: Shop) -> None:
        allow(declines_order_max=2)
        order = shop.start(shop.a_cart()).json()
        for tried in range(2):
            pay_again(shop, order, token="pm_card_chargeDeclined", replace=True, key=f"again-{tried}")
        payments = len(shop.truth())

        answer = pay_again(shop, order, token="pm_card_visa", key="once-more")

        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")
        assert answer["Content-Type"] == "application/problem+json"
        assert 0 < int(answer["Retry-After"]) <= 600
        assert len(shop.truth()) == payments
        shop.pass_time(seconds=int(answer["Retry-After"]))
        assert pay_again(shop, order, token="pm_card_visa", key="once-more").json()["status"] == "paid"

    @pytest.mark.parametrize("kind", ["address", "token", "card"])
    def test_of_one_card_or_address_make_no_further_order(self, shop: Shop, kind: str) -> None:
        allow(**{f"declines_{kind}_max": 2})
        self.decline(shop, 2)
        orders = Order.objects.count()

        answer = shop.start(shop.a_cart(), token="pm_card_chargeDeclined", key="one-more")

        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")
        assert Order.objects.count() == orders

    @pytest.mark.parametrize("kind", ["token", "card"])
    def test_of_one_card_leave_others_alone(self, shop: Shop, kind: str) -> None:
        allow(**{f"declines_{kind}_max": 2})
        self.decline(shop, 2)

        assert shop.start(shop.a_cart(), token="pm_card_visa", key="one-more").json()["status"] == "paid"

    def test_a_card_is_known_by_its_other_token(self, shop: Shop) -> None:
        allow(declines_card_max=2)
        self.decline(shop, 1)
        self.decline(shop, 1, token="tok_chargeDeclined")

        answer = shop.start(shop.a_cart(), token="pm_card_chargeDeclined", key="one-more")

        assert answer.status_code == 429

    def test_a_repeat_of_the_same_answer_is_no_further_decline(self, shop: Shop) -> None:
        allow(declines_cart_max=2)
        cart = shop.a_cart()
        for _ in range(5):
            assert shop.start(cart, token="pm_card_chargeDeclined").status_code == 201


class TestOtherDoors:
    def test_carts_of_one_device(self, shop: Shop) -> None:
        allow(carts_device_max=2)
        device = {"x_device_id": "device-0123456789"}

        statuses = [shop.api("POST", "carts", {}, **device).status_code for _ in range(3)]

        assert statuses == [201, 201, 429]
        assert shop.api("POST", "carts", {}, x_device_id="device-9876543210").status_code == 201

    def test_carts_of_one_address(self, shop: Shop) -> None:
        allow(carts_address_max=1)

        assert [shop.api("POST", "carts", {}).status_code for _ in range(2)] == [201, 429]

    def test_browsers_that_come_back(self, shop: Shop) -> None:
        allow(returns_address_max=1)

        statuses = [shop.api("POST", "checkout/return", {"state": "forged"}).status_code for _ in range(2)]

        assert statuses == [404, 429]

    def test_payment_links_and_guesses_at_them(self, shop: Shop) -> None:
        allow(payment_links_order_max=2)
        order = shop.start(shop.a_cart()).json()
        path = f"orders/{order['order_id']}/payment-link"

        made = shop.api("POST", path, x_order_token=order["order_token"])
        guesses = [shop.api("POST", f"{path}/token", {"link_token": "guess"}).status_code for _ in range(2)]

        assert (made.status_code, guesses) == (201, [404, 429])
