"""How customers pay, or do not: every press of a button and every repeat that a telephone makes on its own."""

import random
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payments.models import Operation
from sandbox.errors import ConnectionLostError
from tests.journeys.buyers import answer_bank
from tests.simulation.carts import some
from tests.simulation.world import Act, Customer, Request, World

BACK = "https://shop.example/checkout/return"
TOKENS = {
    "": 8, "pm_card_visa": 10, "pm_card_chargeDeclined": 3, "pm_card_threeDSecure2Required": 6,
    "pm_card_lateSuccess": 2, "pm_card_processingFailed": 2, "pm_card_pendingRefund": 2, "pm_card_refundFail": 2,
}  # fmt: skip
CHALLENGING = "pm_card_threeDSecure2Required"
# What a client may do about an order that waits for its money.
ASKING = {"pay", "retry_payment"}
UNANSWERED = ["created", "sent", "unknown"]
# What is changed in a request that comes under a used key.
OTHER_WISH: dict[str, dict[str, Any]] = {
    "start": {"contact": {"email": "somebody-else@example.com"}},
    "payment-attempts": {"payment": {"method": "stripe", "token": "pm_card_visa"}, "replace": True},
    "cancel": {"reason": "another one"},
    "refund-requests": {"reason": "late"},
}


def _card(world: World, dice: random.Random, *, is_needed: bool = False) -> str:
    names = [name for name in TOKENS if name or not is_needed]
    card = dice.choices(names, weights=[TOKENS[name] for name in names])[0]
    if card == CHALLENGING:
        world.note("challenge")
    return card


def start(world: World, dice: random.Random) -> None:
    """Checkout, with a token that the server confirms or without."""
    start_with(world, some(world, dice), dice)


def start_held(world: World, dice: random.Random) -> None:
    """Checkout of an order whose money is only held until somebody has looked at it."""
    customer = some(world, dice)
    if customer.cart is not None and not customer.order_id:
        start_with(world, customer, dice, is_held=True)


def start_with(
    world: World, customer: Customer, dice: random.Random, *, is_held: bool = False, card: str | None = None
) -> None:
    """This will check out with a customer's cart, if they have one, and with this card or any."""
    if customer.cart is None:
        return
    if customer.order_id or customer.in_flight:
        world.note("retry new key")
    cart_id, token = customer.cart
    if card is None:
        card = _card(world, dice, is_needed=is_held)
    body: dict[str, Any] = {
        "cart_id": cart_id,
        "contact": {"email": f"customer-{customer.number}@example.com"},
        "payment": {"method": "stripe", "token": card, "return_url": BACK},
    }
    headers = {"X-Cart-Token": token, "Idempotency-Key": customer.new_key()}
    world.send(customer, Request("checkout/start", body, headers, is_held=is_held))


def start_elsewhere(world: World, dice: random.Random) -> None:
    """The same cart from another device: the cart's token is all that it has."""
    customer = some(world, dice)
    if customer.cart is None:
        return
    device = Customer(customer.number + 100, cart=customer.cart, keys_count=customer.keys_count + 500)
    customer.keys_count += 1
    world.note("other device")
    start_with(world, device, dice)
    if device.order_id and not customer.order_id and customer.cart == device.cart:
        customer.order_id, customer.order_token = device.order_id, device.order_token
        customer.client_secret = device.client_secret


def repeat(world: World, dice: random.Random) -> None:
    """A telephone that had no answer, or a double tap: the same request, the same key."""
    customer = some(world, dice)
    requests = customer.unanswered or ([customer.last] if customer.last else [])
    if requests:
        world.note("double tap" if customer.in_flight else "retry same key")
        world.send(customer, dice.choice(requests))


def reuse_key(world: World, dice: random.Random) -> None:
    """An app with a mistake: another request under the key of one that was answered."""
    customer = some(world, dice)
    if customer.last is None or customer.last.is_held or world.final_answer_to(customer.last) is None:
        return
    other = replace(customer.last, body={**customer.last.body, **OTHER_WISH[customer.last.path.rpartition("/")[2]]})
    world.note("key reused")
    answer = world.post(other, customer=customer)
    if answer.status_code < 300 and other.body != customer.last.body:
        world.complain(f"POST {other.path} took the key of another request and answered {answer.status_code}")


def pay_again(world: World, dice: random.Random) -> None:
    """The same order once more: after a decline, with another card, or a stale button."""
    customer = some(world, dice)
    if customer.order_id:
        _pay_again(world, customer, dice)


def _pay_again(world: World, customer: Customer, dice: random.Random) -> None:
    pay_again_with(world, customer, token=_card(world, dice), is_replacing=dice.random() < 0.4)


def pay_again_with(world: World, customer: Customer, *, token: str, is_replacing: bool) -> None:
    """This will ask to pay a customer's order with a card."""
    payment = {"method": "stripe", "token": token, "return_url": BACK}
    body = {"payment": payment, "replace": is_replacing}
    headers = {"X-Order-Token": customer.order_token, "Idempotency-Key": customer.new_key()}
    world.send(customer, Request(f"orders/{customer.order_id}/payment-attempts", body, headers))


def pay_by_link(world: World, dice: random.Random) -> None:
    """Somebody else is sent a link, trades it and pays from a device that knows nothing but that."""
    customer = some(world, dice)
    if not customer.order_id:
        return
    order_id = customer.order_id
    made = world.call(customer, "POST", f"orders/{order_id}/payment-link", X_Order_Token=customer.order_token)
    if made.status_code != 201:
        return
    device = Customer(customer.number + 200, cart=customer.cart, order_id=order_id)
    body = {"link_token": made.json()["link_token"]}
    for _ in range(dice.choice([1, 2])):
        traded = world.call(device, "POST", f"orders/{order_id}/payment-link/token", body)
        if traded.status_code != 200:
            return
        if traded.json()["order_token"] != (device.order_token or traded.json()["order_token"]):
            world.complain(f"a link to {order_id} was traded for two tokens")
        device.order_token = traded.json()["order_token"]
    world.note("payment link")
    _pay_again(world, device, dice)


def cancel(world: World, dice: random.Random) -> None:
    """Enough of waiting, perhaps in the middle of a payment."""
    holders = [customer for customer in world.customers if customer.order_id]
    paying = [customer for customer in holders if customer.in_flight]
    if not holders:
        return
    customer = dice.choice(paying if paying and dice.random() < 0.7 else holders)
    if customer.in_flight:
        world.note("cancel during payment")
    cancel_of(world, customer)


def cancel_of(world: World, customer: Customer) -> None:
    """This will ask for a customer's order to be cancelled."""
    headers = {"X-Order-Token": customer.order_token, "Idempotency-Key": customer.new_key()}
    world.send(customer, Request(f"orders/{customer.order_id}/cancel", {"reason": "simulated"}, headers))


def ask_refund(world: World, dice: random.Random) -> None:
    """Something is not right: a mug back, or everything."""
    holders = [customer for customer in world.customers if customer.order_id]
    if holders:
        customer = dice.choice(holders)
        wish = dice.choice([{"lines": [{"sku": "MUG-RED", "quantity": 1}]}, {}])
        headers = {"X-Order-Token": customer.order_token, "Idempotency-Key": customer.new_key()}
        body = {"reason": "damaged", **wish}
        world.send(customer, Request(f"orders/{customer.order_id}/refund-requests", body, headers))


def confirm(world: World, dice: random.Random) -> None:
    """The provider's own page or the app's own module: the client secret and a card."""
    paying = [customer for customer in world.customers if customer.client_secret]
    if paying:
        customer = dice.choice(paying)
        with suppress(ConnectionLostError):
            world.shop.confirm({"client_secret": customer.client_secret}, card=_card(world, dice, is_needed=True))


def answer_the_bank(world: World, dice: random.Random) -> None:
    """3-D Secure: passed, failed, or walked away from."""
    asked = "SELECT client_secret FROM intents WHERE status = 'requires_action' ORDER BY id"
    questions = [secret for (secret,) in world.shop.sandbox.engine.store.rows(asked)]
    if not questions:
        return
    secret, result = (
        dice.choice(questions),
        dice.choice(["complete", "complete", "fail", "leave", "leave", "leave", "leave"]),
    )
    if result == "leave":
        world.note("bank left unanswered")
        for customer in world.customers:
            customer.client_secret = "" if customer.client_secret == secret else customer.client_secret
        return
    with suppress(ConnectionLostError):
        answer_bank(world.shop, {"client_secret": secret}, result=result)


def come_back(world: World, dice: random.Random) -> None:
    """The provider sends the browser back, which says so; what it was told there decides nothing."""
    found = world.shop.sandbox.engine.store.rows("SELECT return_url FROM intents ORDER BY id")
    states = [state for (url,) in found for state in parse_qs(urlsplit(url or "").query).get("state", [])]
    if not states:
        return
    customer = some(world, dice)
    answer = world.call(customer, "POST", "checkout/return", {"state": dice.choice(states)})
    if answer.status_code not in {200, 404, 503}:
        world.complain(f"POST checkout/return answered {answer.status_code}")


def look(world: World, dice: random.Random) -> None:
    """The status page asks; what it says is what the order is."""
    customer = some(world, dice)
    if not customer.order_id:
        return
    shown = world.call(customer, "GET", f"orders/{customer.order_id}", X_Order_Token=customer.order_token)
    if shown.status_code != 200:
        world.complain(f"GET orders/{customer.order_id} answered {shown.status_code}")
    elif not ASKING.isdisjoint(shown.json()["next_actions"]):
        if shown.json()["paid_at"]:
            world.complain(f"{customer.order_id} is paid and asks to be paid")
        asked = Operation.objects.filter(order__public_id=customer.order_id, status__in=UNANSWERED)
        if asked.exclude(kind="void").exists():
            world.complain(f"{customer.order_id} asks to be paid before it is known whether it was")


def go_back(world: World, dice: random.Random) -> None:
    """The back button: the cart's page once more, and its button pressed, though it may be an order by now."""
    customer = some(world, dice)
    if customer.cart is None or not customer.order_id:
        return
    world.note("back button")
    cart_id, token = customer.cart
    shown = world.call(customer, "GET", f"carts/{cart_id}", X_Cart_Token=token)
    if shown.status_code == 200:
        start_with(world, customer, dice)


def reopen_app(world: World, dice: random.Random) -> None:
    """The app was killed: all it has is the cart; the server leads it back to the order."""
    customer = some(world, dice)
    if customer.cart is None:
        return
    world.note("app killed")
    customer.client_secret = ""
    path = f"checkout/active?cart_id={customer.cart[0]}"
    answer = world.call(customer, "GET", path, X_Cart_Token=customer.cart[1])
    if answer.status_code == 200 and answer.json().get("client_secret"):
        customer.client_secret = answer.json()["client_secret"]


ACTS: dict[str, tuple[float, Act]] = {
    "start": (14, start),
    "start_held": (6, start_held),
    "start_elsewhere": (2, start_elsewhere),
    "repeat": (15, repeat),
    "reuse_key": (7, reuse_key),
    "pay_again": (8, pay_again),
    "pay_by_link": (15, pay_by_link),
    "cancel": (8, cancel),
    "ask_refund": (6, ask_refund),
    "confirm": (8, confirm),
    "answer_the_bank": (8, answer_the_bank),
    "come_back": (3, come_back),
    "look": (2, look),
    "go_back": (2, go_back),
    "reopen_app": (2, reopen_app),
}
