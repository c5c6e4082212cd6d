"""Paying again, answering the bank, cancelling: the same order, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from catalog import services
from catalog.models import Price, Stock
from core import clock
from core.cause import system
from core.db import transaction
from orders.models import Order
from payments.models import PaymentAttempt
from payments.services import request_capture
from tests.journeys.buyers import answer_bank, cancel, hold_funds, pay_again, read
from tests.journeys.facts import moves, shelf, taken, violations, with_wrong_key
from tests.shop import Shop


class TestPayingAgain:
    @pytest.mark.pains("G1")
    def test_resume_gives_the_same_client_secret(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        again = pay_again(shop, order)

        assert again.status_code == 200
        assert again.json()["client_secret"] == order["client_secret"]
        assert again.json()["payment_attempt_id"] == order["payment_attempt_id"]
        assert len(shop.truth()) == 1

    @pytest.mark.pains("A5", "E4")
    def test_after_a_decline_the_same_order_gets_a_new_attempt_and_the_old_is_closed_first(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()

        again = pay_again(shop, order, token="pm_card_visa")

        assert (again.status_code, again.json()["status"]) == (201, "paid")
        assert again.json()["order_id"] == order["order_id"]
        assert [row["status"] for row in shop.truth()] == ["canceled", "succeeded"]
        assert Stock.objects.get(variant__sku="MUG-RED").committed == 1
        assert "client_secret" in again.json()

    def test_replace_closes_a_living_attempt_first(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        again = pay_again(shop, order, replace=True)

        assert again.status_code == 201
        assert again.json()["client_secret"] != order["client_secret"]
        assert [row["status"] for row in shop.truth()] == ["canceled", "requires_payment_method"]
        assert shop.confirm(order) == 400
        assert shop.confirm(again.json()) == 200

    def test_repeating_a_replacement_does_not_close_what_it_opened(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        first = pay_again(shop, order, replace=True)

        second = pay_again(shop, order, replace=True)

        assert second.content == first.content
        assert [row["status"] for row in shop.truth()] == ["canceled", "requires_payment_method"]

    def test_while_the_provider_works_on_it_nothing_is_replaced(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_lateSuccess").json()

        answer = pay_again(shop, order, token="pm_card_visa", replace=True)

        assert (answer.status_code, answer.json()["code"]) == (409, "payment_being_verified")
        assert len(shop.truth()) == 1

    @pytest.mark.pains("A8")
    def test_a_paid_order_answers_as_it_stands(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_visa").json()

        answer = pay_again(shop, order, token="pm_card_visa", replace=True)

        assert (answer.status_code, answer.json()["status"]) == (200, "paid")
        assert answer.json()["order"]["next_actions"] == ["cancel", "request_refund"]
        assert answer.json()["client_secret"] is None
        assert len(shop.truth()) == 1

    def test_a_cancelled_one_takes_none(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        cancel(shop, order)

        answer = pay_again(shop, order, token="pm_card_visa")

        assert (answer.status_code, answer.json()["code"]) == (409, "order_cancelling")

    def test_what_the_provider_says_of_our_own_mistake_is_not_for_customers(self, shop: Shop) -> None:
        with_wrong_key(shop)

        answer = shop.start(shop.a_cart(), token="pm_card_visa")

        assert answer.json()["decline"] == {
            "code": "payment_unavailable",
            "message": "The payment did not go through. You have not been charged.",
            "may_retry": True,
        }
        assert "sk_test" not in answer.content.decode()


class TestStatesOfANewTry:
    def test_it_is_pending_again_when_the_provider_has_heard_of_it(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()

        pay_again(shop, order, token="pm_card_chargeDeclined", key="second")
        pay_again(shop, order, key="third")

        declined = ["payment_pending", "payment_failed"]
        assert moves(shop) == ["draft", *declined, *declined, "payment_pending"]
        assert read(shop, order).json()["status"] == "action_required"

    def test_one_that_succeeds_at_once_passes_through_it(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()

        pay_again(shop, order, token="pm_card_visa")

        assert moves(shop)[-3:] == ["payment_failed", "payment_pending", "paid"]

    def test_another_card_after_a_failed_capture_holds_the_funds_anew(self, shop: Shop) -> None:
        order = hold_funds(shop, card="pm_card_captureFail")
        with transaction("test"):
            request_capture(order["order_id"], cause=system("sweep", now=clock.now()))
        shop.work()

        again = pay_again(shop, order, token="pm_card_visa", replace=True)

        assert (again.status_code, again.json()["status"]) == (201, "under_review")
        assert moves(shop)[-3:] == ["capture_failed", "payment_pending", "payment_authorized"]
        assert [row["status"] for row in shop.truth()] == ["canceled", "requires_capture"]
        assert violations(shop) == []


class TestThreeDSecure:
    def test_a_challenge_is_an_action_and_its_success_pays(self, shop: Shop) -> None:
        payment = {"token": "pm_card_authenticationRequired", "return_url": "https://shop.example/back"}
        order = shop.start(shop.a_cart(), payment=payment).json()
        assert order["status"] == "action_required"
        assert order["next_action"]["type"] == "redirect"
        assert order["order"]["next_actions"] == ["confirm", "cancel"]

        assert answer_bank(shop, order) == 303
        shop.deliver()

        assert read(shop, order).json()["status"] == "paid"
        assert shop.attempt().three_d_secure == {
            "result": "authenticated",
            "authentication_flow": "challenge",
            "version": "2.2.0",
        }
        assert "challenge" in shop.attempt().path_flags

    def test_a_failed_challenge_is_a_decline_on_the_same_order(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_authenticationRequired").json()

        answer_bank(shop, order, result="fail")
        shop.deliver()

        shown = read(shop, order).json()
        assert (shown["status"], shown["payment"]["decline"]["code"]) == (
            "payment_failed",
            "payment_intent_authentication_failure",
        )
        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"

    def test_a_challenge_passed_and_then_declined(self, shop: Shop) -> None:
        card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
        order = shop.start(shop.a_cart(), token=card).json()

        answer_bank(shop, order)
        shop.deliver()

        assert read(shop, order).json()["payment"]["decline"]["code"] == "insufficient_funds"

    @pytest.mark.pains("G1")
    def test_one_left_alone_resumes_with_the_same_attempt(self, shop: Shop) -> None:
        payment = {"token": "pm_card_authenticationRequired", "return_url": "https://shop.example/back"}
        order = shop.start(shop.a_cart(), payment=payment).json()

        resumed = pay_again(shop, order).json()

        assert resumed["payment_attempt_id"] == order["payment_attempt_id"]
        assert resumed["next_action"] == order["next_action"]

    def test_a_stolen_card_is_not_told_so_and_may_not_be_tried_again(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclinedStolenCard").json()

        assert order["decline"]["may_retry"] is False
        assert order["decline"]["message"] == "The bank declined this card."


class TestCancel:
    def test_while_something_could_capture_it_is_202_and_then_cancelled(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        answer = cancel(shop, order)
        assert (answer.status_code, answer.json()["status"], answer["Retry-After"]) == (202, "cancelling", "2")
        shop.work()

        repeated = cancel(shop, order)
        assert (repeated.status_code, repeated.json()["status"]) == (200, "cancelled")
        assert cancel(shop, order).content == repeated.content
        assert [row["status"] for row in shop.truth()] == ["canceled"]
        assert Stock.objects.get(variant__sku="MUG-RED").available == 10

    def test_it_needs_a_key(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        answer = shop.api("POST", f"orders/{order['order_id']}/cancel", {}, x_order_token=order["order_token"])

        assert answer.json()["code"] == "idempotency_key_required"

    @pytest.mark.pains("C5")
    def test_money_that_was_taken_meanwhile_goes_back_by_itself(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)

        assert cancel(shop, order).status_code == 202
        shop.deliver()
        shop.work()

        assert Order.objects.get().state == "cancelled_with_refund"
        assert [row["amount"] for row in shop.truth("refund")] == [1999]


class TestTheWayItTook:
    def flags(self, shop: Shop) -> list[str]:
        return shop.attempt().path_flags

    def test_straight_by_a_guest(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")

        assert self.flags(shop) == ["straight", "guest"]

    def test_resumed_with_the_same_secret(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        pay_again(shop, order)

        assert self.flags(shop) == ["guest", "resumed"]

    def test_challenged(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_authenticationRequired").json()

        answer_bank(shop, order)
        shop.deliver()

        assert self.flags(shop) == ["guest", "challenge"]

    def test_retried_with_the_same_secret_is_not_late(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order, card="pm_card_chargeDeclined")
        shop.deliver()

        shop.confirm(order)
        shop.deliver()

        assert self.flags(shop) == ["guest", "retried"]
        assert Order.objects.get().state == "paid"


class TestAfterTheReservationLapsed:
    """PAINS E2 and LIFECYCLE: the same price and terms again, or a new quote; never another price in silence."""

    def lapsed(self, shop: Shop, **more: str) -> dict[str, Any]:
        """This will let the time to pay run out."""
        order: dict[str, Any] = shop.start(shop.a_cart({"MUG-RED": 2}), **more).json()
        for _ in range(5):
            shop.pass_time(minutes=16)
            shop.sweep()
        assert (Order.objects.get().state, shelf()) == ("expired", (10, 0, 0))
        return order

    @pytest.mark.pains("E2")
    def test_units_that_can_be_had_are_kept_again_at_the_same_price(self, shop: Shop) -> None:
        order = self.lapsed(shop)

        again = pay_again(shop, order)
        assert (again.status_code, again.json()["status"]) == (201, "action_required")
        assert (Order.objects.get().state, shelf()) == ("payment_pending", (8, 2, 0))
        assert Order.objects.get().expires_at == clock.now() + timedelta(minutes=15)
        assert again.json()["payment_attempt_id"] != order["payment_attempt_id"]
        shop.confirm(again.json())
        shop.deliver()

        assert (Order.objects.get().state, shelf()) == ("paid", (8, 0, 2))
        assert (taken(shop), violations(shop)) == ([0, 3998], [])

    def test_a_card_at_once_pays_it(self, shop: Shop) -> None:
        order = self.lapsed(shop, token="pm_card_chargeDeclined")

        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"
        assert violations(shop) == []

    def test_another_price_is_shown_and_not_taken(self, shop: Shop) -> None:
        order = self.lapsed(shop)
        Price.objects.filter(variant__sku="MUG-RED").update(amount_minor=2500)
        attempts = PaymentAttempt.objects.count()

        answer = pay_again(shop, order, token="pm_card_visa")

        assert answer.status_code == 409
        problem = answer.json()
        assert (problem["code"], problem["reason"]) == ("reservation_lapsed", "price_changed")
        assert problem["quote"]["total"]["amount_minor"] == 5000
        assert problem["cart_id"] == Order.objects.get().cart_id
        assert (Order.objects.get().state, shelf(), taken(shop)) == ("expired", (10, 0, 0), [0])
        assert PaymentAttempt.objects.count() == attempts

    def test_what_is_sold_out_meanwhile_is_named(self, shop: Shop) -> None:
        order = self.lapsed(shop)
        shop.start(shop.a_cart({"MUG-RED": 9}), key="another-buyer", token="pm_card_visa")

        problem = pay_again(shop, order, token="pm_card_visa").json()

        assert (problem["code"], problem["reason"]) == ("reservation_lapsed", "insufficient_stock")
        assert problem["lines"] == [{"sku": "MUG-RED", "requested": 2, "available": 1}]

    def test_a_refusal_leaves_the_key_free(self, shop: Shop) -> None:
        order = self.lapsed(shop)
        Price.objects.filter(variant__sku="MUG-RED").update(amount_minor=2500)
        pay_again(shop, order)
        Price.objects.filter(variant__sku="MUG-RED").update(amount_minor=1999)

        assert pay_again(shop, order).status_code == 201

    def test_units_back_at_the_cap_while_the_attempt_lives_are_kept_again(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        with transaction("test"):
            services.expire(owner_id=order["order_id"], now=clock.now())

        again = pay_again(shop, order)

        assert again.json()["payment_attempt_id"] == order["payment_attempt_id"]
        assert shelf() == (9, 1, 0)
