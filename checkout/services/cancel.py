"""Cancel: asked for once, carried out as soon as nothing can capture any more and what was taken has gone back."""

from checkout import answers
from checkout.services.keyed import FinalAnswer
from core import idempotency
from core.cause import Cause
from core.db import outside_transaction
from core.idempotency import KeyedRequest, StoredAnswer
from core.models import IdempotencyKey
from core.wire import encode
from orders import services as orders
from orders.models.money import CANCELLED_STATES, PAID_STATES
from orders.selectors import lock_order
from payments import services as payments
from payments.selectors import lock_attempts, lock_operations


@outside_transaction
def cancel_order(order_id: str, *, reason: str, request: KeyedRequest, cause: Cause) -> FinalAnswer:
    """This will open the cancellation and end the order at once where nothing can capture and nothing was taken; else
    answer 202 until it is done. Of a paid order everything goes back, as long as nothing was asked to leave the house.

    Raises: NoSuchOrder, CannotCancel, RefundLocked, NotRefundable and the errors of core.idempotency.
    """
    with orders.order_transaction("checkout.cancel"):
        claim = idempotency.claim(request, now=cause.now)
        if claim.answer is not None:
            return FinalAnswer(status=claim.answer.status, body=claim.answer.body, is_replay=True)
        order = lock_order(order_id)
        if order.state in PAID_STATES:
            order = payments.cancel_paid(order_id, reason=reason, cause=cause)
        else:
            attempts, operations = lock_attempts(order), lock_operations(order)
            orders.request_cancel(order, reason=reason, cause=cause)
            payments.settle_order(order, attempts, operations, cause=cause)
        body = encode(answers.order_json(answers.view_order(order)))
        if order.state in CANCELLED_STATES:
            idempotency.finish(claim, request=request, answer=StoredAnswer(status=200, body=body), now=cause.now)
            return FinalAnswer(status=200, body=body)
        if claim.recovery_point == IdempotencyKey.RecoveryPoint.STARTED:
            idempotency.commit_point(claim, subject_id=order.public_id)
        idempotency.give_up_lease(claim)
    return FinalAnswer(status=202, body=body)
