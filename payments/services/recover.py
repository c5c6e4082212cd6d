"""The recovery ladder: an operation without an answer leaves that state by evidence only, never by time.

Same-key replay while the key surely lives → retrieve by the provider's id → find by our reference, twice negative and
spaced by the provider's lag → a case for people. Nothing here ever uses a new key.
Source: Stripe prunes keys after 24 hours; a replay after that would charge again.
"""

from datetime import datetime, timedelta

from core import clock, policies
from core.cause import Cause
from core.db import outside_transaction, transaction_required
from core.money import Money
from orders import services as orders
from orders.models import Reason
from orders.selectors import lock_order
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from payments.models import RETURN_KINDS, AttemptStatus, Operation, OperationKind, OperationStatus
from payments.providers.base import AdapterError, OutcomeUnknown, ProviderUpdate, Unavailable
from payments.providers.registry import adapter_for
from payments.selectors import lock_attempts, lock_operations
from payments.services import learn
from payments.services.funnel import apply_update
from payments.services.operations import (
    OVERTAKEN,
    PAUSE_SECONDS,
    is_key_alive,
    record_answer,
    submit,
    take_lease,
)
from payments.services.refunding.follow import follow_refunds
from payments.services.settle import NEVER_EXECUTED, is_wanted, settle_order

REPLAYS_MAX = 3
NEGATIVES_NEEDED = 2


@outside_transaction
def recover(operation_id: str, *, cause: Cause) -> None:
    """This will climb one rung for an operation without the provider's last word; a no-op when it has it or is
    leased.
    """
    operation = take_lease(operation_id, now=cause.now)
    if operation is None:
        return
    if not _may_replay(operation, now=cause.now):
        _look(operation, cause=cause)
        return
    answer = submit(operation, within_seconds=policies.current("payment")["answer_within_seconds"])
    with orders.order_transaction("payments.recover.replay"):
        record_answer(answer, cause=cause)
        _note_check(operation, cause=cause)
    if answer.ending == "unknown":
        _glance(operation, cause=cause)


def _may_replay(operation: Operation, *, now: datetime) -> bool:
    """Whether the same request with the same key is the right question: never answered, key alive, and nothing
    better known.

    Note [Enough replays]: a provider saves a 500 with its key, so after three replays only a look can tell. Nor is a
    payment sent again that nobody wants any more: it would take money only to give it back.
    """
    if operation.status not in {OperationStatus.SENT, OperationStatus.UNKNOWN}:
        return False
    is_known = bool(operation.attempt.provider_reference)
    if operation.kind == OperationKind.AUTHORIZE and (is_known or not is_wanted(operation.order, operation.attempt)):
        return False
    is_refused = operation.error_code in {"idempotency_mismatch", OVERTAKEN}
    has_replays_left = operation.checks_count < REPLAYS_MAX and not is_refused
    return has_replays_left and is_key_alive(operation, now=now)


def _find(operation: Operation) -> ProviderUpdate | None:
    """The payment's present state at the provider, None when our reference is not found; asked again at once when no
    answer came, because a look changes nothing and the next one is minutes away. Raises: AdapterError.
    """
    try:
        return _find_once(operation)
    except (OutcomeUnknown, Unavailable):
        clock.sleep(PAUSE_SECONDS)
        return _find_once(operation)


def _find_once(operation: Operation) -> ProviderUpdate | None:
    attempt = operation.attempt
    adapter = adapter_for(attempt.account)
    if attempt.provider_reference:
        return adapter.retrieve(
            attempt.provider_reference, has_taken=attempt.has_taken, has_earlier=attempt.has_earlier
        )
    return adapter.find_by_reference(attempt_id=attempt.public_id, created_after=attempt.created_at)


def _glance(operation: Operation, *, cause: Cause) -> None:
    """Look for the payment right after a replay without an answer: what is found counts, what is not proves nothing."""
    try:
        update = _find(operation)
    except AdapterError:
        return
    if update is not None:
        with orders.order_transaction("payments.recover.glance"):
            apply_update(update, account=operation.attempt.account, cause=cause)


def _look(operation: Operation, *, cause: Cause) -> None:
    try:
        update = _find(operation)
    except AdapterError as error:
        with orders.order_transaction("payments.recover.silent"):
            _note_check(operation, cause=cause, code=error.code)
        return
    with orders.order_transaction("payments.recover.look"):
        if update is not None:
            apply_update(update, account=operation.attempt.account, cause=cause)
        if update is None or not _holds_answer(operation, update):
            _note_negative(operation, cause=cause)
        _note_check(operation, cause=cause)


def _holds_answer(operation: Operation, update: ProviderUpdate) -> bool:
    """Whether the payment's present state says what became of this operation."""
    if operation.kind in RETURN_KINDS:
        return any(refund.operation_id == operation.public_id for refund in update.refunds)
    if operation.kind == OperationKind.VOID:
        return update.status in {"voided", "expired", "captured"}
    if operation.kind == OperationKind.CAPTURE:
        return update.status in {"captured", "voided", "expired", "reversed"} or (
            update.status == "partially_captured" and update.captured_minor >= operation.attempt.captured_minor
        )
    return True


@transaction_required
def _note_negative(operation: Operation, *, cause: Cause) -> None:
    """Count a look that did not find the operation; two, spaced by the provider's lag, are proof that it never ran."""
    order = lock_order(operation.order.public_id)
    attempts, operations = lock_attempts(order), lock_operations(order)
    row = next(one for one in operations if one.pk == operation.pk)
    if row.status not in {OperationStatus.SENT, OperationStatus.UNKNOWN}:
        return
    spacing = max(
        policies.current("payment")["not_found_spacing_seconds"],
        adapter_for(operation.attempt.account).capabilities.find_lag_seconds,
    )
    if row.not_found_at is not None and row.not_found_at + timedelta(seconds=spacing) > cause.now:
        return
    row.not_found_count += 1
    row.not_found_at = cause.now
    row.save(update_fields=["not_found_count", "not_found_at"])
    if row.not_found_count < NEGATIVES_NEEDED:
        return
    row.error_code = NEVER_EXECUTED
    row.save(update_fields=["error_code"])
    learn.settle(row, OperationStatus.FAILED, now=cause.now)
    follow_refunds(order, operations, cause=cause)
    attempt = next(one for one in attempts if one.pk == row.attempt_id)
    if row.kind == OperationKind.AUTHORIZE and attempt.provider_reference is None:
        attempt.status = AttemptStatus.FAILED
        attempt.failure_code = NEVER_EXECUTED
        attempt.failure_message = "The payment never reached the provider. You have not been charged."
        attempt.dead_at = cause.now
        attempt.save(update_fields=["status", "failure_code", "failure_message", "dead_at"])
        facts = {"status": "failed", "code": NEVER_EXECUTED}
        orders.record_fact(order, Because(Reason.RECONCILIATION_PROVIDER_FAILED, cause, attempt.public_id, facts))
    settle_order(order, attempts, operations, cause=cause)


@transaction_required
def _note_check(operation: Operation, *, cause: Cause, code: str = "") -> None:
    """Schedule the next look and, after many, ask people; a settled operation needs neither."""
    lock_order(operation.order.public_id)
    row = Operation.objects.get(pk=operation.pk)
    if row.next_check_at is None:
        return
    policy = policies.current("payment")
    row.checks_count += 1
    row.lease_expires_at = None
    row.next_check_at = cause.now + learn.recheck_after(row)
    if code:
        row.error_code = code[:80]
    row.save(update_fields=["checks_count", "lease_expires_at", "next_check_at", "error_code"])
    if row.checks_count == policy["checks_before_case"] and row.status in {"sent", "unknown"}:
        open_case(
            Report(
                type=CaseType.PAYMENT_IN_DOUBT,
                subject_id=row.public_id,
                severity=Case.Severity.HIGH,
                summary="The provider has not said what became of an operation. It is asked further.",
                evidence={"kind": row.kind, "checks": row.checks_count, "error_code": row.error_code},
                money=Money(row.amount_minor, row.currency),
                order_public_id=operation.order.public_id,
            ),
            now=cause.now,
        )
