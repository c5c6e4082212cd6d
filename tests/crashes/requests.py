"""Requests as customers send them, to be sent again byte for byte."""

import json
from typing import Any

from checkout.services import StartCommand, start_checkout
from core import clock
from core.cause import Cause
from core.errors import DomainError
from core.idempotency import KeyedRequest
from core.principal import GUEST
from orders.services import ContactDetails
from tests.crashes.scenario import Said, said
from tests.simulation.world import Request, World

Order = dict[str, Any]


def to_start(world: World, *, token: str = "", **more: Any) -> Request:
    """This will fill a cart and return the request that checks it out."""
    cart_id, cart_token = world.shop.a_cart()
    payment = {"method": "stripe", "token": token, **more}
    body = {"cart_id": cart_id, "contact": {"email": "ada@example.com"}, "payment": payment}
    return Request("checkout/start", body, {"X-Cart-Token": cart_token, "Idempotency-Key": "start"})


def to_pay_again(order: Order, *, token: str = "", replace: bool = False) -> Request:
    """This will return the request that pays an order once more, or goes on with its living attempt."""
    return _on(order, "payment-attempts", {"payment": {"method": "stripe", "token": token}, "replace": replace})


def to_cancel(order: Order) -> Request:
    """This will return the request that cancels an order."""
    return _on(order, "cancel", {"reason": "changed my mind"})


def to_refund(order: Order) -> Request:
    """This will return the request that asks for everything of an order back."""
    return _on(order, "refund-requests", {"reason": "damaged"})


def _on(order: Order, path: str, body: dict[str, Any]) -> Request:
    headers = {"X-Order-Token": order["order_token"], "Idempotency-Key": path}
    return Request(f"orders/{order['order_id']}/{path}", body, headers)


def start(world: World, **payment: Any) -> tuple[Request, Order]:
    """This will check a new cart out and return the request and what it was answered."""
    request = to_start(world, **payment)
    answer: Order = world.post(request).json()
    return request, answer


def to_hold(world: World) -> Request:
    """This will fill a cart and return what `hold` checks it out with."""
    return Request("", {"cart_id": world.shop.a_cart()[0]}, {})


def hold(world: World, request: Request) -> Said:
    """This will check a cart out so that funds are held and taken after a look; no endpoint asks for that by itself."""
    command = StartCommand(
        cart_id=request.body["cart_id"], principal=GUEST, contact=ContactDetails(email="ada@example.com"),
        locale="en-GB", method="stripe", payment_token="pm_card_visa", capture_method="manual",
    )  # fmt: skip
    keyed = KeyedRequest(
        principal=f"cart:{command.cart_id}", operation="checkout.start", raw_key="held", fingerprint="held"
    )
    cause = Cause(actor="guest:anonymous", source="checkout", now=clock.now())
    try:
        answer = start_checkout(command, request=keyed, cause=cause)
    except DomainError as refusal:
        return Said(409, refusal.code, "", b"")
    return said(answer.status, answer.body)


def order_in(answer: Said) -> Order:
    """This will return what an answer says about the order, its token included."""
    order: Order = json.loads(answer.body)
    return order
