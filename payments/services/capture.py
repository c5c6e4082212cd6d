"""Taking held funds: asked for once, carried out by the worker, decided by evidence; in one or several parts."""

from core import jobs
from core.cause import Cause
from core.db import transaction_required
from core.errors import DomainError
from core.money import Money
from orders import services as orders
from orders.models import Order, OrderState, Reason
from orders.selectors import lock_order, open_holds
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from payments.models import OPEN_STATUSES, AttemptStatus, Operation, OperationKind, PaymentAttempt
from payments.providers.base import CaptureRequest
from payments.selectors import lock_attempts, lock_operations
from payments.services.attempts import insert_operation
from payments.services.settle import is_ending

HOLDING = {AttemptStatus.AUTHORIZED, AttemptStatus.PARTIALLY_CAPTURED}


class NotCapturable(DomainError):
    """There are no held funds to take, or an open hold or cancellation forbids it."""

    code = "not_capturable"
    title = "There is nothing to capture on this order now."


class AuthorizationLapsed(NotCapturable):
    """The provider released the funds, or is about to: the customer must authorize anew, by a link to the order."""

    code = "authorization_lapsed"
    title = "The authorization has lapsed. The customer must pay again; send them a payment link."


class BeyondAuthorized(NotCapturable):
    """More is asked for than is held. The difference needs an authorization of its own."""

    code = "beyond_authorized"
    title = "More is asked for than the bank holds for this order."


class NotTheWhole(NotCapturable):
    """A last capture that leaves something due would release the rest and leave the order unpaid for ever."""

    code = "not_the_whole"
    title = (
        "The last capture takes all that is still due. Change what is due first, or take a part that is not the last."
    )


@transaction_required
def request_capture(
    order_id: str, *, cause: Cause, amount_minor: int | None = None, is_final: bool = True
) -> Operation:
    """This will insert a capture of what is still due, or of a part that is not the last; an open one is returned
    instead.

    What is held beyond a last capture is released by the provider. Raises: NoSuchOrder, NotCapturable,
    AuthorizationLapsed, BeyondAuthorized, NotTheWhole.
    """
    order = lock_order(order_id)
    if order.state not in {OrderState.PAYMENT_AUTHORIZED, OrderState.CAPTURE_FAILED} or is_ending(order):
        raise NotCapturable(order_id=order_id, state=order.state)
    if open_holds(order):
        raise NotCapturable(detail="An open hold blocks the capture.", order_id=order_id)
    attempts, operations = lock_attempts(order), lock_operations(order)
    attempt = next((row for row in attempts if row.is_current and row.status in HOLDING), None)
    if attempt is None:
        raise NotCapturable(order_id=order_id)
    if attempt.capture_before is not None and attempt.capture_before <= cause.now:
        raise AuthorizationLapsed(order_id=order_id)
    for operation in operations:
        is_ours = operation.attempt_id == attempt.pk and operation.kind == OperationKind.CAPTURE
        if is_ours and operation.status in OPEN_STATUSES:
            return operation
    attempt.order = order
    return _ask(order, attempt, amount_minor, is_final=is_final, cause=cause)


def _ask(order: Order, attempt: PaymentAttempt, amount_minor: int | None, *, is_final: bool, cause: Cause) -> Operation:
    left = order.due_minor - order.accepted_minor
    amount = left if amount_minor is None else amount_minor
    if amount > attempt.authorized_minor or amount > left or amount <= 0:
        raise BeyondAuthorized(
            order_id=order.public_id, amount_minor=amount, authorized_minor=attempt.authorized_minor, left_minor=left
        )
    is_final = is_final or amount == left
    if is_final and amount < left:
        raise NotTheWhole(order_id=order.public_id, amount_minor=amount, left_minor=left)
    request = CaptureRequest(attempt.provider_reference or "", amount, attempt.currency, is_final)
    operation = insert_operation(
        attempt,
        kind=OperationKind.CAPTURE,
        amount_minor=amount,
        request={
            "provider_reference": request.provider_reference,
            "amount_minor": request.amount_minor,
            "is_final": request.is_final,
        },
        cause=cause,
    )
    noted = {"operation": operation.public_id, "amount_minor": amount, "is_final": is_final}
    orders.record_fact(order, Because(Reason.CAPTURE_REQUESTED, cause, attempt.public_id, noted))
    jobs.wake("payments.carry_out", operation_id=operation.public_id)
    return operation


@transaction_required
def warn_of_deadline(order_id: str, *, cause: Cause) -> bool:
    """This will tell people that an order's held funds are released soon. Returns whether there are any.

    Raises: NoSuchOrder.
    """
    order = lock_order(order_id)
    attempt = next((row for row in lock_attempts(order) if row.is_current and row.status in HOLDING), None)
    if attempt is None or attempt.capture_before is None:
        return False
    open_case(
        Report(
            type=CaseType.AUTHORIZATION_EXPIRING,
            subject_id=attempt.public_id,
            severity=Case.Severity.HIGH,
            summary=(
                f"Held funds are released at {attempt.capture_before:%Y-%m-%d %H:%M} UTC and an open hold keeps them "
                "from being taken."
                if open_holds(order)
                else f"Held funds are released at {attempt.capture_before:%Y-%m-%d %H:%M} UTC."
            ),
            money=Money(attempt.authorized_minor, attempt.currency),
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )
    return True
