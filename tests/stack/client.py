"""A shopper over real HTTP, and a look into the stack's database and provider."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs

import httpx2
import psycopg

from tests.running import Checkout

CLIENT_SECONDS = 30.0

Cart = tuple[str, str]
Answer = dict[str, Any]
T = TypeVar("T")


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """This will do everything at the same moment, each on a thread of its own, and return what came of it."""
    barrier = threading.Barrier(len(acts))

    def act(what: Callable[[], T]) -> T:
        barrier.wait()
        return what()

    with ThreadPoolExecutor(max_workers=len(acts)) as threads:
        return list(threads.map(act, acts))


def intent_of(answer: Answer) -> str:
    """This will return the provider's id of the payment that the client secret belongs to."""
    return str(answer["client_secret"].partition("_secret_")[0])


@dataclass
class Shopper:
    """Speaks to a running stack as phones do, and reads the truth from PostgreSQL and the sandbox."""

    stack: Checkout

    def __post_init__(self) -> None:
        """Read where everything is."""
        self.env: dict[str, str] = self.stack.state()["env"]
        self.web = httpx2.Client(base_url=f"{self.env['SURETY_URL']}/api/v1", timeout=CLIENT_SECONDS)
        self.sandbox = httpx2.Client(base_url=self.env["SANDBOX_URL"], timeout=CLIENT_SECONDS)
        self.connections: dict[int, psycopg.Connection] = {}

    def close(self) -> None:
        """This will hang up."""
        self.web.close()
        self.sandbox.close()
        self.forget_connections()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """This will read rows as a superuser, over this thread's own connection."""
        thread = threading.get_ident()
        if thread not in self.connections:
            self.connections[thread] = psycopg.connect(self.env["DATABASE_SUPERUSER_URL"], autocommit=True)
        cursor = self.connections[thread].execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []

    def forget_connections(self) -> None:
        """This will close every connection to the database; the next look opens a new one."""
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()

    def sku_with(self, available: int, *, article: int = 0) -> str:
        """This will leave exactly `available` units of one of the articles and return its SKU."""
        [(sku,)] = self.rows(
            """UPDATE catalog_stock SET received = held + committed + %s WHERE variant_id = (
                   SELECT variant.id FROM catalog_variant variant
                   JOIN catalog_price price ON price.variant_id = variant.id AND price.currency = 'GBP'
                   ORDER BY variant.id LIMIT 1 OFFSET %s)
               RETURNING (SELECT sku FROM catalog_variant WHERE id = variant_id)""",
            available,
            article,
        )
        return str(sku)

    def a_cart(self, sku: str, *, quantity: int = 1) -> Cart:
        """This will open a guest's cart with these units."""
        answer = self.web.post("/carts", json={"currency": "GBP", "country": "GB"})
        assert answer.status_code == 201, answer.text
        cart = (answer.json()["cart_id"], answer.json()["cart_token"])
        filled = self.fill(cart, lines=[{"sku": sku, "quantity": quantity}])
        assert filled.status_code == 200, filled.text
        return cart

    def fill(self, cart: Cart, *, lines: list[dict[str, Any]]) -> httpx2.Response:
        """This will put these lines into the cart."""
        headers = {"X-Cart-Token": cart[1]}
        return self.web.put(f"/carts/{cart[0]}/lines", json={"lines": lines}, headers=headers)

    def quote(self, cart: Cart) -> Answer:
        """This will ask what the cart costs."""
        answer = self.web.get(f"/carts/{cart[0]}/quote", headers={"X-Cart-Token": cart[1]})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def start(self, cart: Cart, *, key: str, token: str = "pm_card_visa", **more: Any) -> httpx2.Response:
        """This will call checkout/start."""
        body = {
            "cart_id": cart[0],
            "contact": {"email": "ada@example.com"},
            "payment": {"method": "stripe", "token": token},
            **more,
        }
        return self.web.post("/checkout/start", json=body, headers={"X-Cart-Token": cart[1], "Idempotency-Key": key})

    def pay_again(self, order: Answer, *, key: str, token: str = "", replace: bool = False) -> httpx2.Response:
        """This will ask to pay the order again, or for the living attempt; `replace` is another card."""
        return self.web.post(
            f"/orders/{order['order_id']}/payment-attempts",
            json={"payment": {"method": "stripe", "token": token}, "replace": replace},
            headers={"X-Order-Token": order["order_token"], "Idempotency-Key": key},
        )

    def cancel(self, order: Answer, *, key: str = "cancel") -> httpx2.Response:
        """This will ask for the order to be cancelled."""
        headers = {"X-Order-Token": order["order_token"], "Idempotency-Key": key}
        return self.web.post(f"/orders/{order['order_id']}/cancel", json={}, headers=headers)

    def read(self, order: Answer) -> Answer:
        """This will read the order as its customer."""
        headers = {"X-Order-Token": order["order_token"]}
        answer = self.web.get(f"/orders/{order['order_id']}", headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_for(self, order: Answer, status: str, *, seconds_max: float = 30) -> Answer:
        """This will ask again until the customer is told this status, and return the order as it is shown then."""
        shown = self.read(order)
        deadline = time.monotonic() + seconds_max
        while shown["status"] != status:
            assert time.monotonic() < deadline, f"{shown['status']} instead of {status} after {seconds_max} s"
            time.sleep(0.1)
            shown = self.read(order)
        return shown

    def start_many(self, requests: list[tuple[Cart, str]]) -> list[httpx2.Response]:
        """This will start all (cart, key) at once, each on a thread of its own."""
        return at_once([partial(self.start, cart, key=key) for cart, key in requests])

    def confirm(self, answer: Answer, *, card: str = "pm_card_visa") -> None:
        """This will pay as the customer's phone does: at the provider, with the client secret."""
        form = {"payment_method": card}
        response = self.as_customer(answer, "/confirm", form)
        assert response.status_code == 200, response.text

    def as_customer(self, answer: Answer, path: str, form: dict[str, str]) -> httpx2.Response:
        """This will post to the payment at the provider with what a customer's phone has: a publishable key."""
        return self.sandbox.post(
            f"/v1/payment_intents/{intent_of(answer)}{path}",
            data={"client_secret": answer["client_secret"], **form},
            headers={"Authorization": f"Bearer {self.env['STRIPE_PUBLISHABLE_KEY']}"},
        )

    def answer_bank(self, answer: Answer, *, result: str = "complete") -> None:
        """This will answer the 3-D Secure question on the provider's page; `result` is complete or fail."""
        form = {"client_secret": answer["client_secret"], "result": result}
        response = self.sandbox.post(f"/3ds/{intent_of(answer)}", data=form)
        assert response.status_code < 400, response.text

    def pay_on_page(self, url: str, *, card: str = "pm_card_visa") -> str:
        """This will pay on the provider's page, as its form does. Returns where the browser is sent."""
        page, _, query = url.partition("?")
        form = {name: values[0] for name, values in parse_qs(query).items()}
        answer = self.sandbox.post(page, data={**form, "card": card})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def orders_of(self, *carts: Cart) -> list[tuple[str, str]]:
        """This will return (public id, state) of the orders made of these carts."""
        statement = "SELECT public_id, state FROM orders_order WHERE cart_id = ANY(%s)"
        return [(str(row[0]), str(row[1])) for row in self.rows(statement, [cart[0] for cart in carts])]

    def intents_of(self, order_id: str) -> list[dict[str, Any]]:
        """This will return what the provider knows of an order, oldest payment first."""
        return [intent for intent in self.truth("intent") if intent["metadata"].get("order_id") == order_id]

    def refunds_of(self, order_id: str) -> list[dict[str, Any]]:
        """This will return what the provider gave back for an order."""
        payments = {intent["id"] for intent in self.intents_of(order_id)}
        return [refund for refund in self.truth("refund") if refund["intent"] in payments]

    def truth(self, kind: str) -> list[dict[str, Any]]:
        """This will return everything of a kind that the provider has."""
        lines = self.sandbox.get("/_control/truth", params={"kind": kind}).text.splitlines()
        return [json.loads(line) for line in lines if line]

    def stop_postgres(self) -> None:
        """This will take the database down at once, as a crash would; the stack brings it back."""
        [(pid_file,)] = self.rows("SELECT setting || '/postmaster.pid' FROM pg_settings WHERE name = 'data_directory'")
        with open(pid_file) as lines:  # noqa: PTH123 - the server's file, not ours
            os.kill(int(lines.readline()), signal.SIGQUIT)
        self.forget_connections()
