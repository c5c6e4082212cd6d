"""The world of one run: the shop on a virtual clock, its customers, the broker with what was woken, the post."""

import json
import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from checkout.services import StartCommand, start_checkout
from core import clock
from core.cause import Cause
from core.errors import DomainError
from core.idempotency import KeyedRequest
from core.principal import GUEST
from core.problems import STATUS_OF_KIND
from orders.services import ContactDetails
from sandbox.faults import FaultPlan
from tests.shop import Shop
from tests.simulation.furniture import a_session
from tests.simulation.line import Line

GOODS = ("LAMP", "MUG-RED")
FINAL_ANSWERS = {200, 201}
DAY = 86_400.0


@dataclass(frozen=True)
class Request:
    """One request as it can be sent again, byte for byte."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    is_held: bool = False


@dataclass(frozen=True)
class Plain:
    """An answer of a service that no endpoint asks, as an answer over HTTP looks."""

    status_code: int
    content: bytes


@dataclass
class Customer:
    """Somebody with a device: what they hold and what they have had no final answer to. With an account or a guest."""

    number: int
    session: str = ""
    cart: tuple[str, str] | None = None
    order_id: str = ""
    order_token: str = ""
    client_secret: str = ""
    keys_count: int = 0
    in_flight: int = 0
    unanswered: list[Request] = field(default_factory=list)
    last: Request | None = None

    def new_key(self) -> str:
        """This will mint the next key, as an app does before it sends."""
        self.keys_count += 1
        return f"customer-{self.number}-{self.keys_count}"

    def forget_order(self) -> None:
        """This will let go of the order and of what was not answered about it."""
        self.order_id = self.order_token = self.client_secret = ""
        self.unanswered.clear()


@dataclass(frozen=True)
class Wake:
    """A task as the broker holds it."""

    name: str
    ids: tuple[tuple[str, Any], ...]
    sent_at: float


class Broker:
    """What wake-ups become: a bag to take from in any order, and everything it ever held, for repeats."""

    def __init__(self) -> None:
        """Begin empty."""
        self.waiting: list[Wake] = []
        self.past: list[Wake] = []
        self.fresh: list[Wake] = []

    def send_task(self, name: str, *, kwargs: dict[str, Any], **_: Any) -> None:
        """This will take in a task, in the place of Celery's own method."""
        wake = Wake(name, tuple(sorted(kwargs.items())), now_seconds())
        self.waiting.append(wake)
        self.fresh.append(wake)

    def lose_fresh(self) -> None:
        """This will lose what was sent since the last step: the commit's answer never came, so nobody was woken."""
        for wake in self.fresh:
            if wake in self.waiting:
                self.waiting.remove(wake)
        self.fresh.clear()


class World:
    """Everything acts and happenings work on. One per seed; closed by the director."""

    def __init__(self, shop: Shop, *, customers: int) -> None:
        """Begin with an empty broker and customers who hold nothing."""
        self.shop = shop
        self.broker = Broker()
        self.customers = [
            Customer(number, session=a_session(f"customer-{number}@example.com") if number % 2 else "")
            for number in range(customers)
        ]
        self.line = Line(shop)
        self.client = Client(raise_request_exception=False)
        shop.door = Client(raise_request_exception=False)
        self.befalls: Collection[str] = ()
        self.standing: Callable[[], list[str]] = list
        self.turn_page: Callable[[], None] = lambda: None
        self.doom: Callable[[str], None] = lambda _: None
        self.deliveries: list[tuple[dict[str, str], bytes]] = []
        self.done: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.strangers = 0
        # Payments that the provider made though nobody asked: what it took already it took again.
        self.made_twice: set[str] = set()
        self.order_of_cart: dict[str, str] = {}
        self.answers: dict[tuple[str, str], bytes] = {}

    def complain(self, text: str) -> None:
        """This will note what no answer of ours may be; the director ends the run at the next look."""
        self.complaints.append(text)

    def send(self, customer: Customer, request: Request) -> dict[str, Any] | None:
        """This will post a request and take in the answer; without a final one it will be sent again later."""
        self.turn_page()
        customer.last = request
        if request not in customer.unanswered:
            customer.unanswered.append(request)
        customer.in_flight += 1
        try:
            answer = self.post(request, customer=customer)
        finally:
            customer.in_flight -= 1
        body = json.loads(answer.content) if answer.content else {}
        if answer.status_code in FINAL_ANSWERS:
            self._same_answer(request, answer.content)
        is_refusal = 400 <= answer.status_code < 500 and body.get("code") != "request_in_progress"
        if (answer.status_code in FINAL_ANSWERS or is_refusal) and request in customer.unanswered:
            customer.unanswered.remove(request)
        if is_refusal:
            self.done[f"refused: {body.get('code', answer.status_code)}"] += 1
        if answer.status_code in {200, 201, 202}:
            self._take_in(customer, request, body)
            return dict(body)
        return None

    def post(self, request: Request, *, customer: Customer | None = None) -> Any:
        """This will send a request as its customer's device does, or a guest's of no account."""
        customer = customer or Customer(0)
        if request.is_held:
            shown = self.call(customer, "GET", f"carts/{request.body['cart_id']}", **request.headers)
            return _start_held(request) if shown.status_code == 200 else shown
        return self.call(customer, "POST", request.path, request.body, **request.headers)

    def call(self, customer: Customer, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """This will call the API from the customer's device and complain about what no client may ever see."""
        names = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if customer.session:
            names["X-Session-Token"] = customer.session
        answer = self.client.generic(
            method, f"/api/v1/{path}", "" if body is None else json.dumps(body), content_type="application/json",
            headers={"X-Device-Id": f"device-{customer.number}", **names}, REMOTE_ADDR=f"192.0.2.{customer.number + 1}",
        )  # fmt: skip
        if answer.status_code >= 500 and answer.status_code != 503:
            self.complain(f"{method} {path} answered {answer.status_code}")
        return answer

    def final_answer_to(self, request: Request) -> bytes | None:
        """This will return the final answer a request's key has had, if it had one."""
        return self.answers.get((request.path, request.headers["Idempotency-Key"]))

    def _same_answer(self, request: Request, content: bytes) -> None:
        named = (request.path, request.headers["Idempotency-Key"])
        if self.answers.setdefault(named, content) != content:
            self.complain(f"one key for {request.path} had two final answers")

    def pass_time(self, **span: float) -> None:
        """This will move the clock; what the line kept until then arrives."""
        self.turn_page()
        self.shop.pass_time(**span)
        if self.line.has_due:
            self.end_faults(self.shop.sandbox.engine.webhook_faults, title="webhook")
            self.line.arrive()

    def end_faults(self, plan: FaultPlan, *, title: str) -> None:
        """This will take a plan of faults out of force; what met somebody counts, not what was planned."""
        for rule in plan.rules:
            self.done[f"fault: {title} {rule.kind}"] += rule.hits
        plan.clear()

    def note(self, fault: str) -> None:
        """This will count a fault that met somebody."""
        self.done[f"fault: {fault}"] += 1

    def _take_in(self, customer: Customer, request: Request, body: dict[str, Any]) -> None:
        cart_id = request.body.get("cart_id", "")
        if cart_id and self.order_of_cart.setdefault(cart_id, body["order_id"]) != body["order_id"]:
            self.complain(f"{cart_id} became {self.order_of_cart[cart_id]} and {body['order_id']}")
        has_moved_on = customer.cart is None or (cart_id and cart_id != customer.cart[0])
        if has_moved_on or (not cart_id and body["order_id"] != customer.order_id):
            return
        if cart_id:
            customer.order_id = body["order_id"]
        customer.order_token = body.get("order_token") or customer.order_token
        if body.get("client_secret"):
            customer.client_secret = body["client_secret"]


def _start_held(request: Request) -> Plain:
    """Checkout of an order that is looked at before its money is taken; no endpoint asks for that by itself."""
    cart_id, key = request.body["cart_id"], request.headers["Idempotency-Key"]
    command = StartCommand(
        cart_id=cart_id, principal=GUEST, contact=ContactDetails(email=request.body["contact"]["email"]),
        locale="en-GB", method="stripe", payment_token=request.body["payment"]["token"], capture_method="manual",
    )  # fmt: skip
    keyed = KeyedRequest(principal=f"cart:{cart_id}", operation="checkout.start", raw_key=key, fingerprint=key)
    cause = Cause(actor="guest:sim", source="checkout", now=clock.now())
    try:
        final = start_checkout(command, request=keyed, cause=cause)
    except DomainError as refusal:
        return Plain(STATUS_OF_KIND[refusal.kind], json.dumps({"code": refusal.code}).encode())
    return Plain(final.status, final.body)


Act = Callable[[World, random.Random], None]


def now_seconds() -> float:
    """This will return the shop's clock in seconds, for reports."""
    return clock.now().timestamp()
