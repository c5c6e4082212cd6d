"""Money that comes late, twice, in the wrong amount or after the end: never lost, never kept, never taken for more."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pytest

from catalog.models import Stock
from core import clock, policies
from core.db import transaction
from ledger.models import Posting
from orders.models import Order, OrderEvent
from orders.services import order_transaction
from payments.providers.registry import adapter_for
from sandbox.dialects.stripe.signing import signature_header
from tests.journeys.buyers import cancel, hold_funds, pay_again, read
from tests.journeys.facts import (
    ask,
    assert_sound,
    cases,
    charges,
    fault,
    given_back,
    held,
    holds,
    learn,
    lose_webhooks,
    moves,
    operations,
    shelf,
    taken,
    voided_though_it_will_pay,
    wait,
)
from tests.shop import Shop
from webhooks import selectors
from webhooks import services as webhooks
from webhooks.models import Event


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def expire(shop: Shop) -> None:
    """This will let the order's time end without the provider having anything to say against it."""
    wait(shop, rounds=6, minutes=16)
    assert shop.order().state == "expired"


class TestAfterFailure:
    @pytest.mark.pains("C4")
    def test_a_declined_payment_that_is_captured_later_pays_the_order(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        assert shop.order().state == "payment_failed"

        shop.confirm(order)
        shop.deliver()

        assert moves(shop) == ["draft", "payment_pending", "payment_failed", "paid"]
        assert shop.attempt().path_flags[-1] == "late_success"
        assert (taken(shop), shelf()) == ([1999], (9, 0, 1))

    @pytest.mark.pains("C4")
    @pytest.mark.parametrize("last_word", ["failed", "voided", "expired"])
    def test_whatever_its_last_word_was_a_capture_is_believed_and_no_failure_after_it(
        self, shop: Shop, last_word: Literal["failed", "voided", "expired"]
    ) -> None:
        order = shop.start(shop.a_cart()).json()
        living = adapter_for(shop.account).retrieve(str(shop.attempt().provider_reference))
        ended = replace(living, status=last_word, can_still_capture=False)
        learn(shop, ended)
        assert (shop.attempt().status, shop.order().state) == (last_word, "payment_failed")

        shop.confirm(order)
        shop.deliver()
        shop.pass_time(seconds=1)
        learn(shop, replace(ended, observed_at=clock.now(), answered_at=clock.now()))

        assert moves(shop) == ["draft", "payment_pending", "payment_failed", "paid"]
        assert (shop.attempt().status, shop.order().captured_minor) == ("captured", 1999)
        assert (taken(shop), given_back(shop), shelf()) == ([1999], [], (9, 0, 1))

    @pytest.mark.pains("A5")
    def test_the_first_payment_is_closed_before_the_second_is_opened(self, shop: Shop) -> None:
        first = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()

        second = pay_again(shop, first, token="pm_card_visa")

        assert second.json()["status"] == "paid"
        assert shop.confirm(first) == 400
        assert taken(shop) == [0, 1999]

    @pytest.mark.pains("A5")
    def test_a_second_payment_that_nobody_heard_of_is_not_sent_again_once_the_first_has_paid(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        voided_though_it_will_pay(shop)
        fault(shop, "timeout_before", "payment_intents.create", times=3)
        assert pay_again(shop, order, token="pm_card_visa").status_code == 202

        shop.confirm(order)
        shop.deliver()
        assert shop.order().state == "paid"
        wait(shop, rounds=5, seconds=121)

        assert (taken(shop), operations("authorize")) == ([1999], ["succeeded", "failed"])

    @pytest.mark.pains("A5")
    def test_two_captures_leave_the_order_paid_once_and_the_excess_goes_back_once(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        voided_though_it_will_pay(shop)
        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"

        shop.confirm(order)
        for _ in range(3):
            shop.deliver()
            ask(shop)
        wait(shop, rounds=3, seconds=121)

        assert taken(shop) == [1999, 1999]
        assert given_back(shop) == [1999]
        placed = shop.order()
        assert (placed.state, placed.accepted_minor, placed.excess_minor, placed.excess_returned_minor) == (
            "paid",
            1999,
            1999,
            1999,
        )
        assert cases() == ["excess_captured"]
        assert shelf() == (9, 0, 1)

    def test_a_cancelled_one_of_two_captures_ends_with_both_back_though_the_sale_s_came_first(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        voided_though_it_will_pay(shop)
        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"
        fault(shop, "timeout_before", "refunds.create", times=None)
        shop.confirm(order)
        shop.deliver()
        ask(shop)
        shop.work()
        assert shop.order().excess_minor == 1999
        shop.sandbox.engine.faults.clear()

        assert cancel(shop, order).status_code == 202
        shop.work()
        shop.deliver()
        between = shop.order()
        wait(shop, rounds=3, seconds=121)

        assert (between.returned_minor, between.excess_returned_minor, between.state) == (1999, 0, "paid")
        assert given_back(shop) == [1999, 1999]
        assert shop.order().state == "cancelled_with_refund"
        assert shelf() == (10, 0, 0)


class TestAfterExpiry:
    @pytest.mark.pains("B1")
    def test_the_provider_is_asked_before_anything_ends(self, shop: Shop) -> None:
        lose_webhooks(shop)
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        fault(shop, "timeout_before", "payment_intents.retrieve", times=None)
        wait(shop, rounds=3, minutes=16)
        assert shop.order().state == "payment_pending"

        shop.sandbox.engine.faults.clear()
        wait(shop, minutes=20)
        assert shop.order().state == "paid"

    @pytest.mark.pains("C5")
    def test_it_is_revived_when_the_units_can_be_had_again(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_lateSuccess").json()
        voided_though_it_will_pay(shop)
        shop.pass_time(minutes=16)
        shop.sweep()
        assert order["status"] == "processing"

        shop.pass_time(seconds=5)
        ask(shop)

        assert shop.order().state == "paid"
        assert (taken(shop), given_back(shop), holds(shop)) == ([1999], [], [])
        assert shelf() == (9, 0, 1)

    @pytest.mark.pains("B2", "C5")
    def test_without_stock_it_is_paid_and_under_stock_review(self, shop: Shop) -> None:
        shop.start(shop.a_cart({"MUG-RED": 10}), token="pm_card_lateSuccess")
        take_late_success_back(shop)
        with order_transaction("test"):
            Stock.objects.filter(variant__sku="MUG-RED").update(received=9)

        let_it_succeed(shop)

        assert shop.order().state == "paid"
        assert holds(shop) == ["stock_review"]
        assert (taken(shop), given_back(shop)) == ([19990], [])
        assert shelf() == (9, 0, 0)

    @pytest.mark.pains("C5")
    def test_when_policy_says_so_it_is_never_reserved_again_by_itself(self, shop: Shop) -> None:
        with transaction("test"):
            policies.change("late_money", values={"revive_expired": False}, reason="test", now=clock.now())
        shop.start(shop.a_cart(), token="pm_card_lateSuccess")
        take_late_success_back(shop)

        let_it_succeed(shop)

        assert (shop.order().state, holds(shop)) == ("paid", ["stock_review"])
        assert shelf() == (10, 0, 0)

    def test_a_late_authorization_is_voided_and_moves_nothing(self, shop: Shop) -> None:
        hold_funds(shop, card="pm_card_lateSuccess")
        take_late_success_back(shop)

        let_it_succeed(shop)
        assert held(shop) == [0]
        assert shop.order().state == "expired"
        assert operations("void") == ["succeeded"]

    def test_units_go_back_at_the_cap_though_nothing_is_decided(self, shop: Shop) -> None:
        fault(shop, "timeout_before", times=None)
        shop.start(shop.a_cart(), token="pm_card_visa")

        wait(shop, rounds=5, minutes=16)

        assert shelf() == (10, 0, 0)
        assert shop.order().state == "draft"
        assert OrderEvent.objects.filter(reason="stock_returned").count() == 1


def take_late_success_back(shop: Shop) -> None:
    """This will end the order while the provider, against what it told us, still works on the payment."""
    voided_though_it_will_pay(shop)
    freeze = Order.objects.values_list("expires_at", flat=True).get()
    assert freeze is not None
    shop.sandbox.engine.store.execute("UPDATE timers SET due_at = due_at + 86400")
    shop.sandbox.engine.desk.forget_timers()
    wait(shop, rounds=1, minutes=16)
    assert shop.order().state == "expired", shop.order().state
    assert shelf()[1:] == (0, 0)


def let_it_succeed(shop: Shop) -> None:
    """This will let the provider finish what it works on and tell us."""
    shop.pass_time(days=1, seconds=10)
    shop.deliver()
    wait(shop, rounds=2, seconds=121)


class TestAfterCancel:
    @pytest.mark.pains("C5")
    def test_what_arrives_is_given_back_once_whoever_repeats_it(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_lateSuccess").json()
        answer = cancel(shop, order)
        assert answer.status_code == 202
        shop.pass_time(seconds=6)

        for _ in range(3):
            shop.deliver()
            ask(shop)
        wait(shop, rounds=3, seconds=121)

        assert (taken(shop), given_back(shop)) == ([1999], [1999])
        assert moves(shop) == ["draft", "payment_pending", "cancelled_with_refund"]
        assert shop.order().paid_at is None
        assert shelf() == (10, 0, 0)
        assert (
            shop.api("GET", f"orders/{order['order_id']}", x_order_token=order["order_token"]).json()["status"]
            == "cancelled"
        )

    @pytest.mark.pains("C5")
    def test_the_event_that_told_of_it_gives_nothing_back_again_however_it_is_repeated(self, shop: Shop) -> None:
        """After a cancellation money always goes back, and needs nobody's decision, so there is no case for it; there
        is one when it cannot go back. What the customer is told of it is the order's word, until shops send messages.
        """
        order = shop.start(shop.a_cart(), token="pm_card_lateSuccess").json()
        cancel(shop, order)
        shop.pass_time(seconds=6)
        shop.deliver()
        wait(shop, rounds=2, seconds=121)
        event = Event.objects.get(type="payment_intent.succeeded")
        before = (shop.order().version, moves(shop), operations("give_back"), shelf(), Posting.objects.count())

        for _ in range(3):
            assert deliver_again(shop, event).status_code == 200
            webhooks.process(event.pk, now=clock.now())
            # As a replay of what has ended begins.
            Event.objects.filter(pk=event.pk).update(status="received", next_try_at=clock.now())
            shop.work()
            wait(shop, seconds=121)

        assert before[1:4] == (["draft", "payment_pending", "cancelled_with_refund"], ["succeeded"], (10, 0, 0))
        after = (shop.order().version, moves(shop), operations("give_back"), shelf(), Posting.objects.count())
        assert (after, taken(shop), given_back(shop), cases()) == (before, [1999], [1999], [])

    @pytest.mark.pains("C5")
    def test_money_for_an_order_that_was_cancelled_already_goes_back(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_lateSuccess").json()
        voided_though_it_will_pay(shop)
        assert cancel(shop, order).status_code == 200
        assert shop.order().state == "cancelled"
        fault(shop, "timeout_before", "refunds.create", times=None)

        shop.pass_time(seconds=6)
        shop.deliver()
        shop.work()
        assert (operations("give_back"), read(shop, order).json()["status"]) == (["sent"], "refund_pending")
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=2, seconds=121)

        assert (taken(shop), given_back(shop)) == ([1999], [1999])
        assert (shop.order().state, read(shop, order).json()["status"]) == ("cancelled_with_refund", "cancelled")

    @pytest.mark.pains("C5")
    def test_a_late_authorization_is_voided(self, shop: Shop) -> None:
        order = hold_funds(shop, card="pm_card_lateSuccess")
        cancel(shop, order)
        shop.pass_time(seconds=6)
        shop.deliver()
        wait(shop, rounds=2, seconds=121)

        assert (held(shop), taken(shop)) == ([0], [0])
        assert shop.order().state == "cancelled"

    @pytest.mark.pains("C5")
    def test_a_give_back_that_fails_after_it_succeeded_is_owed_again(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order, card="pm_card_refundFail")
        cancel(shop, order)
        ask(shop)
        assert shop.order().state == "cancelled_with_refund"

        shop.pass_time(seconds=6)
        ask(shop)
        wait(shop, rounds=3, seconds=121)

        assert moves(shop)[-2:] == ["cancelled_with_refund", "cancelled"]
        assert operations("give_back") == ["reversed"]
        assert (holds(shop), cases()) == (["refund_failed"], ["give_back_failed"])
        assert given_back(shop) == []

    def test_a_pending_give_back_is_followed_to_its_end(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order, card="pm_card_pendingRefund")
        cancel(shop, order)
        ask(shop)
        assert operations("give_back") == ["pending"]
        assert shop.order().state == "payment_pending"

        wait(shop, seconds=121)
        assert shop.order().state == "cancelled_with_refund"
        assert operations("give_back") == ["succeeded"]


class TestOneCharge:
    def test_a_life_of_declines_and_replacements_takes_the_money_once(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        for number, card in enumerate(["pm_card_chargeDeclinedExpiredCard", "pm_card_chargeDeclinedIncorrectCvc"]):
            pay_again(shop, order, token=card, key=f"try-{number}")
        paid = pay_again(shop, order, token="pm_card_visa", key="last")
        shop.deliver()

        assert paid.json()["status"] == "paid"
        assert (taken(shop), charges(shop)) == ([0, 0, 0, 1999], 1)
        assert shelf() == (9, 0, 1)


class TestLook:
    def test_one_lost_answer_does_not_put_off_what_the_sweep_learns(self, shop: Shop) -> None:
        lose_webhooks(shop)
        shop.confirm(shop.start(shop.a_cart()).json())
        fault(shop, "timeout_after", "payment_intents.retrieve")

        wait(shop, rounds=1, seconds=61)

        assert shop.order().state == "paid"


def deliver_again(shop: Shop, event: Event) -> Any:
    """This will deliver an event once more with the bytes it had, signed now."""
    body = selectors.body_of(event.pk)
    assert body is not None
    header = signature_header(body, secrets=("whsec_sandbox",), signed_at=int(clock.now().timestamp()))
    return shop.post_delivery({"stripe-signature": header}, body)
