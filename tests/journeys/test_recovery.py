"""Calls that break: whatever a time-out leaves open is found out, and nothing is ever done twice."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client

from core import clock
from core.cause import system
from core.db import transaction
from payments.models import Operation
from payments.services import request_capture
from tests.journeys.buyers import cancel, hold_funds
from tests.journeys.facts import (
    ask,
    assert_sound,
    cases,
    charges,
    fault,
    held,
    lose_webhooks,
    moves,
    operations,
    prune_keys,
    shelf,
    taken,
    wait,
    with_right_key,
    with_wrong_key,
)
from tests.shop import Shop

CREATE, CAPTURE = "payment_intents.create", "payment_intents.capture"
CANCEL = "payment_intents.cancel"
BREAKS = ("timeout_before", "timeout_after", "error_500_saved", "error_500_before", "key_in_use", "rate_limited")


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


class TestCreate:
    @pytest.mark.parametrize("kind", BREAKS)
    def test_one_break_is_bridged_within_the_request(self, shop: Shop, kind: str) -> None:
        fault(shop, kind, CREATE)

        answer = shop.start(shop.a_cart(), token="pm_card_visa")
        wait(shop, rounds=3, seconds=61)
        ask(shop)

        assert answer.status_code in {201, 202}
        assert shop.order().state == "paid"
        assert (taken(shop), charges(shop)) == ([1999], 1)

    @pytest.mark.parametrize("kind", BREAKS)
    @pytest.mark.pains("A3", "A7")
    def test_a_longer_break_is_found_out_by_the_sweep(self, shop: Shop, kind: str) -> None:
        fault(shop, kind, CREATE, times=4)

        answer = shop.start(shop.a_cart(), token="pm_card_visa")
        assert answer.status_code == 202
        assert answer.json()["status"] == "processing"
        wait(shop, rounds=12, seconds=121)
        shop.deliver()
        wait(shop, rounds=2, seconds=121)

        assert (taken(shop), charges(shop)) == ([1999], 1)
        assert shop.order().state == "paid"
        assert operations("authorize") == ["succeeded"]
        assert shelf() == (9, 0, 1)

    @pytest.mark.pains("A1")
    def test_after_a_lost_answer_same_key_new_key_and_other_device_lead_to_one_charge(self, shop: Shop) -> None:
        fault(shop, "timeout_after", CREATE, times=3)
        lose_webhooks(shop)
        cart = shop.a_cart()
        lost = shop.start(cart, token="pm_card_visa")
        assert lost.status_code == 202

        other_device = replace(shop, client=Client())
        early = [
            shop.start(cart, token="pm_card_visa"),
            shop.start(cart, token="pm_card_visa", key="another-key"),
            other_device.start(cart, token="pm_card_mastercard", key="third-key"),
        ]
        assert {answer.json()["status"] for answer in early} == {"processing"}
        wait(shop, seconds=61)
        late = [
            shop.start(cart, token="pm_card_visa"),
            shop.start(cart, token="pm_card_visa", key="another-key"),
            other_device.start(cart, token="pm_card_mastercard", key="fourth-key"),
        ]

        assert {answer.json()["status"] for answer in late} == {"paid"}
        assert {answer.json()["order_id"] for answer in [lost, *early, *late]} == {shop.order().public_id}
        assert (taken(shop), charges(shop)) == ([1999], 1)

    def test_a_saved_500_without_effect_is_never_called_a_charge(self, shop: Shop) -> None:
        fault(shop, "error_500_saved", CREATE, has_effect=False)
        shop.start(shop.a_cart(), token="pm_card_visa")

        wait(shop, rounds=3, seconds=121)
        assert shop.order().state == "draft"
        assert operations("authorize") == ["unknown"]

        shop.pass_time(hours=25)
        wait(shop, rounds=4, seconds=601)
        assert taken(shop) == []
        assert operations("authorize") == ["failed"]
        assert shop.order().state == "cancelled"
        assert shelf() == (10, 0, 0)

    def test_a_slow_provider_keeps_nobody_longer_than_twelve_seconds(self, shop: Shop) -> None:
        fault(shop, "slow", CREATE, times=3, seconds=10.5)
        began = clock.now()

        answer = shop.start(shop.a_cart(), token="pm_card_visa")

        assert answer.status_code == 202
        assert (clock.now() - began).total_seconds() <= 12
        wait(shop, rounds=2, seconds=61)
        assert (shop.order().state, taken(shop)) == ("paid", [1999])

    @pytest.mark.pains("A4")
    def test_while_the_outcome_is_unknown_no_second_attempt_starts(self, shop: Shop) -> None:
        fault(shop, "timeout_after", CREATE, times=3)
        lose_webhooks(shop)
        started = shop.start(shop.a_cart(), token="pm_card_visa").json()
        path, token = f"orders/{started['order_id']}/payment-attempts", started["order_token"]

        retry = {"payment": {"token": "pm_card_mastercard"}, "replace": True}
        refused = shop.api("POST", path, retry, x_order_token=token, idempotency_key="retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "payment_being_verified")
        assert refused["Retry-After"]

        wait(shop, seconds=61)
        answered = shop.api("POST", path, retry, x_order_token=token, idempotency_key="retry")
        assert answered.status_code == 200
        assert answered.json()["status"] == "paid"
        assert taken(shop) == [1999]

    @pytest.mark.pains("A4")
    def test_when_the_provider_never_saw_it_a_second_attempt_is_permitted(self, shop: Shop) -> None:
        fault(shop, "timeout_before", CREATE, times=3)
        started = shop.start(shop.a_cart(), token="pm_card_visa").json()
        operation = Operation.objects.get()
        Operation.objects.filter(pk=operation.pk).update(provider_key_expires_at=clock.now())
        wait(shop, rounds=3, seconds=200)
        assert operations("authorize") == ["failed"]

        path = f"orders/{started['order_id']}/payment-attempts"
        body = {"payment": {"token": "pm_card_visa"}}
        again = shop.api("POST", path, body, x_order_token=started["order_token"], idempotency_key="retry")

        assert again.status_code == 201
        assert again.json()["status"] == "paid"
        assert taken(shop) == [1999]

    @pytest.mark.pains("D4")
    def test_a_key_past_its_life_is_never_sent_again(self, shop: Shop) -> None:
        fault(shop, "timeout_after", CREATE, times=3)
        lose_webhooks(shop)
        cart = shop.a_cart()
        shop.start(cart, token="pm_card_visa")
        shop.pass_time(hours=25)
        prune_keys(shop)

        repeated = shop.start(cart, token="pm_card_visa")
        shop.work()
        wait(shop, rounds=3, seconds=601)

        assert repeated.status_code in {201, 202}
        assert charges(shop) == 1
        assert taken(shop) == [1999]
        assert shop.order().state == "paid"

    @pytest.mark.pains("A4")
    def test_a_refusal_after_a_time_out_proves_nothing(self, shop: Shop) -> None:
        """The first call took the money; that our API key is wrong since says nothing about it."""
        fault(shop, "timeout_after", CREATE, times=3)
        lose_webhooks(shop)
        shop.start(shop.a_cart(), token="pm_card_visa")
        assert taken(shop) == [1999]

        with_wrong_key(shop)
        wait(shop, rounds=2, seconds=121)
        assert operations("authorize") == ["unknown"]
        assert "provider_refused" in cases()
        assert shop.attempt().dead_at is None

        with_right_key(shop)
        wait(shop, rounds=4, seconds=601)
        assert shop.order().state == "paid"
        assert taken(shop) == [1999]

    def test_a_refusal_of_the_first_call_is_final_and_told_to_people(self, shop: Shop) -> None:
        with_wrong_key(shop)

        answer = shop.start(shop.a_cart(), token="pm_card_visa")

        assert answer.status_code == 201
        assert answer.json()["status"] == "payment_failed"
        assert operations("authorize") == ["failed"]
        assert cases() == ["provider_refused"]

    def test_a_cancelled_order_is_not_charged_by_its_own_recovery(self, shop: Shop) -> None:
        """Whether the first call arrived is looked up; sending it again would only take money to give it back."""
        fault(shop, "timeout_before", CREATE, times=3)
        started = shop.start(shop.a_cart(), token="pm_card_visa").json()
        path = f"orders/{started['order_id']}/cancel"
        cancelled = shop.api("POST", path, {}, x_order_token=started["order_token"], idempotency_key="cancel")
        assert cancelled.status_code == 202

        wait(shop, rounds=5, seconds=200)

        assert charges(shop) == 0
        assert shop.order().state == "cancelled"
        assert shelf() == (10, 0, 0)


class TestCapture:
    @pytest.mark.parametrize("kind", BREAKS)
    @pytest.mark.pains("A3")
    def test_a_broken_capture_takes_the_money_once(self, shop: Shop, kind: str) -> None:
        hold_funds(shop)
        assert (held(shop), taken(shop)) == ([1999], [0])
        fault(shop, kind, CAPTURE, times=4)

        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
        shop.work()
        wait(shop, rounds=10, seconds=121)

        assert (held(shop), taken(shop), charges(shop)) == ([0], [1999], 1)
        assert moves(shop) == ["draft", "payment_pending", "payment_authorized", "paid"]
        assert operations("capture") == ["succeeded"]

    def test_while_a_capture_is_unknown_no_second_one_is_asked_for(self, shop: Shop) -> None:
        hold_funds(shop)
        fault(shop, "timeout_after", CAPTURE, times=3)
        lose_webhooks(shop)
        for _ in range(2):
            with transaction("test"):
                request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
            shop.work()

        assert operations("capture") == ["unknown"]
        assert taken(shop) == [1999]
        wait(shop, seconds=61)
        assert shop.order().state == "paid"

    def test_a_refused_capture_is_capture_failed_and_can_be_asked_for_again(self, shop: Shop) -> None:
        hold_funds(shop)
        with_wrong_key(shop)
        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
        shop.work()
        assert shop.order().state == "capture_failed"
        assert held(shop) == [1999]

        with_right_key(shop)
        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
        shop.work()

        assert moves(shop)[-2:] == ["capture_failed", "paid"]
        assert taken(shop) == [1999]

    def test_a_capture_that_the_bank_declines_is_capture_failed_too(self, shop: Shop) -> None:
        hold_funds(shop, card="pm_card_captureFail")
        for _ in range(2):
            with transaction("test"):
                request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
            shop.work()
        assert (held(shop), taken(shop), operations("capture")) == ([1999], [0], ["declined", "declined"])
        assert moves(shop)[-2:] == ["payment_authorized", "capture_failed"]

    def test_a_refused_capture_ends_when_the_hold_lapses_and_nobody_tells_us(self, shop: Shop) -> None:
        hold_funds(shop)
        lose_webhooks(shop)
        with_wrong_key(shop)
        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
        shop.work()
        with_right_key(shop)

        wait(shop, rounds=2, days=7, seconds=1)

        assert moves(shop)[-2:] == ["capture_failed", "expired"]
        assert (held(shop), taken(shop), shelf()) == ([0], [0], (10, 0, 0))

    def test_funds_that_lapsed_before_the_capture_arrived_end_the_order(self, shop: Shop) -> None:
        hold_funds(shop)
        lose_webhooks(shop)
        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
        shop.pass_time(days=7, seconds=1)

        shop.work()
        wait(shop, rounds=3, seconds=61)

        assert (held(shop), taken(shop)) == ([0], [0])
        assert shop.order().state == "expired"
        assert shelf() == (10, 0, 0)


class TestVoid:
    @pytest.mark.parametrize("kind", BREAKS)
    @pytest.mark.parametrize("card", ["", "manual"])
    def test_a_broken_void_ends_with_nothing_held_or_taken(self, shop: Shop, kind: str, card: str) -> None:
        order = hold_funds(shop) if card else shop.start(shop.a_cart()).json()
        fault(shop, kind, CANCEL, times=4)

        answer = cancel(shop, order)
        shop.work()
        wait(shop, rounds=10, seconds=121)

        assert answer.status_code == 202
        assert shop.order().state == "cancelled"
        assert (held(shop), taken(shop)) == ([0], [0])
        assert shelf() == (10, 0, 0)
