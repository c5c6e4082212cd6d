"""Refund rows in step with their operations: whatever anyone learns of an operation, its refund follows.

Like every consequence here it looks at locked facts and may be repeated: a refund that stands where its operation says
is left alone.
"""

from collections.abc import Iterable, Mapping

from core.cause import Cause
from core.db import transaction_required
from core.machines import may_move
from core.money import Money
from orders import services as orders
from orders.models import HoldReason, Order, Reason
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.services import Report, open_case, resolve_open
from payments.models import Operation, OperationKind, OperationStatus, Refund, RefundPart, RefundStatus
from payments.selectors import refunds_by_operation
from payments.services.refunding.books import post_accepted, post_move

_O, _R = OperationStatus, RefundStatus
FOLLOWS: Mapping[str, RefundStatus] = {
    _O.SENT: _R.SENT,
    _O.PENDING: _R.PENDING,
    _O.UNKNOWN: _R.UNKNOWN,
    _O.SUCCEEDED: _R.SUCCEEDED,
    _O.DECLINED: _R.FAILED,
    _O.FAILED: _R.FAILED,
    _O.REVERSED: _R.REVERSED,
}
ENDED = {_R.SUCCEEDED, _R.FAILED, _R.REVERSED}


@transaction_required
def follow_refunds(order: Order, operations: Iterable[Operation], *, cause: Cause) -> bool:
    """This will bring the refunds of these locked operations to where the operations say. Returns whether one moved.

    One query where there are refunds, none where there are not.
    """
    of_refunds = [row for row in operations if row.kind == OperationKind.REFUND]
    rows = refunds_by_operation(of_refunds) if of_refunds else {}
    has_moved = False
    for operation in of_refunds:
        refund = rows.get(operation.pk)
        target = FOLLOWS.get(operation.status)
        if refund is None or target is None or refund.status == target:
            continue
        if may_move("refund", refund.status, target):
            refund.attempt = operation.attempt
            _move(order, refund, operation, target, cause=cause)
            has_moved = True
    return has_moved


def _move(order: Order, refund: Refund, operation: Operation, target: RefundStatus, *, cause: Cause) -> None:
    before = refund.status
    if before == _R.FAILED:
        # Late truth: what had failed and was dropped arrives after all, and is owed once more first.
        refund.round += 1
        post_accepted(order, refund, cause=cause)
    refund.status = target
    refund.failure_code = operation.error_code[:80] if target in {_R.FAILED, _R.REVERSED} else ""
    refund.settled_at = cause.now if target in ENDED else None
    refund.save(update_fields=["status", "failure_code", "settled_at", "round"])
    post_move(order, refund, before=before, cause=cause)
    if target == _R.SUCCEEDED:
        note_arrival(order, refund, cause=cause)
    elif before == _R.SUCCEEDED:
        orders.take_units_again(order, units=_units(refund), restocked=_restocked(refund), cause=cause)
    if target in ENDED:
        words = f"The refund ended: {refund.get_status_display().lower()}."
        resolve_open(type=CaseType.REFUND_PENDING_TOO_LONG, subject_id=refund.public_id, resolution=words, cause=cause)
    if target in {_R.FAILED, _R.REVERSED}:
        _report_failure(order, refund, cause=cause)


@transaction_required
def note_arrival(order: Order, refund: Refund, *, cause: Cause) -> None:
    """This will note that the money is with the customer: status and units.

    The caller sets the money columns and moves the order.
    """
    if refund.status != _R.SUCCEEDED:
        refund.status, refund.settled_at = _R.SUCCEEDED, cause.now
        refund.save(update_fields=["status", "settled_at"])
    resolve_open(type=CaseType.REFUND_FAILED, subject_id=refund.public_id, resolution="The money arrived.", cause=cause)
    orders.give_units_back(order, units=_units(refund), restocked=_restocked(refund))


def _units(refund: Refund) -> dict[int, int]:
    return {part.position or 0: part.units for part in _lines(refund)}


def _restocked(refund: Refund) -> dict[str, int]:
    units: dict[str, int] = {}
    for part in _lines(refund):
        if part.is_restocked:
            units[part.sku] = units.get(part.sku, 0) + part.units
    return units


def _lines(refund: Refund) -> list[RefundPart]:
    return [part for part in refund.parts.all() if part.kind == RefundPart.Kind.LINE and part.units]


def _report_failure(order: Order, refund: Refund, *, cause: Cause) -> None:
    """A refund that did not arrive: the balance is restored, and a person decides how the customer gets their money."""
    open_case(
        Report(
            type=CaseType.REFUND_FAILED,
            subject_id=refund.public_id,
            severity=Case.Severity.HIGH,
            summary="The provider did not give money back. The customer is still owed it.",
            evidence={"failure_code": refund.failure_code, "status": refund.status},
            money=Money(refund.amount_minor, refund.currency),
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )
    if order.cancel_requested_at is not None:
        detail = "The refund of a cancelled order did not arrive."
        orders.open_hold(order, reason=HoldReason.REFUND_FAILED, detail=detail, cause=cause)
    facts = {"refund": refund.public_id, "amount_minor": refund.amount_minor, "code": refund.failure_code}
    orders.record_fact(order, Because(Reason.GIVE_BACK_FAILED, cause, refund.attempt.public_id, facts))
