"""The demo's orders, made through the front door as customers make them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commerce.demo.shop import HOME_COUNTRY
from commerce.retail.door import Answer, FrontDoor, PaymentForm
from orders.models import Contact

# A guest's key is bound to the device it came from.
DEMO_DEVICE = "demo-device-of-lantern-and-lark"


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """An order made through the front door. With a `token` the shop pays at once; `card` is what the customer confirms
    with otherwise, nothing when the customer does not.
    """

    name: str
    lines: dict[str, int]
    currency: str = "GBP"
    country: str = HOME_COUNTRY
    token: str = ""
    card: str = ""
    is_cancelled: bool = False

    @property
    def email(self) -> str:
        """This will return the customer's address, by which a later start knows that the order is there."""
        return f"{self.name}@customers.lantern-and-lark.example"


ORDERS = [
    DemoOrder("paid", {"LL-LANTERN-BRASS": 1, "LL-CANDLE-FIG": 2}, card="pm_card_visa"),
    DemoOrder("paid-in-euros", {"LL-LARK-MUG": 4}, currency="EUR", country="IE", card="pm_card_visa"),
    DemoOrder("paid-in-yen", {"LL-BELL-WIND": 1}, currency="JPY", country="JP", card="pm_card_visa"),
    DemoOrder("paid-in-dinars", {"LL-INCENSE-OUD": 1}, currency="KWD", country="KW", card="pm_card_visa"),
    DemoOrder("declined", {"LL-BLANKET-MOSS": 1}, token="pm_card_chargeDeclined"),  # noqa: S106 - a test card
    DemoOrder("left-at-the-bank", {"LL-BOARD-ASH": 1}, token="pm_card_threeDSecure2Required"),  # noqa: S106
    DemoOrder("cancelled", {"LL-TOWELS-LINEN": 2}, is_cancelled=True),
]


def place_orders(*, door: FrontDoor, form: PaymentForm) -> Iterator[str]:
    """This will make the demo's orders through the front door, unless they are there, and name each with what became
    of it.

    Raises: RefusedAtDoorError.
    """
    for order in ORDERS:
        if not Contact.objects.filter(email=order.email).exists():
            yield f"{order.name}: {_place(order, door=door, form=form)}"


def _place(order: DemoOrder, *, door: FrontDoor, form: PaymentForm) -> str:
    guest = {"X-Device-Id": DEMO_DEVICE, "Idempotency-Key": f"demo-{order.name}"}
    choices = {"currency": order.currency, "country": order.country}
    cart = door.call("POST", "carts", headers=guest, body=choices, accept=(201,)).body
    guest["X-Cart-Token"] = cart["cart_token"]
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in order.lines.items()]
    door.call("PUT", f"carts/{cart['cart_id']}/lines", headers=guest, body={"lines": lines}, accept=(200,))
    started = _start(order, cart["cart_id"], door=door, guest=guest)
    if order.card:
        form.confirm(started.body["client_secret"], card=order.card)
        return "confirmed"
    if order.is_cancelled:
        guest["X-Order-Token"] = started.body["order_token"]
        path = f"orders/{started.body['order_id']}/cancel"
        cancelled = door.call("POST", path, headers=guest, body={"reason": "Demo"}, accept=(200, 202))
        return str(cancelled.body["status"])
    return str(started.body["status"])


def _start(order: DemoOrder, cart_id: str, *, door: FrontDoor, guest: dict[str, str]) -> Answer:
    payment = {"method": "stripe"} | ({"token": order.token} if order.token else {})
    body: dict[str, Any] = {"cart_id": cart_id, "contact": {"email": order.email}, "payment": payment}
    return door.call("POST", "checkout/start", headers=guest, body=body, accept=(200, 201))
