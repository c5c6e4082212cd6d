"""Whatever the order of news at the real door and through a real worker: one end, one charge, the same books."""

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from catalog.tests.factories import a_product
from core import clock
from core.cause import system
from ledger.models import Entry, Posting
from orders.models import Order, OrderEvent
from orders.services import order_transaction
from payments import services as payments
from reconciliation.invariants import ALWAYS, find_violations
from sandbox.dialects.stripe.signing import signature_header
from sandbox.records import Event
from tests.journeys.buyers import answer_bank, hold_funds, pay_again
from tests.journeys.facts import assert_sound, cases, charges, control, fault, lose_webhooks, shelf
from tests.shop import Shop
from webhooks.models import Event as Heard

KINDS = {
    f"payment_intent.{kind}"
    for kind in ("created", "requires_action", "payment_failed", "amount_capturable_updated", "succeeded", "canceled")
} | {"charge.refunded"}


@pytest.fixture(autouse=True)
def _sound(shop: Shop, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    lose_webhooks(shop)
    a_product(shop.channel, sku="MANY", stock=1000)
    yield
    assert_sound(shop, caplog)
    # A refund nobody here ordered is told to people, and nothing else is.
    assert set(cases()) == ({"external_refund"} if "refund" in request.node.name else set())


def told(shop: Shop) -> list[Event]:
    """This will return what the provider told about payments, oldest first."""
    return [event for page in shop.sandbox.engine.store.pages(Event) for event in page if event.kind in KINDS]


def hear(shop: Shop, event: Event) -> None:
    """This will tell an event and look at all invariants."""
    tell(shop, event)
    assert [str(one) for one in find_violations(ALWAYS, now=clock.now())] == []


def tell(shop: Shop, event: Event) -> None:
    """This will carry one event, signed now, to the door and let the worker process it."""
    body = event.body.encode()
    seconds = int(clock.now().timestamp())
    header = signature_header(body, secrets=("whsec_sandbox",), signed_at=seconds)
    assert shop.post_delivery({"stripe-signature": header}, body).status_code == 200
    shop.work()


def end(order: Order) -> dict[str, Any]:
    """This will return everything that must not depend on the order of news."""
    order = Order.objects.get(pk=order.pk)
    attempts = order.attempts.order_by("id")
    books = Entry.objects.filter(posting_id__in=Posting.objects.filter(order_public_id=order.public_id).values("id"))
    return {
        "state": order.state,
        "money": (order.captured_minor, order.authorized_minor, order.excess_minor, order.returned_minor),
        "attempts": list(attempts.values_list("status", "captured_minor", "authorized_minor", "is_current")),
        "operations": [(row.kind, row.status) for row in order.operations.order_by("id")],
        "books": sorted(books.values_list("account__code", "amount_minor")),
        "paid": OrderEvent.objects.filter(order=order, to_state="paid").count(),
    }


def of(events: list[Event], kind: str) -> Event:
    """This will return the newest event of that kind."""
    return next(event for event in reversed(events) if event.kind == f"payment_intent.{kind}")


def a_second_try(shop: Shop, *, is_held: bool) -> tuple[Order, dict[str, Event]]:
    """This will let the first payment be challenged and fail, and a second one be taken, all in the same second.

    Of the taking nothing has arrived here. Returns the order and the events by what they say.
    """
    heard = len(told(shop))
    if is_held:
        first = hold_funds(shop, card="pm_card_authenticationRequired", units={"MANY": 1})
    else:
        cart = shop.a_cart({"MANY": 1})
        first = shop.start(cart, key=cart[0], token="pm_card_authenticationRequired").json()
    assert answer_bank(shop, first, result="fail") < 400
    second = pay_again(shop, first, replace=True, key=first["order_id"]).json()
    assert shop.confirm(second) == 200
    order = Order.objects.get(public_id=first["order_id"])
    if is_held:
        capture_without_answer(shop, order)
    events = told(shop)[heard:]
    assert len({json.loads(event.body)["created"] for event in events}) == 1
    return order, {
        "created": of(events, "created"),
        "requires_action": of(events, "requires_action"),
        "failed": of(events, "payment_failed"),
        # Without a hold no event says authorized: the birth of the first payment takes its place among the five.
        "authorized": of(events, "amount_capturable_updated") if is_held else events[0],
        "captured": of(events, "succeeded"),
        "closed": of(events, "canceled"),
    }


def capture_without_answer(shop: Shop, order: Order) -> None:
    """This will take the held funds and lose the provider's answer."""
    cause = system("worker", now=clock.now())
    payments.ask_provider(order.attempts.select_related("account__channel", "order").latest("id"), cause=cause)
    fault(shop, "timeout_after", "payment_intents.capture", times=None)
    with order_transaction("test"):
        operation = payments.request_capture(order.public_id, cause=cause)
    payments.carry_out(operation.public_id, cause=cause)
    shop.sandbox.engine.faults.clear()


ONE_END = {
    "state": "paid",
    "money": (1999, 0, 0, 0),
    "attempts": [("voided", 0, 0, False), ("captured", 1999, 0, True)],
    "paid": 1,
}
SECOND_TRY = [("authorize", "failed"), ("void", "succeeded"), ("authorize", "succeeded")]
OPERATIONS = {False: SECOND_TRY, True: [*SECOND_TRY, ("capture", "succeeded")]}


REFUNDED = ["created", "requires_action", "failed", "captured", "refunded"]
NAMES = ["created", "requires_action", "failed", "authorized", "captured"]


class TestWebhooks:
    @pytest.mark.parametrize("is_held", [False, True], ids=["automatic", "manual"])
    @pytest.mark.parametrize("first", NAMES)
    def test_all_permutations_within_one_second_have_one_end(self, shop: Shop, first: str, is_held: bool) -> None:
        ends = []

        for number, rest in enumerate(permutations([name for name in NAMES if name != first])):
            order, events = a_second_try(shop, is_held=is_held)
            way = (first, *rest)
            for name in way:
                # Every second permutation tells each thing twice in a row, and all hear everything once more.
                for _ in range(1 + number % 2):
                    hear(shop, events[name])
            reached = end(order)
            for name in (*way, "closed"):
                tell(shop, events[name])
            assert end(order) == reached, way
            ends.append((way, reached))

        books = ends[0][1]["books"]
        assert sum(amount for _, amount in books) == 0 != len(books)
        for way, reached in ends:
            assert reached == ONE_END | {"operations": OPERATIONS[is_held], "books": books}, way
        assert (len(ends), charges(shop)) == (24, 24)
        assert set(Heard.objects.values_list("status", flat=True)) == {"processed"}

    @pytest.mark.pains("C3")
    @pytest.mark.parametrize("first", REFUNDED)
    def test_all_permutations_with_a_refund_in_the_dashboard_have_one_end(self, shop: Shop, first: str) -> None:
        ends = []

        for rest in permutations([name for name in REFUNDED if name != first]):
            order, events = a_second_try(shop, is_held=False)
            control(shop, "refunds", payment_intent=shop.truth("intent")[-1]["id"], amount=500)
            events["refunded"] = told(shop)[-1]
            assert events["refunded"].kind == "charge.refunded"
            for name in (first, *rest):
                hear(shop, events[name])
            ends.append(((first, *rest), end(order)))

        books = ends[0][1]["books"]
        for way, reached in ends:
            assert reached == ONE_END | {
                "state": "partially_refunded", "money": (1999, 0, 0, 500), "books": books,
                "operations": [*SECOND_TRY, ("refund", "succeeded")],
            }, way  # fmt: skip

    def test_the_first_one_s_failure_and_closing_after_payment_change_nothing(self, shop: Shop) -> None:
        order, events = a_second_try(shop, is_held=False)
        hear(shop, events["captured"])
        paid = end(order)
        version = shop.order().version

        for name in ("failed", "closed", "requires_action", "failed"):
            shop.pass_time(minutes=1)
            hear(shop, events[name])

        assert (end(order), shop.order().version) == (paid, version)
        assert paid["state"] == "paid"


class TestWhoeverLearnsFirst:
    @pytest.mark.parametrize("seconds", [0, 61, 600])
    @pytest.mark.parametrize("way", list(permutations(["back", "webhook", "sweep"])), ids="-".join)
    def test_the_customer_s_return_the_webhook_and_the_sweep_have_one_end(
        self, shop: Shop, way: tuple[str, ...], seconds: int
    ) -> None:
        answer = shop.start(shop.a_cart({"MANY": 1})).json()
        shop.confirm(answer)
        succeeded = of(told(shop), "succeeded")

        for number, name in enumerate(way):
            match name:
                case "back":
                    assert pay_again(shop, answer, key=f"back-{number}").status_code in {200, 202}
                case "webhook":
                    hear(shop, succeeded)
                case "sweep":
                    shop.pass_time(seconds=61)
                    shop.sweep()
            shop.pass_time(seconds=seconds)
            assert [str(one) for one in find_violations(ALWAYS, now=clock.now())] == []

        reached = end(shop.order())
        assert (reached["state"], reached["money"], reached["paid"]) == ("paid", (1999, 0, 0, 0), 1)
        assert (reached["operations"], charges(shop)) == ([("authorize", "succeeded")], 1)
        assert shelf("MANY") == (999, 0, 1)
