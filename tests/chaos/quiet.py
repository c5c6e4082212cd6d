"""After the storm: everything works again, every request gets its answer, and then the books must be right."""

import time
from collections import Counter
from collections.abc import Iterator

import httpx2

from tests.chaos.phones import Phone
from tests.running import Checkout, wait_until
from tests.stack.backstage import Backstage
from tests.stack.client import Shopper

STANDING_SECONDS_MAX = 60.0
QUIET_SECONDS_MAX = 240.0

# What nobody has the last word on. Statuses of machines.csv.
OPEN_WORK = {
    "operations in doubt": """payments_operation
        WHERE order_id > %(last)s AND status IN ('created', 'sent', 'pending', 'unknown')""",
    "events without effect": "webhooks_event WHERE status NOT IN ('processed', 'ignored')",
    "orders that may still be paid": "orders_order WHERE id > %(last)s AND state IN ('draft', 'payment_pending')",
}

# States whose money stays, but for what somebody asked back (orders of the demo, for example).
SOLD = {"paid", "fulfillment_pending", "fulfilled", "partially_refunded", "refunded"}
GIVEN_BACK = """
    SELECT orders_order.public_id, sum(refund.amount_minor - refund.excess_minor)::bigint
    FROM payments_refund AS refund JOIN orders_order ON orders_order.id = refund.order_id
    WHERE refund.status IN ('pending', 'succeeded')
    GROUP BY orders_order.public_id"""


class Quiet:
    """Looks at a stack that nobody troubles any more."""

    def __init__(self, stack: Checkout, *, last_order_before: int) -> None:
        """Look at this stack; orders up to that one are the demo's and wait as long as a shop lets them."""
        self._stack = stack
        self._last = last_order_before

    def judge(self, phones: list[Phone]) -> list[str]:
        """This will wait until nothing moves, have every request answered, and return what is broken."""
        wait_until(self._is_up, seconds_max=STANDING_SECONDS_MAX)
        for phone in phones:
            phone.finish()
        with_shopper = Shopper(self._stack)
        try:
            backstage = Backstage(with_shopper)
            backstage.mend()
            broken = self._wait_for_rest(with_shopper)
            broken += [said for said in [backstage.find_violations()] if said]
            broken += self._against_provider(with_shopper, phones)
        finally:
            with_shopper.close()
        for phone in phones:
            phone.look_at_all()
            broken += phone.told.complaints
        return broken

    def _is_up(self) -> bool:
        env = self._stack.state()["env"]
        try:
            is_sandbox_up = httpx2.get(env["SANDBOX_URL"], timeout=5).status_code < 500
        except httpx2.TransportError:
            return False
        return is_sandbox_up and self._stack.first_page() == 200

    def _wait_for_rest(self, shopper: Shopper) -> list[str]:
        deadline = time.monotonic() + QUIET_SECONDS_MAX
        while True:
            left = {
                what: shopper.rows(f"SELECT count(*) FROM {rows % {'last': self._last}}")[0][0]
                for what, rows in OPEN_WORK.items()
            }
            if not any(left.values()):
                return []
            if time.monotonic() > deadline:
                return [
                    f"{count} {what} after {QUIET_SECONDS_MAX:.0f} s of quiet" for what, count in left.items() if count
                ]
            time.sleep(1)

    def _against_provider(self, shopper: Shopper, phones: list[Phone]) -> Iterator[str]:
        """Once more by other means than the product's own: what the provider kept of each order is what it cost."""
        kept: Counter[str] = Counter()
        order_of_payment = {}
        for intent in shopper.truth("intent"):
            order_id = intent["metadata"].get("order_id", "")
            order_of_payment[intent["id"]] = order_id
            kept[order_id] += intent["amount_received"]
        for refund in shopper.truth("refund"):
            if refund["status"] in {"pending", "succeeded"}:
                kept[order_of_payment[refund["intent"]]] -= refund["amount"]
        rows = shopper.rows("SELECT public_id, cart_id, state, total_minor FROM orders_order")
        given_back = dict(shopper.rows(GIVEN_BACK))
        for order_id, _, state, total_minor in rows:
            expected = total_minor - given_back.get(order_id, 0) if state in SOLD else 0
            if kept[order_id] != expected:
                yield f"{order_id} is {state}, costs {total_minor} and the provider kept {kept[order_id]}"
        for cart_id, times in Counter(row[1] for row in rows).items():
            if times > 1:
                yield f"{cart_id} became {times} orders"
        ours = {row[0] for row in rows}
        for phone in phones:
            for order_id in phone.told.orders.keys() - ours:
                yield f"{order_id} was promised to a customer and is lost"
