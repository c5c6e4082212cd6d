"""The world of one run: the shop on a virtual clock, its customers, the broker with what was woken, the post."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from core import clock
from tests.shop import Shop

GOODS = {"MUG-RED": 6, "LAMP": 3}
FINAL_ANSWERS = {200, 201}


@dataclass(frozen=True)
class Request:
    """One request as it can be sent again, byte for byte."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Customer:
    """A guest with a device: what they hold and what they have had no final answer to."""

    number: int
    cart: tuple[str, str] | None = None
    order_id: str = ""
    order_token: str = ""
    client_secret: str = ""
    keys_count: int = 0
    unanswered: list[Request] = field(default_factory=list)
    last: Request | None = None

    def new_key(self) -> str:
        """This will mint the next key, as an app does before it sends."""
        self.keys_count += 1
        return f"customer-{self.number}-{self.keys_count}"


@dataclass(frozen=True)
class Wake:
    """A task as the broker holds it."""

    name: str
    ids: tuple[tuple[str, Any], ...]


class Broker:
    """What wake-ups become: a bag to take from in any order, and everything it ever held, for repeats."""

    def __init__(self) -> None:
        """Begin empty."""
        self.waiting: list[Wake] = []
        self.past: list[Wake] = []
        self.fresh: list[Wake] = []

    def send_task(self, name: str, *, kwargs: dict[str, Any], **_: Any) -> None:
        """This will take in a task, in the place of Celery's own method."""
        wake = Wake(name, tuple(sorted(kwargs.items())))
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
        self.customers = [Customer(number) for number in range(customers)]
        self.client = shop.client = Client(raise_request_exception=False)
        shop.door = Client(raise_request_exception=False)
        self.deliveries: list[tuple[dict[str, str], bytes]] = []
        self.done: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.strangers = 0
        self.order_of_cart: dict[str, str] = {}
        self.answers: dict[tuple[str, str], bytes] = {}

    def complain(self, text: str) -> None:
        """This will note what no answer of ours may be; the director ends the run at the next look."""
        self.complaints.append(text)

    def send(self, customer: Customer, request: Request) -> dict[str, Any] | None:
        """This will post a request and take in the answer; without a final one it will be sent again later."""
        customer.last = request
        if request not in customer.unanswered:
            customer.unanswered.append(request)
        answer = self.post(request)
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

    def post(self, request: Request) -> Any:
        """This will post bytes to the API and complain about what no client may ever see."""
        answer = self.client.generic(
            "POST", f"/api/v1/{request.path}", json.dumps(request.body), content_type="application/json",
            headers=request.headers,
        )  # fmt: skip
        if answer.status_code >= 500 and answer.status_code != 503:
            self.complain(f"POST {request.path} answered {answer.status_code}")
        return answer

    def final_answer_to(self, request: Request) -> bytes | None:
        """This will return the final answer a request's key has had, if it had one."""
        return self.answers.get((request.path, request.headers["Idempotency-Key"]))

    def _same_answer(self, request: Request, content: bytes) -> None:
        named = (request.path, request.headers["Idempotency-Key"])
        if self.answers.setdefault(named, content) != content:
            self.complain(f"one key for {request.path} had two final answers")

    def _take_in(self, customer: Customer, request: Request, body: dict[str, Any]) -> None:
        cart_id = request.body.get("cart_id", "")
        if cart_id and self.order_of_cart.setdefault(cart_id, body["order_id"]) != body["order_id"]:
            self.complain(f"{cart_id} became {self.order_of_cart[cart_id]} and {body['order_id']}")
        has_moved_on = customer.cart is None or (cart_id and cart_id != customer.cart[0])
        if has_moved_on or (not cart_id and body["order_id"] != customer.order_id):
            return
        if "order_token" in body:
            customer.order_id, customer.order_token = body["order_id"], body["order_token"]
        if body.get("client_secret"):
            customer.client_secret = body["client_secret"]


Act = Callable[[World, random.Random], None]


def now_seconds() -> float:
    """This will return the shop's clock in seconds, for reports."""
    return clock.now().timestamp()
