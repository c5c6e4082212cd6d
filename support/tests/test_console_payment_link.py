"""A link by which a customer pays, made on an order's page."""

import re

from django.test import Client

from accounts.models import AccessToken
from checkout.services import trade_payment_link
from core import clock
from core.cause import system
from orders.models import Order
from orders.tests.factories import an_order, an_order_in
from oversight.models import AuditEntry
from support.tests.factories import address_of

BUTTON = "Payment link for the customer"


def ask(console: Client, order: Order) -> tuple[int, str]:
    """This will press the button and return the status and the page."""
    answer = console.post(f"/console/orders/order/{order.pk}/payment-link/")
    return answer.status_code, answer.content.decode()


class TestPaymentLink:
    def test_leads_to_the_order_and_is_noted_without_its_secret(self, console: Client) -> None:
        order = an_order_in("expired")
        assert BUTTON in console.get(address_of(order)).content.decode()

        status, page = ask(console, order)

        found = re.search(rf"/orders/{order.public_id}#link=([\w-]+)", page)
        assert status == 200
        assert found
        cause = system("test", now=clock.now())
        assert trade_payment_link(order.public_id, link_token=found[1], cause=cause).token
        (entry,) = AuditEntry.objects.filter(action="payment_link_issued")
        assert entry.subject_id == order.public_id
        assert found[1] not in str(entry.after)

    def test_is_neither_offered_nor_made_for_what_is_paid(self, console: Client) -> None:
        order = an_order_in("paid", captured_minor=2000)

        assert BUTTON not in console.get(address_of(order)).content.decode()
        assert ask(console, order)[0] == 409
        assert AccessToken.objects.count() == 0

    def test_is_asked_for_by_a_button_alone(self, console: Client) -> None:
        assert console.get(f"/console/orders/order/{an_order().pk}/payment-link/").status_code == 405

    def test_strangers_are_led_to_the_door(self, database: str) -> None:
        assert ask(Client(), an_order())[0] == 302
        assert AccessToken.objects.count() == 0
