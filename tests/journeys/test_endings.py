"""Money for an order whose cancellation is open and that cannot be paid any more: all of it goes back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from payments.providers.registry import adapter_for
from payments.services import request_capture, return_rest
from reconciliation import services as reconciliation
from reconciliation.invariants import ALWAYS, Violation, find_violations
from tests.journeys.buyers import cancel, hold_funds, paid, pay_again
from tests.journeys.facts import (
    ask,
    assert_sound,
    cases,
    control,
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
    unheard,
    violations,
    voided_though_it_will_pay,
    wait,
    with_right_key,
    with_wrong_key,
)
from tests.shop import Shop
from tests.simulation.line import in_dashboard

CANCEL = "payment_intents.cancel"


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def take(shop: Shop, amount_minor: int | None = None) -> None:
    """This will ask for held funds, a part of them or all, and let a worker take them."""
    with transaction("test"):
        cause = system("staff", now=clock.now())
        order_id = shop.order().public_id
        request_capture(order_id, amount_minor=amount_minor, is_final=amount_minor is None, cause=cause)
    shop.work()
    shop.deliver()


def take_back(shop: Shop) -> None:
    """This will have the bank take the first payment back, after which the order waits for its money again."""
    control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
    assert (shop.order().state, shop.order().is_sale_recognised) == ("capture_failed", True)


class TestAfterAReversal:
    """The order was a sale once, and a bank took its money back."""

    @pytest.mark.pains("A3")
    def test_what_is_paid_with_the_first_secret_while_the_second_try_is_being_closed_goes_back(
        self, shop: Shop
    ) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        take_back(shop)
        pay_again(shop, order)
        fault(shop, "timeout_before", CANCEL, times=None)
        assert cancel(shop, order).status_code == 202

        shop.confirm(order)
        shop.deliver()
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=6, seconds=121)

        assert (taken(shop)[0], given_back(shop)) == (1999, [1999])
        assert (shop.order().state, shop.order().is_sale_recognised) == ("cancelled_with_refund", False)
        assert (holds(shop), shelf()) == ([], (10, 0, 0))

    @pytest.mark.pains("A3")
    def test_the_refund_of_a_cancelled_sale_that_is_still_under_way_takes_what_came_since(self, shop: Shop) -> None:
        """The provider would refuse to give the same money back beside it."""
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        fault(shop, "timeout_before", "refunds.create", times=None)
        assert cancel(shop, order).status_code == 202
        shop.work()
        shop.pass_time(seconds=61)
        reference = shop.truth("intent")[0]["id"]
        unheard(shop, "refunds", payment_intent=reference, amount=40)
        unheard(shop, "reversals", payment_intent=reference)
        shop.confirm(order)
        ask(shop)
        assert (shop.order().state, shop.order().captured_minor) == ("capture_failed", 2039)
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=8, seconds=121)

        assert (given_back(shop), shop.order().state, holds(shop)) == ([40, 1999], "cancelled_with_refund", [])
        assert (operations("refund"), operations("give_back")) == (["succeeded"] * 2, [])

    @pytest.mark.pains("A3")
    def test_a_part_taken_since_goes_back_when_it_is_cancelled(self, shop: Shop) -> None:
        order = hold_funds(shop)
        take(shop)
        take_back(shop)
        pay_again(shop, order, token="pm_card_visa")
        take(shop, 500)

        cancel(shop, order)
        wait(shop, rounds=3, seconds=121)

        assert (given_back(shop), held(shop)) == ([500], [0, 0])
        assert (shop.order().state, shop.order().is_sale_recognised) == ("cancelled_with_refund", False)
        assert shelf() == (10, 0, 0)

    def test_a_part_taken_since_goes_back_when_nobody_pays_the_rest_in_time(self, shop: Shop) -> None:
        order = hold_funds(shop)
        take(shop)
        take_back(shop)
        pay_again(shop, order, token="pm_card_visa")
        take(shop, 500)

        wait(shop, rounds=10, days=1, minutes=5)

        assert (given_back(shop), held(shop)) == ([500], [0, 0])
        assert (shop.order().state, shop.order().is_sale_recognised) == ("cancelled_with_refund", False)

    @pytest.mark.pains("A3")
    @pytest.mark.parametrize("heard_by", ["answer", "event", "look"])
    def test_a_part_that_its_bank_took_back_just_before_the_rest_was_let_go_is_not_ours(
        self, shop: Shop, heard_by: str
    ) -> None:
        """The cancelled payment says that nothing is taken, not that something was."""
        order = hold_funds(shop)
        take(shop, 500)
        fault(shop, "rate_limited", "*", times=None)
        cancel(shop, order)
        shop.work()
        reference = shop.truth("intent")[0]["id"]
        shop.sandbox.engine.faults.clear()
        fault(shop, "rate_limited", "refunds.create", times=3)
        lose_webhooks(shop)
        in_dashboard(shop, f"payment_intents/{reference}/cancel")
        unheard(shop, "reversals", payment_intent=reference)
        if heard_by == "event":
            shop.sandbox.engine.webhook_faults.clear()
        if heard_by != "answer":
            fault(shop, "timeout_after", CANCEL, times=None)
        shop.work()
        shop.deliver()
        if heard_by == "look":
            ask(shop)
            assert operations("void") == ["succeeded"]
        wait(shop, rounds=3, seconds=121)

        assert (shop.attempt().status, shop.attempt().captured_minor, given_back(shop)) == ("reversed", 0, [])
        assert (shop.order().state, holds(shop), shelf()) == ("cancelled", [], (10, 0, 0))
        assert operations("void") == ["succeeded"]

    @pytest.mark.parametrize("token", ["pm_card_chargeDeclined", "pm_card_authenticationRequired"])
    def test_one_whose_time_is_over_may_come_back_and_is_a_sale_once_it_is_paid(self, shop: Shop, token: str) -> None:
        order = paid(shop)
        take_back(shop)
        wait(shop, rounds=4, minutes=16)
        assert (shop.order().state, shop.order().is_sale_recognised) == ("expired", False)

        pay_again(shop, order, token=token, key="second")

        assert shop.order().state in {"payment_failed", "payment_pending"}
        assert violations(shop) == []
        pay_again(shop, order, token="pm_card_visa", replace=True, key="third")
        shop.deliver()
        assert (shop.order().state, shop.order().is_sale_recognised, shop.order().sales_count) == ("paid", True, 2)

    def test_what_it_cost_is_no_longer_owed_to_us_when_nothing_came_since(self, shop: Shop) -> None:
        order = paid(shop)
        take_back(shop)

        assert cancel(shop, order).status_code == 200

        assert (shop.order().state, shop.order().is_sale_recognised, given_back(shop)) == ("cancelled", False, [])


class TestAfterTheEnd:
    @pytest.mark.pains("A3")
    def test_what_is_paid_with_the_first_secret_goes_back_though_a_part_of_the_sale_had_been_refunded(
        self, shop: Shop
    ) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        shop.deliver()
        shop.pass_time(seconds=61)
        reference = shop.truth("intent")[0]["id"]
        unheard(shop, "refunds", payment_intent=reference, amount=40)
        unheard(shop, "reversals", payment_intent=reference)
        ask(shop)
        assert cancel(shop, order).status_code == 200
        assert (shop.order().state, shop.order().is_sale_recognised) == ("cancelled_with_refund", True)

        shop.confirm(order)
        shop.deliver()
        wait(shop, rounds=2, seconds=121)

        assert (given_back(shop), shop.order().state) == ([40, 1999], "cancelled_with_refund")

    def test_a_refund_that_fails_is_for_people_and_nothing_is_sent_once_more(self, shop: Shop) -> None:
        order = paid(shop, card="pm_card_refundFail")
        cancel(shop, order)
        shop.work()
        shop.deliver()
        assert shop.order().state == "cancelled_with_refund"

        shop.pass_time(days=20)
        shop.deliver()
        wait(shop, rounds=3, seconds=121)

        assert (shop.order().state, holds(shop), operations("give_back")) == ("cancelled", ["refund_failed"], [])


class TestTwoHolds:
    @pytest.mark.pains("A3")
    def test_another_amount_than_ours_of_the_second_is_excess_and_for_people(self, shop: Shop) -> None:
        """One of the two is taken whole and goes back; of the other somebody takes a part that nobody asked for."""
        order = hold_funds(shop, card="pm_card_lateSuccess")
        voided_though_it_will_pay(shop)
        pay_again(shop, order, token="pm_card_visa")
        shop.pass_time(seconds=6)
        first, second = (intent["id"] for intent in shop.truth("intent"))
        fault(shop, "timeout_before", CANCEL, times=None)
        assert cancel(shop, order).status_code == 202

        in_dashboard(shop, f"payment_intents/{second}/capture")
        in_dashboard(shop, f"payment_intents/{first}/capture", form=b"amount_to_capture=100")
        shop.deliver()
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=3, seconds=121)

        assert (taken(shop), shop.order().excess_minor) == ([100, 1999], 100)
        assert (holds(shop), "amount_mismatch" in cases()) == (["amount_mismatch"], True)


def broken() -> list[Violation]:
    """This will return what our own rows say against the invariants while a provider's answer is missing."""
    return list(find_violations(ALWAYS, now=clock.now()))


class TestWhileATryHasNoAnswer:
    """The order was paid by a try we had taken for dead, and of the one since nobody knows what became."""

    @pytest.mark.pains("C5")
    @pytest.mark.parametrize(("lost", "brought"), [("timeout_before", []), ("timeout_after", [1999])])
    def test_the_cancelled_sale_ends_only_when_that_is_known(self, shop: Shop, lost: str, brought: list[int]) -> None:
        order = shop.start(shop.a_cart()).json()
        first = str(shop.attempt().provider_reference)
        learn(shop, replace(adapter_for(shop.account).retrieve(first), status="failed", can_still_capture=False))
        lose_webhooks(shop)
        fault(shop, lost, "payment_intents.create", times=None)
        pay_again(shop, order, token="pm_card_visa")
        shop.confirm(order)
        learn(shop, adapter_for(shop.account).retrieve(first))
        assert (shop.order().state, operations("authorize")[-1] in {"sent", "unknown"}) == ("paid", True)

        assert cancel(shop, order).status_code == 202
        shop.work()

        # Everything we know of is back; what may have been taken since is not known.
        assert (given_back(shop), operations("authorize")[-1] in {"sent", "unknown"}) == ([1999], True)
        assert (shop.order().state, shelf(), broken()) == ("paid", (9, 0, 1), [])
        # Nor does it end where a sweep looks after it that saw money left just before.
        with transaction("test"):
            return_rest(shop.order().public_id, cause=system("sweep", now=clock.now()))
        assert (shop.order().state, broken()) == ("paid", [])
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=4, minutes=10)
        assert (taken(shop), given_back(shop)) == ([1999, *brought], [1999, *brought])
        assert moves(shop)[-2:] == ["paid", "cancelled_with_refund"]
        assert (cancel(shop, order).status_code, shelf()) == (200, (10, 0, 0))

    @pytest.mark.pains("C5")
    def test_the_sweep_closes_the_try_that_could_not_be_closed_and_then_it_ends(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        first = str(shop.attempt().provider_reference)
        learn(shop, replace(adapter_for(shop.account).retrieve(first), status="failed", can_still_capture=False))
        lose_webhooks(shop)
        pay_again(shop, order)
        shop.confirm(order)
        news = adapter_for(shop.account).retrieve(first)
        with_wrong_key(shop)
        learn(shop, news)
        shop.work()
        with_right_key(shop)
        cancel(shop, order)
        shop.work()
        assert (shop.order().state, given_back(shop), operations("void")) == ("paid", [1999], ["failed"])
        assert broken() == []

        shop.pass_time(minutes=2)
        reconciliation.sweep_cancellations(now=clock.now)
        shop.work()

        assert (shop.order().state, operations("void"), taken(shop)) == (
            "cancelled_with_refund", ["failed", "succeeded"], [1999, 0],
        )  # fmt: skip
        assert (given_back(shop), shelf()) == ([1999], (10, 0, 0))
