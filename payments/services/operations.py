"""Carrying out an operation: the call between two transactions, and writing down what it answered."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from core import clock, policies
from core.cause import Cause
from core.db import outside_transaction, transaction, transaction_required
from core.http import READ_SECONDS
from core.ids import CROCKFORD
from orders import services as orders
from orders.models import OrderState, Reason
from orders.selectors import lock_order
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from payments.models import OPEN_STATUSES, RETURN_KINDS, AttemptStatus, Operation, OperationKind, OperationStatus
from payments.providers.base import (
    Adapter,
    AdapterError,
    CaptureRequest,
    Declined,
    OutcomeUnknown,
    PaymentRequest,
    ProviderUpdate,
    RefundFact,
    RefundRequest,
    Refused,
    Unavailable,
)
from payments.providers.registry import adapter_for
from payments.selectors import find_operation, lock_attempts, lock_operation, lock_operations
from payments.services.funnel import AppliedUpdate, apply_refund, apply_update
from payments.services.refunding.follow import follow_refunds
from payments.services.settle import report_failed_give_back, settle_order
from payments.services.taken_back import hides_money, is_gone

TRIES_MAX = 3
PAUSE_SECONDS = 0.2
LEASE_SECONDS = 60
# A key that dies during the call would run as new; an hour is far beyond any call.
KEY_MARGIN = timedelta(hours=1)

LOST_CARD_DETAILS = "payment_token_expired"
REFUSED_MESSAGES = {LOST_CARD_DETAILS: "Your card details have expired. Please enter them again; nothing was charged."}

# The payment was in another state than we knew: a look comes before anything is sent again.
OVERTAKEN = "overtaken"

Ending = Literal["answered", "declined", "unavailable", "unknown", "refused"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How one call ended; evidence for `record_answer`. `sending` is the operation's how manieth it answers."""

    operation_id: str
    ending: Ending
    update: ProviderUpdate | None = None
    refund: RefundFact | None = None
    code: str = ""
    detail: str = ""
    sending: int = 0
    is_late_refusal: bool = False


@outside_transaction
def submit(operation: Operation, *, within_seconds: float) -> Answer:
    """This will call the provider with the operation's own key and request, again with the same key while time remains.

    A key past its life is not sent: the provider would run it as new. Nor is what would give back money that its bank
    has taken back: whether it did before, a look tells. Never raises an adapter's error: every ending is an answer to
    record.
    """
    if not is_key_alive(operation, now=clock.now()):
        return Answer(operation_id=operation.public_id, ending="unknown", code="key_expired")
    if operation.kind in RETURN_KINDS and is_gone(operation.attempt, operation.amount_minor):
        return Answer(operation_id=operation.public_id, ending="unknown", code=OVERTAKEN)
    adapter = adapter_for(operation.attempt.account)
    deadline = clock.now() + timedelta(seconds=within_seconds)
    ending = Answer(operation_id=operation.public_id, ending="unavailable", code="not_tried")
    is_first_call = operation.sends_count <= 1
    for attempt_number in range(TRIES_MAX):
        if attempt_number:
            clock.sleep(PAUSE_SECONDS * 2**attempt_number * (0.5 + _jitter(operation, attempt_number)))
            # A further call may take its whole read time-out; the client was promised an answer before that.
            if clock.now() + timedelta(seconds=READ_SECONDS) > deadline:
                break
        ending = _call_once(adapter, operation)
        if ending.ending == "refused" and not is_first_call:
            # Note [Late refusal]: a wrong key or a bad request says that this call did not run, not that an earlier one
            # without an answer did not. Only a refusal of the very first call is final.
            ending = replace(ending, ending="unknown", is_late_refusal=True)
        if ending.ending not in {"unavailable", "unknown"} or ending.is_late_refusal:
            break
        is_first_call = is_first_call and ending.ending == "unavailable"
    return replace(ending, sending=operation.sends_count)


def is_key_alive(operation: Operation, *, now: datetime) -> bool:
    """This will tell whether the provider surely still knows the operation's key, so that a repeat cannot act twice.

    Without a lifetime (a provider without keys) only the first call is safe.
    """
    if operation.provider_key_expires_at is None:
        return operation.sends_count <= 1
    return now < operation.provider_key_expires_at - KEY_MARGIN


def _jitter(operation: Operation, attempt_number: int) -> float:
    # From the operation's own random id, so that a simulated run repeats exactly.
    character = operation.public_id[-1 - attempt_number]
    return (CROCKFORD.find(character) + 1) / 32


def _call_once(adapter: Adapter, operation: Operation) -> Answer:
    answer = _answer_of(adapter, operation)
    if answer.update is not None and hides_money(operation.attempt, answer.update):
        return Answer(operation_id=operation.public_id, ending="unknown", code=OVERTAKEN)
    return answer


def _answer_of(adapter: Adapter, operation: Operation) -> Answer:
    try:
        update, refund = _call(adapter, operation)
    except Declined as error:
        return _ending(operation, "declined", error)
    except Unavailable as error:
        return _ending(operation, "unavailable", error)
    except OutcomeUnknown as error:
        return _ending(operation, "unknown", error)
    except Refused as error:
        return _ending(operation, "refused", error)
    update = _since_first_call(operation, update)
    return Answer(operation_id=operation.public_id, ending="answered", update=update, refund=refund)


def _ending(operation: Operation, ending: Ending, error: AdapterError) -> Answer:
    update = _since_first_call(operation, error.update)
    return Answer(operation_id=operation.public_id, ending=ending, update=update, code=error.code, detail=error.detail)


def _since_first_call(operation: Operation, update: ProviderUpdate | None) -> ProviderUpdate | None:
    # A repeated key is answered with what the provider saved at the first call, however long ago that was.
    return None if update is None else replace(update, observed_at=operation.sent_at)


def _call(adapter: Adapter, operation: Operation) -> tuple[ProviderUpdate | None, RefundFact | None]:
    key = operation.provider_key
    reference = operation.attempt.provider_reference or ""
    match operation.kind:
        case OperationKind.AUTHORIZE:
            return adapter.create(PaymentRequest(**operation.request), key=key), None
        case OperationKind.CAPTURE:
            is_final = bool(operation.request.get("is_final", True))
            request = CaptureRequest(reference, operation.amount_minor, operation.currency, is_final)
            return adapter.capture(request, key=key), None
        case OperationKind.VOID:
            return adapter.void(reference, key=key), None
        case _:
            return None, adapter.refund(RefundRequest(**operation.request), key=key)


@outside_transaction
def carry_out(operation_id: str, *, cause: Cause) -> None:
    """This will lease a created or undecided operation, call, and record; a no-op when somebody else has it or it
    is settled.
    """
    operation = take_lease(operation_id, now=cause.now)
    if operation is None:
        return
    answer = submit(operation, within_seconds=policies.current("payment")["answer_within_seconds"])
    with orders.order_transaction("payments.record"):
        record_answer(answer, cause=cause)


def take_lease(operation_id: str, *, now: datetime) -> Operation | None:
    """This will mark the operation as sent and ours for a minute, in its own transaction; None when it is not to be
    had.
    """
    with transaction("payments.lease"):
        operation = lock_operation(operation_id)
        if operation.status not in OPEN_STATUSES:
            return None
        if operation.lease_expires_at is not None and operation.lease_expires_at > now:
            return None
        if operation.status == OperationStatus.CREATED:
            lifetime = adapter_for(operation.attempt.account).capabilities.key_lifetime_seconds
            operation.status = OperationStatus.SENT
            operation.sent_at = now
            # The provider counts from the first call, which may be long after the row was written.
            operation.provider_key_expires_at = now + timedelta(seconds=lifetime) if lifetime else None
        operation.fencing_token += 1
        operation.sends_count += 1
        operation.lease_expires_at = now + timedelta(seconds=LEASE_SECONDS)
        operation.save(
            update_fields=[
                "status",
                "sent_at",
                "provider_key_expires_at",
                "fencing_token",
                "sends_count",
                "lease_expires_at",
            ]
        )
    return operation


@transaction_required
def take_over(operation_id: str) -> Operation:
    """This will return an operation whose first caller may have died, locked; what is sent from now on is a repeat."""
    operation = lock_operation(operation_id)
    if operation.status == OperationStatus.SENT:
        operation.sends_count += 1
        operation.save(update_fields=["sends_count"])
    return operation


@transaction_required
def record_answer(answer: Answer, *, cause: Cause) -> AppliedUpdate | None:
    """This will write down how a call ended. An answer goes through the funnel; no answer makes the operation unknown.

    Order, attempts and operations are locked in that order. An operation that was settled meanwhile keeps its truth.
    """
    operation = find_operation(answer.operation_id)
    order = lock_order(operation.order.public_id)
    if answer.update is not None:
        applied = apply_update(answer.update, account=operation.attempt.account, cause=cause)
        if answer.ending == "declined" and operation.kind != OperationKind.AUTHORIZE:
            _note_declined_write(answer, operation, cause=cause)
        return applied
    if answer.refund is not None:
        return apply_refund(answer.refund, operation=operation, cause=cause)
    attempts, operations = lock_attempts(order), lock_operations(order)
    operation = next(row for row in operations if row.pk == operation.pk)
    if operation.status not in {OperationStatus.SENT, OperationStatus.UNKNOWN}:
        return None
    if answer.ending == "refused" and operation.sends_count > answer.sending:
        # Note [Late refusal], seen from the first caller: who took the operation over has sent the same since.
        answer = replace(answer, ending="unknown", is_late_refusal=True)
    operation.order = order
    operation.attempt = next(row for row in attempts if row.pk == operation.attempt_id)
    _note_ending(answer, operation, cause=cause)
    follow_refunds(order, operations, cause=cause)
    if answer.ending in {"declined", "refused"}:
        _note_refusal(answer, operation, cause=cause)
    _tell_people(answer, operation, cause=cause)
    settle_order(order, attempts, operations, cause=cause)
    return None


def _note_ending(answer: Answer, operation: Operation, *, cause: Cause) -> None:
    """A call without news of the payment: settled by a refusal, else to be looked at again."""
    operation.error_code, operation.error_detail = answer.code[:80], answer.detail[:300]
    operation.lease_expires_at = None
    operation.next_check_at = cause.now + timedelta(seconds=policies.current("payment")["first_check_seconds"])
    if answer.ending == "unknown":
        operation.status = OperationStatus.UNKNOWN
    elif answer.ending != "unavailable":
        operation.status = OperationStatus.DECLINED if answer.ending == "declined" else OperationStatus.FAILED
        operation.settled_at, operation.next_check_at = cause.now, None
    operation.save(
        update_fields=["status", "error_code", "error_detail", "lease_expires_at", "next_check_at", "settled_at"]
    )


def _note_refusal(answer: Answer, operation: Operation, *, cause: Cause) -> None:
    """What follows from an operation that surely did not run and will not be repeated."""
    order = operation.order
    match operation.kind:
        case OperationKind.AUTHORIZE:
            _fail_attempt(answer, operation, cause=cause)
        case OperationKind.CAPTURE if order.state == OrderState.PAYMENT_AUTHORIZED:
            facts = {"code": answer.code}
            because = Because(Reason.PROVIDER_CAPTURE_FAILED, cause, operation.attempt.public_id, facts)
            orders.mark_capture_failed(order, because)
        case OperationKind.GIVE_BACK:
            report_failed_give_back(operation, cause=cause)


def _fail_attempt(answer: Answer, operation: Operation, *, cause: Cause) -> None:
    attempt = operation.attempt
    attempt.status = AttemptStatus.FAILED
    # What a provider says about our own request (a wrong key, a bad parameter) is not for customers.
    is_for_customers = answer.ending == "declined" or answer.code == LOST_CARD_DETAILS
    attempt.failure_code = answer.code[:80] if is_for_customers else "payment_unavailable"
    attempt.failure_message = REFUSED_MESSAGES.get(answer.code, "")
    if answer.ending == "declined":
        attempt.failure_message = answer.detail[:300]
    attempt.may_retry = True
    # Surely not executed and never acknowledged: nothing at the provider can capture.
    attempt.dead_at = cause.now
    attempt.save(update_fields=["status", "failure_code", "failure_message", "may_retry", "dead_at"])
    facts = {"status": "failed", "code": answer.code}
    orders.record_fact(operation.order, Because(Reason.ATTEMPT_CHANGED, cause, attempt.public_id, facts))


def _note_declined_write(answer: Answer, operation: Operation, *, cause: Cause) -> None:
    """A write the provider refused because of the payment's state: the update told the truth, the operation failed.

    The news may have moved order and operation; what follows from the refusal is asked of how they stand now.
    """
    order = lock_order(operation.order.public_id)
    row = next(one for one in lock_operations(order) if one.pk == operation.pk)
    if row.status not in {OperationStatus.SENT, OperationStatus.UNKNOWN}:
        return
    row.order, row.attempt = order, operation.attempt
    if row.kind in RETURN_KINDS:
        # What we know of the payment is older than the refusal. It stays open until a look has found out why.
        _note_ending(replace(answer, ending="unknown", code=OVERTAKEN), row, cause=cause)
        follow_refunds(order, [row], cause=cause)
        return
    row.status, row.error_code = OperationStatus.DECLINED, answer.code[:80]
    row.settled_at, row.next_check_at, row.lease_expires_at = cause.now, None, None
    row.save(update_fields=["status", "error_code", "settled_at", "next_check_at", "lease_expires_at"])
    _note_refusal(answer, row, cause=cause)


def _tell_people(answer: Answer, operation: Operation, *, cause: Cause) -> None:
    is_refusal = answer.ending == "refused" or answer.is_late_refusal
    if not is_refusal or answer.code == LOST_CARD_DETAILS:
        return
    open_case(
        Report(
            type=CaseType.PROVIDER_REFUSED,
            subject_id=operation.public_id,
            severity=Case.Severity.HIGH,
            summary=f"The provider refused a request as wrong ({answer.code}): configuration or our own mistake.",
            evidence={"kind": operation.kind, "code": answer.code, "detail": answer.detail},
            order_public_id=operation.order.public_id,
        ),
        now=cause.now,
    )
