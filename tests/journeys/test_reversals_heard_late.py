"""Captures that a bank takes back, heard of too early, too late or twice: no news of before undoes what came since."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from orders.refunding import WantedAmount
from payments.models import PaymentAttempt, Refund
from payments.providers.registry import adapter_for
from payments.services import LookedMeanwhile, RefundWish, apply_update, request_capture, request_refund
from tests.journeys.buyers import hold_funds
from tests.journeys.facts import (
    ask,
    assert_sound,
    control,
    fault,
    given_back,
    holds,
    learn,
    lose_webhooks,
    operations,
    take_back,
    taken,
    unheard,
    wait,
)
from tests.shop import Shop
from tests.simulation.line import in_dashboard
from webhooks import services as webhooks
from webhooks.models import Event

# Two mugs, of which a part can be refunded.
TWO = {"MUG-RED": 2}


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


class TestReversalsHeardLate:
    def test_one_heard_of_before_the_success_it_undid_pays_nothing(self, shop: Shop) -> None:
        shop.confirm(shop.start(shop.a_cart()).json())
        unheard(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        shop.sandbox.engine.tick()

        for delivery in reversed(shop.sandbox.engine.due_deliveries(shop.virtual.now(), limit=1000)):
            shop.post_delivery(delivery.headers, delivery.body)
            shop.sandbox.engine.record_delivery(delivery.id, 200)
            shop.work()

        assert (shop.order().state, shop.order().captured_minor) == ("payment_failed", 0)
        # The customer could still try again on it, so it is closed when their time is over.
        wait(shop, rounds=4, minutes=16)
        assert (shop.order().state, operations("authorize")) == ("expired", ["failed"])
        assert [row["status"] for row in shop.truth("intent")] == ["canceled"]

    @pytest.mark.parametrize("is_known", [True, False])
    def test_one_after_which_the_same_payment_was_tried_again_is_found(self, shop: Shop, is_known: bool) -> None:
        """The provider shows the last try alone, which was declined: nothing it says names the reversal."""
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        if is_known:
            shop.deliver()
        shop.pass_time(seconds=5)
        unheard(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        shop.confirm(order, card="pm_card_chargeDeclined")
        shop.sandbox.engine.tick()

        for delivery in reversed(shop.sandbox.engine.due_deliveries(shop.virtual.now(), limit=1000)):
            shop.pass_time(seconds=5)
            shop.post_delivery(delivery.headers, delivery.body)
            shop.sandbox.engine.record_delivery(delivery.id, 200)
            shop.work()
        # A look within a minute of the success proves nothing: the events wait and are read again.
        assert shop.order().state == ("paid" if is_known else "payment_failed")
        shop.pass_time(seconds=61)
        for event_id in Event.objects.filter(status="failed").values_list("pk", flat=True):
            webhooks.process(event_id, now=clock.now())

        ends = "capture_failed" if is_known else "payment_failed"
        assert (shop.order().state, shop.order().captured_minor) == (ends, 0)

    @pytest.mark.parametrize("card", ["pm_card_lateSuccess", "pm_card_threeDSecure2Required"])
    def test_while_the_payment_is_tried_again_its_last_charge_is_the_one_before(self, shop: Shop, card: str) -> None:
        """The new try has no charge yet: what the provider shows beside it is what was taken back, less a refund."""
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        shop.pass_time(seconds=61)
        take_back(shop, refunded=40)
        shop.confirm(order, card=card)
        shop.pass_time(seconds=2)

        ask(shop)

        assert (shop.order().captured_minor, shop.order().returned_minor) == (40, 40)

    def test_what_a_second_charge_left_that_was_taken_back_as_well_before_we_heard_of_it(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        reference = shop.truth("intent")[0]["id"]
        control(shop, "reversals", payment_intent=reference)
        assert shop.order().state == "capture_failed"
        before = adapter_for(shop.account).retrieve(reference, has_taken=True)
        shop.confirm(order)
        take_back(shop, refunded=40)
        shop.pass_time(seconds=61)

        for _ in range(2):
            ask(shop)
        learn(shop, before)

        assert (shop.order().captured_minor, shop.order().returned_minor) == (40, 40)

    def test_two_refunds_in_the_dashboard_heard_of_at_once_share_what_was_beyond_the_due(self, shop: Shop) -> None:
        """One of a charge that was taken back, whose rest is excess beside the second; the other of that second one."""
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        shop.pass_time(seconds=61)
        take_back(shop, refunded=40)
        shop.confirm(order)
        unheard(shop, "refunds", payment_intent=shop.truth("intent")[0]["id"], amount=300)

        ask(shop)

        assert (shop.order().captured_minor, shop.order().excess_minor) == (2039, 40)
        assert (shop.order().excess_returned_minor, shop.order().returned_minor) == (40, 300)
        assert sum(Refund.objects.values_list("excess_minor", flat=True)) == 40

    def test_one_after_which_less_was_taken_of_the_same_payment_is_found(self, shop: Shop) -> None:
        """The provider shows the last charge alone, of which somebody took a part in the dashboard."""
        hold_funds(shop)
        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("staff", now=clock.now()))
        shop.work()
        shop.deliver()
        reference = shop.truth("intent")[0]["id"]
        unheard(shop, "reversals", payment_intent=reference)
        shop.confirm({"client_secret": shop.attempt().client_secret})
        in_dashboard(shop, f"payment_intents/{reference}/capture", form=b"amount_to_capture=100")
        shop.pass_time(seconds=5)
        ask(shop)
        assert (shop.order().state, shop.order().captured_minor) == ("paid", 1999)

        shop.pass_time(seconds=61)
        ask(shop)

        assert (shop.order().captured_minor, taken(shop), holds(shop)) == (100, [100], ["amount_mismatch"])
        assert (shop.order().state, shop.attempt().status) == ("capture_failed", "captured")

    def test_a_look_too_early_to_tell_of_one_does_not_count_the_same_charge_twice(self, shop: Shop) -> None:
        """It shows the charge we know as an earlier one; what that left is not ours beside the charge itself."""
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        ask(shop)
        take_back(shop, refunded=500)
        shop.confirm(order, card="pm_card_chargeDeclined")
        shop.pass_time(seconds=5)
        ask(shop)
        shop.deliver()
        assert (shop.order().captured_minor, shop.order().excess_minor) == (1999, 0)

        shop.pass_time(seconds=61)
        ask(shop)

        assert (shop.order().captured_minor, shop.order().returned_minor, holds(shop)) == (
            500,
            500,
            ["payment_reversed"],
        )

    def test_a_copy_of_a_success_is_read_again_when_a_look_came_in_between(self, shop: Shop) -> None:
        shop.start(shop.a_cart())
        attempt = PaymentAttempt.objects.select_related("account__channel").get()
        look = adapter_for(attempt.account).retrieve(str(attempt.provider_reference))
        copy = replace(look, status="captured", captured_minor=1999, observed_at=None, occurred_at=clock.now())
        shop.pass_time(seconds=5)
        with transaction("test"):
            later = replace(look, observed_at=clock.now(), answered_at=clock.now())
            apply_update(later, account=attempt.account, cause=system("webhook", now=clock.now()))

        with pytest.raises(LookedMeanwhile), transaction("test"):
            apply_update(copy, account=attempt.account, cause=system("webhook", now=clock.now()))

    @pytest.mark.parametrize("is_heard_first", [True, False])
    def test_an_answer_of_before_that_comes_late_changes_nothing(self, shop: Shop, is_heard_first: bool) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        if not is_heard_first:
            shop.deliver()
        attempt = PaymentAttempt.objects.select_related("account__channel").get()
        late = adapter_for(attempt.account).retrieve(str(attempt.provider_reference))
        shop.pass_time(seconds=5)
        unheard(shop, "reversals", payment_intent=attempt.provider_reference)
        shop.pass_time(seconds=5)
        told = adapter_for(attempt.account).retrieve(str(attempt.provider_reference))
        with transaction("test"):
            apply_update(told, account=attempt.account, cause=system("webhook", now=clock.now()))
        state = shop.order().state

        with transaction("test"):
            apply_update(late, account=attempt.account, cause=system("checkout", now=clock.now()))

        assert late.status == "captured"
        assert state == ("payment_failed" if is_heard_first else "capture_failed")
        assert (shop.order().state, shop.order().captured_minor) == (state, 0)

    def test_read_after_the_payment_was_paid_once_more_undoes_nothing(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        unheard(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        attempt = PaymentAttempt.objects.select_related("account__channel").get()
        stale = adapter_for(attempt.account).retrieve(str(attempt.provider_reference), has_taken=True)
        assert stale.status == "reversed"
        shop.pass_time(seconds=5)
        shop.confirm(order)
        shop.deliver()
        assert (shop.order().state, shop.order().captured_minor) == ("paid", 1999)

        with transaction("test"):
            apply_update(stale, account=attempt.account, cause=system("sweep", now=clock.now()))

        assert (shop.order().state, shop.order().captured_minor) == ("paid", 1999)


class TestRefundsUnderWay:
    @pytest.mark.parametrize("was_sent", [True, False])
    def test_one_that_never_ran_takes_nothing_of_what_came_since_unheard(self, shop: Shop, was_sent: bool) -> None:
        """Part of a payment is asked back and its bank takes all of it; then it is paid once more, and nobody says."""
        order = shop.start(shop.a_cart(TWO)).json()
        shop.confirm(order)
        shop.deliver()
        lose_webhooks(shop)
        fault(shop, "timeout_before", "refunds.create", times=None)
        wish = RefundWish(order["order_id"], WantedAmount(500), "customer_request", "")
        with transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))
        if was_sent:
            shop.work()
        shop.pass_time(seconds=61)
        unheard(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        ask(shop)
        assert (shop.order().state, shop.order().captured_minor) == ("capture_failed", 0)
        shop.sandbox.engine.faults.clear()
        shop.confirm(order)

        wait(shop, rounds=8, seconds=301)
        ask(shop)

        assert (given_back(shop), shop.order().captured_minor, shop.order().returned_minor) == ([], 3998, 0)
        assert Refund.objects.get().status == "failed"


class TestCancelledAfterwards:
    """Word of a cancelled payment says that nothing is taken, not what was: a look tells that it was taken back."""

    @pytest.mark.pains("A3")
    def test_word_of_it_makes_us_ask(self, shop: Shop) -> None:
        shop.confirm(shop.start(shop.a_cart()).json())
        shop.deliver()
        reference = shop.truth("intent")[0]["id"]
        shop.pass_time(minutes=5)
        lose_webhooks(shop)
        unheard(shop, "reversals", payment_intent=reference)
        shop.sandbox.engine.webhook_faults.clear()

        in_dashboard(shop, f"payment_intents/{reference}/cancel")
        shop.deliver()

        assert (shop.attempt().status, shop.order().captured_minor) == ("reversed", 0)
        assert (shop.order().state, holds(shop)) == ("capture_failed", [])
        assert Event.objects.get(type="payment_intent.canceled").status == "processed"

    @pytest.mark.pains("A3")
    def test_a_copy_that_was_read_before_the_money_was_known_is_read_again(self, shop: Shop) -> None:
        shop.confirm(shop.start(shop.a_cart()).json())
        shop.deliver()
        attempt = shop.attempt()
        look = adapter_for(shop.account).retrieve(str(attempt.provider_reference))
        copy = replace(
            look, status="voided", captured_minor=0, can_still_capture=False, observed_at=None, is_look=False
        )  # fmt: skip

        with pytest.raises(LookedMeanwhile):
            learn(shop, copy)

        assert (shop.attempt().status, shop.order().state) == ("captured", "paid")
