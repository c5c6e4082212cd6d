"""What customers do: every press of a button and every repeat that a telephone makes on its own."""

import random
from contextlib import suppress
from dataclasses import replace
from typing import Any

from checkout.services import StartCommand, start_checkout
from core import clock
from core.cause import Cause
from core.errors import DomainError
from core.idempotency import KeyedRequest
from core.principal import GUEST
from orders.services import ContactDetails
from sandbox.errors import ConnectionLostError
from tests.journeys.buyers import answer_bank
from tests.simulation.world import GOODS, Act, Customer, Request, World

TOKENS = {
    "": 8, "pm_card_visa": 10, "pm_card_chargeDeclined": 3, "pm_card_threeDSecure2Required": 3,
    "pm_card_lateSuccess": 2, "pm_card_processingFailed": 2, "pm_card_pendingRefund": 1, "pm_card_refundFail": 1,
}  # fmt: skip

# What is changed in a request that comes under a used key.
OTHER_WISH: dict[str, dict[str, Any]] = {
    "start": {"contact": {"email": "somebody-else@example.com"}},
    "payment-attempts": {"payment": {"method": "stripe", "token": "pm_card_visa"}, "replace": True},
    "cancel": {"reason": "another one"},
}


def _some(world: World, dice: random.Random) -> Customer:
    return dice.choice(world.customers)


def _card(dice: random.Random, *, is_needed: bool = False) -> str:
    names = [name for name in TOKENS if name or not is_needed]
    return dice.choices(names, weights=[TOKENS[name] for name in names])[0]


def fill_cart(world: World, dice: random.Random) -> None:
    """A new cart, unless there is one; what was ordered from the old one stays ordered."""
    customer = _some(world, dice)
    if customer.cart is not None and not (customer.order_id and dice.random() < 0.7):
        return
    goods = dice.sample(sorted(GOODS), k=dice.choice([1, 1, 2]))
    opened = world.shop.api("POST", "carts", {})
    if opened.status_code != 201:
        return
    cart_id, token = opened.json()["cart_id"], opened.json()["cart_token"]
    lines = [{"sku": sku, "quantity": dice.choice([1, 1, 2])} for sku in goods]
    world.shop.api("PUT", f"carts/{cart_id}/lines", {"lines": lines}, x_cart_token=token)
    customer.cart = (cart_id, token)
    customer.order_id = customer.order_token = customer.client_secret = ""
    customer.unanswered.clear()


def start(world: World, dice: random.Random) -> None:
    """Checkout, with a token that the server confirms or without."""
    customer = _some(world, dice)
    if customer.cart is None:
        return
    cart_id, token = customer.cart
    body: dict[str, Any] = {
        "cart_id": cart_id,
        "contact": {"email": f"customer-{customer.number}@example.com"},
        "payment": {"method": "stripe", "token": _card(dice)},
    }
    headers = {"X-Cart-Token": token, "Idempotency-Key": customer.new_key()}
    world.send(customer, Request("checkout/start", body, headers))


def start_held(world: World, dice: random.Random) -> None:
    """Checkout of an order that is looked at before the money is taken; no endpoint asks for that by itself."""
    customer = _some(world, dice)
    if customer.cart is None or customer.order_id:
        return
    cart_id, _ = customer.cart
    command = StartCommand(
        cart_id=cart_id, principal=GUEST, contact=ContactDetails(email="held@example.com"), locale="en-GB",
        method="stripe", payment_token=_card(dice, is_needed=True), capture_method="manual",
    )  # fmt: skip
    key = customer.new_key()
    request = KeyedRequest(principal=f"cart:{cart_id}", operation="checkout.start", raw_key=key, fingerprint=key)
    try:
        start_checkout(command, request=request, cause=Cause(actor="guest:sim", source="checkout", now=clock.now()))
    except DomainError as refusal:
        world.done[f"refused: {refusal.code}"] += 1


def repeat(world: World, dice: random.Random) -> None:
    """A telephone that had no answer, or a double tap: the same request, the same key."""
    customer = _some(world, dice)
    requests = customer.unanswered or ([customer.last] if customer.last else [])
    if requests:
        world.send(customer, dice.choice(requests))


def reuse_key(world: World, dice: random.Random) -> None:
    """An app with a mistake: another request under the key of one that was answered."""
    customer = _some(world, dice)
    if customer.last is None or world.final_answer_to(customer.last) is None:
        return
    other = replace(customer.last, body={**customer.last.body, **OTHER_WISH[customer.last.path.rpartition("/")[2]]})
    world.done["fault: key reused"] += 1
    answer = world.post(other)
    if answer.status_code < 300 and other.body != customer.last.body:
        world.complain(f"POST {other.path} took the key of another request and answered {answer.status_code}")


def start_elsewhere(world: World, dice: random.Random) -> None:
    """The same cart from another device: another key, perhaps another card."""
    start(world, dice)


def pay_again(world: World, dice: random.Random) -> None:
    """The same order once more: after a decline, with another card, or a stale button."""
    customer = _some(world, dice)
    if not customer.order_token:
        return
    body = {"payment": {"method": "stripe", "token": _card(dice)}, "replace": dice.random() < 0.4}
    headers = {"X-Order-Token": customer.order_token, "Idempotency-Key": customer.new_key()}
    world.send(customer, Request(f"orders/{customer.order_id}/payment-attempts", body, headers))


def cancel(world: World, dice: random.Random) -> None:
    """Enough of waiting."""
    customer = _some(world, dice)
    if not customer.order_token:
        return
    headers = {"X-Order-Token": customer.order_token, "Idempotency-Key": customer.new_key()}
    world.send(customer, Request(f"orders/{customer.order_id}/cancel", {"reason": "simulated"}, headers))


def confirm(world: World, dice: random.Random) -> None:
    """The provider's own page or the app's own module: the client secret and a card."""
    customer = _some(world, dice)
    if customer.client_secret:
        with suppress(ConnectionLostError):
            world.shop.confirm({"client_secret": customer.client_secret}, card=_card(dice, is_needed=True))


def answer_the_bank(world: World, dice: random.Random) -> None:
    """3-D Secure: passed, failed, or (by never being drawn) left alone."""
    customer = _some(world, dice)
    if customer.client_secret:
        result = dice.choice(["complete", "complete", "fail"])
        with suppress(ConnectionLostError):
            answer_bank(world.shop, {"client_secret": customer.client_secret}, result=result)


def look(world: World, dice: random.Random) -> None:
    """The status page asks; what it says is what the order is."""
    customer = _some(world, dice)
    if not customer.order_token:
        return
    shown = world.shop.api("GET", f"orders/{customer.order_id}", x_order_token=customer.order_token)
    if shown.status_code != 200:
        world.complain(f"GET orders/{customer.order_id} answered {shown.status_code}")
    elif shown.json()["paid_at"] and "pay" in shown.json()["next_actions"]:
        world.complain(f"{customer.order_id} is paid and asks to be paid")


def copy_cart(world: World, dice: random.Random) -> None:
    """Order again from the cart of an order that came to nothing, or came to something."""
    customer = _some(world, dice)
    if customer.cart is None or not customer.order_id:
        return
    answer = world.shop.api("POST", f"carts/{customer.cart[0]}/copy", x_cart_token=customer.cart[1])
    if answer.status_code == 201:
        copied = answer.json()
        customer.cart = (copied["cart_id"], copied["cart_token"])
        customer.order_id = customer.order_token = customer.client_secret = ""
        customer.unanswered.clear()


def reopen_app(world: World, dice: random.Random) -> None:
    """The app was killed: all it has is the cart; the server leads it back to the order."""
    customer = _some(world, dice)
    if customer.cart is None:
        return
    path = f"checkout/active?cart_id={customer.cart[0]}"
    answer = world.shop.api("GET", path, x_cart_token=customer.cart[1])
    if answer.status_code == 200 and answer.json().get("client_secret"):
        customer.client_secret = answer.json()["client_secret"]


ACTS: dict[str, tuple[int, Act]] = {
    "fill_cart": (10, fill_cart),
    "start": (12, start),
    "start_held": (3, start_held),
    "start_elsewhere": (3, start_elsewhere),
    "repeat": (10, repeat),
    "reuse_key": (4, reuse_key),
    "pay_again": (8, pay_again),
    "cancel": (4, cancel),
    "confirm": (8, confirm),
    "answer_the_bank": (6, answer_the_bank),
    "look": (3, look),
    "copy_cart": (3, copy_cart),
    "reopen_app": (2, reopen_app),
}
