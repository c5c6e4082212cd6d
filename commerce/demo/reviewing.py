"""Orders of the demo that no customer makes alone: funds held to be looked at first, and a time that is over."""

import json
from datetime import timedelta
from enum import StrEnum
from typing import Any

from checkout.services import StartCommand, start_checkout
from core import clock
from core.cause import Cause, system
from core.idempotency import KeyedRequest
from core.principal import GUEST
from orders import services as orders
from orders.models import HoldReason, OrderState
from orders.selectors import find_order, lock_order
from orders.services import ContactDetails
from payments import services as payments


class Review(StrEnum):
    """What becomes of held funds: nothing yet, somebody's objection, or the capture."""

    WAITS = "waits"
    STOPPED = "stopped"
    TAKEN = "taken"


def start_by_services(
    *, name: str, cart_id: str, contact: ContactDetails, token: str, is_held: bool, hours_ago: int
) -> dict[str, Any]:
    """This will start a guest's checkout as no endpoint does: with funds held for a review, or as of some hours ago.

    Opens transactions of its own and asks the provider. A repeat gets the same answer.
    """
    command = StartCommand(
        cart_id=cart_id,
        principal=GUEST,
        contact=contact,
        locale="en-GB",
        method="stripe",
        payment_token=token,
        capture_method="manual" if is_held else "automatic",
    )
    key = f"demo-{name}"
    request = KeyedRequest(principal=f"cart:{cart_id}", operation="checkout.start", raw_key=key, fingerprint=key)
    cause = Cause(actor=GUEST.key, source="checkout", now=clock.now() - timedelta(hours=hours_ago))
    answer: dict[str, Any] = json.loads(start_checkout(command, request=request, cause=cause).body)
    return answer


def review(order_id: str, outcome: Review) -> str:
    """This will carry the review of held funds out and return the order's state before anything follows from it."""
    cause = system("demo", now=clock.now())
    state = find_order(order_id).state
    if state == OrderState.PAYMENT_AUTHORIZED and outcome == Review.STOPPED:
        with orders.order_transaction("demo.hold"):
            detail = "The address of the parcel is not that of the card. Ask the customer."
            orders.open_hold(lock_order(order_id), reason=HoldReason.MANUAL, detail=detail, cause=cause)
    if state == OrderState.PAYMENT_AUTHORIZED and outcome == Review.TAKEN:
        with orders.order_transaction("demo.capture"):
            payments.request_capture(order_id, cause=cause)
    return str(state)
