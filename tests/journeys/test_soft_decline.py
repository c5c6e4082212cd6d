"""A payment that was to be spared strong authentication, and an issuer that insists on it."""

import pytest

from checkout.tests.customers import a_customer
from core.models import IdempotencyKey
from orders.models import Order
from payments.models import PaymentAttempt
from tests.journeys.buyers import Answer, answer_bank, as_a_program, pay_again, read
from tests.shop import Shop

CARD = "pm_card_authenticationRequired"
OFF_SESSION = ["mit", "recurring"]


def soft_declined(shop: Shop, *, exemption: str = "mit") -> Answer:
    """This will start a checkout whose exemption the issuer does not grant."""
    payment = {"method": "stripe", "token": CARD, "exemption": exemption}
    answer: Answer = shop.start(shop.a_cart(), payment=payment).json()
    return answer


def on_file(shop: Shop) -> list[tuple[bool, str]]:
    """This will return what the provider was asked for, payment by payment."""
    return [(bool(row["off_session"]), row["request_three_d_secure"]) for row in shop.truth()]


class TestSoftDecline:
    @pytest.mark.parametrize("exemption", OFF_SESSION)
    def test_leads_to_a_challenge_on_the_same_order_and_one_charge(self, shop: Shop, exemption: str) -> None:
        shop = as_a_program(shop)
        order = soft_declined(shop, exemption=exemption)
        assert (order["status"], order["decline"]["code"]) == ("payment_failed", "authentication_required")
        assert order["decline"]["may_retry"] is True
        assert shop.attempt().path_flags == ["guest", "soft_decline"]

        again = pay_again(shop, order, token=CARD).json()
        assert (again["order_id"], again["status"]) == (order["order_id"], "action_required")
        assert answer_bank(shop, again) == 303
        shop.deliver()

        assert read(shop, order).json()["status"] == "paid"
        assert shop.attempt().path_flags == ["guest", "soft_decline", "retried", "challenge"]
        assert [row["status"] for row in shop.truth()] == ["canceled", "succeeded"]
        assert on_file(shop) == [(True, "automatic"), (False, "challenge")]
        assert [row["status"] for row in shop.truth("charge")] == ["failed", "succeeded"]
        assert shop.order().captured_minor == shop.order().due_minor

    def test_is_not_answered_with_the_same_exemption_again(self, shop: Shop) -> None:
        shop = as_a_program(shop)
        order = soft_declined(shop)

        again = pay_again(shop, order, token=CARD, exemption="mit").json()

        assert again["status"] == "action_required"
        assert list(PaymentAttempt.objects.order_by("id").values_list("exemption", flat=True)) == ["mit", ""]
        assert on_file(shop)[-1] == (False, "challenge")

    def test_is_remembered_when_the_challenge_fails_as_well(self, shop: Shop) -> None:
        shop = as_a_program(shop)
        order = soft_declined(shop)
        again = pay_again(shop, order, token=CARD).json()
        answer_bank(shop, again, result="fail")
        shop.deliver()

        third = pay_again(shop, order, token=CARD, key="third").json()

        assert third["status"] == "action_required"
        assert on_file(shop)[-1] == (False, "challenge")

    def test_is_followed_by_a_challenge_where_the_customer_confirms(self, shop: Shop) -> None:
        order = soft_declined(as_a_program(shop))

        again = pay_again(shop, order).json()

        assert on_file(shop)[-1] == (False, "challenge")
        assert shop.confirm(again, card=CARD) == 200
        shop.deliver()
        assert read(shop, order).json()["status"] == "action_required"

    def test_is_no_failed_challenge(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token=CARD).json()

        answer_bank(shop, order, result="fail")
        shop.deliver()

        assert shop.attempt().failure_code == "payment_intent_authentication_failure"
        assert "soft_decline" not in shop.attempt().path_flags
        assert on_file(shop) == [(False, "automatic")]


class TestExemption:
    @pytest.mark.parametrize("exemption", ["low_value", "tra", "trusted", "corporate"])
    def test_that_the_provider_does_not_take_is_recorded_and_no_more(self, shop: Shop, exemption: str) -> None:
        order = soft_declined(shop, exemption=exemption)

        assert order["status"] == "action_required"
        assert shop.attempt().exemption == exemption
        assert on_file(shop) == [(False, "automatic")]

    def test_without_a_token_leaves_the_customer_there_to_be_asked(self, shop: Shop) -> None:
        shop = as_a_program(shop)
        payment = {"method": "stripe", "exemption": "mit"}
        order = shop.start(shop.a_cart(), payment=payment).json()

        assert order["status"] == "action_required"
        assert (shop.attempt().exemption, on_file(shop)) == ("mit", [(False, "automatic")])

    def test_that_is_granted_pays_at_once(self, shop: Shop) -> None:
        shop = as_a_program(shop)
        payment = {"method": "stripe", "token": "pm_card_visa", "exemption": "recurring"}
        order = shop.start(shop.a_cart(), payment=payment).json()

        assert order["status"] == "paid"
        assert shop.attempt().path_flags == ["straight", "guest"]
        assert on_file(shop) == [(True, "automatic")]

    @pytest.mark.parametrize("exemption", ["one_leg_out", "MIT", " mit", 7, None, ["mit"]])
    def test_that_nobody_knows_is_refused_and_nothing_made(self, shop: Shop, exemption: object) -> None:
        payment = {"method": "stripe", "token": CARD, "exemption": exemption}

        answer = shop.start(shop.a_cart(), payment=payment)

        assert answer.status_code == 400
        assert shop.truth() == []
        assert not PaymentAttempt.objects.exists()

    @pytest.mark.parametrize("exemption", OFF_SESSION)
    def test_of_programs_is_refused_to_a_guest_and_nothing_made(self, shop: Shop, exemption: str) -> None:
        cart = shop.a_cart()
        payment = {"method": "stripe", "token": CARD, "exemption": exemption}

        answer = shop.start(cart, payment=payment)

        assert (answer.status_code, answer.json()["code"]) == (400, "exemption_not_yours")
        assert [error["field"] for error in answer.json()["errors"]] == ["payment.exemption"]
        assert answer["Content-Type"] == "application/problem+json"
        assert (shop.truth(), Order.objects.count(), IdempotencyKey.objects.count()) == ([], 0, 0)
        assert shop.start(cart, token="pm_card_visa").json()["status"] == "paid"

    @pytest.mark.parametrize("exemption", OFF_SESSION)
    def test_of_programs_is_refused_to_a_customer_and_nothing_made(self, shop: Shop, exemption: str) -> None:
        ada = a_customer(shop)
        payment = {"method": "stripe", "token": CARD, "exemption": exemption}
        body = {"cart_id": ada.a_cart(), "contact": {"email": ada.user.email}, "payment": payment}

        answer = ada.api("POST", "checkout/start", body, idempotency_key="start")

        assert (answer.status_code, answer.json()["code"]) == (400, "exemption_not_yours")
        assert (shop.truth(), Order.objects.count()) == ([], 0)

    def test_of_programs_closes_nothing_when_a_guest_asks_for_it_with_another_card(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        answer = pay_again(shop, order, token=CARD, replace=True, exemption="mit")

        assert (answer.status_code, answer.json()["code"]) == (400, "exemption_not_yours")
        assert [row["status"] for row in shop.truth()] == ["requires_payment_method"]
        assert PaymentAttempt.objects.count() == 1
        assert shop.confirm(order) == 200

    def test_of_programs_is_taken_from_one_that_pays_a_later_try(self, shop: Shop) -> None:
        shop = as_a_program(shop)
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()

        again = pay_again(shop, order, token="pm_card_visa", exemption="recurring").json()

        assert again["status"] == "paid"
        assert on_file(shop) == [(False, "automatic"), (True, "automatic")]
