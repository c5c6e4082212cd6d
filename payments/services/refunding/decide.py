"""Refunds that wait for a second person: agreed to and sent, refused, or left until the question expires."""

from accounts.models import User
from core.cause import Cause
from core.db import transaction_required
from orders import services as orders
from orders.models import Order, Reason
from orders.selectors import lock_order
from orders.services.change import Because
from oversight.services import approve, authorize_act, reject, withdraw
from payments.models import Refund, RefundStatus
from payments.selectors import disputes_of, find_refund, lock_attempts
from payments.services.refunding.cancelling import return_rest
from payments.services.refunding.plan import require_undisputed
from payments.services.refunding.request import act_of, send
from payments.services.refunding.terms import RefundDecided


@transaction_required
def approve_refund(refund_id: str, *, approver: User, requester: User, cause: Cause, note: str = "") -> Refund:
    """This will agree to a refund as a second person and send it, once.

    `requester` is who asked, whose limits the act counts against. A dispute that was opened since locks it. Raises:
    NoSuchRefund, RefundDecided, RefundLocked and the errors of oversight: OwnRequest, ApprovalExpired, LimitExceeded,
    NotPermitted.
    """
    order, refund = _lock_waiting(refund_id)
    require_undisputed(order, disputes_of(order), is_override=refund.is_during_dispute)
    approve(refund.approval_id, approver=approver, cause=cause, note=note)
    authorize_act(
        act_of(order, refund, requester), request_digest=refund.request_digest, approval_id=refund.approval_id,
        cause=cause,
    )  # fmt: skip
    refund.attempt = next(row for row in lock_attempts(order) if row.pk == refund.attempt_id)
    send(order, refund, cause=cause)
    return refund


@transaction_required
def reject_refund(refund_id: str, *, approver: User, cause: Cause, note: str = "") -> Refund:
    """This will refuse a refund as a second person: nothing is sent and the balance is restored.

    Raises: NoSuchRefund, RefundDecided and the errors of oversight.
    """
    order, refund = _lock_waiting(refund_id)
    reject(refund.approval_id, approver=approver, cause=cause, note=note)
    return _end(order, refund, RefundStatus.REJECTED, cause=cause)


@transaction_required
def withdraw_refund(refund_id: str, *, cause: Cause) -> Refund:
    """This will take back one's own request before anybody decided. Raises: NoSuchRefund, RefundDecided."""
    order, refund = _lock_waiting(refund_id)
    withdraw(refund.approval_id, cause=cause)
    return _end(order, refund, RefundStatus.CANCELLED, cause=cause)


@transaction_required
def cancel_unapproved(refund_id: str, *, cause: Cause) -> Refund | None:
    """This will give up a refund whose approval expired; None when it waits for none any more. Raises: NoSuchRefund."""
    order = lock_order(find_refund(refund_id).order.public_id)
    refund = find_refund(refund_id)
    if refund.status != RefundStatus.AWAITING_APPROVAL:
        return None
    return _end(order, refund, RefundStatus.CANCELLED, cause=cause)


def _lock_waiting(refund_id: str) -> tuple[Order, Refund]:
    order = lock_order(find_refund(refund_id).order.public_id)
    refund = find_refund(refund_id)
    if refund.status != RefundStatus.AWAITING_APPROVAL:
        raise RefundDecided(refund_id=refund_id, status=refund.status)
    return order, refund


def _end(order: Order, refund: Refund, status: RefundStatus, *, cause: Cause) -> Refund:
    refund.status, refund.settled_at = status, cause.now
    refund.save(update_fields=["status", "settled_at"])
    facts = {"refund": refund.public_id, "status": str(status), "amount_minor": refund.amount_minor}
    orders.record_fact(order, Because(Reason.REFUND_REQUESTED, cause, refund.attempt.public_id, facts))
    if order.cancel_requested_at is not None:
        # Of a cancelled order it goes back whoever agrees.
        return_rest(order.public_id, cause=cause)
    return refund
