"""Disputes and early fraud warnings, as the provider tells them."""

from collections.abc import Iterator
from typing import Any

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from orders.refunding import WantedAmount
from oversight.models import Case
from payments.models import Dispute
from payments.services import RefundLocked, RefundWish, request_refund
from reconciliation import sweeping_money
from tests.journeys.buyers import hold_funds, paid
from tests.journeys.facts import (
    assert_sound,
    calls,
    control,
    holds,
    lose_webhooks,
    moves,
)
from tests.shop import Shop
from tests.simulation.line import in_dashboard

# Two mugs, of which a part can be disputed and refunded.
TWO = {"MUG-RED": 2}


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def dispute(shop: Shop, **content: Any) -> Dispute:
    """This will let the customer's bank dispute the only payment."""
    control(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"], **content)
    return Dispute.objects.get()


def move(shop: Shop, status: str, **more: Any) -> str:
    """This will take the only dispute to its next stage and return how we see it."""
    control(shop, f"disputes/{Dispute.objects.get().provider_reference}", status=status, **more)
    return Dispute.objects.get().status


class TestDisputes:
    @pytest.mark.pains("G4")
    def test_one_is_held_followed_and_won(self, shop: Shop) -> None:
        paid(shop, TWO)

        row = dispute(shop)
        assert (row.status, row.amount_minor, row.withdrawn_minor, row.fee_minor) == (
            "needs_response",
            3998,
            3998,
            1500,
        )
        assert row.respond_by is not None
        assert (holds(shop), shop.order().state) == (["dispute"], "paid")
        assert Case.objects.filter(type="dispute_opened").exclude(status="resolved").count() == 1
        assert move(shop, "under_review") == "under_review"
        assert move(shop, "won") == "won"

        assert (holds(shop), shop.order().state, shop.order().returned_minor) == ([], "paid", 0)
        assert Case.objects.get(type="dispute_opened").status == "resolved"

    @pytest.mark.pains("G4")
    def test_lost_is_returned_and_won_later_is_not(self, shop: Shop) -> None:
        paid(shop, TWO)
        dispute(shop)

        assert move(shop, "lost") == "lost"
        assert (shop.order().state, shop.order().returned_minor, holds(shop)) == ("refunded", 3998, [])
        assert move(shop, "won") == "won"

        assert (shop.order().state, shop.order().returned_minor) == ("paid", 0)

    def test_a_part_of_the_amount_and_opened_once_more(self, shop: Shop) -> None:
        paid(shop, TWO)
        dispute(shop, amount=1000)

        assert move(shop, "won") == "won"
        assert move(shop, "needs_response") == "needs_response"
        assert move(shop, "lost") == "lost"

        assert (shop.order().state, shop.order().returned_minor) == ("partially_refunded", 1000)

    def test_of_a_part_that_was_lost_before_the_time_was_over_ends_the_order_with_it(self, shop: Shop) -> None:
        """Nothing is left to give back, so no give-back says that the order is over."""
        hold_funds(shop)
        in_dashboard(
            shop, f"payment_intents/{shop.attempt().provider_reference}/capture", form=b"amount_to_capture=100"
        )
        dispute(shop, stage="needs_response")
        assert move(shop, "lost") == "lost"

        shop.pass_time(days=8)
        shop.sweep()

        assert (shop.order().captured_minor, shop.order().returned_minor) == (100, 100)
        assert moves(shop)[-1] == "cancelled_with_refund"

    def test_an_inquiry_takes_nothing(self, shop: Shop) -> None:
        paid(shop, TWO)

        row = dispute(shop, stage="warning_needs_response")

        assert (row.status, row.withdrawn_minor, row.fee_minor, holds(shop)) == ("inquiry", 0, 0, ["dispute"])
        assert move(shop, "warning_closed") == "withdrawn"
        assert holds(shop) == []

    @pytest.mark.pains("G4")
    def test_while_it_is_open_nothing_is_refunded_on_top(self, shop: Shop) -> None:
        order = paid(shop, TWO)
        dispute(shop)
        wish = RefundWish(order["order_id"], WantedAmount(500), "customer_request", last_known_refund_id="")

        with pytest.raises(RefundLocked), transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))

    @pytest.mark.pains("G4")
    def test_whose_end_nobody_tells_us_of_is_asked_about_once_a_day(self, shop: Shop) -> None:
        paid(shop, TWO)
        row = dispute(shop)
        lose_webhooks(shop)
        move(shop, "lost")
        asked = len(calls(shop))
        assert (sweeping_money.sweep_disputes(now=clock.now), len(calls(shop))) == (0, asked)

        shop.pass_time(hours=24)
        assert sweeping_money.sweep_disputes(now=clock.now) == 1

        row.refresh_from_db()
        assert (row.status, shop.order().state, holds(shop)) == ("lost", "refunded", [])
        shop.pass_time(hours=24)
        assert sweeping_money.sweep_disputes(now=clock.now) == 0

    def test_one_that_lasts_is_asked_about_again_the_next_day(self, shop: Shop) -> None:
        paid(shop, TWO)
        dispute(shop)
        for _ in range(2):
            shop.pass_time(hours=24)
            assert sweeping_money.sweep_disputes(now=clock.now) == 1
            assert sweeping_money.sweep_disputes(now=clock.now) == 0

    def test_events_once_more_change_nothing(self, shop: Shop) -> None:
        paid(shop, TWO)
        dispute(shop)
        move(shop, "lost")
        for (event_id,) in shop.sandbox.engine.store.rows("SELECT id FROM events ORDER BY id DESC"):
            shop.sandbox.engine.deliveries.redeliver(event_id)
        shop.deliver()

        assert (shop.order().state, shop.order().returned_minor) == ("refunded", 3998)


class TestFraudWarnings:
    def test_one_holds_the_order_and_suggests_a_refund(self, shop: Shop) -> None:
        paid(shop, TWO)

        control(
            shop, "fraud_warnings", payment_intent=shop.truth("intent")[0]["id"], fraud_type="made_with_stolen_card"
        )

        assert (holds(shop), shop.order().state) == (["risk_review"], "paid")
        assert "Refund £39.98" in Case.objects.get(type="early_fraud_warning").summary
