"""The three races money can lose, so many times: who comes first is chance, what comes out is not.

`RACES=full ./run test -k concurrency` plays every round that was asked for; without it a share of them.
"""

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.tests.factories import a_product
from core import clock
from core.cause import Cause
from orders.models import Order, OrderEvent
from orders.services import order_transaction
from payments.models import Operation
from payments.services import NotCapturable, carry_out, request_capture
from reconciliation import services as reconciliation
from tests.concurrency.threads import Act, at_once
from tests.journeys.buyers import cancel, hold_funds
from tests.journeys.facts import charges, given_back, held, shelf, taken, wait
from tests.shop import Shop

IS_FULL = os.environ.get("RACES") == "full"
RETURN_ROUNDS = 500 if IS_FULL else 40
CAPTURE_ROUNDS = 200 if IS_FULL else 20
EXPIRY_ROUNDS = 200 if IS_FULL else 20
# Two orders at a time: all their acts find a free session at once, so they do meet.
ORDERS_AT_ONCE = 2
# About as long as an act takes: who begins at the same instant always meets at the same place, and one side wins.
HEAD_START_SECONDS = 0.08


pytestmark = pytest.mark.usefixtures("sound")


def play(shop: Shop, begin: Callable[[], list[Act]], *, rounds: int) -> None:
    """This will open as many orders as rounds, two at a time, and let the acts of each pair meet."""
    a_product(shop.channel, sku="MANY", price_minor=500, stock=rounds)
    for _ in range(rounds // ORDERS_AT_ONCE):
        at_once([partial(after_a_moment, act) for _ in range(ORDERS_AT_ONCE) for act in begin()])


def after_a_moment(act: Act) -> None:
    """This will act after a pause of chance, so that every side comes first sometimes."""
    time.sleep(random.uniform(0, HEAD_START_SECONDS))
    act()


def states() -> dict[str, int]:
    """This will return how many orders are in each state, and print it."""
    found = list(Order.objects.values_list("state", flat=True))
    counts = {state: found.count(state) for state in sorted(set(found))}
    print(f"{len(found)} rounds: {counts}")
    return counts


class TestReturnPageWebhookAndSweep:
    @pytest.mark.pains("B1")
    def test_however_they_meet_the_order_is_paid_once(self, shop: Shop) -> None:
        play(shop, partial(self.begin, shop), rounds=RETURN_ROUNDS)
        shop.work()

        assert states() == {"paid": RETURN_ROUNDS}
        assert OrderEvent.objects.filter(to_state="paid").count() == RETURN_ROUNDS
        assert (given_back(shop), sum(taken(shop)), charges(shop)) == ([], RETURN_ROUNDS * 500, RETURN_ROUNDS)
        assert set(Operation.objects.values_list("kind", "status")) == {("authorize", "succeeded")}
        assert shelf("MANY") == (0, 0, RETURN_ROUNDS)

    def begin(self, shop: Shop) -> list[Act]:
        """This will let a customer pay without our knowing and return what tells us."""
        cart = shop.a_cart({"MANY": 1})
        payment = {"method": "stripe", "return_url": "https://shop.example/checkout/return"}
        order = shop.start(cart, key=cart[0], payment=payment).json()
        state = parse_qs(urlsplit(shop.attempt().return_url).query)["state"][0]
        assert shop.confirm(order) == 200
        # A minute on, the first look is due: the sweep finds the payment by itself.
        shop.pass_time(seconds=61)
        told = [
            one
            for one in shop.sandbox.engine.due_deliveries(shop.virtual.now(), limit=1000)
            if order["client_secret"].partition("_secret_")[0].encode() in one.body and b"succeeded" in one.body
        ]
        return [
            partial(self.return_page, shop, state),
            partial(self.webhooks, shop, told),
            partial(reconciliation.sweep_operations, now=clock.now),
        ]

    def return_page(self, shop: Shop, state: str) -> None:
        """This will come back from the provider."""
        assert shop.api("POST", "checkout/return", {"state": state}).status_code == 200

    def webhooks(self, shop: Shop, told: list[Any]) -> None:
        """This will carry what the provider says to the door and process it."""
        assert told
        for delivery in told:
            assert shop.post_delivery(delivery.headers, delivery.body).status_code == 200
            shop.sandbox.engine.record_delivery(delivery.id, 200)
        shop.work()


class TestCancelAgainstCapture:
    @pytest.mark.pains("C5")
    def test_ends_paid_where_the_cancellation_was_refused_else_with_nothing_kept(self, shop: Shop) -> None:
        refused: list[bool] = []

        play(shop, partial(self.begin, shop, refused), rounds=CAPTURE_ROUNDS)
        wait(shop, rounds=5, seconds=121)

        ended, paid = states(), sum(refused)
        cancelled, returned = ended.get("cancelled", 0), ended.get("cancelled_with_refund", 0)
        assert len(refused) == CAPTURE_ROUNDS == paid + cancelled + returned
        assert ended.get("paid", 0) == paid
        assert (sum(taken(shop)), sum(given_back(shop)), sum(held(shop))) == (
            500 * (paid + returned),
            500 * returned,
            0,
        )
        assert shelf("MANY") == (CAPTURE_ROUNDS - paid, 0, paid)
        assert not Operation.objects.filter(status__in=["created", "sent", "pending", "unknown"]).exists()

    def begin(self, shop: Shop, refused: list[bool]) -> list[Act]:
        """This will hold a customer's funds and return who wants what of them."""
        order = hold_funds(shop, units={"MANY": 1})
        return [partial(self.cancel, shop, order, refused), partial(self.capture, order["order_id"])]

    def cancel(self, shop: Shop, order: dict[str, Any], refused: list[bool]) -> None:
        """This will cancel, and note whether that was refused because the order is paid."""
        answer = cancel(shop, order)
        assert answer.status_code in {200, 202, 409}, answer.content
        assert answer.status_code != 409 or answer.json()["code"] == "cannot_cancel"
        refused.append(answer.status_code == 409)

    def capture(self, order_id: str) -> None:
        """This will take what is held, as staff and a worker do; a cancellation that came first forbids it."""
        cause = Cause(actor="staff:usr_race", source="console", now=clock.now())
        with suppress(NotCapturable), order_transaction("race.capture"):
            request_capture(order_id, cause=cause)
        for capture in Operation.objects.filter(order__public_id=order_id, kind="capture"):
            carry_out(capture.public_id, cause=cause)


class TestExpiryAgainstSuccess:
    @pytest.mark.pains("C5", "J6")
    def test_ends_paid_where_the_customer_s_payment_succeeded_else_expired(self, shop: Shop) -> None:
        succeeded: list[bool] = []

        play(shop, partial(self.begin, shop, succeeded), rounds=EXPIRY_ROUNDS)
        wait(shop, rounds=3, seconds=121)

        paid = sum(succeeded)
        expected = {"expired": EXPIRY_ROUNDS - paid, "paid": paid}
        assert len(succeeded) == EXPIRY_ROUNDS
        assert states() == {state: count for state, count in expected.items() if count}
        assert (sum(taken(shop)), given_back(shop)) == (500 * paid, [])
        assert shelf("MANY") == (EXPIRY_ROUNDS - paid, 0, paid)
        assert not Operation.objects.filter(status__in=["created", "sent", "pending", "unknown"]).exists()

    def begin(self, shop: Shop, succeeded: list[bool]) -> list[Act]:
        """This will let an order's time run out and return who acts at that moment."""
        cart = shop.a_cart({"MANY": 1})
        order = shop.start(cart, key=cart[0]).json()
        shop.pass_time(minutes=61)
        return [
            partial(self.succeed, shop, order, succeeded),
            partial(reconciliation.sweep_expired_orders, now=clock.now),
        ]

    def succeed(self, shop: Shop, order: dict[str, Any], succeeded: list[bool]) -> None:
        """This will pay at the provider, which refuses where the payment was closed, and let us hear of it."""
        succeeded.append(shop.confirm(order) == 200)
        shop.deliver()
