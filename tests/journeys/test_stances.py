"""Nothing that ends in a call to a provider begins inside a transaction."""

from collections.abc import Callable

import pytest
from django.db import connection

from checkout.services import ResumeCommand, cancel_order, resume_payment
from core import clock
from core.cause import system
from core.db import TransactionStanceError, transaction
from core.idempotency import KeyedRequest
from core.principal import GUEST
from reconciliation import services as reconciliation
from tests.shop import Shop
from webhooks import services as webhooks


class TestSweepsAndJourneys:
    @pytest.mark.pains("B6")
    def test_refuse_to_run_inside_one(self, shop: Shop) -> None:
        order_id = shop.start(shop.a_cart()).json()["order_id"]
        cause = system("sweep", now=clock.now())
        request = KeyedRequest(principal=f"order:{order_id}", operation="test", raw_key="k", fingerprint="f")
        acts: list[Callable[[], object]] = [
            lambda: reconciliation.expire_order(order_id, cause=cause),
            lambda: reconciliation.settle(order_id, cause=cause),
            lambda: reconciliation.sweep_operations(now=clock.now),
            lambda: reconciliation.sweep_expired_orders(now=clock.now),
            lambda: reconciliation.sweep_cancellations(now=clock.now),
            lambda: reconciliation.sweep_owed_money(now=clock.now),
            lambda: reconciliation.sweep_pending_too_long(now=clock.now),
            lambda: webhooks.process(1, now=clock.now()),
            lambda: cancel_order(order_id, reason="", request=request, cause=cause),
            lambda: resume_payment(ResumeCommand(order_id, GUEST, "stripe"), request=request, cause=cause),
        ]
        before = len(shop.truth())

        for act in acts:
            with pytest.raises(TransactionStanceError), transaction("test"):
                act()

        assert len(shop.truth()) == before

    @pytest.mark.pains("B6")
    def test_no_request_is_one(self) -> None:
        assert connection.settings_dict["ATOMIC_REQUESTS"] is False
