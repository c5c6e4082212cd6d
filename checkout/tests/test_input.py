"""What checkout/start takes and what it refuses in words of its own; everything any operation refuses is in
tests/bad_input.
"""

from typing import Any

import pytest

from core.models import IdempotencyKey
from orders.models import Order
from tests.shop import Shop


def refused(shop: Shop, **body: Any) -> Any:
    """This will start with a body that must be refused with 400 and leave nothing behind."""
    cart = shop.a_cart()
    payload: dict[str, Any] = {"cart_id": cart[0], "contact": {"email": "ada@example.com"}, **body}
    answer = shop.api("POST", "checkout/start", payload, x_cart_token=cart[1], idempotency_key="key-1")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert not Order.objects.exists()
    assert not IdempotencyKey.objects.filter(operation="checkout.start").exists()
    assert shop.truth() == []
    return answer.json()


class TestContactAndPayment:
    @pytest.mark.parametrize(
        "body",
        [
            {"contact": {"email": "not an address"}},
            {"contact": {"email": "ada@example.com", "locale": "!!en!!"}},
            {"contact": {"email": "ada@example.com", "phone": "12"}},
            {"contact": {"email": "ada@example.com", "phone": "call me"}},
            {"contact": {"email": "ada@example.com", "address": {"country": "GBR"}}},
            {"payment": {"method": "cash"}},
            {"payment": {"token": "pm_card; DROP TABLE"}},
        ],
        ids=str,
    )
    def test_that_cannot_be_used_are_refused(self, shop: Shop, body: dict[str, Any]) -> None:
        refused(shop, **body)

    @pytest.mark.parametrize(
        ("locale", "kept"), [("xx-XX", "en-GB"), ("de-XX", "de"), ("de_AT", "de_AT"), ("de", "de")]
    )
    def test_a_language_nobody_writes_falls_back(self, shop: Shop, locale: str, kept: str) -> None:
        answer = shop.start(shop.a_cart(), contact={"email": "ada@example.com", "locale": locale})

        assert (answer.status_code, Order.objects.get().locale) == (201, kept)

    def test_an_order_number_of_sixteen_digits_that_is_no_card_is_fine(self, shop: Shop) -> None:
        contact = {"email": "ada@example.com", "name": "Order 1234567890123456"}
        assert shop.start(shop.a_cart(), contact=contact).status_code == 201


class TestReturnUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "http://shop.example/back",
            "https://evil.example/back",
            "https://shop.example.evil.example/",
            "https://shop.example@evil.example/",
            "https://evil.example@shop.example/",
            "https://:x@shop.example/",
            "https://evil.example\\@shop.example/",
            "https://evil.example\\.shop.example/",
            "//shop.example/",
            "/back",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://shop.exam\nple/",
            "java\tscript:alert(1)",
            "lan tern://back",
            "https://[::1",
            "https://",
            "ftp://shop.example/",
        ],
    )
    def test_other_addresses_are_refused(self, shop: Shop, url: str) -> None:
        problem = refused(shop, payment={"token": "pm_card_visa", "return_url": url})

        assert problem["code"] in {"return_url_not_allowed", "invalid"}

    @pytest.mark.parametrize(
        "url",
        [
            "https://shop.example/back?x=1",
            "HTTPS://SHOP.EXAMPLE/back",
            "lantern://checkout/return",
            "http://localhost:8000/back",
            "http://127.0.0.1/back",
        ],
    )
    def test_the_shop_s_own_are_allowed(self, shop: Shop, url: str) -> None:
        answer = shop.start(shop.a_cart(), payment={"token": "pm_card_visa", "return_url": url})

        assert answer.status_code == 201, answer.content

    def test_a_live_shop_takes_no_loopback(self, shop: Shop) -> None:
        type(shop.channel).objects.update(is_livemode=True)

        refused(shop, payment={"token": "pm_card_visa", "return_url": "http://localhost/back"})
