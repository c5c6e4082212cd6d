"""Refunds of paid orders, from the service to the provider, the books and what the customer sees."""

from collections.abc import Iterator
from typing import Any

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from ledger.selectors import trial_balance
from orders.models import Order
from orders.refunding import AmountBeyondLeft, NothingLeft, Wanted, WantedAmount, WantedEverything, WantedUnits
from orders.selectors import lock_order
from orders.services import record_fulfillment
from oversight.models import Case
from payments.models import Refund
from payments.services import RefundsChanged, RefundWish, request_refund
from tests.journeys.buyers import cancel, hold_funds, paid, read
from tests.journeys.deaths import kill
from tests.journeys.facts import assert_sound, fault, lose_webhooks, moves, shelf, unheard, wait
from tests.shop import Shop
from tests.simulation.line import in_dashboard


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)
    for balance in (True, False):
        rows = trial_balance(legal_entity=shop.channel.legal_entity, is_livemode=balance)
        assert sum(row.amount_minor for row in rows) == 0


def refund(shop: Shop, wanted: Wanted, *, seen: str | None = None, restocks: bool = False, **more: Any) -> list[Refund]:
    """This will ask for a refund as a rule of the shop does; `seen` is the newest refund that was looked at."""
    newest = Refund.objects.order_by("-id").values_list("public_id", flat=True).first() or ""
    wish = RefundWish(
        order_id=Order.objects.get().public_id,
        wanted=wanted,
        reason_code="customer_request",
        last_known_refund_id=newest if seen is None else seen,
        restocks=restocks,
        **more,
    )
    with transaction("test"):
        return request_refund(wish, cause=system("rules", now=clock.now()))


def given_back(shop: Shop) -> list[int]:
    """This will return what the provider gave back and did not take again, refund by refund."""
    return [row["amount"] for row in shop.truth("refund") if row["status"] != "failed"]


def statuses() -> list[str]:
    """This will return how far the refunds are, oldest first."""
    return list(Refund.objects.order_by("id").values_list("status", flat=True))


class TestEverything:
    def test_goes_back_whole_with_its_tax_and_its_units(self, shop: Shop) -> None:
        order = paid(shop, {"MUG-RED": 2})

        refund(shop, WantedEverything(), restocks=True)
        assert read(shop, order).json()["status"] == "refund_pending"
        shop.work()
        shop.deliver()

        assert (shop.order().state, given_back(shop), statuses()) == ("refunded", [3998], ["succeeded"])
        assert shelf() == (10, 0, 0)
        assert read(shop, order).json()["status"] == "refunded"

    def test_units_that_are_not_restocked_stay_sold(self, shop: Shop) -> None:
        paid(shop, {"MUG-RED": 2})

        refund(shop, WantedUnits({1: 1}))
        shop.work()

        assert (shop.order().state, given_back(shop)) == ("partially_refunded", [1999])
        assert shelf() == (8, 0, 2)

    def test_one_after_the_other_ends_refunded(self, shop: Shop) -> None:
        paid(shop, {"MUG-RED": 3})
        for wanted in (WantedUnits({1: 1}), WantedAmount(700), WantedUnits({1: 1}), WantedEverything()):
            refund(shop, wanted)
            shop.work()

        assert (shop.order().state, sum(given_back(shop))) == ("refunded", 5997)
        with pytest.raises(NothingLeft):
            refund(shop, WantedEverything())


class TestTwice:
    @pytest.mark.pains("F1")
    def test_two_people_who_saw_the_same_give_back_once(self, shop: Shop) -> None:
        paid(shop)

        refund(shop, WantedAmount(500), seen="")
        with pytest.raises(RefundsChanged):
            refund(shop, WantedAmount(500), seen="")
        shop.work()

        assert given_back(shop) == [500]

    @pytest.mark.pains("F5")
    def test_two_equal_ones_that_are_meant_are_two(self, shop: Shop) -> None:
        paid(shop)

        refund(shop, WantedAmount(500))
        refund(shop, WantedAmount(500))
        shop.work()
        shop.deliver()

        assert given_back(shop) == [500, 500]
        assert shop.order().returned_minor == 1000

    @pytest.mark.pains("A3")
    @pytest.mark.parametrize("kind", ["timeout_after", "timeout_before", "error_500_saved"])
    def test_a_lost_answer_is_asked_for_with_the_same_key(self, shop: Shop, kind: str) -> None:
        paid(shop)
        fault(shop, kind, "refunds.create", times=4)
        lose_webhooks(shop)

        refund(shop, WantedAmount(500))
        shop.work()
        assert Refund.objects.get().status in {"sent", "unknown", "succeeded"}
        wait(shop, rounds=8, seconds=121)

        assert given_back(shop) == [500]
        assert statuses() == ["succeeded"]

    @pytest.mark.pains("A3")
    @pytest.mark.parametrize("moment", ["before", "during", "after"])
    def test_a_worker_that_dies_around_the_call_leaves_it_to_another(self, shop: Shop, moment: str) -> None:
        paid(shop)
        lose_webhooks(shop)
        refund(shop, WantedAmount(500))

        kill(shop.work, f"call:POST:refunds:{moment}")
        assert statuses() == ["sent"]
        wait(shop, rounds=4, seconds=121)

        assert given_back(shop) == [500]
        assert statuses() == ["succeeded"]

    def test_never_more_than_was_accepted(self, shop: Shop) -> None:
        paid(shop)
        refund(shop, WantedAmount(1500))

        with pytest.raises(AmountBeyondLeft):
            refund(shop, WantedAmount(500))


class TestFailure:
    @pytest.mark.pains("F2")
    def test_one_under_way_is_not_shown_as_done_and_one_that_failed_restores_the_balance(self, shop: Shop) -> None:
        order = paid(shop, card="pm_card_refundPendingFail")

        refund(shop, WantedEverything())
        shop.work()
        assert (shop.order().state, statuses()) == ("paid", ["pending"])
        assert read(shop, order).json()["status"] == "refund_pending"
        shop.pass_time(hours=1)
        shop.deliver()
        wait(shop, rounds=3, seconds=601)

        assert (shop.order().state, statuses()) == ("paid", ["failed"])
        assert Case.objects.filter(type="refund_failed").exclude(status="resolved").count() == 1
        refund(shop, WantedAmount(100))

    def test_one_that_fails_after_it_succeeded_comes_back(self, shop: Shop) -> None:
        paid(shop, {"MUG-RED": 2}, card="pm_card_refundFail")

        refund(shop, WantedEverything(), restocks=True)
        shop.work()
        assert (shop.order().state, shelf()) == ("refunded", (10, 0, 0))
        shop.pass_time(hours=1)
        shop.deliver()

        assert (shop.order().state, statuses(), shelf()) == ("paid", ["reversed"], (8, 0, 2))
        assert moves(shop)[-2:] == ["refunded", "paid"]


class TestElsewhere:
    @pytest.mark.pains("F4")
    def test_a_refund_in_the_dashboard_is_seen(self, shop: Shop) -> None:
        paid(shop)
        intent = shop.truth("intent")[0]["id"]
        unheard(shop, "refunds", payment_intent=intent, amount=700)
        shop.deliver()

        row = Refund.objects.get()
        assert (row.origin, row.status, row.amount_minor) == ("external", "succeeded", 700)
        assert (shop.order().state, shop.order().returned_minor) == ("partially_refunded", 700)

    def test_one_in_the_dashboard_before_there_was_a_sale_that_fails_later_is_ours_again(self, shop: Shop) -> None:
        cancel(shop, hold_funds(shop, card="pm_card_refundFail"))
        in_dashboard(shop, f"payment_intents/{shop.truth('intent')[0]['id']}/capture")
        unheard(shop, "refunds", payment_intent=shop.truth("intent")[0]["id"], amount=40)
        shop.deliver()
        shop.work()
        assert (sorted(given_back(shop)), shop.order().state) == ([40, 1959], "cancelled_with_refund")

        shop.pass_time(days=20)
        shop.deliver()

        assert (shop.order().captured_minor, shop.order().returned_minor) == (1999, 0)

    def test_one_in_the_dashboard_beyond_what_was_left_is_a_loss_that_people_hear_of(self, shop: Shop) -> None:
        paid(shop)
        refund(shop, WantedAmount(1500), destination="offline")
        unheard(shop, "refunds", payment_intent=shop.truth("intent")[0]["id"], amount=1999)
        shop.deliver()

        assert (shop.order().state, shop.order().returned_minor) == ("refunded", 1999)
        assert Case.objects.get(type="refund_beyond_accepted").amount_minor == 1500

    @pytest.mark.pains("F6")
    @pytest.mark.parametrize("destination", ["offline", "credit"])
    def test_one_beside_the_provider_keeps_the_books_right(self, shop: Shop, destination: Any) -> None:
        paid(shop)

        refund(shop, WantedAmount(500), destination=destination)

        assert (statuses(), given_back(shop)) == (["succeeded"], [])
        assert (shop.order().state, shop.order().returned_minor) == ("partially_refunded", 500)

    @pytest.mark.parametrize("destination", ["offline", "credit"])
    def test_the_last_of_a_cancelled_sale_ends_it_at_once(self, shop: Shop, destination: Any) -> None:
        order = paid(shop)
        fault(shop, "refund_pending_fails", "refunds.create", seconds=60)
        cancel(shop, order)
        shop.work()
        shop.pass_time(minutes=2)
        shop.deliver()
        assert (shop.order().state, statuses(), given_back(shop)) == ("paid", ["failed"], [])

        refund(shop, WantedEverything(), destination=destination)

        assert (shop.order().state, shop.order().returned_minor) == ("cancelled_with_refund", 1999)
        assert (moves(shop)[-2:], shelf()) == (["paid", "cancelled_with_refund"], (10, 0, 0))


class TestUnitsInAnyOrder:
    @pytest.mark.parametrize("order", [("refund", "fulfil"), ("fulfil", "refund")])
    def test_three_units_one_refunded_two_delivered(self, shop: Shop, order: tuple[str, str]) -> None:
        paid(shop, {"MUG-RED": 3})
        for act in order:
            if act == "refund":
                refund(shop, WantedUnits({1: 1}))
                shop.work()
            else:
                with transaction("test"):
                    cause = system("fulfillment", now=clock.now())
                    record_fulfillment(lock_order(Order.objects.get().public_id), units={1: 2}, cause=cause)

        line = Order.objects.get().lines.get()
        assert (shop.order().state, line.units_fulfilled, line.units_given_back) == ("partially_refunded", 2, 1)
