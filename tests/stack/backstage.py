"""What stands behind a running stack: faults at the provider, its events, our policies, rows and processes."""

import json
import os
import signal
import time
from dataclasses import dataclass
from typing import Any

import httpx2
import redis

from core.policies import CACHE_SECONDS
from sandbox.dialects.stripe.signing import signature_header
from tests.running import Checkout, wait_until
from tests.stack.client import CLIENT_SECONDS, Answer, Shopper, intent_of

DOOR = "/webhooks/stripe/demo"
CHANGE_POLICIES = """
import json
from core import clock, policies
from core.db import transaction

with transaction("test.policies"):
    for name, values in json.loads('''{}''').items():
        policies.change(name, values=values, reason="A test cannot wait.", now=clock.now())
"""


@dataclass
class Backstage:
    """Knows the secrets of a running stack."""

    shopper: Shopper

    @property
    def stack(self) -> Checkout:
        """The running stack."""
        return self.shopper.stack

    # The provider.

    def fault(self, kind: str, operation: str, **more: Any) -> None:
        """This will let the provider's next call of that operation go wrong; `times` lets more of them."""
        rule = {"kind": kind, "operation": operation, "times": 1, **more}
        self.shopper.sandbox.post("/_control/faults", json=rule).raise_for_status()

    def webhook_fault(self, kind: str, **more: Any) -> None:
        """This will let webhooks go wrong from now on."""
        self.shopper.sandbox.post("/_control/webhook_faults", json={"kind": kind, **more}).raise_for_status()

    def mend(self) -> None:
        """This will let nothing go wrong any more."""
        for plan in ("faults", "webhook_faults"):
            self.shopper.sandbox.delete(f"/_control/{plan}").raise_for_status()

    def as_merchant(self, method: str, path: str, **options: Any) -> Answer:
        """This will call the provider with our secret key, past our system, as its own dashboard would."""
        headers = {"Authorization": f"Bearer {self.shopper.env['STRIPE_SECRET_KEY']}"}
        answer = self.shopper.sandbox.request(method, path, headers=headers, **options)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def calls(self) -> list[Answer]:
        """This will return every call the provider's API was asked, oldest first."""
        return list(self.shopper.sandbox.get("/_control/calls").json()["calls"])

    def events_of(self, answer: Answer) -> dict[str, Answer]:
        """This will return the provider's events about one payment, by type."""
        return self.events_by_payment([intent_of(answer)])[intent_of(answer)]

    def events_by_payment(self, references: list[str]) -> dict[str, dict[str, Answer]]:
        """This will return the provider's events about these payments, back to the birth of each, by type."""
        found: dict[str, dict[str, Answer]] = {reference: {} for reference in references}
        params = {"limit": "100"}
        while any("payment_intent.created" not in events for events in found.values()):
            page = self.as_merchant("GET", "/v1/events", params=params)["data"]
            assert page, "the provider knows nothing of some payment"
            for event in page:
                found.get(event["data"]["object"]["id"], {}).setdefault(event["type"], event)
            params["starting_after"] = page[-1]["id"]
        return found

    # The webhook door.

    def post_event(self, event: Answer) -> httpx2.Response:
        """This will deliver an event's raw bytes to the door, signed now."""
        body = json.dumps(event).encode()
        secrets = (self.shopper.env["STRIPE_WEBHOOK_SECRETS"].split(",")[0],)
        signature = signature_header(body, secrets=secrets, signed_at=int(time.time()))
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
        address = self.shopper.env["SURETY_WEBHOOKS_URL"] + DOOR
        return httpx2.post(address, content=body, headers=headers, timeout=CLIENT_SECONDS)

    def tell(self, event: Answer, *, seconds_max: float = 30) -> None:
        """This will deliver an event and wait until a worker has given it its effect."""
        assert self.post_event(event).status_code == 200
        wait_until(lambda: self.heard(event) == "processed", seconds_max=seconds_max)

    def heard(self, event: Answer) -> str:
        """This will return what became of an event here."""
        rows = self.shopper.rows("SELECT status FROM webhooks_event WHERE event_key = %s", event["id"])
        return str(rows[0][0]) if rows else ""

    # Our side.

    def change_policies(self, **values: dict[str, Any]) -> None:
        """This will change policies as an operator would, and wait until every process has heard of it."""
        code, said = self.stack.manage("shell", "-c", CHANGE_POLICIES.format(json.dumps(values)))
        assert code == 0, said
        time.sleep(CACHE_SECONDS + 0.5)

    def kill_worker(self) -> None:
        """This will end the worker and its children at once; the stack starts it again."""
        before = self.stack.processes("worker.")
        for pid, _ in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: bool(self.stack.processes("worker.") - before), seconds_max=30)

    def wake(self, task: str, *, times: int = 1, **ids: str) -> None:
        """This will send a worker the same message so often, through the real broker."""
        code = f"from core import jobs\nfor _ in range({times}): jobs.wake({task!r}, **{ids!r})"
        ended, said = self.stack.manage("shell", "-c", code)
        assert ended == 0, said

    def is_idle(self) -> bool:
        """This will tell whether no urgent message waits at the broker and no worker has one in hand."""
        with redis.Redis.from_url(self.shopper.env["REDIS_URL"]) as broker:
            return not broker.llen("urgent") and not broker.hlen("unacked")

    def find_violations(self) -> str:
        """This will return what `verify_invariants --provider` says, "" when everything holds."""
        code, said = self.stack.manage("verify_invariants", "--provider")
        return "" if code == 0 and "0 violations" in said else said

    def moves(self, order_id: str) -> list[str]:
        """This will return the states the order went through."""
        return [str(row[0]) for row in self._history(order_id, "to_state", "kind = 'transition'")]

    def actor_of(self, order_id: str, state: str) -> str:
        """This will return who brought the order into a state."""
        [(actor,)] = self._history(order_id, "actor", f"to_state = '{state}'")
        return str(actor)

    def _history(self, order_id: str, column: str, condition: str) -> list[tuple[Any, ...]]:
        return self.shopper.rows(
            f"SELECT {column} FROM orders_orderevent e JOIN orders_order o ON o.id = e.order_id "
            f"WHERE o.public_id = %s AND {condition} ORDER BY e.sequence",
            order_id,
        )

    def operations(self, order_id: str) -> list[tuple[str, str, int]]:
        """This will return kind, status and number of sendings of every operation of the order."""
        rows = self.shopper.rows(
            "SELECT p.kind, p.status, p.sends_count FROM payments_operation p JOIN orders_order o ON o.id = p.order_id "
            "WHERE o.public_id = %s ORDER BY p.id",
            order_id,
        )
        return [(str(kind), str(status), int(sends)) for kind, status, sends in rows]

    def was_extended(self, order_id: str) -> bool:
        """This will tell whether the order's units were kept once longer."""
        return bool(self._history(order_id, "reason", "reason = 'reservation_extended'"))

    def deliveries(self, event: Answer) -> int:
        """This will return how often an event arrived at the door."""
        [(count,)] = self.shopper.rows(
            "SELECT count(*) FROM webhooks_delivery d JOIN webhooks_event e ON e.id = ANY(d.event_ids) "
            "WHERE e.event_key = %s",
            event["id"],
        )
        return int(count)

    def open_cases(self, order_id: str) -> list[str]:
        """This will return the types of the order's cases that wait for a person."""
        rows = self.shopper.rows(
            "SELECT type FROM oversight_case WHERE order_public_id = %s AND status <> 'resolved' ORDER BY type",
            order_id,
        )
        return [str(row[0]) for row in rows]

    def open_holds(self, order_id: str) -> list[str]:
        """This will return the reasons for which the order is held."""
        rows = self.shopper.rows(
            "SELECT h.reason FROM orders_hold h JOIN orders_order o ON o.id = h.order_id "
            "WHERE o.public_id = %s AND h.released_at IS NULL ORDER BY h.reason",
            order_id,
        )
        return [str(row[0]) for row in rows]

    def crashes(self) -> list[str]:
        """This will return what any process logged as an error."""
        logs = (self.stack.tree / ".surety" / "dev" / "log").glob("*.log")
        lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
        return [line for line in lines if '"level": "error"' in line or '"level": "critical"' in line]

    def money(self, order_id: str) -> tuple[int, ...]:
        """This will return what was captured, is beyond what was due, and went back of either."""
        [row] = self.shopper.rows(
            "SELECT captured_minor, excess_minor, returned_minor, excess_returned_minor FROM orders_order "
            "WHERE public_id = %s",
            order_id,
        )
        return row

    def books(self, order_id: str) -> list[tuple[str, int]]:
        """This will return every ledger entry of the order, by account."""
        rows = self.shopper.rows(
            "SELECT a.code, e.amount_minor FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id "
            "JOIN ledger_account a ON a.id = e.account_id WHERE p.order_public_id = %s ORDER BY a.code, e.amount_minor",
            order_id,
        )
        return [(str(code), int(amount)) for code, amount in rows]

    def reservations(self, order_id: str) -> list[str]:
        """This will return how each reservation of the order stands, oldest first."""
        rows = self.shopper.rows("SELECT status FROM catalog_reservation WHERE owner_id = %s ORDER BY id", order_id)
        return [str(row[0]) for row in rows]

    def price_of(self, sku: str) -> int:
        """This will return the price on the list, in pence."""
        [(amount_minor,)] = self.shopper.rows(
            "SELECT amount_minor FROM catalog_price p JOIN catalog_variant v ON v.id = p.variant_id "
            "WHERE v.sku = %s AND p.currency = 'GBP'",
            sku,
        )
        return int(amount_minor)

    def raise_price(self, sku: str, *, by: int) -> None:
        """This will make the article dearer, as whoever keeps the prices would."""
        self.shopper.rows(
            "UPDATE catalog_price SET amount_minor = amount_minor + %s WHERE currency = 'GBP' AND variant_id = "
            "(SELECT id FROM catalog_variant WHERE sku = %s)",
            by,
            sku,
        )

    def shelf(self, sku: str) -> tuple[int, int, int]:
        """This will return available, held and sold units."""
        [row] = self.shopper.rows(
            "SELECT received - held - committed, held, committed FROM catalog_stock s "
            "JOIN catalog_variant v ON v.id = s.variant_id WHERE v.sku = %s",
            sku,
        )
        available, held, sold = row
        return int(available), int(held), int(sold)
