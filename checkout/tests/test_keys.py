"""Idempotency keys at the door: one key, one execution, one final answer, byte for byte."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import AccessToken
from checkout.models import Cart
from core import clock, idempotency
from core.db import transaction
from core.models import IdempotencyKey
from core.tests.factories import NOW
from orders.models import Order
from tests.shop import Shop


def start(shop: Shop, cart: tuple[str, str], key: str | None, **body: Any) -> Any:
    headers = {} if key is None else {"idempotency_key": key}
    payload = {"cart_id": cart[0], "contact": {"email": "ada@example.com"}, **body}
    return shop.api("POST", "checkout/start", payload, x_cart_token=cart[1], **headers)


class TestTheKeyItself:
    def test_a_request_without_one_is_refused_and_makes_nothing(self, shop: Shop) -> None:
        answer = start(shop, shop.a_cart(), None)

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
        assert answer["Content-Type"] == "application/problem+json"
        assert not Order.objects.exists()

    @pytest.mark.parametrize("key", ["two words", "x" * 256, '"open', "naïve", '""', 'in"side', "back\\slash"])
    def test_a_malformed_one_is_refused(self, shop: Shop, key: str) -> None:
        answer = start(shop, shop.a_cart(), key)

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")
        assert not Order.objects.exists()

    @pytest.mark.parametrize("key", ["user_42:cart_981:attempt_001", "x" * 255, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"])
    def test_visible_ascii_up_to_255_characters_is_a_fine_key(self, shop: Shop, key: str) -> None:
        assert start(shop, shop.a_cart(), key).status_code == 201

    def test_quoted_and_bare_are_the_same_key(self, shop: Shop) -> None:
        cart = shop.a_cart()
        first = start(shop, cart, "key-1")

        repeated = start(shop, cart, '"key-1"')

        assert repeated.content == first.content
        assert repeated["Idempotent-Replayed"] == "true"


class TestRepeats:
    @pytest.mark.pains("D2")
    def test_get_the_stored_answer_byte_for_byte(self, shop: Shop) -> None:
        cart = shop.a_cart()
        first = shop.start(cart, token="pm_card_visa")
        shop.pass_time(hours=1)

        repeated = shop.start(cart, token="pm_card_visa")

        assert (repeated.status_code, repeated.content) == (first.status_code, first.content)
        assert repeated["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first
        assert len(shop.truth()) == 1

    def test_whitespace_and_order_of_names_do_not_matter(self, shop: Shop) -> None:
        cart = shop.a_cart()
        first = start(shop, cart, "key-1", payment={"method": "stripe", "token": "pm_card_visa"})
        body = (
            '{ "payment": {"token":"pm_card_visa","method":"stripe"}, "contact":{"email":"ada@example.com"},\n'
            f'"cart_id":"{cart[0]}"}}'
        )
        repeated = shop.client.post(
            "/api/v1/checkout/start",
            body,
            content_type="application/json",
            HTTP_X_CART_TOKEN=cart[1],
            HTTP_IDEMPOTENCY_KEY="key-1",
        )

        assert repeated.content == first.content

    @pytest.mark.pains("D2")
    def test_with_another_body_is_refused(self, shop: Shop) -> None:
        cart = shop.a_cart()
        start(shop, cart, "key-1")

        answer = start(shop, cart, "key-1", contact={"email": "eve@example.com"})

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert Order.objects.count() == 1

    def test_the_same_key_of_another_cart_is_another_key(self, shop: Shop) -> None:
        assert start(shop, shop.a_cart(), "key-1").status_code == 201
        assert start(shop, shop.a_cart(), "key-1").status_code == 201
        assert Order.objects.count() == 2

    def test_a_refusal_is_not_kept(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 99})
        assert start(shop, cart, "key-1").status_code == 409

        shop.api("PUT", f"carts/{cart[0]}/lines", {"lines": [{"sku": "LAMP", "quantity": 1}]}, x_cart_token=cart[1])

        assert start(shop, cart, "key-1").status_code == 201

    def test_before_the_answer_is_final_a_repeat_gets_the_current_state(self, shop: Shop) -> None:
        shop.sandbox.engine.faults.add({"kind": "timeout_after", "operation": "payment_intents.create", "times": 3})
        cart = shop.a_cart()
        first = shop.start(cart, token="pm_card_visa")
        assert (first.status_code, first["Retry-After"], first.json()["status"]) == (202, "2", "processing")

        second = shop.start(cart, token="pm_card_visa")
        assert second.status_code == 202
        assert "Idempotent-Replayed" not in second

        shop.pass_time(seconds=61)
        shop.sweep()
        third = shop.start(cart, token="pm_card_visa")
        assert (third.status_code, third.json()["status"]) == (201, "paid")
        assert third.json()["order_token"] == first.json()["order_token"]
        assert shop.start(cart, token="pm_card_visa").content == third.content

    @pytest.mark.pains("B8")
    def test_another_key_for_the_same_cart_gives_the_same_order(self, shop: Shop) -> None:
        cart = shop.a_cart()
        first = shop.start(cart, key="key-1", token="pm_card_visa")

        second = shop.start(cart, key="key-2", token="pm_card_visa")

        assert second.status_code == 200
        assert second.json()["order_id"] == first.json()["order_id"]
        assert len(shop.truth()) == 1
        opened = shop.api("GET", f"orders/{first.json()['order_id']}", x_order_token=second.json()["order_token"])
        assert opened.status_code == 200


class TestTakeover:
    def kill_after_commit(self, shop: Shop, cart: tuple[str, str]) -> None:
        """This will leave what a process leaves that died between its two transactions."""
        shop.sandbox.engine.faults.add({"kind": "timeout_before", "operation": "payment_intents.create", "times": 3})
        shop.start(cart, token="pm_card_visa")
        IdempotencyKey.objects.filter(operation="checkout.start").update(
            lease_expires_at=clock.now() + timedelta(seconds=30)
        )

    def test_while_the_lease_runs_a_repeat_is_told_to_wait(self, shop: Shop) -> None:
        cart = shop.a_cart()
        self.kill_after_commit(shop, cart)

        answer = shop.start(cart, token="pm_card_visa")

        assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
        assert answer["Retry-After"] == "1"

    @pytest.mark.pains("D3")
    def test_after_the_lease_a_repeat_continues_with_the_same_attempt(self, shop: Shop) -> None:
        cart = shop.a_cart()
        self.kill_after_commit(shop, cart)
        shop.pass_time(seconds=31)

        answer = shop.start(cart, token="pm_card_visa")

        assert (answer.status_code, answer.json()["status"]) == (201, "paid")
        assert IdempotencyKey.objects.get(operation="checkout.start").fencing_token == 2
        assert Order.objects.count() == 1
        assert [row["amount_received"] for row in shop.truth()] == [1999]


class TestAtRest:
    def test_no_key_token_or_answer_can_be_read_from_the_database(self, shop: Shop) -> None:
        cart = shop.a_cart()
        answer = shop.start(cart, key="a-key-of-mine", token="pm_card_visa").json()

        with connection.cursor() as cursor:
            cursor.execute("SELECT k::text, encode(answer_sealed, 'escape') FROM core_idempotencykey AS k")
            rows = "".join(str(row) for row in cursor.fetchall())
            cursor.execute("SELECT t::text FROM accounts_accesstoken AS t")
            rows += "".join(str(row) for row in cursor.fetchall())

        for secret in ("a-key-of-mine", answer["order_token"], cart[1], answer["client_secret"], "ada@example.com"):
            if secret:
                assert secret not in rows
        assert AccessToken.objects.filter(subject_id=answer["order_id"]).exists()

    def test_the_reaper_takes_keys_past_their_time_and_leaves_orders(self, shop: Shop) -> None:
        cart = shop.a_cart()
        shop.start(cart)
        with transaction("test"):
            assert idempotency.reap(now=NOW + timedelta(days=29)) == 0

        with transaction("test"):
            assert idempotency.reap(now=NOW + timedelta(days=31)) == 1

        assert Order.objects.count() == 1
        again = shop.start(cart)
        assert (again.status_code, again.json()["order_id"]) == (200, Order.objects.get().public_id)


class TestOpeningACart:
    def test_a_guest_s_key_needs_a_device(self, shop: Shop) -> None:
        answer = shop.api("POST", "carts", {}, idempotency_key="cart-1")

        assert (answer.status_code, answer.json()["code"]) == (400, "device_id_required")

    def test_a_repeat_gives_the_same_cart_and_token(self, shop: Shop) -> None:
        headers = {"idempotency_key": "cart-1", "x_device_id": "device-0123456789"}
        first = shop.api("POST", "carts", {}, **headers)
        second = shop.api("POST", "carts", {}, **headers)

        assert (first.status_code, second.content) == (201, first.content)
        assert second["Idempotent-Replayed"] == "true"
        assert Cart.objects.count() == 1

    def test_another_device_with_the_same_key_gets_a_cart_of_its_own(self, shop: Shop) -> None:
        first = shop.api("POST", "carts", {}, idempotency_key="cart-1", x_device_id="device-0123456789")
        second = shop.api("POST", "carts", {}, idempotency_key="cart-1", x_device_id="device-9876543210")

        assert first.json()["cart_id"] != second.json()["cart_id"]
