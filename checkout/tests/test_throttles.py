"""Tries to pay are counted before the provider is called."""

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
