"""Whatever the number and the order of deliveries: one life at the provider has one end with us."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from catalog.tests.factories import a_product
from core import clock
from core.cause import system
from core.models import ProviderAccount
from orders.models import Order, OrderEvent
from orders.services import order_transaction
from payments.models import PaymentAttempt
from payments.services import apply_update, read_event
from sandbox.records import Event
from tests.journeys.buyers import answer_bank, pay_again
from tests.journeys.facts import charges, lose_webhooks, taken, violations
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop) -> Iterator[None]:
    yield
    assert violations(shop) == []


def told(shop: Shop) -> list[Event]:
    """This will return every event of the provider that concerns us, oldest first."""
    kinds = ("payment_intent.", "charge.refunded", "refund.")
    return [event for page in shop.sandbox.engine.store.pages(Event) for event in page if event.kind.startswith(kinds)]


def hear(account: ProviderAccount, event: Event) -> None:
    """This will take one event in as a worker does."""
    reading = read_event(account, body=event.body.encode(), event_key=event.id)
    cause = system("webhook", now=clock.now())
    with order_transaction("test"):
        for update in reading.updates:
            apply_update(update, account=account, cause=cause)


def end(order: Order) -> dict[str, Any]:
    """This will return what must not depend on the order of events."""
    order = Order.objects.get(pk=order.pk)
    attempts = PaymentAttempt.objects.filter(order=order).order_by("id")
    return {
        "state": order.state,
        "money": (order.captured_minor, order.authorized_minor, order.excess_minor, order.returned_minor),
        "attempts": [(row.status, row.captured_minor, row.is_current) for row in attempts],
        "paid": OrderEvent.objects.filter(order=order, to_state="paid").count(),
    }


def live(shop: Shop, number: int) -> tuple[Order, list[Event]]:
    """This will let an order's payment be challenged, fail and succeed at the provider; returns what we missed."""
    heard = len(told(shop))
    answer = shop.start(shop.a_cart({"MANY": 1}), key=f"k{number}").json()
    shop.confirm(answer, card="pm_card_authenticationRequired")
    answer_bank(shop, answer, result="fail")
    shop.confirm(answer, card="pm_card_visa")
    return Order.objects.get(public_id=answer["order_id"]), told(shop)[heard:]


class TestOneAttempt:
    def test_all_permutations_of_its_events_each_heard_twice_have_one_end(self, shop: Shop) -> None:
        lose_webhooks(shop)
        a_product(shop.channel, sku="MANY", stock=100)
        kinds = ["created", "requires_action", "payment_failed", "succeeded"]

        for number, way in enumerate(permutations(range(len(kinds)))):
            order, events = live(shop, number)
            assert [event.kind.partition(".")[2] for event in events] == kinds
            for index in way:
                hear(shop.account, events[index])
                hear(shop.account, events[index])

            assert end(order) == {
                "state": "paid",
                "money": (1999, 0, 0, 0),
                "attempts": [("captured", 1999, True)],
                "paid": 1,
            }, way

        assert set(taken(shop)) == {1999}


class TestTwoAttempts:
    def test_the_first_one_s_failure_after_the_second_one_s_success_changes_nothing(self, shop: Shop) -> None:
        lose_webhooks(shop)
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        pay_again(shop, order, token="pm_card_visa")
        before = end(shop.order())

        for events in (told(shop), list(reversed(told(shop)))):
            for event in events:
                hear(shop.account, event)

        assert end(shop.order()) == before
        assert before["state"] == "paid"
        assert (taken(shop), charges(shop)) == ([0, 1999], 1)

    def test_a_birth_notice_of_a_payment_we_know_teaches_nothing(self, shop: Shop) -> None:
        shop.start(shop.a_cart())
        event = told(shop)[0]

        assert read_event(shop.account, body=event.body.encode(), event_key=event.id).reason == "known already"

    def test_news_of_a_payment_nobody_knows_is_said_to_be_so(self, shop: Shop) -> None:
        form = b"amount=500&currency=gbp&payment_method_types[]=card&metadata[attempt_id]=payatt_nobody"
        headers = {"Authorization": "Bearer sk_test_sandbox", "Content-Type": "application/x-www-form-urlencoded"}
        shop.sandbox.handle("POST", "http://sandbox.localhost/v1/payment_intents", headers, form)
        event = told(shop)[0]

        reading = read_event(shop.account, body=event.body.encode(), event_key=event.id)

        assert reading.outcome == "unknown_payment"
        assert not PaymentAttempt.objects.exists()
