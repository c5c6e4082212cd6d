"""What it costs to lock an order with all that is locked behind it: written each time, and written once."""

from collections.abc import Callable
from typing import Any

from core.db import transaction
from orders import selectors as orders
from payments import selectors as payments
from tests.bench.measuring import Figure, compare
from tests.simulation.director import Director

CALLS = 100


def measure_written(calls: int = CALLS) -> list[Figure]:
    """This will return the locks of an order that was tried twice."""
    with Director(seed=1) as director:
        shop = director.world.shop
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        path = f"orders/{order['order_id']}/payment-attempts"
        again = {"payment": {"token": "pm_card_visa"}}
        answer = shop.api("POST", path, again, x_order_token=order["order_token"], idempotency_key="again")
        assert answer.json()["status"] == "paid"
        order_id = str(order["order_id"])
        row_id = orders.find_order(order_id).pk
        with transaction("bench"):
            return [
                _figure("order", orders._order_to_lock, order_id, calls),
                _figure("attempts with account and channel", payments._attempts_to_lock, row_id, calls),
                _figure("operations", payments._operations_to_lock, row_id, calls),
            ]


def _figure(name: str, kept: Callable[[Any], list[Any]], value: object, calls: int) -> Figure:
    by_django: Callable[[Any], Any] = vars(kept)["__wrapped__"]
    assert kept(value) == list(by_django(value)) != []
    return compare(name, before=lambda: list(by_django(value)), now=lambda: kept(value), calls=calls)
