"""Money that nobody is owed goes back once, whatever breaks on the way; what nothing can give back is for people."""

from collections.abc import Iterator

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from oversight.models import Case, CaseType
from oversight.services import resolve_case
from payments.models import Operation
from payments.services import ask_provider, carry_out
from tests.journeys.buyers import cancel
from tests.journeys.facts import (
    ask,
    assert_sound,
    cases,
    fault,
    given_back,
    holds,
    lose_webhooks,
    operations,
    prune_keys,
    shelf,
    take_back,
    taken,
    wait,
    with_wrong_key,
)
from tests.journeys.test_recovery import BREAKS
from tests.shop import Shop

REFUND = "refunds.create"


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


class TestGiveBack:
    @pytest.mark.parametrize("kind", BREAKS)
    @pytest.mark.pains("A3")
    def test_a_broken_give_back_returns_the_money_once(self, shop: Shop, kind: str) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order)
        fault(shop, kind, REFUND, times=4)

        cancel(shop, order)
        shop.work()
        wait(shop, rounds=14, seconds=121)

        assert (taken(shop), given_back(shop)) == ([1999], [1999])
        assert shop.order().state == "cancelled_with_refund"
        assert operations("give_back") == ["succeeded"]
        assert shelf() == (10, 0, 0)

    @pytest.mark.pains("D4")
    def test_one_that_was_lost_and_whose_key_died_is_found_and_not_repeated(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order)
        fault(shop, "timeout_after", REFUND, times=3)
        cancel(shop, order)
        shop.work()
        ask(shop)
        shop.work()
        assert operations("give_back") == ["unknown"]

        shop.pass_time(hours=25)
        prune_keys(shop)
        carry_out(Operation.objects.get(kind="give_back").public_id, cause=system("worker", now=clock.now()))
        wait(shop, rounds=3, seconds=601)

        assert given_back(shop) == [1999]
        assert operations("give_back") == ["succeeded"]
        assert shop.order().state == "cancelled_with_refund"

    def test_one_that_surely_never_ran_is_ordered_anew(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order)
        fault(shop, "error_500_saved", REFUND, times=1, has_effect=False)
        cancel(shop, order)
        ask(shop)
        shop.work()
        assert operations("give_back") == ["unknown"]

        shop.pass_time(hours=25)
        wait(shop, rounds=4, seconds=601)

        assert operations("give_back") == ["failed", "succeeded"]
        assert given_back(shop) == [1999]
        assert shop.order().state == "cancelled_with_refund"

    def test_one_the_provider_refuses_is_held_for_people(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order)
        cancel(shop, order)
        cause = system("sweep", now=clock.now())
        ask_provider(shop.attempt(), cause=cause)
        with_wrong_key(shop)
        shop.work()

        assert operations("give_back") == ["failed"]
        assert "give_back_failed" in cases()
        assert holds(shop) == ["refund_failed"]
        assert shop.order().state == "payment_pending"

    def test_one_the_provider_lets_go_by_five_times_is_for_people_once(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order)
        fault(shop, "timeout_before", REFUND, times=None)
        cancel(shop, order)

        wait(shop, rounds=20, days=1, minutes=5)

        assert (shop.order().state, operations("give_back"), given_back(shop)) == (
            "payment_pending",
            ["failed"] * 5,
            [],
        )
        [case] = Case.objects.filter(type=CaseType.GIVE_BACK_FAILED)
        assert (case.amount_minor, case.order_public_id, holds(shop)) == (
            1999,
            shop.order().public_id,
            ["refund_failed"],
        )

    def test_what_a_reversal_left_and_nothing_gives_back_is_for_people_once(self, shop: Shop) -> None:
        """A refund in the dashboard fails after the bank took the rest back: the provider has nothing to refund."""
        order = shop.start(shop.a_cart()).json()
        fault(shop, "timeout_before", "payment_intents.cancel", times=None)
        assert cancel(shop, order).status_code == 202
        shop.confirm(order, card="pm_card_refundFail")
        take_back(shop, refunded=40)
        shop.sandbox.engine.faults.clear()
        shop.pass_time(days=20)
        shop.deliver()

        wait(shop, rounds=8, days=1, minutes=5)

        assert (shop.order().captured_minor, shop.order().returned_minor) == (40, 0)
        assert (shop.order().state, operations("give_back")) == ("payment_pending", ["failed"])
        [case] = Case.objects.filter(type=CaseType.GIVE_BACK_FAILED)
        assert (case.amount_minor, case.order_public_id) == (40, shop.order().public_id)
        with transaction("test"):
            resolve_case(case.public_id, resolution="Sent by bank transfer.", cause=system("test", now=clock.now()))
        wait(shop, rounds=2, days=1)
        assert (operations("give_back"), Case.objects.filter(type=CaseType.GIVE_BACK_FAILED).count()) == (["failed"], 1)
