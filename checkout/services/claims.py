"""Refund requests of customers, under their idempotency key."""

from collections.abc import Mapping

from checkout import answers
from checkout.services.keyed import FinalAnswer
from core import idempotency
from core.cause import Cause
from core.db import outside_transaction
from core.errors import Invalid
from core.idempotency import KeyedRequest, StoredAnswer
from core.wire import encode
from orders import services as orders
from orders.selectors import lock_order
from payments import services as payments
from payments.selectors import find_claim


class LineNotOrdered(Invalid):
    """The order has no line with this SKU; fact `skus` names them."""

    code = "line_not_ordered"
    title = "This order has no such line."


@outside_transaction
def ask_for_refund(
    order_id: str,
    *,
    quantities: Mapping[str, int],
    reason_code: str,
    note: str,
    request: KeyedRequest,
    cause: Cause,
) -> FinalAnswer:
    """This will write down what a customer asks back, by SKU, everything where `quantities` is empty, and answer 201
    with what rules decide.

    Raises: LineNotOrdered, the errors of payments.request_claim and of core.idempotency.
    """
    with orders.order_transaction("checkout.ask_for_refund"):
        claim = idempotency.claim(request, now=cause.now)
        if claim.answer is not None:
            return FinalAnswer(status=claim.answer.status, body=claim.answer.body, is_replay=True)
        order = lock_order(order_id)
        positions = {line["sku"]: position for position, line in enumerate(order.snapshot["lines"], start=1)}
        unknown = sorted(set(quantities) - set(positions))
        if unknown:
            raise LineNotOrdered(skus=unknown)
        units = {positions[sku]: quantity for sku, quantity in quantities.items()}
        made = payments.request_claim(payments.ClaimWish(order_id, units, reason_code, note), cause=cause)
        body = encode(answers.claim_json(find_claim(made.public_id), order))
        idempotency.finish(claim, request=request, answer=StoredAnswer(status=201, body=body), now=cause.now)
    return FinalAnswer(status=201, body=body)
