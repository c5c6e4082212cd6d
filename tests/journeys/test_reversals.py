"""Captures that a bank takes back, whoever hears of it first and whatever came between."""

from collections.abc import Iterator

import pytest

from checkout import answers
from core import clock
from core.cause import system
from core.db import transaction
from orders.models import Order
from orders.refunding import WantedAmount
from orders.selectors import lock_order
from orders.services import record_fulfillment
from oversight.models import Case
from payments.models import Dispute, Refund
from payments.services import RefundWish, request_refund
from tests.journeys.buyers import cancel, hold_funds, paid, pay_again, read
from tests.journeys.facts import (
    ask,
    assert_sound,
    control,
    fault,
    given_back,
    holds,
    lose_webhooks,
    moves,
    operations,
    prune_keys,
    shelf,
    take_back,
    unheard,
    voided_though_it_will_pay,
    wait,
)
from tests.shop import Shop
from tests.simulation.line import in_dashboard

# Two mugs, of which a part can be refunded.
TWO = {"MUG-RED": 2}


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


class TestReversals:
    @pytest.mark.pains("C4")
    def test_before_anything_left_the_funds_are_missing_again_and_another_card_brings_them(self, shop: Shop) -> None:
        order = paid(shop, TWO)

        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        assert (shop.order().state, shop.order().captured_minor, shelf()) == ("capture_failed", 0, (8, 2, 0))
        again = pay_again(shop, order, token="pm_card_visa")

        assert (again.status_code, again.json()["status"]) == (201, "paid")
        assert moves(shop)[-3:] == ["capture_failed", "payment_pending", "paid"]
        assert shelf() == (8, 0, 2)

    def test_a_refund_of_before_that_fails_afterwards_is_ours_again(self, shop: Shop) -> None:
        """What was given back was not taken back as well; when that fails, it is back in our balance, not gone."""
        order = paid(shop, TWO, card="pm_card_refundFail")
        wish = RefundWish(order["order_id"], WantedAmount(500), "customer_request", "")
        with transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))
        shop.work()
        shop.deliver()
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        assert (shop.order().captured_minor, shop.order().returned_minor) == (500, 500)

        shop.pass_time(days=20)
        shop.deliver()

        assert (shop.order().captured_minor, shop.order().returned_minor) == (500, 0)
        assert Refund.objects.get().status == "reversed"

    @pytest.mark.parametrize("is_heard", [True, False])
    def test_the_whole_paid_once_more_after_a_part_was_refunded_and_the_rest_taken_back(
        self, shop: Shop, is_heard: bool
    ) -> None:
        """Two charges of one payment: what was refunded of the first was never taken back, so it is ours beside the
        second, and what the customer pays beyond the due goes back.
        """
        order = shop.start(shop.a_cart({"MUG-RED": 2})).json()
        shop.confirm(order, card="pm_card_refundFail")
        shop.deliver()
        wish = RefundWish(order["order_id"], WantedAmount(3000), "customer_request", "")
        with transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))
        shop.work()
        unheard(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        if is_heard:
            shop.deliver()
            assert (shop.order().captured_minor, holds(shop)) == (3000, ["payment_reversed"])
        shop.pass_time(seconds=1)
        shop.confirm(order)
        shop.deliver()
        shop.work()

        def money() -> tuple[int, ...]:
            placed = shop.order()
            return (placed.captured_minor, placed.excess_minor, placed.excess_returned_minor, placed.returned_minor)

        assert money() == (6998, 3000, 3000, 3000)
        assert (shop.order().state, operations("authorize"), holds(shop)) == ("partially_refunded", ["succeeded"], [])
        shop.pass_time(days=20)
        shop.deliver()
        assert (shop.order().state, money()) == ("paid", (6998, 3000, 3000, 0))
        assert Refund.objects.get().status == "reversed"

    def test_one_nobody_heard_of_before_a_cancelled_order_was_paid_once_more_is_in_the_books(self, shop: Shop) -> None:
        """The first charge was booked, refunded in part and taken back; all of it and of the second is nobody's."""
        order = shop.start(shop.a_cart()).json()
        fault(shop, "timeout_before", "payment_intents.cancel", times=None)
        assert cancel(shop, order).status_code == 202
        fault(shop, "timeout_before", "refunds.create", times=None)
        shop.confirm(order)
        ask(shop)
        assert shop.order().captured_minor == 1999
        take_back(shop, refunded=500)
        shop.pass_time(seconds=61)
        shop.confirm(order)

        ask(shop)
        shop.sandbox.engine.faults.clear()
        shop.deliver()
        wait(shop, rounds=4, seconds=601)

        assert (shop.order().captured_minor, shop.order().state) == (2499, "cancelled_with_refund")
        assert given_back(shop) == [500, 1999]

    def test_what_is_left_of_a_charge_nobody_heard_of_is_booked_beside_the_next(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        take_back(shop, refunded=500)
        ask(shop)
        assert (shop.order().captured_minor, shop.order().returned_minor) == (500, 500)
        fault(shop, "timeout_before", "payment_intents.cancel", times=None)
        assert cancel(shop, order).status_code == 202
        shop.pass_time(seconds=61)
        shop.confirm(order)

        shop.deliver()
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=4, seconds=601)

        assert (shop.order().captured_minor, shop.order().state) == (2499, "cancelled_with_refund")
        assert given_back(shop) == [500, 1999]

    @pytest.mark.parametrize("is_told", [True, False])
    def test_a_dispute_of_before_is_seen_behind_the_charge_that_came_after_it(self, shop: Shop, is_told: bool) -> None:
        """Its event comes when the payment was taken back and paid once more; or nobody is told and we ask."""
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        reference = shop.truth("intent")[0]["id"]
        unheard(shop, "disputes", payment_intent=reference, amount=50)
        # Only money that no open dispute holds can be taken back; the fee of one that was won stays paid.
        unheard(shop, f"disputes/{shop.truth('dispute')[0]['id']}", status="won")
        unheard(shop, "reversals", payment_intent=reference)
        if not is_told:
            shop.pass_time(seconds=1)
            ask(shop)
            lose_webhooks(shop)
        assert shop.confirm(order) == 200
        shop.deliver()
        shop.pass_time(seconds=61)
        ask(shop)

        assert (Dispute.objects.get().amount_minor, shop.order().captured_minor) == (50, 1999)

    def test_a_dispute_of_before_that_moves_without_telling_is_seen_when_somebody_asks(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        reference = shop.truth("intent")[0]["id"]
        control(shop, "disputes", payment_intent=reference, stage="warning_needs_response")
        control(shop, "reversals", payment_intent=reference)
        shop.pass_time(seconds=5)
        assert shop.confirm(order) == 200
        shop.deliver()
        lose_webhooks(shop)
        unheard(shop, f"disputes/{shop.truth('dispute')[0]['id']}", status="warning_closed")
        shop.deliver()

        ask(shop)

        assert Dispute.objects.get().status == "withdrawn"

    def test_of_a_second_payment_takes_what_nobody_was_owed(self, shop: Shop) -> None:
        """The order is paid by another card and stays so; the books owe the customer nothing any more."""
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        voided_though_it_will_pay(shop)
        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"
        fault(shop, "timeout_before", "refunds.create", times=None)
        shop.confirm(order)
        ask(shop)
        assert shop.order().excess_minor == 1999

        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])

        assert (shop.order().state, shop.order().captured_minor, shop.order().excess_minor) == ("paid", 1999, 0)
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=3, seconds=601)

    def test_takes_back_whatever_was_captured_of_held_funds(self, shop: Shop) -> None:
        hold_funds(shop)
        path = f"payment_intents/{shop.attempt().provider_reference}/capture"
        in_dashboard(shop, path, form=b"amount_to_capture=1000&final_capture=false")
        shop.deliver()
        in_dashboard(shop, path)
        shop.deliver()
        assert operations("capture") == ["succeeded", "succeeded"]

        take_back(shop, refunded=40)
        shop.deliver()

        assert (operations("capture"), shop.order().captured_minor) == (["reversed", "reversed"], 40)

    def test_a_refund_under_way_that_fails_after_it_leaves_its_part_with_us(self, shop: Shop) -> None:
        order = paid(shop, TWO, card="pm_card_refundFail")
        lose_webhooks(shop)
        fault(shop, "timeout_after", "refunds.create", times=3)
        wish = RefundWish(order["order_id"], WantedAmount(3000), "customer_request", "")
        with transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))
        shop.work()
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        shop.pass_time(days=20)
        ask(shop)

        assert (shop.order().captured_minor, shop.order().returned_minor) == (3000, 0)
        assert Refund.objects.get().status == "failed"

    def test_refunds_of_before_are_seen_behind_the_try_that_came_after_it(self, shop: Shop) -> None:
        """The provider gave back, the answer was lost, the rest was taken back, and the customer tried again."""
        order = shop.start(shop.a_cart({"MUG-RED": 2})).json()
        shop.confirm(order)
        shop.deliver()
        lose_webhooks(shop)
        fault(shop, "timeout_after", "refunds.create", times=3)
        wish = RefundWish(order["order_id"], WantedAmount(500), "customer_request", "")
        with transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))
        shop.work()
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        shop.confirm(order, card="pm_card_chargeDeclined")

        shop.pass_time(hours=25)
        prune_keys(shop)
        wait(shop, rounds=8, seconds=601)
        ask(shop)

        assert [row["amount"] for row in shop.truth("refund")] == [500]
        assert Refund.objects.get().status == "succeeded"

    def test_nobody_pays_again_and_the_sale_is_undone(self, shop: Shop) -> None:
        paid(shop, TWO)
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])

        for _ in range(3):
            shop.pass_time(minutes=31)
            shop.sweep()

        assert (shop.order().state, shop.order().is_sale_recognised, shelf()) == ("expired", False, (10, 0, 0))

    def test_nobody_is_told_that_it_is_paid_while_it_waits_for_its_money_again(self, shop: Shop) -> None:
        order = paid(shop, TWO)
        assert read(shop, order).json()["paid_at"] is not None

        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])

        told = read(shop, order).json()
        assert (told["status"], told["paid_at"]) == ("payment_failed", None)
        assert "retry_payment" in told["next_actions"]
        returned = answers.return_json(order["order_id"])
        assert (returned["is_paid"], returned["status"]) == (False, told["status"])
        assert shop.order().paid_at is not None
        pay_again(shop, order, token="pm_card_visa")
        assert read(shop, order).json()["paid_at"] is not None

    def test_the_next_try_without_an_answer_is_open_like_any_other(self, shop: Shop) -> None:
        """What it was paid with before says nothing about it: the key keeps no answer, and nobody is asked to pay."""
        order = paid(shop, TWO)
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        fault(shop, "timeout_after", "payment_intents.create", times=3)

        again = pay_again(shop, order, token="pm_card_visa")

        assert (again.status_code, again.json()["order"]["next_actions"]) == (202, ["wait", "cancel"])
        assert "retry_payment" not in read(shop, order).json()["next_actions"]
        assert pay_again(shop, order, token="pm_card_visa", key="third").status_code == 409
        shop.deliver()
        wait(shop, rounds=2, seconds=121)
        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"
        assert len(shop.truth("intent")) == 2

    @pytest.mark.pains("C4")
    def test_after_goods_left_it_is_a_hold_and_a_case(self, shop: Shop) -> None:
        order = paid(shop, TWO)
        with transaction("test"):
            cause = system("fulfillment", now=clock.now())
            record_fulfillment(lock_order(order["order_id"]), units={1: 2}, cause=cause)

        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])

        assert (shop.order().state, holds(shop)) == ("fulfilled", ["payment_reversed"])
        assert Order.objects.get().is_capture_reversed
        assert Case.objects.filter(type="capture_reversed").exclude(status="resolved").count() == 1

    def test_money_that_comes_again_after_goods_left_ends_hold_and_case(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart({"MUG-RED": 2})).json()
        shop.confirm(order)
        shop.deliver()
        with transaction("test"):
            cause = system("fulfillment", now=clock.now())
            record_fulfillment(lock_order(order["order_id"]), units={1: 2}, cause=cause)
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        assert holds(shop) == ["payment_reversed"]

        shop.pass_time(seconds=5)
        shop.confirm(order)
        shop.deliver()

        assert (shop.order().state, shop.order().captured_minor, holds(shop)) == ("fulfilled", 3998, [])
        assert not shop.order().is_capture_reversed
        assert Case.objects.get(type="capture_reversed").status == "resolved"
