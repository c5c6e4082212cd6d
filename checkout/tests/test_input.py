"""What clients may send, and how everything else is refused: never a crash, never an effect."""

from typing import Any

import pytest

from checkout.models import CheckoutContext
from core.models import IdempotencyKey
from orders.models import Order
from tests.shop import Shop

START = "/api/v1/checkout/start"
CARD = "4242 4242 4242 4242"


def send(shop: Shop, cart: tuple[str, str], raw: bytes | str) -> Any:
    """This will post raw bytes to checkout/start."""
    return shop.client.post(
        START, raw, content_type="application/json", HTTP_X_CART_TOKEN=cart[1], HTTP_IDEMPOTENCY_KEY="key-1"
    )


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


class TestWhatTheServerDecides:
    @pytest.mark.parametrize(
        "body",
        [
            {"total": 1},
            {"total_minor": 1},
            {"price": 1},
            {"currency": "JPY"},
            {"status": "paid"},
            {"state": "paid"},
            {"customer_id": 1},
            {"order_id": "ord_1"},
            {"capture_method": "manual"},
            {"lines": []},
        ],
        ids=lambda body: next(iter(body)),
    )
    def test_a_client_that_sends_it_learns_that_it_has_no_effect(self, shop: Shop, body: dict[str, Any]) -> None:
        problem = refused(shop, **body)

        assert [error["field"] for error in problem["errors"]] == list(body)

    @pytest.mark.parametrize("place", ["contact", "payment", "device", "attribution"])
    def test_also_inside_objects(self, shop: Shop, place: str) -> None:
        inner = {"amount_minor": 1, **({"email": "ada@example.com"} if place == "contact" else {})}

        assert refused(shop, **{place: inner})["errors"][0]["field"] == f"{place}.amount_minor"

    def test_a_line_s_price_is_refused_too(self, shop: Shop) -> None:
        cart = shop.a_cart()
        lines = [{"sku": "MUG-RED", "quantity": 1, "unit_price_minor": 1}]

        answer = shop.api("PUT", f"carts/{cart[0]}/lines", {"lines": lines}, x_cart_token=cart[1])

        assert answer.status_code == 400


class TestWrongTypes:
    @pytest.mark.parametrize(
        "body",
        [
            {"cart_id": None},
            {"cart_id": {}},
            {"contact": None},
            {"contact": []},
            {"contact": {"email": "not an address"}},
            {"contact": {"email": "ada@example.com", "locale": "!!en!!"}},
            {"contact": {"email": "ada@example.com", "phone": "12"}},
            {"contact": {"email": "ada@example.com", "phone": "call me"}},
            {"contact": {"email": "ada@example.com", "address": {"country": "GBR"}}},
            {"payment": "card"},
            {"payment": {"method": "cash"}},
            {"payment": {"token": "pm_card; DROP TABLE"}},
            {"payment": {"token": 7}},
            {"consents": {"terms": "maybe"}},
            {"consents": []},
            {"quote_hash": ["x"]},
            {"device": {"browser": {"language": {"deep": 1}}}},
        ],
        ids=str,
    )
    def test_are_refused_by_name(self, shop: Shop, body: dict[str, Any]) -> None:
        refused(shop, **body)

    @pytest.mark.parametrize(
        ("locale", "kept"), [("xx-XX", "en-GB"), ("de-XX", "de"), ("de_AT", "de_AT"), ("de", "de")]
    )
    def test_a_language_nobody_writes_falls_back(self, shop: Shop, locale: str, kept: str) -> None:
        answer = shop.start(shop.a_cart(), contact={"email": "ada@example.com", "locale": locale})

        assert (answer.status_code, Order.objects.get().locale) == (201, kept)

    @pytest.mark.parametrize("quantity", [0, -1, 1.5, "many", None, True, 10**30, 1_000_001])
    def test_quantities(self, shop: Shop, quantity: object) -> None:
        cart = shop.a_cart()

        answer = shop.api(
            "PUT", f"carts/{cart[0]}/lines", {"lines": [{"sku": "LAMP", "quantity": quantity}]}, x_cart_token=cart[1]
        )

        assert answer.status_code == 400

    @pytest.mark.parametrize("body", ["[]", "7", '"text"', "null", "true"])
    def test_a_body_that_is_no_object(self, shop: Shop, body: str) -> None:
        assert send(shop, shop.a_cart(), body).status_code == 400


class TestBytes:
    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b'{"cart_id": NaN}',
            b'{"cart_id": Infinity}',
            b'{"cart_id": "a", "cart_id": "b"}',
            b'{"cart_id": "a\\u0000b"}',
            b'{"cart_id": "a\x00b"}',
            b'{"cart_id": "\\ud800"}',
            b'{"cart_id": "\\udfff\\ud800"}',
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"n": ' + b"9" * 5000 + b"}",
        ],
        ids=range(13),
    )
    def test_what_is_not_clean_json_is_refused(self, shop: Shop, raw: bytes) -> None:
        answer = send(shop, shop.a_cart(), raw)

        assert answer.status_code == 400, answer.content
        assert answer["Content-Type"] == "application/problem+json"

    def test_two_megabytes_are_too_large(self, shop: Shop) -> None:
        answer = send(shop, shop.a_cart(), b'{"cart_id": "' + b"x" * 2_097_152 + b'"}')

        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    @pytest.mark.parametrize(
        "path",
        [
            "carts/%00",
            "carts/cart_%00x/lines/LAMP",
            "carts/cart_x/lines/%00",
            "orders/%00",
            "checkout/active?cart_id=%00",
            "orders/%ED%A0%80",
        ],
    )
    def test_addresses_no_database_can_hold_are_not_there(self, shop: Shop, path: str) -> None:
        answer = shop.api("GET", path, x_cart_token="x", x_order_token="x")

        assert answer.status_code in {400, 404, 405}

    def test_a_sku_no_database_can_hold(self, shop: Shop) -> None:
        cart = shop.a_cart()

        answer = shop.api("PUT", f"carts/{cart[0]}/lines/%00", {"quantity": 1}, x_cart_token=cart[1])

        assert answer.status_code in {400, 404}


class TestCardNumbers:
    @pytest.mark.parametrize(
        "body",
        [
            {"contact": {"email": "ada@example.com", "name": CARD}},
            {"contact": {"email": "ada@example.com", "name": "my card is 4000-0027-6000-3184."}},
            {"contact": {"email": "4242424242424242@example.com"}},
            {"contact": {"email": "ada@example.com", "address": {"line2": CARD}}},
            {"payment": {"token": "4242424242424242"}},
            {"payment": {"token": "pm_4242424242424242"}},
            {"device": {"id": "4242424242424242"}},
            {"device": {"browser": {"accept": CARD}}},
            {"device": {"browser": {CARD: "x"}}},
            {"consents": {CARD: True}},
            {"attribution": {"utm_term": CARD}},
        ],
        ids=str,
    )
    def test_are_refused_on_sight_and_not_repeated(self, shop: Shop, body: dict[str, Any]) -> None:
        problem = refused(shop, **body)

        assert "4242424242424242" not in str(problem).replace(" ", "")
        assert not CheckoutContext.objects.exists()

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
