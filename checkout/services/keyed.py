"""Requests under an idempotency key that call a provider in the middle: open, submit, finish.

Transaction 1 claims the key and commits what was made; the provider is called outside; transaction 2 locks the key
again, records the answer and stores ours. A process that dies in between leaves the key at `committed`; whoever
repeats it after the lease continues with the same operation and the same provider key.
"""

from collections.abc import Callable
from dataclasses import dataclass

from checkout import answers
from checkout.models import Cart
from checkout.selectors import lock_cart
from checkout.services.carts import open_again
from core import idempotency, policies
from core.cause import Cause
from core.db import outside_transaction
from core.idempotency import Claim, KeyedRequest, LeaseLost, StoredAnswer
from core.problems import STATUS_OF_KIND, error_json
from core.wire import encode
from orders import services as orders
from orders.models import OrderState, Reason
from orders.selectors import lock_order
from orders.services import order_transaction
from orders.services.change import Because
from payments import services as payments
from payments.models import Operation, OperationStatus
from payments.services import Answer, PaymentTokenExpired


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """What goes back to the client, byte for byte."""

    status: int
    body: bytes
    is_replay: bool = False
    # Of a decline that was just heard: the card's fingerprint, "" where the provider tells none.
    declined_card: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What transaction 1 left: the claim, the order, and the operation to submit if it was not submitted yet.

    `cart_id` is the cart that is given back to its owner when the payment's token turns out to be gone.
    """

    claim: Claim
    order_id: str
    operation: Operation | None
    success_status: int
    order_token: str = ""
    cart_id: str = ""


Opening = Callable[[], Opened | FinalAnswer]


@outside_transaction
def run(opening: Opening, *, name: str, request: KeyedRequest, cause: Cause) -> FinalAnswer:
    """This will run the three steps. Raises: whatever `opening` refuses with, core.idempotency's errors."""
    with order_transaction(f"{name}.open"):
        opened = opening()
    if isinstance(opened, FinalAnswer):
        return opened
    answer = None
    if opened.operation is not None and opened.operation.status == OperationStatus.SENT:
        answer = payments.submit(opened.operation, within_seconds=policies.current("payment")["answer_within_seconds"])
    try:
        with order_transaction(f"{name}.finish"):
            idempotency.hold(opened.claim)
            return _finish(opened, answer, request=request, cause=cause)
    except LeaseLost:
        # Somebody else answers this key, but what the provider told us is evidence all the same.
        if answer is not None:
            with order_transaction(f"{name}.record"):
                payments.record_answer(answer, cause=cause)
        raise


def _finish(opened: Opened, answer: Answer | None, *, request: KeyedRequest, cause: Cause) -> FinalAnswer:
    may_lack_token = opened.operation is not None and (answer is None or answer.code == PaymentTokenExpired.code)
    # The cart's lock comes before the order's.
    cart = lock_cart(opened.cart_id) if opened.cart_id and may_lack_token else None
    if answer is not None:
        payments.record_answer(answer, cause=cause)
    if opened.operation is not None and may_lack_token and payments.has_lost_token(opened.operation.public_id):
        return _ask_for_card(opened, cart, request=request, cause=cause)
    shown = answers.checkout_answer(opened.order_id, order_token=opened.order_token)
    if shown.is_undecided:
        idempotency.give_up_lease(opened.claim)
        return FinalAnswer(status=202, body=encode(shown.body))
    stored = StoredAnswer(status=opened.success_status, body=encode(shown.body))
    idempotency.finish(opened.claim, request=request, answer=stored, now=cause.now)
    return FinalAnswer(status=stored.status, body=stored.body, declined_card=_declined_card(answer))


def _declined_card(answer: Answer | None) -> str | None:
    if answer is None or answer.ending != "declined":
        return None
    return answer.update.card_fingerprint if answer.update else ""


def _ask_for_card(opened: Opened, cart: Cart | None, *, request: KeyedRequest, cause: Cause) -> FinalAnswer:
    """Nothing ran and nobody is charged: an order that was only being made ends, and its cart is open again."""
    order = lock_order(opened.order_id)
    facts = {"order_id": order.public_id}
    if cart is not None and order.state == OrderState.DRAFT:
        attempt_id = opened.operation.attempt.public_id if opened.operation else ""
        open_again(cart)
        orders.cancel(order, Because(Reason.PAYMENT_TOKEN_EXPIRED, cause, attempt_id))
        facts = {"cart_id": cart.public_id}
    refusal = PaymentTokenExpired(**facts)
    stored = StoredAnswer(status=STATUS_OF_KIND[refusal.kind], body=encode(error_json(refusal)))
    idempotency.finish(opened.claim, request=request, answer=stored, now=cause.now)
    return FinalAnswer(status=stored.status, body=stored.body)
