"""A shopper over real HTTP, and a look into the stack's database and provider."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
import psycopg

from tests.running import Checkout

CLIENT_SECONDS = 30.0


@dataclass
class Shopper:
    """Speaks to a running stack as phones do, and reads the truth from PostgreSQL and the sandbox."""

    stack: Checkout

    def __post_init__(self) -> None:
        """Read where everything is."""
        self.env: dict[str, str] = self.stack.state()["env"]
        self.web = httpx2.Client(base_url=f"{self.env['SURETY_URL']}/api/v1", timeout=CLIENT_SECONDS)
        self.sandbox = httpx2.Client(base_url=self.env["SANDBOX_URL"], timeout=CLIENT_SECONDS)

    def close(self) -> None:
        """This will hang up."""
        self.web.close()
        self.sandbox.close()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """This will read rows as a superuser."""
        with psycopg.connect(self.env["DATABASE_SUPERUSER_URL"], autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return list(cursor.fetchall()) if cursor.description else []

    def sku_with(self, available: int) -> str:
        """This will leave exactly `available` units of some article and return its SKU."""
        [(sku,)] = self.rows(
            """UPDATE catalog_stock SET received = held + committed + %s WHERE variant_id = (
                   SELECT variant.id FROM catalog_variant variant
                   JOIN catalog_price price ON price.variant_id = variant.id AND price.currency = 'GBP'
                   ORDER BY variant.id LIMIT 1)
               RETURNING (SELECT sku FROM catalog_variant WHERE id = variant_id)""",
            available,
        )
        return str(sku)

    def a_cart(self, sku: str) -> tuple[str, str]:
        """This will open a guest's cart with one unit."""
        opened = self.web.post("/carts", json={"currency": "GBP", "country": "GB"}).json()
        cart = (opened["cart_id"], opened["cart_token"])
        filled = self.web.put(
            f"/carts/{cart[0]}/lines",
            json={"lines": [{"sku": sku, "quantity": 1}]},
            headers={"X-Cart-Token": cart[1]},
        )
        assert filled.status_code == 200, filled.text
        return cart

    def start(self, cart: tuple[str, str], *, key: str, token: str = "pm_card_visa") -> httpx2.Response:
        """This will call checkout/start."""
        body = {
            "cart_id": cart[0],
            "contact": {"email": "ada@example.com"},
            "payment": {"method": "stripe", "token": token},
        }
        return self.web.post("/checkout/start", json=body, headers={"X-Cart-Token": cart[1], "Idempotency-Key": key})

    def start_many(self, requests: list[tuple[tuple[str, str], str]]) -> list[httpx2.Response]:
        """This will start all (cart, key) at once, each on a thread of its own."""
        with ThreadPoolExecutor(max_workers=len(requests)) as threads:
            return list(threads.map(lambda one: self.start(one[0], key=one[1]), requests))

    def confirm(self, answer: dict[str, Any]) -> None:
        """This will pay as the customer's phone does: at the provider, with the client secret."""
        intent = answer["client_secret"].partition("_secret_")[0]
        response = self.sandbox.post(
            f"/v1/payment_intents/{intent}/confirm",
            data={"client_secret": answer["client_secret"], "payment_method": "pm_card_visa"},
            headers={"Authorization": f"Bearer {self.env['STRIPE_PUBLISHABLE_KEY']}"},
        )
        assert response.status_code == 200, response.text

    def orders_of(self, *carts: tuple[str, str]) -> list[tuple[str, str]]:
        """This will return (public id, state) of the orders made of these carts."""
        statement = "SELECT public_id, state FROM orders_order WHERE cart_id = ANY(%s)"
        return [(str(row[0]), str(row[1])) for row in self.rows(statement, [cart[0] for cart in carts])]

    def intents_of(self, order_id: str) -> list[dict[str, Any]]:
        """This will return what the provider knows of an order."""
        lines = self.sandbox.get("/_control/truth", params={"kind": "intent"}).text.splitlines()
        intents = [json.loads(line) for line in lines if line]
        return [intent for intent in intents if intent["metadata"].get("order_id") == order_id]

    def stop_postgres(self) -> None:
        """This will take the database down at once, as a crash would; the stack brings it back."""
        [(pid_file,)] = self.rows("SELECT setting || '/postmaster.pid' FROM pg_settings WHERE name = 'data_directory'")
        with open(pid_file) as lines:  # noqa: PTH123 - the server's file, not ours
            os.kill(int(lines.readline()), signal.SIGQUIT)
