"""Payment tokens: what is none makes nothing; one the provider has no more is asked for again, with the cart intact."""

import pytest

from catalog.models import Reservation
from checkout.models import Cart
from core.models import IdempotencyKey
from orders.models import Order, OrderEvent
from payments.models import Operation, PaymentAttempt
from payments.services import Answer, submit
from tests.journeys.buyers import pay_again, read
from tests.journeys.facts import shelf, violations
from tests.shop import Shop

NO_TOKENS = ["visa", "pi_3abc", "pm_", "seti_1abc", "4242", "cus_pm_card_visa"]


class TestWhatIsNoToken:
    @pytest.mark.parametrize("token", NO_TOKENS)
    def test_is_refused_before_anything_is_made(self, shop: Shop, token: str) -> None:
        cart = shop.a_cart()

        answer = shop.start(cart, token=token)

        assert (answer.status_code, answer.json()["code"]) == (422, "payment_token_invalid")
        assert answer["Content-Type"] == "application/problem+json"
        assert (Order.objects.count(), shop.truth(), shelf()) == (0, [], (10, 0, 0))
        assert not IdempotencyKey.objects.filter(operation="checkout.start").exists()
        assert shop.start(cart, token="pm_card_visa").json()["status"] == "paid"

    @pytest.mark.parametrize("token", ["pm_card_visa", "tok_visa"])
    def test_every_kind_the_provider_takes_is_taken(self, shop: Shop, token: str) -> None:
        assert shop.start(shop.a_cart(), token=token).json()["status"] == "paid"

    def test_on_an_order_closes_no_living_attempt(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        answer = pay_again(shop, order, token="visa", replace=True)

        assert (answer.status_code, answer.json()["code"]) == (422, "payment_token_invalid")
        assert [row["status"] for row in shop.truth()] == ["requires_payment_method"]
        assert PaymentAttempt.objects.count() == 1

    def test_nor_does_an_address_that_is_not_ours_to_return_to(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        body = {"payment": {"method": "stripe", "return_url": "https://evil.example/"}, "replace": True}

        answer = shop.api(
            "POST",
            f"orders/{order['order_id']}/payment-attempts",
            body,
            x_order_token=order["order_token"],
            idempotency_key="again",
        )

        assert answer.json()["code"] == "return_url_not_allowed"
        assert [row["status"] for row in shop.truth()] == ["requires_payment_method"]


class TestATokenTheProviderHasNoMore:
    def test_is_said_plainly_and_the_cart_is_open_again(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 2})

        answer = shop.start(cart, token="pm_gone")

        problem = answer.json()
        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
        assert (problem["code"], problem["cart_id"]) == ("payment_token_expired", cart[0])
        assert problem["title"] == "Your card details have expired. Please enter them again; nothing was charged."
        kept = shop.api("GET", f"carts/{cart[0]}", x_cart_token=cart[1]).json()
        assert (kept["order_id"], [line["quantity"] for line in kept["quote"]["lines"]]) == (None, [2])
        changed = shop.api("PUT", f"carts/{cart[0]}/lines/MUG-RED", {"quantity": 3}, x_cart_token=cart[1])
        assert changed.status_code == 200

    def test_ends_the_order_that_was_being_made_with_all_it_held(self, shop: Shop) -> None:
        shop.start(shop.a_cart({"MUG-RED": 2}), token="pm_gone")

        order = Order.objects.get()
        last = OrderEvent.objects.filter(order=order).latest("sequence")
        assert (order.state, order.expires_at) == ("cancelled", None)
        assert (last.from_state, last.to_state, last.reason) == ("draft", "cancelled", "payment_token_expired")
        assert (shelf(), shop.truth(), violations(shop)) == ((10, 0, 0), [], [])
        assert not Reservation.objects.filter(status="held").exists()
        attempt = shop.attempt()
        assert (attempt.status, attempt.failure_code, attempt.is_dead) == ("failed", "payment_token_expired", True)

    def test_another_card_and_key_order_the_cart_at_once(self, shop: Shop) -> None:
        cart = shop.a_cart()
        shop.start(cart, token="pm_gone", key="first")

        answer = shop.start(cart, token="pm_card_visa", key="second")

        assert (answer.status_code, answer.json()["status"]) == (201, "paid")
        assert sorted(Order.objects.values_list("state", flat=True)) == ["cancelled", "paid"]
        assert Cart.objects.get().order_public_id == answer.json()["order_id"]
        assert [row["amount_received"] for row in shop.truth()] == [1999]

    def test_the_same_key_says_the_same_for_ever(self, shop: Shop) -> None:
        cart = shop.a_cart()
        first = shop.start(cart, token="pm_gone", key="first")
        shop.start(cart, token="pm_card_visa", key="second")

        repeated = shop.start(cart, token="pm_gone", key="first")

        assert (repeated.status_code, repeated.content) == (422, first.content)
        assert (repeated["Content-Type"], repeated["Idempotent-Replayed"]) == ("application/problem+json", "true")
        assert Order.objects.filter(state="paid").count() == 1

    def test_the_sweep_has_nothing_left_to_do(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_gone")
        before = OrderEvent.objects.count()

        for _ in range(3):
            shop.pass_time(minutes=20)
            shop.sweep()

        assert (OrderEvent.objects.count(), shelf()) == (before, (10, 0, 0))

    def test_after_a_lost_answer_it_proves_nothing_and_the_order_waits(self, shop: Shop) -> None:
        shop.sandbox.engine.faults.add({"kind": "timeout_after", "operation": "payment_intents.create", "times": 1})

        answer = shop.start(shop.a_cart(), token="pm_gone")

        assert (answer.status_code, answer.json()["status"]) == (202, "processing")
        assert Order.objects.get().state == "draft"

    def test_on_an_order_leaves_it_to_be_paid_with_another_card(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()

        gone = pay_again(shop, order, token="pm_gone", key="gone")
        assert (gone.status_code, gone.json()["code"]) == (422, "payment_token_expired")
        assert gone.json()["order_id"] == order["order_id"]
        assert pay_again(shop, order, token="pm_gone", key="gone").content == gone.content
        assert read(shop, order).json()["next_actions"] == ["retry_payment", "cancel"]

        assert pay_again(shop, order, token="pm_card_visa", key="other").json()["status"] == "paid"
        assert (shelf(), violations(shop)) == ((9, 0, 1), [])

    def test_a_second_key_that_came_meanwhile_hears_the_same(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        cart, meanwhile = shop.a_cart(), []

        def submit_late(operation: Operation, *, within_seconds: float) -> Answer:
            meanwhile.append(shop.start(cart, token="pm_gone", key="second"))
            return submit(operation, within_seconds=within_seconds)

        monkeypatch.setattr("checkout.services.keyed.payments.submit", submit_late)
        first = shop.start(cart, token="pm_gone", key="first")

        repeated = shop.start(cart, token="pm_gone", key="second")

        assert [answer.status_code for answer in meanwhile] == [202]
        assert (first.status_code, repeated.status_code) == (422, 422)
        assert repeated.json()["code"] == "payment_token_expired"
        assert Order.objects.count() == 1
        assert Cart.objects.get().order_public_id == ""
