"""Disputes, early fraud warnings and captures that are taken back, as the provider tells them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from ledger.selectors import trial_balance
from orders.models import Hold, Order
from orders.refunding import WantedAmount
from orders.selectors import lock_order
from orders.services import record_fulfillment
from oversight.models import Case
from payments.models import Dispute, PaymentAttempt
from payments.providers.registry import adapter_for
from payments.services import RefundLocked, RefundWish, apply_update, request_refund
from tests.journeys.buyers import pay_again
from tests.journeys.facts import errors, moves, shelf, violations
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert errors(caplog) == []
    assert violations(shop) == []
    rows = trial_balance(legal_entity=shop.channel.legal_entity, is_livemode=False)
    assert sum(row.amount_minor for row in rows) == 0


def paid(shop: Shop) -> dict[str, Any]:
    """This will sell two mugs and let the webhooks arrive."""
    order = dict(shop.start(shop.a_cart({"MUG-RED": 2}), token="pm_card_visa").json())
    shop.deliver()
    assert shop.order().state == "paid"
    return order


def control(shop: Shop, path: str, **content: Any) -> Any:
    """This will make or move something at the provider, and let it tell us."""
    body = json.dumps(content).encode()
    answer = shop.sandbox.handle("POST", f"http://sandbox.localhost/_control/{path}", {}, body)
    assert answer.status < 300, answer.body
    shop.deliver()
    return answer


def dispute(shop: Shop, **content: Any) -> Dispute:
    """This will let the customer's bank dispute the only payment."""
    control(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"], **content)
    return Dispute.objects.get()


def move(shop: Shop, status: str, **more: Any) -> str:
    """This will take the only dispute to its next stage and return how we see it."""
    control(shop, f"disputes/{Dispute.objects.get().provider_reference}", status=status, **more)
    return Dispute.objects.get().status


def holds() -> list[str]:
    """This will return the reasons of the open holds."""
    return list(Hold.objects.filter(released_at=None).order_by("reason").values_list("reason", flat=True))


class TestDisputes:
    @pytest.mark.pains("G4")
    def test_one_is_held_followed_and_won(self, shop: Shop) -> None:
        paid(shop)

        row = dispute(shop)
        assert (row.status, row.amount_minor, row.withdrawn_minor, row.fee_minor) == (
            "needs_response",
            3998,
            3998,
            1500,
        )
        assert row.respond_by is not None
        assert (holds(), shop.order().state) == (["dispute"], "paid")
        assert Case.objects.filter(type="dispute_opened").exclude(status="resolved").count() == 1
        assert move(shop, "under_review") == "under_review"
        assert move(shop, "won") == "won"

        assert (holds(), shop.order().state, shop.order().returned_minor) == ([], "paid", 0)
        assert Case.objects.get(type="dispute_opened").status == "resolved"

    @pytest.mark.pains("G4")
    def test_lost_is_returned_and_won_later_is_not(self, shop: Shop) -> None:
        paid(shop)
        dispute(shop)

        assert move(shop, "lost") == "lost"
        assert (shop.order().state, shop.order().returned_minor, holds()) == ("refunded", 3998, [])
        assert move(shop, "won") == "won"

        assert (shop.order().state, shop.order().returned_minor) == ("paid", 0)

    def test_a_part_of_the_amount_and_opened_once_more(self, shop: Shop) -> None:
        paid(shop)
        dispute(shop, amount=1000)

        assert move(shop, "won") == "won"
        assert move(shop, "needs_response") == "needs_response"
        assert move(shop, "lost") == "lost"

        assert (shop.order().state, shop.order().returned_minor) == ("partially_refunded", 1000)

    def test_an_inquiry_takes_nothing(self, shop: Shop) -> None:
        paid(shop)

        row = dispute(shop, stage="warning_needs_response")

        assert (row.status, row.withdrawn_minor, row.fee_minor, holds()) == ("inquiry", 0, 0, ["dispute"])
        assert move(shop, "warning_closed") == "withdrawn"
        assert holds() == []

    @pytest.mark.pains("G4")
    def test_while_it_is_open_nothing_is_refunded_on_top(self, shop: Shop) -> None:
        order = paid(shop)
        dispute(shop)
        wish = RefundWish(order["order_id"], WantedAmount(500), "customer_request", last_known_refund_id="")

        with pytest.raises(RefundLocked), transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))

    def test_events_once_more_change_nothing(self, shop: Shop) -> None:
        paid(shop)
        dispute(shop)
        move(shop, "lost")
        for (event_id,) in shop.sandbox.engine.store.rows("SELECT id FROM events ORDER BY id DESC"):
            shop.sandbox.engine.deliveries.redeliver(event_id)
        shop.deliver()

        assert (shop.order().state, shop.order().returned_minor) == ("refunded", 3998)


class TestFraudWarnings:
    def test_one_holds_the_order_and_suggests_a_refund(self, shop: Shop) -> None:
        paid(shop)

        control(
            shop, "fraud_warnings", payment_intent=shop.truth("intent")[0]["id"], fraud_type="made_with_stolen_card"
        )

        assert (holds(), shop.order().state) == (["risk_review"], "paid")
        assert "Refund £39.98" in Case.objects.get(type="early_fraud_warning").summary


class TestReversals:
    @pytest.mark.pains("C4")
    def test_before_anything_left_the_funds_are_missing_again_and_another_card_brings_them(self, shop: Shop) -> None:
        order = paid(shop)

        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        assert (shop.order().state, shop.order().captured_minor, shelf()) == ("capture_failed", 0, (8, 2, 0))
        again = pay_again(shop, order, token="pm_card_visa")

        assert (again.status_code, again.json()["status"]) == (201, "paid")
        assert moves(shop)[-3:] == ["capture_failed", "payment_pending", "paid"]
        assert shelf() == (8, 0, 2)

    def test_one_heard_of_before_the_success_it_undid_pays_nothing(self, shop: Shop) -> None:
        shop.confirm(shop.start(shop.a_cart()).json())
        reverse = json.dumps({"payment_intent": shop.truth("intent")[0]["id"]}).encode()
        shop.sandbox.handle("POST", "http://sandbox.localhost/_control/reversals", {}, reverse)
        shop.sandbox.engine.tick()

        for delivery in reversed(shop.sandbox.engine.due_deliveries(shop.virtual.now(), limit=1000)):
            shop.post_delivery(delivery.headers, delivery.body)
            shop.sandbox.engine.record_delivery(delivery.id, 200)
            shop.work()

        assert (shop.order().state, shop.order().captured_minor) == ("payment_failed", 0)

    @pytest.mark.parametrize("is_heard_first", [True, False])
    def test_an_answer_of_before_that_comes_late_changes_nothing(self, shop: Shop, is_heard_first: bool) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        if not is_heard_first:
            shop.deliver()
        attempt = PaymentAttempt.objects.select_related("account__channel").get()
        late = adapter_for(attempt.account).retrieve(str(attempt.provider_reference))
        shop.pass_time(seconds=5)
        reverse = json.dumps({"payment_intent": attempt.provider_reference}).encode()
        shop.sandbox.handle("POST", "http://sandbox.localhost/_control/reversals", {}, reverse)
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

    def test_nobody_pays_again_and_the_sale_is_undone(self, shop: Shop) -> None:
        paid(shop)
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])

        for _ in range(3):
            shop.pass_time(minutes=31)
            shop.sweep()

        assert (shop.order().state, shop.order().is_sale_recognised, shelf()) == ("expired", False, (10, 0, 0))

    @pytest.mark.pains("C4")
    def test_after_goods_left_it_is_a_hold_and_a_case(self, shop: Shop) -> None:
        order = paid(shop)
        with transaction("test"):
            cause = system("fulfillment", now=clock.now())
            record_fulfillment(lock_order(order["order_id"]), units={1: 2}, cause=cause)

        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])

        assert (shop.order().state, holds()) == ("fulfilled", ["payment_reversed"])
        assert Order.objects.get().is_capture_reversed
        assert Case.objects.filter(type="capture_reversed").exclude(status="resolved").count() == 1
