"""A shop in one process that commands reach over HTTP, and whose world goes on while they wait."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
from django.core.wsgi import get_wsgi_application
from django.test import override_settings

from commerce.retail.door import FrontDoor, PaymentForm
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


class OtherProcess(httpx2.BaseTransport):
    """The shop's WSGI application as another process would run it: the caller's database connection stays its own."""

    def __init__(self) -> None:
        self._inner = httpx2.WSGITransport(app=get_wsgi_application())

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if threading.current_thread() is not threading.main_thread():
            return self._inner.handle_request(request)
        with ThreadPoolExecutor(max_workers=1) as process:
            return process.submit(self._answer, request).result()

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        response = self._inner.handle_request(request)
        return httpx2.Response(response.status_code, headers=response.headers, content=response.read())


def front_door() -> FrontDoor:
    """The shop's API through its WSGI application."""
    return FrontDoor(httpx2.Client(transport=OtherProcess(), base_url="http://testserver"))


def control_client(shop: Shop) -> httpx2.Client:
    """The sandbox's control API."""
    return httpx2.Client(transport=SandboxTransport(shop.sandbox), base_url=WIRING["STRIPE_API_BASE"])


def payment_form(shop: Shop) -> PaymentForm:
    """The sandbox as a customer's app reaches it."""
    client = httpx2.Client(transport=SandboxTransport(shop.sandbox), base_url=WIRING["STRIPE_API_BASE"])
    return PaymentForm(client, publishable_key=WIRING["STRIPE_PUBLISHABLE_KEY"])
