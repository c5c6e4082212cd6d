"""What customers do in a journey, beside `Shop`: cancel, pay again, have their funds held, answer their bank."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from accounts.services import create_service_credential
from checkout.services import StartCommand, start_checkout
from core import clock, crypto
from core.cause import Cause
from core.db import transaction
from core.idempotency import KeyedRequest
from core.principal import GUEST
from orders.models import Order
from orders.services import ContactDetails
from tests.shop import Shop

Answer = dict[str, Any]
SERVICE_TOKEN = "a-token-of-sufficient-length"


def as_a_program(shop: Shop) -> Shop:
    """This will return the same shop as a program of ours sees it, which may pay without its customer."""
    with transaction("test"):
        create_service_credential(name="renewals", token=SERVICE_TOKEN, scopes=[], now=clock.now())
    return replace(shop, client=Client(headers={"Authorization": f"Bearer {SERVICE_TOKEN}"}))


def paid(shop: Shop, units: dict[str, int] | None = None, *, card: str = "pm_card_visa") -> Answer:
    """This will sell and let the webhooks arrive."""
    order = dict(shop.start(shop.a_cart(units), token=card).json())
    shop.deliver()
    assert shop.order().state == "paid"
    return order


def cancel(shop: Shop, order: Answer, *, key: str = "cancel") -> Any:
    """This will ask for a guest's order to be cancelled."""
    path = f"orders/{order['order_id']}/cancel"
    return shop.api("POST", path, {}, x_order_token=order["order_token"], idempotency_key=key)


def pay_again(
    shop: Shop, order: Answer, *, token: str = "", replace: bool = False, key: str = "again", **more: Any
) -> Any:
    """This will ask to pay the same order again, or for the living attempt; `replace` is another card."""
    path = f"orders/{order['order_id']}/payment-attempts"
    body: dict[str, Any] = {"payment": {"method": "stripe", "token": token, **more}, "replace": replace}
    return shop.api("POST", path, body, x_order_token=order["order_token"], idempotency_key=key)


def read(shop: Shop, order: Answer, **headers: str) -> Any:
    """This will read a guest's order."""
    return shop.api("GET", f"orders/{order['order_id']}", x_order_token=order["order_token"], **headers)


def hold_funds(shop: Shop, *, card: str = "pm_card_visa", units: dict[str, int] | None = None) -> Answer:
    """This will start a checkout whose funds are held and taken after review; no endpoint asks for that by itself."""
    cart_id, token = shop.a_cart(units)
    command = StartCommand(
        cart_id=cart_id,
        principal=GUEST,
        contact=ContactDetails(email="ada@example.com"),
        locale="en-GB",
        method="stripe",
        payment_token=card,
        capture_method="manual",
    )
    request = KeyedRequest(principal=f"cart:{cart_id}", operation="checkout.start", raw_key="held", fingerprint="held")
    start_checkout(command, request=request, cause=Cause(actor="guest:anonymous", source="checkout", now=clock.now()))
    order = Order.objects.get(cart_id=cart_id)
    shown = shop.api("GET", f"checkout/active?cart_id={cart_id}", x_cart_token=token).json()
    return {**shown, "order_id": order.public_id, "order_token": _order_token(order, raw_key="held")}


def _order_token(order: Order, *, raw_key: str) -> str:
    return crypto.derived_token(purpose=f"order-token:{order.public_id}", client_secret=raw_key)


def answer_bank(shop: Shop, order: Answer, *, result: str = "complete") -> int:
    """This will answer the 3-D Secure question on the provider's page; `result` is complete or fail."""
    secret = order["client_secret"]
    form = urlencode({"client_secret": secret, "result": result}).encode()
    intent = secret.partition("_secret_")[0]
    return int(shop.sandbox.handle("POST", f"http://sandbox.localhost/3ds/{intent}", {}, form).status)
