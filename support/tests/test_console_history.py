"""The console's list of what happened to orders."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core.cause import system
from core.tests.factories import NOW
from orders.models import Order, OrderEvent, Reason
from orders.selectors import lock_order
from orders.services import order_transaction, record_fact
from orders.services.change import Because
from orders.tests.factories import an_order
from support.tests.factories import address_of
from webhooks import services as inbox
from webhooks.tests.factories import an_event, an_open_payment, event_body, make_account, paid_intent

pytestmark = [pytest.mark.usefixtures("database", "provider_key"), pytest.mark.pains("K2")]

HISTORY = "/console/orders/orderevent/"


def text_of(answer: Any) -> str:
    """The page as it is read: tags and runs of blanks left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode().partition('id="content"')[2]))


def a_step(order: Order, **facts: Any) -> OrderEvent:
    """This will note a fact of an order."""
    with order_transaction("test"):
        locked = lock_order(order.public_id)
        record_fact(locked, Because(Reason.EXCESS_RECORDED, system("test", now=NOW), facts=facts))
    return OrderEvent.objects.latest("id")


class TestHistory:
    def test_shows_each_step_with_its_order_who_brought_it_and_when(self, console: Client) -> None:
        account = make_account()
        attempt = an_open_payment(account)
        event = an_event(account, event_body(about=paid_intent(attempt)))
        inbox.process(event.pk, now=NOW + timedelta(seconds=5))

        page = text_of(console.get(HISTORY))

        assert f"Provider payment succeeded ● Payment pending → ✓ Paid {attempt.order.number} system:webhook" in page
        assert page.index("Provider payment succeeded") < page.index("Order placed")

    def test_is_found_by_its_order_and_by_no_part_of_a_name(self, console: Client) -> None:
        account = make_account()
        order = an_open_payment(account).order
        own = list(order.history.order_by("-id").values_list("pk", flat=True))
        a_step(an_order(account.channel))
        assert own

        for name in (order.number, f" {order.public_id} "):
            found = console.get(HISTORY, {"q": name}).context["cl"].result_list
            assert [row.pk for row in found] == own, name
            assert len(console.get(HISTORY, {"q": name.strip()[:-1]}).context["cl"].result_list) == 0

    def test_can_be_read_without_the_facts_among_the_steps(self, console: Client) -> None:
        an_open_payment(make_account())

        shown = {row.kind for row in console.get(HISTORY, {"kind__exact": "transition"}).context["cl"].result_list}

        assert shown == {"transition"}

    def test_of_one_step_says_what_was_noted_with_it_and_hides_secrets(self, console: Client) -> None:
        order = an_open_payment(make_account()).order
        step = a_step(order, amount_minor=1234, client_secret="sesame")

        page = text_of(console.get(address_of(step)))

        assert f"Excess recorded, step {step.sequence} of {order}" in page
        assert "amount £12.34 · client secret: hidden" in page
        assert "sesame" not in page

    def test_is_written_by_nobody(self, console: Client) -> None:
        step = an_open_payment(make_account()).order.history.order_by("id")[0]
        before = OrderEvent.objects.filter(pk=step.pk).values().get()

        answers = [
            console.post(address_of(step), {"reason": "given_back"}),
            console.post(address_of(step).replace("change", "delete"), {"post": "yes"}),
            console.post(f"{HISTORY}add/", {"reason": "given_back"}),
        ]

        assert {answer.status_code for answer in answers} == {403}
        assert OrderEvent.objects.filter(pk=step.pk).values().get() == before
