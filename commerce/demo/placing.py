"""The demo's orders, made through the front door as customers make them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commerce.demo.people import ADA, ADDRESSES, DOMAIN, JONAS, DemoCustomer
from commerce.demo.promotions import FRIENDS, LAST, WINTER
from commerce.demo.reviewing import Review, review, start_by_services
from commerce.demo.shop import HOME_COUNTRY
from commerce.retail.door import GOOD_CARD, Answer, FrontDoor, PaymentForm
from orders.models import Contact
from orders.services import ContactDetails

# A guest's key is bound to the device it came from.
DEMO_DEVICE = "demo-device-of-lantern-and-lark"
DECLINED_CARD = "pm_card_chargeDeclined"
ASKING_CARD = "pm_card_threeDSecure2Required"
SLOW_CARD = "pm_card_lateSuccess"
KEEPING_CARD = "pm_card_captureFail"


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """An order made through the front door, by a guest unless a customer is named.

    With a `token` the shop pays at once; `card` is what the customer confirms with otherwise, nothing when the customer
    does not; `second_token` is tried after the first was declined. `asked_back` are units asked back of a paid order,
    none of them for everything. With a `review` funds are held for it; an order of some `hours_ago` is out of time when
    it is made. Both are of services, because no endpoint takes them.
    """

    name: str
    lines: dict[str, int]
    currency: str = "GBP"
    country: str = HOME_COUNTRY
    token: str = ""
    card: str = ""
    second_token: str = ""
    coupon: str = ""
    is_cancelled: bool = False
    asked_back: dict[str, int] | None = None
    review: Review | None = None
    hours_ago: int = 0
    customer: DemoCustomer | None = None

    @property
    def email(self) -> str:
        """This will return the contact's address, by which a later start knows that the order is there."""
        return f"{self.name}@{DOMAIN}"


ORDERS = [
    DemoOrder("paid", {"LL-LANTERN-BRASS": 1, "LL-CANDLE-FIG": 2}, card=GOOD_CARD),
    DemoOrder("paid-in-euros", {"LL-LARK-MUG": 4}, currency="EUR", country="IE", card=GOOD_CARD),
    DemoOrder("paid-in-yen", {"LL-BELL-WIND": 1}, currency="JPY", country="JP", card=GOOD_CARD),
    DemoOrder("paid-in-dinars", {"LL-INCENSE-OUD": 1}, currency="KWD", country="KW", card=GOOD_CARD),
    DemoOrder("paid-by-ada", {"LL-HARE": 1, "LL-BLOCKS-VILLAGE": 1}, card=GOOD_CARD, customer=ADA),
    DemoOrder(
        "paid-by-jonas", {"LL-GIFT-25": 1, "LL-PATTERN-MOBILE": 1},
        currency="EUR", country="DE", token=GOOD_CARD, customer=JONAS,
    ),
    DemoOrder("paid-at-the-second-try", {"LL-TEAPOT": 1}, token=DECLINED_CARD, second_token=GOOD_CARD),
    DemoOrder("paid-by-a-slow-bank", {"LL-BASKET-WILLOW": 1}, token=SLOW_CARD),
    DemoOrder("paid-with-a-coupon", {"LL-LAMP-MOON": 1}, token=GOOD_CARD, coupon=WINTER),
    DemoOrder("paid-with-the-last-coupon", {"LL-CLOCK-MANTEL": 1}, token=GOOD_CARD, coupon=LAST),
    # Nothing is left to pay, so no bank is asked.
    DemoOrder("paid-by-friendship", {"LL-PATTERN-MOBILE": 1}, coupon=FRIENDS),
    DemoOrder("declined", {"LL-BLANKET-MOSS": 1}, token=DECLINED_CARD),
    DemoOrder("left-at-the-bank", {"LL-BOARD-ASH": 1}, token=ASKING_CARD),
    DemoOrder("held-for-a-review", {"LL-HARE": 1}, token=GOOD_CARD, review=Review.WAITS),
    DemoOrder("under-review", {"LL-LANTERN-BRASS": 2}, token=GOOD_CARD, review=Review.STOPPED),
    DemoOrder("paid-after-a-review", {"LL-LAMP-MOON": 1}, token=GOOD_CARD, review=Review.TAKEN),
    # The bank holds the money and does not hand it over.
    DemoOrder("capture-failed", {"LL-CANDLE-FIG": 3}, token=KEEPING_CARD, review=Review.TAKEN),
    # Begun two hours ago: the sweep ends it within seconds.
    DemoOrder("out-of-time", {"LL-LARK-MUG": 1}, hours_ago=2),
    # Nobody pays these two: when their time is over the sweep ends them, and expired orders are to be seen as well.
    DemoOrder("left-unpaid", {"LL-VASE-TERRACOTTA": 1}),
    DemoOrder("left-unpaid-by-ada", {"LL-NOTEBOOK-LINED": 2}, customer=ADA),
    DemoOrder("cancelled", {"LL-TOWELS-LINEN": 2}, is_cancelled=True),
    # The bank takes the money after the order was cancelled, and the shop gives it back.
    DemoOrder("cancelled-too-late", {"LL-JUG-ENAMEL": 1}, token=SLOW_CARD, is_cancelled=True),
    # Rules grant both at once.
    DemoOrder("given-back", {"LL-LARK-MUG": 1}, token=GOOD_CARD, asked_back={}),
    DemoOrder("partly-given-back", {"LL-LARK-MUG": 3}, token=GOOD_CARD, asked_back={"LL-LARK-MUG": 1}),
]  # fmt: skip


def place_orders(*, door: FrontDoor, form: PaymentForm, password: str) -> Iterator[str]:
    """This will make the demo's orders through the front door, unless they are there, and name each with what became
    of it. Without a password those of customers with an account are left out.

    Raises: RefusedAtDoorError.
    """
    sessions: dict[str, str] = {}
    for order in ORDERS:
        if Contact.objects.filter(email=order.email).exists() or (order.customer and not password):
            continue
        headers = {"X-Device-Id": DEMO_DEVICE, "Idempotency-Key": f"demo-{order.name}"}
        if order.customer:
            email = order.customer.email
            sessions[email] = sessions.get(email) or door.sign_in(email, password=password)
            headers["X-Session-Token"] = sessions[email]
        yield f"{order.name}: {_place(order, door=door, form=form, headers=headers)}"


def _place(order: DemoOrder, *, door: FrontDoor, form: PaymentForm, headers: dict[str, str]) -> str:
    choices = {"currency": order.currency, "country": order.country}
    cart = door.call("POST", "carts", headers=headers, body=choices, accept=(201,)).body
    headers = headers | ({"X-Cart-Token": cart["cart_token"]} if "cart_token" in cart else {})
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in order.lines.items()]
    door.call("PUT", f"carts/{cart['cart_id']}/lines", headers=headers, body={"lines": lines}, accept=(200,))
    if order.coupon:
        code = f"carts/{cart['cart_id']}/coupons/{order.coupon}"
        door.call("PUT", code, headers=headers, accept=(200,))
    if order.review or order.hours_ago:
        return _start_reviewed(order, cart["cart_id"])
    started = _start(order, cart["cart_id"], door=door, headers=headers).body
    headers = headers | ({"X-Order-Token": started["order_token"]} if "order_token" in started else {})
    path = f"orders/{started['order_id']}"
    if order.card:
        form.confirm(started["client_secret"], card=order.card)
        return "confirmed"
    if order.second_token:
        body = {"payment": {"method": "stripe", "token": order.second_token}}
        second = door.call("POST", f"{path}/payment-attempts", headers=headers, body=body, accept=(200, 201, 202))
        return str(second.body["status"])
    if order.is_cancelled:
        cancelled = door.call("POST", f"{path}/cancel", headers=headers, body={"reason": "Demo"}, accept=(200, 202))
        return str(cancelled.body["status"])
    if order.asked_back is not None:
        units = [{"sku": sku, "quantity": quantity} for sku, quantity in order.asked_back.items()]
        wish: dict[str, Any] = {"reason": "damaged"} | ({"lines": units} if units else {})
        asked = door.call("POST", f"{path}/refund-requests", headers=headers, body=wish, accept=(200, 201, 202))
        return str(asked.body["status"])
    return str(started["status"])


def _start_reviewed(order: DemoOrder, cart_id: str) -> str:
    started = start_by_services(
        name=order.name,
        cart_id=cart_id,
        contact=ContactDetails(email=order.email, address=dict(ADDRESSES[order.country])),
        token=order.token,
        is_held=order.review is not None,
        hours_ago=order.hours_ago,
    )
    return review(started["order_id"], order.review) if order.review else str(started["status"])


def _start(order: DemoOrder, cart_id: str, *, door: FrontDoor, headers: dict[str, str]) -> Answer:
    contact: dict[str, Any] = {"email": order.email, "address": ADDRESSES[order.country]}
    if order.customer:
        contact |= {"name": order.customer.name, "locale": order.customer.locale}
    payment = {"method": "stripe"} | ({"token": order.token} if order.token else {})
    body: dict[str, Any] = {"cart_id": cart_id, "contact": contact, "payment": payment}
    return door.call("POST", "checkout/start", headers=headers, body=body, accept=(200, 201, 202))
