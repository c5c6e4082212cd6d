"""Taking held funds: asked for once, carried out by the worker, decided by evidence."""

from core import jobs
from core.cause import Cause
from core.db import transaction_required
from core.errors import DomainError
from orders import services as orders
from orders.models import OrderState, Reason
from orders.selectors import lock_order, open_holds
from orders.services.change import Because
from payments.models import OPEN_STATUSES, AttemptStatus, Operation, OperationKind
from payments.selectors import lock_attempts, lock_operations
from payments.services.attempts import insert_operation
from payments.services.settle import is_ending


class NotCapturable(DomainError):
    """There are no held funds to take, or an open hold or cancellation forbids it."""

    code = "not_capturable"
    title = "There is nothing to capture on this order now."


@transaction_required
def request_capture(order_id: str, *, cause: Cause) -> Operation:
    """This will insert a capture of everything held for the order; an open one is returned instead.

    Raises: NoSuchOrder, NotCapturable.
    """
    order = lock_order(order_id)
    if order.state not in {OrderState.PAYMENT_AUTHORIZED, OrderState.CAPTURE_FAILED} or is_ending(order):
        raise NotCapturable(order_id=order_id, state=order.state)
    if open_holds(order):
        raise NotCapturable(detail="An open hold blocks the capture.", order_id=order_id)
    attempts, operations = lock_attempts(order), lock_operations(order)
    attempt = next((row for row in attempts if row.is_current and row.status == AttemptStatus.AUTHORIZED), None)
    if attempt is None or attempt.authorized_minor != attempt.amount_minor:
        raise NotCapturable(order_id=order_id)
    if attempt.capture_before is not None and attempt.capture_before <= cause.now:
        raise NotCapturable(detail="The authorization has lapsed; the customer must pay again.", order_id=order_id)
    for operation in operations:
        is_ours = operation.attempt_id == attempt.pk and operation.kind == OperationKind.CAPTURE
        if is_ours and operation.status in OPEN_STATUSES:
            return operation
    attempt.order = order
    operation = insert_operation(
        attempt,
        kind=OperationKind.CAPTURE,
        amount_minor=attempt.authorized_minor,
        request={"provider_reference": attempt.provider_reference, "amount_minor": attempt.authorized_minor},
        cause=cause,
    )
    facts = {"operation": operation.public_id, "amount_minor": operation.amount_minor}
    orders.record_fact(order, Because(Reason.CAPTURE_REQUESTED, cause, attempt.public_id, facts))
    jobs.wake("payments.carry_out", operation_id=operation.public_id)
    return operation
