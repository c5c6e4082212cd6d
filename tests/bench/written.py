"""What it costs to ask what is asked most: written each time, and written once."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from core import clock
from core.db import transaction
from orders import selectors as orders
from payments import selectors as payments
from reconciliation import selectors as sweeps
from tests.bench.measuring import Figure, compare
from tests.simulation.director import Director

CALLS = 100


def measure_written(calls: int = CALLS) -> list[Figure]:
    """This will return the locks of an order that was tried twice, and sweeps that find it and that find nothing."""
    with Director(seed=1) as director:
        shop = director.world.shop
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        path = f"orders/{order['order_id']}/payment-attempts"
        again = {"payment": {"token": "pm_card_visa"}}
        answer = shop.api("POST", path, again, x_order_token=order["order_token"], idempotency_key="again")
        assert answer.json()["status"] == "paid"
        shop.start(shop.a_cart(), token="pm_card_chargeDeclined")
        order_id = str(order["order_id"])
        row_id = orders.find_order(order_id).pk
        later = clock.now() + timedelta(hours=1)
        with transaction("bench"):
            return [
                _figure("order", orders._order_to_lock, calls, public_id=order_id),
                _figure("attempts with account and channel", payments._attempts_to_lock, calls, order_row_id=row_id),
                _figure("operations", payments._operations_to_lock, calls, order_row_id=row_id),
                _figure("sweep of orders over time", sweeps.due_for_expiry, calls, now=later, limit=100),
                _figure("sweep of cancelled sales", sweeps.cancelled_with_rest, calls, limit=100),
            ]


def _figure(name: str, kept: Callable[..., list[Any]], calls: int, **values: object) -> Figure:
    by_django: Callable[..., Any] = vars(kept)["__wrapped__"]
    assert kept(**values) == list(by_django(**values))
    return compare(name, before=lambda: list(by_django(**values)), now=partial(kept, **values), calls=calls)
