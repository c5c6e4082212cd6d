"""The failure matrix of docs/failure-matrix.md, row by row, on real processes: what goes wrong, what follows."""

from functools import partial
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from commerce.devstack.install import is_installed
from tests.running import wait_until
from tests.stack.backstage import Backstage
from tests.stack.client import CLIENT_SECONDS, at_once

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not is_installed(), reason="needs the .venv that ./run makes"),
]


class TestDoubleClick:
    def test_both_clicks_get_the_same_order_and_one_charge(self, shipped: Backstage) -> None:
        shopper = shipped.shopper
        cart = shopper.a_cart(shopper.sku_with(available=100))

        clicks = at_once([partial(shopper.start, cart, key="button")] * 2)
        for click in clicks:
            assert click.status_code == 201 or (click.status_code, click.headers["Retry-After"] != "") == (409, True)
        last = shopper.start(cart, key="button")

        assert last.status_code == 201
        assert {click.content for click in clicks if click.status_code == 201} == {last.content}
        assert last.headers["Idempotent-Replayed"] == "true"
        [(order_id, state)] = shopper.orders_of(cart)
        [intent] = shopper.intents_of(order_id)
        assert (state, intent["amount_received"]) == ("paid", last.json()["order"]["total"]["amount_minor"])


class TestWebhookTwice:
    @pytest.mark.pains("C2")
    def test_what_the_provider_sends_twice_counts_once(self, shipped: Backstage) -> None:
        shopper = shipped.shopper
        shipped.webhook_fault("duplicate")
        order = shopper.start(shopper.a_cart(shopper.sku_with(available=100)), key="tap", token="").json()

        shopper.confirm(order)
        shown = shopper.wait_for(order, "paid")

        succeeded = shipped.events_of(order)["payment_intent.succeeded"]
        wait_until(lambda: shipped.deliveries(succeeded) == 2, seconds_max=20)
        assert shipped.heard(succeeded) == "processed"
        assert shipped.moves(order["order_id"]) == ["draft", "payment_pending", "paid"]
        assert shopper.read(order) == shown
        assert shipped.money(order["order_id"]) == (shown["total"]["amount_minor"], 0, 0, 0)


class TestPaymentAfterTheBrowserClosed:
    def test_the_bank_decides_later_and_the_webhook_tells(self, shipped: Backstage) -> None:
        shopper = shipped.shopper
        cart = shopper.a_cart(shopper.sku_with(available=100))
        order = shopper.start(cart, key="tap", token="").json()

        shopper.confirm(order, card="pm_card_lateSuccess")

        wait_until(lambda: shopper.orders_of(cart) == [(order["order_id"], "paid")], seconds_max=40)
        assert shipped.actor_of(order["order_id"], "paid") == "system:webhook"
        [intent] = shopper.intents_of(order["order_id"])
        assert shipped.money(order["order_id"]) == (intent["amount_received"], 0, 0, 0)

    @pytest.mark.pains("B7")
    def test_who_comes_back_in_another_browser_settles_it_without_a_cookie(self, shipped: Backstage) -> None:
        shopper = shipped.shopper
        shipped.webhook_fault("drop")
        payment = {"method": "stripe", "return_url": f"{shopper.env['SURETY_URL']}/checkout/return"}
        cart = shopper.a_cart(shopper.sku_with(available=100))
        order = shopper.start(cart, key="tap", payment=payment).json()

        back = urlsplit(shopper.pay_on_page(order["next_action"]["url"]))
        state = parse_qs(back.query)["state"][0]
        returned = httpx2.post(
            f"{shopper.env['SURETY_URL']}/api/v1/checkout/return", json={"state": state}, timeout=CLIENT_SECONDS
        )

        assert (returned.status_code, returned.json()["status"]) == (200, "paid")
        assert set(returned.json()) == {"number", "status", "message", "poll_after_ms", "is_paid"}
        assert returned.json()["number"] == order["order"]["number"]
        assert "ada@example.com" not in returned.text
        assert shopper.orders_of(cart) == [(order["order_id"], "paid")]
        [intent] = shopper.intents_of(order["order_id"])
        assert shipped.money(order["order_id"]) == (intent["amount_received"], 0, 0, 0)


class TestProviderTimeout:
    @pytest.mark.pains("A4")
    def test_the_payment_is_looked_for_before_another_may_be_tried(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        cart = shopper.a_cart(shopper.sku_with(available=100))
        impatient.webhook_fault("drop")
        # The charge runs; whoever asks for its answer gets an error for ever, and at first nobody may look either.
        impatient.fault("error_500_saved", "payment_intents.create")
        impatient.fault("timeout_before", "payment_intents.list", times=None)

        lost = shopper.start(cart, key="tap")
        second = shopper.pay_again(lost.json(), key="another-card", token="pm_card_mastercard", replace=True)

        assert (lost.status_code, lost.json()["status"]) == (202, "processing")
        assert (second.status_code, second.json()["code"]) == (409, "payment_being_verified")
        assert second.headers["Retry-After"]
        assert [row[:2] for row in impatient.operations(lost.json()["order_id"])] == [("authorize", "unknown")]
        impatient.mend()
        shown = shopper.wait_for(lost.json(), "paid", seconds_max=60)
        assert impatient.actor_of(lost.json()["order_id"], "paid") == "system:sweep"
        [intent] = shopper.intents_of(lost.json()["order_id"])
        assert intent["amount_received"] == shown["total"]["amount_minor"]
        assert [row[:2] for row in impatient.operations(lost.json()["order_id"])] == [("authorize", "succeeded")]

        # In the provider's own words: it was asked to charge under one key alone, and then what had become of it.
        asked = impatient.calls()
        places = [place for place, call in enumerate(asked) if call["order_id"] == lost.json()["order_id"]]
        [(name, key)] = {(asked[place]["operation"], asked[place]["idempotency_key"]) for place in places}
        assert (name, key != "") == ("payment_intents.create", True)
        looks = [call["operation"] for call in asked[places[-1] + 1 :]]
        assert {"payment_intents.list", "payment_intents.retrieve"} & set(looks)
        assert "payment_intents.create" not in looks


class TestLateWebhook:
    def test_after_the_sweep_found_the_payment_it_changes_nothing(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        impatient.webhook_fault("drop")
        order = shopper.start(shopper.a_cart(shopper.sku_with(available=100)), key="tap", token="").json()
        shopper.confirm(order)
        shown = shopper.wait_for(order, "paid")
        books = impatient.books(order["order_id"])
        news = impatient.events_of(order)

        for name in ("payment_intent.succeeded", "payment_intent.created"):
            impatient.tell(news[name])

        assert impatient.actor_of(order["order_id"], "paid") == "system:sweep"
        assert shopper.read(order) == shown
        assert impatient.books(order["order_id"]) == books

    @pytest.mark.pains("C5")
    def test_after_a_cancellation_the_money_goes_back_once_however_often_it_is_told(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        impatient.webhook_fault("drop")
        sku = shopper.sku_with(available=100)
        order = shopper.start(shopper.a_cart(sku), key="tap", token="").json()
        shopper.confirm(order)
        assert shopper.cancel(order).status_code == 202
        shown = shopper.wait_for(order, "cancelled")

        told = [impatient.post_event(event) for event in impatient.events_of(order).values() for _ in range(3)]
        impatient.tell(impatient.events_of(order)["payment_intent.succeeded"])

        assert {answer.status_code for answer in told} == {200}
        [refund] = shopper.refunds_of(order["order_id"])
        assert refund["amount"] == shown["total"]["amount_minor"]
        assert impatient.moves(order["order_id"]) == ["draft", "payment_pending", "cancelled_with_refund"]
        assert impatient.money(order["order_id"]) == (refund["amount"], 0, refund["amount"], 0)
        assert impatient.reservations(order["order_id"]) == ["released"]


class TestInventoryExpiredBeforePayment:
    def test_money_without_units_is_reviewed_and_ships_nothing(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        sku = shopper.sku_with(available=1, article=1)
        _, _, sold = impatient.shelf(sku)
        impatient.fault("late_success", "payment_intents.create", seconds=35)
        order = shopper.start(shopper.a_cart(sku), key="tap").json()
        assert order["status"] == "processing"
        other = shopper.a_cart(sku)

        wait_until(lambda: impatient.shelf(sku) == (1, 0, sold), seconds_max=34)
        assert shopper.start(other, key="mine").json()["status"] == "paid"
        shown = shopper.wait_for(order, "under_review", seconds_max=60)

        assert impatient.moves(order["order_id"])[-1] == "paid"
        assert impatient.open_holds(order["order_id"]) == ["stock_review"]
        assert impatient.shelf(sku) == (0, 0, sold + 1)
        assert shown["next_actions"] == []
        assert shopper.refunds_of(order["order_id"]) == []
        assert impatient.money(order["order_id"]) == (shown["total"]["amount_minor"], 0, 0, 0)


class TestRefundJobRetried:
    @pytest.mark.pains("A3")
    def test_every_retry_carries_the_same_key_and_the_money_goes_back_once(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        impatient.webhook_fault("drop")
        order = shopper.start(shopper.a_cart(shopper.sku_with(available=100)), key="tap", token="").json()
        shopper.confirm(order)
        # No try of the first sending arrives, so that no look at the provider settles it: it has to be sent again.
        impatient.fault("timeout_before", "refunds.create", times=3)
        impatient.fault("timeout_after", "refunds.create", times=3)

        assert shopper.cancel(order).status_code == 202
        shown = shopper.wait_for(order, "cancelled", seconds_max=60)
        [(operation_id, key)] = shopper.rows(
            "SELECT p.public_id, provider_key FROM payments_operation p JOIN orders_order o ON o.id = p.order_id "
            "WHERE o.public_id = %s AND kind = 'give_back'",
            order["order_id"],
        )
        impatient.wake("payments.carry_out", times=5, operation_id=operation_id)
        impatient.wake("payments.recover", times=5, operation_id=operation_id)
        wait_until(impatient.is_idle, seconds_max=30)

        [refund] = shopper.refunds_of(order["order_id"])
        assert (refund["amount"], refund["status"]) == (shown["total"]["amount_minor"], "succeeded")
        told = impatient.as_merchant("GET", "/v1/events", params={"type": "refund.created", "limit": "100"})["data"]
        assert [one["request"]["idempotency_key"] for one in told if one["data"]["object"]["id"] == refund["id"]] == [
            key
        ]
        [(kind, status, sends)] = [row for row in impatient.operations(order["order_id"]) if row[0] == "give_back"]
        assert (kind, status, sends > 1) == ("give_back", "succeeded", True)
        assert impatient.money(order["order_id"]) == (refund["amount"], 0, refund["amount"], 0)


class TestAfterwards:
    def test_the_invariants_hold_and_the_provider_says_the_same(self, impatient: Backstage) -> None:
        assert impatient.find_violations() == ""
        assert impatient.crashes() == []
