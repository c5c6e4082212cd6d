"""The load: customers whose phones repeat what had no answer, with the same key, for as long as it takes.

A phone keeps what it was told. Whatever happens to the servers, that stays true: a cart is one order, a key has one
order, and what was shown as paid stays paid.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx2

ANSWER_SECONDS_MAX = 12.0
PAUSE_SECONDS = 0.3
# Longer than the lease of a key whose process died at the storm's end.
LAST_ANSWER_SECONDS_MAX = 60.0
# What says nothing about the request itself: it is sent again.
PASSING = frozenset({429, 502, 503, 504})
CARDS = {
    "": 6, "pm_card_visa": 10, "pm_card_chargeDeclined": 3, "pm_card_threeDSecure2Required": 3,
    "pm_card_lateSuccess": 2, "pm_card_processingFailed": 1,
}  # fmt: skip

Body = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """A keyed request, word for word as it will be repeated."""

    path: str
    body: Body
    headers: dict[str, str]


@dataclass
class Told:
    """What one phone has heard of its orders, and what no phone may ever hear."""

    orders: dict[str, str] = field(default_factory=dict)
    order_of_cart: dict[str, str] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)


class Phone:
    """One customer after the other, all on one thread."""

    def __init__(self, number: int, *, env: dict[str, str], skus: list[str], seed: int) -> None:
        """Remember where the shop is; `live` begins."""
        self.told = Told()
        self._dice = random.Random(f"{seed}/{number}")
        self._skus = skus
        self._env = env
        self._web = httpx2.Client(base_url=f"{env['SURETY_URL']}/api/v1", timeout=ANSWER_SECONDS_MAX)
        self._bank = httpx2.Client(base_url=env["SANDBOX_URL"], timeout=ANSWER_SECONDS_MAX)
        self._keys = (f"chaos-{number}-{count}" for count in range(10**9))
        self._unanswered: list[Ask] = []
        self._last: Ask | None = None
        self._cart: tuple[str, str] | None = None
        self._order_id = self._secret = self._page = ""

    def live(self, until: threading.Event) -> None:
        """This will shop until told to stop. A shop or provider that is away is met again a little later."""
        while not until.is_set():
            name = self._dice.choices(list(ACTS), weights=[weight for weight, _ in ACTS.values()])[0]
            try:
                ACTS[name][1](self)
            except httpx2.TransportError:
                self.told.done["no answer"] += 1
                time.sleep(PAUSE_SECONDS)

    def finish(self) -> None:
        """This will repeat what never had an answer, now that all is quiet; then every request must have one."""
        for ask in list(self._unanswered):
            deadline = time.monotonic() + LAST_ANSWER_SECONDS_MAX
            while ask in self._unanswered and time.monotonic() < deadline:
                with suppress(httpx2.TransportError):
                    self._send(ask)
                time.sleep(PAUSE_SECONDS if ask in self._unanswered else 0.0)
            if ask in self._unanswered:
                self.told.complaints.append(f"{ask.path} with {ask.headers['Idempotency-Key']} has no answer")

    def look_at_all(self) -> Counter[str]:
        """This will read every order once more, keep to what was told, and count how they are shown."""
        shown: Counter[str] = Counter()
        for order_id in self.told.orders:
            answer = self._read(order_id)
            if answer is None:
                self.told.complaints.append(f"{order_id} cannot be read")
                continue
            shown[answer["status"]] += 1
        return shown

    def close(self) -> None:
        """This will hang up."""
        self._web.close()
        self._bank.close()

    # What a customer does.

    def fill_cart(self) -> None:
        """A new cart of one or two articles."""
        if self._cart and not self._order_id:
            return
        opened = self._web.post("/carts", json={"currency": "GBP", "country": "GB"})
        if not self._is_well(opened, "carts"):
            return
        cart_id, token = opened.json()["cart_id"], opened.json()["cart_token"]
        lines = [{"sku": sku, "quantity": self._dice.choice([1, 1, 2])} for sku in self._dice.sample(self._skus, k=2)]
        filled = self._web.put(f"/carts/{cart_id}/lines", json={"lines": lines}, headers={"X-Cart-Token": token})
        if self._is_well(filled, "lines"):
            self._cart, self._last = (cart_id, token), None
            self._order_id = self._secret = self._page = ""

    def start(self) -> None:
        """Checkout. A cart that is an order already leads there."""
        if self._cart:
            cart_id, token = self._cart
            body = {
                "cart_id": cart_id,
                "contact": {"email": "chaos@example.com"},
                "payment": {"method": "stripe", "token": self._card()},
            }
            self._send(Ask("/checkout/start", body, {"X-Cart-Token": token, "Idempotency-Key": next(self._keys)}))

    def repeat(self) -> None:
        """What had no answer, or a double tap: the same key."""
        asks = self._unanswered or ([self._last] if self._last else [])
        if asks:
            self._send(self._dice.choice(asks))

    def pay_again(self) -> None:
        """The same order once more, perhaps with another card."""
        if self._order_id:
            body = {"payment": {"method": "stripe", "token": self._card()}, "replace": self._dice.random() < 0.4}
            self._send(Ask(f"/orders/{self._order_id}/payment-attempts", body, self._owner(next(self._keys))))

    def cancel(self) -> None:
        """Enough of waiting."""
        if self._order_id:
            self._send(Ask(f"/orders/{self._order_id}/cancel", {}, self._owner(next(self._keys))))

    def confirm(self) -> None:
        """At the provider, with the client secret."""
        if self._secret:
            form = {"client_secret": self._secret, "payment_method": self._card(is_needed=True)}
            headers = {"Authorization": f"Bearer {self._env['STRIPE_PUBLISHABLE_KEY']}"}
            intent = self._secret.partition("_secret_")[0]
            self._bank.post(f"/v1/payment_intents/{intent}/confirm", data=form, headers=headers)

    def answer_bank(self) -> None:
        """3-D Secure: passed or failed; or never answered."""
        if self._secret:
            intent = self._secret.partition("_secret_")[0]
            form = {"client_secret": self._secret, "result": self._dice.choice(["complete", "complete", "fail"])}
            self._bank.post(f"/3ds/{intent}", data=form)

    def pay_on_page(self) -> None:
        """On the provider's own page."""
        if self._page:
            page, _, query = self._page.partition("?")
            form = {name: values[0] for name, values in parse_qs(query).items()}
            self._bank.post(page, data={**form, "card": self._card(is_needed=True)})

    def look(self) -> None:
        """The status page."""
        if self._order_id:
            self._read(self._order_id)

    # How it speaks.

    def _card(self, *, is_needed: bool = False) -> str:
        names = [name for name in CARDS if name or not is_needed]
        return self._dice.choices(names, weights=[CARDS[name] for name in names])[0]

    def _owner(self, key: str = "") -> dict[str, str]:
        headers = {"X-Order-Token": self.told.orders[self._order_id]}
        return {**headers, "Idempotency-Key": key} if key else headers

    def _send(self, ask: Ask) -> None:
        self._last = ask
        if ask not in self._unanswered:
            self._unanswered.append(ask)
        answer = self._web.post(ask.path, json=ask.body, headers=ask.headers)
        if not self._is_well(answer, ask.path.rpartition("/")[2]):
            return
        body = answer.json()
        if body.get("code") == "request_in_progress":
            return
        self._unanswered.remove(ask)
        if answer.status_code < 300:
            self._take_in(ask, body)
            return
        self.told.done[f"refused: {body['code']}"] += 1
        if body["code"] == "insufficient_stock":
            # Somebody else has the last one: the next cart is another.
            self._cart, self._last = None, None

    def _is_well(self, answer: httpx2.Response, what: str) -> bool:
        self.told.done[f"{what}: {answer.status_code}"] += 1
        if answer.status_code in PASSING:
            time.sleep(PAUSE_SECONDS)
        elif answer.status_code >= 500:
            self.told.complaints.append(f"{what} answered {answer.status_code}: {answer.text[:200]}")
        return answer.status_code < 500 and answer.status_code not in PASSING

    def _take_in(self, ask: Ask, body: Body) -> None:
        order_id, cart_id = body["order_id"], ask.body.get("cart_id", "")
        if cart_id and self.told.order_of_cart.setdefault(cart_id, order_id) != order_id:
            self.told.complaints.append(f"{cart_id} became {self.told.order_of_cart[cart_id]} and {order_id}")
        if "order_token" in body:
            self.told.orders[order_id] = body["order_token"]
        if self._cart and cart_id == self._cart[0]:
            self._order_id = order_id
        if order_id == self._order_id:
            self._secret = body.get("client_secret") or self._secret
            step = body.get("next_action") or {}
            self._page = step.get("url") or self._page

    def _read(self, order_id: str) -> Body | None:
        answer = self._web.get(f"/orders/{order_id}", headers={"X-Order-Token": self.told.orders[order_id]})
        if not self._is_well(answer, "orders"):
            return None
        if answer.status_code != 200:
            self.told.complaints.append(f"{order_id} answered {answer.status_code} to its owner")
            return None
        body: Body = answer.json()
        if body["paid_at"]:
            self.told.paid.add(order_id)
        elif order_id in self.told.paid:
            self.told.complaints.append(f"{order_id} was shown as paid and is not any more")
        return body


ACTS: dict[str, tuple[int, Callable[[Phone], None]]] = {
    "fill_cart": (10, Phone.fill_cart),
    "start": (14, Phone.start),
    "repeat": (10, Phone.repeat),
    "pay_again": (6, Phone.pay_again),
    "cancel": (2, Phone.cancel),
    "confirm": (5, Phone.confirm),
    "answer_bank": (4, Phone.answer_bank),
    "pay_on_page": (3, Phone.pay_on_page),
    "look": (6, Phone.look),
}
