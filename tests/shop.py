"""A whole shop in one process: the HTTP API, the webhook door, the workers' tasks and the sandbox's engine on one
clock.

Nothing is mocked: requests go through Django's client, provider calls through the SDK into the sandbox, deliveries
are signed. Only the network, the broker and waiting are left out, so that a test decides what happens when.
"""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from catalog.tests.factories import a_product
from core import clock
from core.cause import system
from core.db import transaction
from core.models import ProviderAccount, SalesChannel
from core.tests.factories import NOW, a_channel, a_free_account, an_account
from orders.models import Order
from payments.models import Operation, PaymentAttempt
from payments.providers.registry import config_of, use_adapter
from payments.providers.stripe import StripeAdapter
from payments.services import carry_out, recover
from reconciliation import services as reconciliation
from reconciliation.selectors import due_operations
from sandbox.application import Application
from sandbox.clock import VirtualClock
from sandbox.dialects.stripe import StripeSettings
from sandbox.engine.deliveries import OutgoingDelivery
from sandbox.in_process import SandboxTransport, open_application
from webhooks import services as webhooks
from webhooks.models import Event

DOOR = "/webhooks/stripe/shop"
WIRING = {
    "STRIPE_API_BASE": "http://sandbox.localhost",
    "STRIPE_HOSTED_PAGES": "http://sandbox.localhost",
    "STRIPE_SECRET_KEY": "sk_test_sandbox",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_sandbox",
    "STRIPE_WEBHOOK_SECRETS": "whsec_sandbox",
}


class ShopClock:
    """The shop's clock over the sandbox's: both move together."""

    def __init__(self, virtual: VirtualClock) -> None:
        """Wrap the sandbox's clock."""
        self._virtual = virtual

    def now(self) -> datetime:
        """The sandbox's seconds as an aware instant."""
        return datetime.fromtimestamp(self._virtual.now(), UTC)

    def sleep(self, seconds: float) -> None:
        """Time passes for both."""
        self._virtual.advance(seconds)


@dataclass
class Shop:
    """What a test drives. Money facts are read back from rows and from the sandbox's truth, never from mocks."""

    channel: SalesChannel
    account: ProviderAccount
    sandbox: Application
    virtual: VirtualClock
    client: Client = field(default_factory=Client)
    door: Client = field(default_factory=Client)

    def pass_time(self, **span: float) -> None:
        """This will move the clock of shop and provider."""
        self.virtual.advance(timedelta(**span).total_seconds())

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """This will call the API; header names are given with underscores."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        payload = "" if body is None else json.dumps(body)
        return self.client.generic(method, f"/api/v1/{path}", payload, content_type="application/json", headers=names)

    def a_cart(self, units: dict[str, int] | None = None, **choices: str) -> tuple[str, str]:
        """This will open a cart with these units and return its id and the token a guest gets, "" for a program."""
        opened = self.api("POST", "carts", choices).json()
        lines = [{"sku": sku, "quantity": count} for sku, count in (units or {"MUG-RED": 1}).items()]
        token = opened.get("cart_token", "")
        filled = self.api("PUT", f"carts/{opened['cart_id']}/lines", {"lines": lines}, x_cart_token=token)
        assert filled.status_code == 200, filled.content
        return opened["cart_id"], token

    def start(self, cart: tuple[str, str], *, key: str = "key-1", token: str = "", **more: Any) -> Any:
        """This will call checkout/start for a guest's cart; with `token` the server confirms."""
        body = {
            "cart_id": cart[0],
            "contact": {"email": "ada@example.com"},
            "payment": {"method": "stripe", "token": token},
            **more,
        }
        return self.api("POST", "checkout/start", body, x_cart_token=cart[1], idempotency_key=key)

    def confirm(self, answer: dict[str, Any], *, card: str = "pm_card_visa") -> int:
        """This will confirm as the customer's app does: with the publishable key and the client secret."""
        intent = answer["client_secret"].partition("_secret_")[0]
        return self.as_customer(f"/v1/payment_intents/{intent}/confirm", answer["client_secret"], card=card)

    def as_customer(self, path: str, secret: str, *, card: str) -> int:
        """This will post to the provider with the publishable key. Returns the HTTP status."""
        form = f"client_secret={secret}&payment_method={card}&return_url=https://shop.example/back".encode()
        headers = {
            "Authorization": f"Bearer {WIRING['STRIPE_PUBLISHABLE_KEY']}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return int(self.sandbox.handle("POST", f"http://sandbox.localhost{path}", headers, form).status)

    def embed_payment_form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """This will let customers pay in a form of the shop's own page, as with the provider itself."""
        monkeypatch.setenv("STRIPE_HOSTED_PAGES", "")
        use_adapter(self.account, StripeAdapter(config_of(self.account), inner=SandboxTransport(self.sandbox)))

    def deliver(self) -> int:
        """This will carry every due webhook to the door and let a worker process what came in. Returns how many."""
        self.sandbox.engine.tick()
        due = self.sandbox.engine.due_deliveries(self.virtual.now(), limit=1000)
        for delivery in due:
            self.carry(delivery)
        self.work()
        return len(due)

    def carry(self, delivery: OutgoingDelivery) -> None:
        """This will carry one webhook to the door and tell the provider how it was answered."""
        response = self.post_delivery(delivery.headers, delivery.body)
        self.sandbox.engine.record_delivery(delivery.id, response.status_code)

    def post_delivery(self, headers: dict[str, str], body: bytes) -> Any:
        """This will post raw bytes to the door."""
        signature = next(value for name, value in headers.items() if name.lower() == "stripe-signature")
        return self.door.post(DOOR, data=body, content_type="application/json", HTTP_STRIPE_SIGNATURE=signature)

    def work(self) -> None:
        """This will do what workers do with what lies there: events received, operations created."""
        for event_id in Event.objects.filter(status="received").order_by("id").values_list("pk", flat=True):
            webhooks.process(event_id, now=clock.now())
        for operation_id in Operation.objects.filter(status="created").values_list("public_id", flat=True):
            carry_out(operation_id, cause=system("worker", now=clock.now()))

    def sweep(self) -> None:
        """This will run every sweep once, as beat would."""
        with transaction("test.due"):
            due = due_operations(now=clock.now(), limit=100)
        for operation_id in due:
            recover(operation_id, cause=system("sweep", now=clock.now()))
        webhooks.sweep(now=clock.now())
        reconciliation.sweep_expired_orders(now=clock.now)
        reconciliation.sweep_cancellations(now=clock.now)
        reconciliation.sweep_owed_money(now=clock.now)
        reconciliation.sweep_pending_too_long(now=clock.now)
        self.work()

    def truth(self, kind: str = "intent") -> list[dict[str, Any]]:
        """This will return what the provider says, from its control API."""
        answer = self.sandbox.handle("GET", f"http://sandbox.localhost/_control/truth?kind={kind}", {}, b"")
        body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        return [json.loads(line) for line in body.splitlines() if line]

    def order(self) -> Order:
        """This will return the only order."""
        return Order.objects.get()

    def attempt(self) -> PaymentAttempt:
        """This will return the newest attempt."""
        return PaymentAttempt.objects.latest("id")


def open_shop(*, seed: int = 1) -> Shop:
    """This will set up a British shop with a mug and a lamp, wired to a sandbox in this process."""
    furnish_shop()
    return wire_shop(virtual=VirtualClock(NOW.timestamp()), seed=seed)


def furnish_shop() -> None:
    """This will write the rows of a British shop with a mug and a lamp."""
    channel = a_channel(return_hosts=["shop.example"], return_schemes=["lantern"])
    an_account(channel)
    a_free_account(channel)
    a_product(channel, sku="MUG-RED", price_minor=1999, stock=10)
    a_product(channel, sku="LAMP", price_minor=4500, stock=5)


def wire_shop(*, virtual: VirtualClock, seed: int, path: str = ":memory:") -> Shop:
    """This will connect this process to the furnished shop and to a provider whose books lie at `path`."""
    os.environ.update(WIRING)
    account = ProviderAccount.objects.select_related("channel").get(provider="stripe")
    settings = StripeSettings(webhook_url=f"http://testserver{DOOR}")
    sandbox = open_application(clock=virtual, settings=settings, path=path, seed=seed)
    use_adapter(account, StripeAdapter(config_of(account), inner=SandboxTransport(sandbox)))
    return Shop(channel=account.channel, account=account, sandbox=sandbox, virtual=virtual)
