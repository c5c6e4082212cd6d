"""A shop in one process that commands reach over HTTP, and whose world goes on while they wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from django.core.wsgi import get_wsgi_application
from django.test import override_settings

from commerce.retail.door import FrontDoor, PaymentForm
from commerce.retail.faults import FaultControl
from core import clock
from payments.providers.registry import use_adapter
from sandbox.in_process import SandboxTransport
from tests.shop import WIRING, Shop, ShopClock, open_shop

SWEEP_EVERY_SECONDS = 15
SERVICE_TOKEN = "replay-token-of-sufficient-length"


class LivingClock(ShopClock):
    """While the command sleeps, webhooks arrive and workers sweep, unless they are told to rest."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.virtual)
        self.shop = shop
        self.are_workers_resting = False
        self._slept_seconds = 0.0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        # A customer's thread that waits for an answer is not where the rest of the world happens.
        if self.are_workers_resting or threading.current_thread() is not threading.main_thread():
            return
        self.shop.deliver()
        self._slept_seconds += seconds
        if self._slept_seconds >= SWEEP_EVERY_SECONDS:
            self._slept_seconds = 0.0
            self.shop.sweep()


@contextmanager
def living_shop() -> Iterator[LivingClock]:
    """A shop with a mug and a lamp; its clock, by which one reaches it."""
    shop = open_shop()
    living = LivingClock(shop)
    with clock.use(living), override_settings(ROOT_URLCONF="tests.urls", SANDBOX_URL=WIRING["STRIPE_API_BASE"]):
        yield living
    use_adapter(shop.account, None)
    shop.sandbox.engine.store.close()


def front_door() -> FrontDoor:
    """The shop's API through its WSGI application, in the thread that calls."""
    transport = httpx2.WSGITransport(app=get_wsgi_application())
    return FrontDoor(httpx2.Client(transport=transport, base_url="http://testserver"))


def fault_control(shop: Shop) -> FaultControl:
    """The sandbox's control API."""
    transport = SandboxTransport(shop.sandbox)
    return FaultControl(httpx2.Client(transport=transport, base_url=WIRING["STRIPE_API_BASE"]))


def payment_form(shop: Shop) -> PaymentForm:
    """The sandbox as a customer's app reaches it."""
    client = httpx2.Client(transport=SandboxTransport(shop.sandbox), base_url=WIRING["STRIPE_API_BASE"])
    return PaymentForm(client, publishable_key=WIRING["STRIPE_PUBLISHABLE_KEY"])
