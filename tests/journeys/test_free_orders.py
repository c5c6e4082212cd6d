"""Nothing to pay: a total of exactly zero becomes paid by the same rows and the same funnel, without a provider."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError
from django.db import transaction as django_transaction

from catalog.pricing.coupons import CouponQuote
from catalog.tests.factories import a_product
from checkout.selectors import price_offer
from core import clock
from core.cause import system
from core.db import transaction
from core.tests.factories import a_channel, a_free_account
from ledger.models import Posting
from orders.models import HoldReason, Order, OrderEvent
from orders.selectors import lock_order
from orders.services import open_hold, order_transaction, release_hold
from payments.models import Operation, PaymentAttempt
from payments.providers.base import CaptureRequest, PaymentRequest, RefundRequest, Refused
from payments.providers.registry import adapter_for
from payments.services import ask_provider
from tests.journeys.buyers import cancel, pay_again, read
from tests.journeys.deaths import kill
from tests.journeys.facts import assert_sound, holds, moves, operations, shelf, wait
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    a_product(shop.channel, sku="SAMPLE", price_minor=0, stock=3)
    yield
    assert_sound(shop, caplog)


class TestFreeOrder:
    def test_is_paid_at_once_by_the_rows_and_moves_of_every_order(self, shop: Shop) -> None:
        answer = shop.start(shop.a_cart({"SAMPLE": 2}))

        assert (answer.status_code, answer.json()["status"]) == (201, "paid")
        assert answer.json()["order"]["payment"]["method"] == "free"
        assert answer.json()["client_secret"] is None
        assert moves(shop) == ["draft", "payment_pending", "paid"]
        attempt = shop.attempt()
        assert (attempt.account.provider, attempt.status, attempt.amount_minor) == ("free", "captured", 0)
        assert operations("authorize") == ["succeeded"]
        assert shelf("SAMPLE") == (1, 0, 2)

    def test_no_provider_hears_of_it_whatever_card_was_sent(self, shop: Shop) -> None:
        answer = shop.start(shop.a_cart({"SAMPLE": 1}), token="pm_card_chargeDeclined")
        wait(shop, rounds=3, seconds=700)

        assert answer.json()["status"] == "paid"
        assert shop.truth() == []
        assert Operation.objects.get().request["payment_token"] == ""
        assert not ask_provider(shop.attempt(), cause=system("sweep", now=clock.now()))

    def test_goods_given_away_leave_nothing_in_the_books(self, shop: Shop) -> None:
        shop.start(shop.a_cart({"SAMPLE": 1}))

        assert not Posting.objects.exists()

    def test_a_free_article_beside_one_with_a_price_goes_to_the_provider(self, shop: Shop) -> None:
        answer = shop.start(shop.a_cart({"SAMPLE": 1, "MUG-RED": 1}), token="pm_card_visa")

        assert answer.json()["status"] == "paid"
        assert [row["amount_received"] for row in shop.truth()] == [1999]

    def test_what_has_a_price_is_not_free_because_a_client_says_so(self, shop: Shop) -> None:
        answer = shop.start(shop.a_cart(), payment={"method": "free"})

        assert (answer.status_code, answer.json()["code"]) == (409, "not_free")
        assert not Order.objects.exists()

    def test_a_total_below_zero_is_not_payable(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        def below_zero(*args: Any, **named: Any) -> CouponQuote:
            priced = price_offer(*args, **named)
            return replace(priced, quote=replace(priced.quote, total_minor=-1))

        monkeypatch.setattr("checkout.services.start.price_offer", below_zero)

        answer = shop.start(shop.a_cart())

        assert (answer.status_code, answer.json()["code"]) == (409, "total_not_payable")
        assert not Order.objects.exists()

    def test_an_open_hold_keeps_it_under_review(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart({"SAMPLE": 1})).json()

        with transaction("test"):
            locked = lock_order(order["order_id"])
            open_hold(locked, reason=HoldReason.RISK_REVIEW, detail="looked at", cause=system("risk", now=clock.now()))

        assert holds(shop) == [HoldReason.RISK_REVIEW]
        assert read(shop, order).json()["status"] == "under_review"

    def test_a_second_try_changes_nothing(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart({"SAMPLE": 1})).json()

        again = pay_again(shop, order, token="pm_card_visa", replace=True)

        assert (again.status_code, again.json()["status"]) == (200, "paid")
        assert PaymentAttempt.objects.count() == 1


class TestDeath:
    @pytest.mark.parametrize("point", ["tx:checkout.start.open:committed", "tx:checkout.start.finish:commit"])
    def test_between_the_two_transactions_is_made_good_by_a_sweep(self, shop: Shop, point: str) -> None:
        cart = shop.a_cart({"SAMPLE": 1})

        kill(partial(shop.start, cart), point)
        assert (shop.order().state, shelf("SAMPLE")) == ("draft", (2, 1, 0))
        wait(shop, rounds=2, seconds=61)

        assert (shop.order().state, shelf("SAMPLE")) == ("paid", (2, 0, 1))
        assert shop.start(cart).json()["status"] == "paid"
        assert OrderEvent.objects.filter(to_state="paid").count() == 1

    def test_of_an_order_that_was_held_meanwhile_ends_under_review_and_ships_nothing(self, shop: Shop) -> None:
        cart = shop.a_cart({"SAMPLE": 1})
        kill(partial(shop.start, cart), "tx:checkout.start.open:committed")
        with transaction("test"):
            locked = lock_order(shop.order().public_id)
            open_hold(locked, reason=HoldReason.RISK_REVIEW, detail="looked at", cause=system("risk", now=clock.now()))

        wait(shop, rounds=3, seconds=61)
        shown = shop.start(cart).json()

        # Nothing is owed, so it is paid; what a hold stops is everything that would follow.
        order = shop.order()
        assert (order.state, order.is_fulfillment_requested) == ("paid", False)
        assert moves(shop) == ["draft", "payment_pending", "paid"]
        assert holds(shop) == [HoldReason.RISK_REVIEW]
        assert (shown["status"], shown["order"]["next_actions"]) == ("under_review", [])
        assert shelf("SAMPLE") == (2, 0, 1)
        with order_transaction("test"):
            release_hold(
                lock_order(order.public_id), reason=HoldReason.RISK_REVIEW, cause=system("risk", now=clock.now())
            )
        assert read(shop, shown).json()["status"] == "paid"

    def test_of_an_order_nobody_wants_any_more_gives_the_units_back(self, shop: Shop) -> None:
        cart = shop.a_cart({"SAMPLE": 1})
        kill(partial(shop.start, cart), "tx:checkout.start.open:committed")
        shop.pass_time(seconds=31)
        order = shop.start(cart, key="other").json()

        cancel(shop, order)
        wait(shop, rounds=4, seconds=130)

        assert (shop.order().state, shelf("SAMPLE")) == ("cancelled", (3, 0, 0))


class TestAdapter:
    def test_takes_zero_and_moves_no_money(self, shop: Shop) -> None:
        account = a_free_account(a_channel(slug="other"))
        adapter = adapter_for(account)
        request = PaymentRequest("ord_1", "payatt_1", 1, "GBP", "automatic", "Order 1")

        with pytest.raises(Refused):
            adapter.create(request, key="k")
        with pytest.raises(Refused):
            adapter.capture(CaptureRequest("free_payatt_1", 1, "GBP"), key="k")
        with pytest.raises(Refused):
            adapter.void("free_payatt_1", key="k")
        with pytest.raises(Refused):
            adapter.refund(RefundRequest("free_payatt_1", "op_1", "ord_1", 1, "GBP"), key="k")
        assert adapter.create(replace(request, amount_minor=0), key="k").captured_minor == 0

    def test_has_no_address_at_the_webhook_door(self, shop: Shop) -> None:
        answer = shop.door.post("/webhooks/free/shop", data=b"{}", content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_webhook_address")

    def test_zero_is_refused_to_every_other_method_by_the_database(self, shop: Shop) -> None:
        shop.start(shop.a_cart({"SAMPLE": 1}))
        attempt = shop.attempt()
        attempt.pk, attempt.public_id, attempt.provider_reference, attempt.is_current = None, "payatt_x", None, False
        attempt.status, attempt.method = "created", "stripe"

        with pytest.raises(DatabaseError, match="payments_attempt_amount_unless_free"), django_transaction.atomic():
            attempt.save(force_insert=True)
