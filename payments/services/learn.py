"""What an update teaches an attempt and its operations. No order is moved here; rows given are locked by the caller.

Note [Observed at]: an answer may be overtaken on its way to us, so a status says between which instants it was true:
not before we asked, not after we were answered. Of the status an attempt has and the one an update brings

- the end at the provider (captured, voided, expired) is believed whenever it was seen: nothing there goes back on it;
- an answer that was there before the known status was asked for is older: not taken;
- one that was asked for after the known status was answered is newer: taken, also where it goes back (a withdrawal);
- in between nobody can tell (two questions under way at once, one instant for both), and what got further wins.
  A payment mostly goes forward, and who is wrong about that loses no money: a hold that is gone refuses its
  capture, and a look asked for later puts it right. Going back on a guess would close an order whose funds are held.

Only times of our own clock decide, and our machines agree about it to well under the time of one call. The time
inside an event is the provider's clock, cut to whole seconds, and a copy waits in queues for hours: such a copy
counts as not later than when we read it and as no newer than anything, so for it the third line never holds.
A repeated key brings back the answer of its first call, so a write counts as asked when the operation was first sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core import policies
from core.cause import Cause
from core.ids import new_public_id
from core.machines import may_move
from orders.models import CANCELLED_STATES, Order, OrderState
from orders.paths import Path, walked
from payments.models import RETURN_KINDS, AttemptStatus, Operation, OperationKind, OperationStatus, PaymentAttempt
from payments.providers.base import ProviderUpdate, RefundFact
from payments.providers.registry import adapter_for
from payments.selectors import excess_by_operation

RECHECK_MAX_SECONDS = 600
# How far a payment got; a failed try is behind every try's begin and before its success.
_PROGRESS: dict[str, int] = {
    status: rank
    for rank, statuses in enumerate(
        (
            ("created",),
            ("requires_action", "awaiting_funds"),
            ("partially_funded", "processing"),
            ("failed",),
            ("authorized",),
            ("partially_captured",),
            ("voided", "expired"),
            ("captured", "reversed"),
        )
    )
    for status in statuses
}
_FINAL = {"captured", "voided", "expired", "reversed"}
_UNDONE = {OperationStatus.DECLINED, OperationStatus.FAILED, OperationStatus.REVERSED}
_SETTLED = {OperationStatus.SUCCEEDED, OperationStatus.DECLINED, OperationStatus.FAILED, OperationStatus.REVERSED}


def foreign_of(update: ProviderUpdate, *, attempt: PaymentAttempt) -> str:
    """This will say in words why the report is about another payment than ours, or "" when it is about this one.

    Nothing of such a report may enter the attempt: its money would be counted as ours, or in the wrong currency.
    """
    if update.is_livemode != attempt.account.is_livemode:
        return "it is a live payment on a test account or the other way round"
    if update.currency != attempt.currency:
        return f"it is in {update.currency} instead of {attempt.currency}"
    if (update.order_id, update.attempt_id) != (attempt.order.public_id, attempt.public_id):
        return "it names another order or attempt"
    if attempt.provider_reference not in {None, update.provider_reference}:
        return "two payments at the provider carry the same attempt"
    return ""


def mismatch_of(update: ProviderUpdate, *, attempt: PaymentAttempt, operations: Sequence[Operation]) -> str:
    """This will say in words how the amount of the provider's payment differs from what we asked for, or ""."""
    if update.amount_minor != attempt.amount_minor:
        return f"it is over {update.amount_minor} {update.currency} instead of {attempt.amount_minor}"
    asked_minor = asked_to_capture(attempt, operations)
    # Whoever took the rest after a part of it: all of it is what the order costs.
    if update.status == "captured" and update.captured_minor not in {asked_minor, attempt.amount_minor}:
        return f"{update.captured_minor} {update.currency} were captured instead of {asked_minor}"
    return ""


def asked_to_capture(attempt: PaymentAttempt, operations: Sequence[Operation]) -> int:
    """This will return what we asked to take of the attempt, minor units: everything, unless captures say otherwise."""
    captures = [
        row
        for row in operations
        if row.kind == OperationKind.CAPTURE and row.status not in _UNDONE and not row.request.get("external")
    ]
    return sum(row.amount_minor for row in captures) if captures else attempt.amount_minor


def take_in(attempt: PaymentAttempt, update: ProviderUpdate, *, now: datetime) -> None:
    """This will set what the update says on the locked `attempt`; a status that was overtaken, or that the machine
    lacks a way to, is not taken.
    """
    if attempt.provider_reference is None:
        attempt.provider_reference = update.provider_reference
    attempt.acknowledged_at = attempt.acknowledged_at or now
    attempt.client_secret = update.client_secret or attempt.client_secret
    if may_move("attempt", attempt.status, update.status) and _is_news(attempt, update):
        attempt.status = update.status
        attempt.observed_at = max(filter(None, [attempt.observed_at, update.observed_at]), default=None)
        attempt.answered_at = max(filter(None, [attempt.answered_at, update.answered_at]))
        attempt.provider_status = update.provider_status
        if update.next_action and update.next_action != attempt.next_action:
            # A new question: that the customer came back from an earlier one says nothing about it.
            attempt.customer_finished_at = None
        attempt.next_action = update.next_action
        attempt.next_action_expires_at = update.next_action_expires_at
        attempt.authorized_minor = update.authorized_minor
        attempt.failure_code = update.failure.code[:80] if update.failure else ""
        attempt.failure_message = update.failure.message[:300] if update.failure else ""
        attempt.may_retry = update.failure.may_retry if update.failure else True
        # Late truth may bring a payment back to life, which then has to be closed again.
        attempt.dead_at = None if update.can_still_capture else attempt.dead_at or now
    if attempt.status == AttemptStatus.CAPTURED:
        attempt.authorized_minor = 0
        # Late truth: what was thought dead took money after all.
        attempt.dead_at = None
    _take_in_captured(attempt, update)
    attempt.capture_before = update.capture_before or attempt.capture_before
    attempt.three_d_secure = update.three_d_secure or attempt.three_d_secure
    attempt.risk = update.risk or attempt.risk
    if update.next_action:
        attempt.path_flags = walked(attempt.path_flags, Path.CHALLENGE)
    if update.failure and update.failure.is_soft:
        attempt.path_flags = walked(attempt.path_flags, Path.SOFT_DECLINE)


def _take_in_captured(attempt: PaymentAttempt, update: ProviderUpdate) -> None:
    """Captured totals only grow, but for a capture that the provider says it took back; see Note [Reversed].

    The provider's total is of the payment's last charge; what was kept of earlier ones is ours beside it.
    """
    attempt.kept_minor = max(attempt.kept_minor, update.earlier_minor)
    if attempt.status == AttemptStatus.REVERSED:
        if update.status == "reversed":
            # All that its charges left; one that was taken and taken back before anybody heard of it is among them.
            left_minor = max(attempt.kept_minor, update.earlier_minor + update.captured_minor)
            attempt.reversals_count += left_minor < attempt.captured_minor
            attempt.captured_minor = left_minor
        # That charge is over: what it left stands beside whatever is taken next.
        attempt.kept_minor = attempt.captured_minor
        attempt.reversed_minor = max(attempt.reversed_minor, update.reversed_minor)
        attempt.excess_minor = min(attempt.excess_minor, attempt.captured_minor)
        attempt.authorized_minor, attempt.dead_at = 0, attempt.dead_at or update.answered_at
        return
    attempt.captured_minor = max(attempt.captured_minor, attempt.kept_minor + update.captured_minor)
    if attempt.captured_minor:
        days = adapter_for(attempt.account).capabilities.settlement_days
        attempt.settlement_due_at = attempt.settlement_due_at or update.answered_at + timedelta(days=days)
        # What was taken back is there again, as far as it is captured.
        attempt.reversed_minor = 0
    else:
        attempt.reversed_minor = max(attempt.reversed_minor, update.reversed_minor)


def _is_news(attempt: PaymentAttempt, update: ProviderUpdate) -> bool:
    """Whether the update's status may replace the attempt's. See Note [Observed at]."""
    if update.status in _FINAL or attempt.answered_at is None:
        return True
    if attempt.observed_at is not None and update.answered_at < attempt.observed_at:
        return False
    if update.observed_at is not None and update.observed_at > attempt.answered_at:
        return True
    # Of two looks at a payment that waits for its customer, the one with the question is the later.
    known = (_PROGRESS[attempt.status], attempt.next_action is not None)
    return (_PROGRESS[update.status], update.next_action is not None) >= known


def mark_excess(order: Order, attempts: list[PaymentAttempt], attempt: PaymentAttempt, *, captured_before: int) -> None:
    """This will mark what the new capture took beyond the amount due, all attempts together; of a sale that was
    cancelled nothing is due.
    """
    accepted_by_others = sum(row.captured_minor - row.excess_minor for row in attempts if row.pk != attempt.pk)
    accepted_before = captured_before - attempt.excess_minor
    room = max(0, order.due_minor - accepted_by_others - accepted_before)
    if order.is_sale_recognised and OrderState(order.state) in CANCELLED_STATES:
        room = 0
    attempt.excess_minor += max(0, attempt.captured_minor - captured_before - room)


def settle_operations(
    operations: list[Operation], attempt: PaymentAttempt, update: ProviderUpdate, *, now: datetime
) -> None:
    """This will give the attempt's operations the last word the update holds, by evidence only.

    A payment is captured or voided once: that speaks for the newest capture or void alone, so that an earlier one that
    was refused is not taken for a second; taken back is whatever was captured. Refunds are known by our id or, if made
    elsewhere, by the provider's.
    """
    refunds = {refund.reference: refund for refund in update.refunds}
    refunds |= {refund.operation_id: refund for refund in update.refunds if refund.operation_id}
    newest = {operation.kind: operation.pk for operation in operations}
    for operation in operations:
        if operation.kind in RETURN_KINDS:
            refund = refunds.get(operation.public_id) or refunds.get(operation.provider_reference)
            if refund is not None:
                settle_refund(operation, refund, now=now)
            continue
        if operation.kind == OperationKind.CAPTURE and update.status == "reversed":
            settle(operation, OperationStatus.REVERSED, now=now, reference=update.provider_reference)
        if operation.pk != newest[operation.kind]:
            continue
        target = _target(operation, attempt, update)
        if operation.kind == OperationKind.CAPTURE and target == OperationStatus.SUCCEEDED:
            target = _capture_target(operation, operations, update)
        if target is not None:
            settle(operation, target, now=now, reference=update.provider_reference)


def _capture_target(
    operation: Operation, operations: Sequence[Operation], update: ProviderUpdate
) -> OperationStatus | None:
    """What a total that was taken says of the newest capture: it ran if the total holds it beside the earlier ones. If
    not and nothing can be taken any more, it never will.
    """
    if update.captured_minor >= captured_by(operations, but=operation) + operation.amount_minor:
        return OperationStatus.SUCCEEDED
    return OperationStatus.FAILED if update.status == "captured" else None


def captured_by(operations: Sequence[Operation], *, but: Operation | None = None) -> int:
    """This will return what captures took that are known to have succeeded, minor units; `but` this one."""
    others = (row for row in operations if row.kind == OperationKind.CAPTURE and row is not but)
    return sum(row.amount_minor for row in others if row.status == OperationStatus.SUCCEEDED)


def _target(operation: Operation, attempt: PaymentAttempt, update: ProviderUpdate) -> OperationStatus | None:
    """What the payment's present state says of one operation; None says nothing."""
    is_taken = update.status in {"captured", "partially_captured"}
    # What was taken back, or failed, may have been cancelled after that.
    is_closed = not is_taken and (update.status in {"voided", "expired"} or not update.can_still_capture)
    if operation.kind == OperationKind.VOID:
        if is_closed:
            return OperationStatus.SUCCEEDED
        return OperationStatus.FAILED if is_taken else None
    if is_taken or (update.status == "authorized" and operation.kind == OperationKind.AUTHORIZE):
        return OperationStatus.SUCCEEDED
    if operation.kind == OperationKind.CAPTURE:
        return OperationStatus.FAILED if is_closed else None
    if update.status == "reversed":
        return OperationStatus.REVERSED
    if update.status == attempt.status == "failed" and attempt.confirmed_by == "server":
        return OperationStatus.DECLINED
    # The customer may try again with the same client secret, so the provider is still asked.
    return OperationStatus.FAILED if is_closed else OperationStatus.PENDING


def settle(operation: Operation, target: OperationStatus, *, now: datetime, reference: str = "") -> None:
    """This will move an operation along its machine and save it; a move the machine lacks is not evidence and
    changes nothing.
    """
    if operation.status == OperationStatus.CREATED:
        # Learned before it was sent: it passes through sent, as its machine says, and is never called.
        operation.status = OperationStatus.SENT
        operation.sent_at = now
        operation.save(update_fields=["status", "sent_at"])
    if not may_move("operation", operation.status, target) or operation.status == target != OperationStatus.PENDING:
        return
    operation.status = target
    operation.provider_reference = reference or operation.provider_reference
    operation.lease_expires_at = None
    if target in _SETTLED:
        operation.settled_at, operation.next_check_at = now, None
    else:
        operation.next_check_at = now + recheck_after(operation)
    operation.save(update_fields=["status", "provider_reference", "lease_expires_at", "settled_at", "next_check_at"])


def recheck_after(operation: Operation) -> timedelta:
    """This will return how long to wait before the next look: the policy's time at first, doubling to ten minutes."""
    seconds = policies.current("payment")["recheck_seconds"] * 2 ** min(operation.checks_count, 4)
    return timedelta(seconds=min(RECHECK_MAX_SECONDS, seconds))


def settle_refund(operation: Operation, refund: RefundFact, *, now: datetime) -> None:
    """This will give a refund or give-back of ours the status the provider reports; a success can be reversed later."""
    targets = {
        "pending": OperationStatus.PENDING,
        "requires_action": OperationStatus.PENDING,
        "succeeded": OperationStatus.SUCCEEDED,
        "failed": OperationStatus.FAILED,
        "cancelled": OperationStatus.FAILED,
    }
    if operation.status == OperationStatus.REVERSED:
        return  # It failed after it had arrived: a success that is read after that was asked for before.
    target = targets[refund.status]
    if operation.status == OperationStatus.SUCCEEDED and target == OperationStatus.FAILED:
        target = OperationStatus.REVERSED
    operation.error_code = refund.failure_code[:80]
    settle(operation, target, now=now, reference=refund.reference)


def total_returned(attempt: PaymentAttempt, operations: list[Operation]) -> None:
    """This will set what went back of the attempt: of what was nobody's, of what was due, and what was beyond that.

    Refunds and give-backs of its operations, disputes lost, and what was paid in another way than by its provider. A
    give-back returns what was nobody's, a refund of a sale what its row says. One query where there are refunds.
    """
    arrived = [row for row in operations if row.kind in RETURN_KINDS and row.status == OperationStatus.SUCCEEDED]
    refunds = [row for row in arrived if row.kind == OperationKind.REFUND]
    excess_of = excess_by_operation(refunds) if refunds else {}
    nobodys = sum(excess_of.get(row.pk, row.amount_minor) for row in arrived)
    attempt.excess_returned_minor = min(nobodys, attempt.excess_minor)
    by_provider = sum(row.amount_minor for row in arrived)
    returned = by_provider - attempt.excess_returned_minor + attempt.lost_minor + attempt.offline_minor
    attempt.returned_minor = min(returned, attempt.captured_minor - attempt.excess_minor)
    attempt.beyond_minor = returned - attempt.returned_minor


def external_capture(
    attempt: PaymentAttempt, amount_minor: int, *, operations: Sequence[Operation], cause: Cause
) -> Operation:
    """This will insert the taking of held funds that nobody here asked for as an operation of its own, already
    succeeded. A payment can be taken in parts, so that its own reference alone would name two of them.
    """
    number = sum(row.kind == OperationKind.CAPTURE for row in operations)
    operation = _insert_external(
        attempt,
        kind=OperationKind.CAPTURE,
        amount_minor=amount_minor,
        reference=attempt.provider_reference or "",
        suffix=f":{number}" if number else "",
        cause=cause,
    )
    settle(operation, OperationStatus.SUCCEEDED, now=cause.now, reference=operation.provider_reference)
    return operation


def external_refund(attempt: PaymentAttempt, refund: RefundFact, *, cause: Cause) -> Operation:
    """This will insert a refund somebody made at the provider as an operation of its own, already succeeded."""
    operation = _insert_external(
        attempt,
        kind=OperationKind.REFUND,
        amount_minor=refund.amount_minor,
        reference=refund.reference,
        cause=cause,
    )
    settle(operation, OperationStatus.SUCCEEDED, now=cause.now, reference=refund.reference)
    return operation


def _insert_external(
    attempt: PaymentAttempt,
    *,
    kind: OperationKind,
    amount_minor: int,
    reference: str,
    cause: Cause,
    suffix: str = "",
) -> Operation:
    operation = Operation(
        public_id=new_public_id("op"),
        order=attempt.order,
        attempt=attempt,
        kind=kind,
        status=OperationStatus.SENT,
        amount_minor=amount_minor,
        currency=attempt.currency,
        provider_key=f"external:{reference}{suffix}"[:64],
        provider_reference=reference,
        request={"external": True},
        request_digest="",
        next_check_at=cause.now,
        trace_id=cause.trace_id,
        created_at=cause.now,
        sent_at=cause.now,
    )
    operation.save(force_insert=True)
    return operation
