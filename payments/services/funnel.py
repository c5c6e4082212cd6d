"""The funnel: whatever anyone learns from a provider ends here, and only here does an order become paid.

Note [Totals, not increments]: an update carries the provider's totals; they are set, never added, so that the number
and order of deliveries cannot matter. Captured totals only grow here: an older copy of a payment is never evidence
that money went away.
Note [Excess]: what is captured beyond the amount due, or after somebody else paid, is nobody's. It is marked, given
back by the settlement step and never silently kept.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from core import policies
from core.cause import Cause
from core.db import transaction_required
from core.errors import NotFound
from core.models import ProviderAccount
from orders import services as orders
from orders.models import Order, OrderState, Reason
from orders.models.money import BEFORE_PAYMENT
from orders.paths import Path, walked
from orders.selectors import lock_order
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.services import Report, open_case, resolve_open
from payments.models import (
    OPEN_STATUSES,
    RETURN_KINDS,
    AttemptStatus,
    Operation,
    OperationKind,
    OperationStatus,
    PaymentAttempt,
)
from payments.providers.base import ProviderUpdate, RefundFact
from payments.selectors import lock_attempts, lock_operations, place_of_attempt, refunds_by_operation
from payments.services import books, learn, mismatches, taken_back
from payments.services.columns import carry_after_return, set_order_money
from payments.services.disputes import follow_disputes
from payments.services.refunding.external import record_external
from payments.services.refunding.follow import follow_refunds
from payments.services.settle import is_ending, report_failed_give_back, settle_order

RETURN_REASONS: dict[str, Reason] = {
    OperationStatus.SUCCEEDED: Reason.GIVEN_BACK,
    OperationStatus.REVERSED: Reason.REFUND_REVERSED,
}


class UnknownPayment(NotFound):
    """The provider speaks of a payment we have no attempt for (yet)."""

    code = "unknown_payment"
    title = "We have no such payment."


@dataclass(frozen=True, slots=True)
class AppliedUpdate:
    """What an update changed: the order's public id and state after it."""

    order_public_id: str
    order_state: str
    attempt_public_id: str
    attempt_status: str


@dataclass(slots=True)
class Scene:
    """Everything locked for one update, in lock order: order, attempts, operations."""

    order: Order
    attempts: list[PaymentAttempt]
    operations: list[Operation]
    attempt: PaymentAttempt
    cause: Cause
    status_before: str
    was_acknowledged: bool
    known_operations: set[int] = field(default_factory=set)

    def operations_of(self, attempt: PaymentAttempt) -> list[Operation]:
        """This will return the operations of one attempt."""
        return [operation for operation in self.operations if operation.attempt_id == attempt.pk]


@transaction_required
def apply_update(update: ProviderUpdate, *, account: ProviderAccount, cause: Cause) -> AppliedUpdate:
    """This will learn from one update, move the order where the money says, post it and arrange what follows.

    Locks order, attempts, operations. Raises: UnknownPayment, LookedMeanwhile.
    """
    reference = update.provider_reference
    place = place_of_attempt(account=account, provider_reference=reference, attempt_id=update.attempt_id)
    if place is None:
        raise UnknownPayment(provider_reference=reference)
    scene = _lock_scene(*place, cause=replace(cause, provider=account.provider))
    order, attempt = scene.order, scene.attempt
    before = {row.pk: (row.captured_minor - row.excess_minor) for row in scene.attempts}
    captured_before, excess_before, shown_before = attempt.captured_minor, attempt.excess_minor, _shown(attempt)
    statuses_before = {row.pk: row.status for row in scene.operations}

    if _is_passed_over(scene, update):
        return AppliedUpdate(order.public_id, order.state, attempt.public_id, attempt.status)
    update = taken_back.as_heard(attempt, update)
    unheard = taken_back.unheard_reversal(attempt, update)
    if unheard is not None:
        apply_update(unheard, account=account, cause=cause)
        return apply_update(update, account=account, cause=cause)
    learn.take_in(attempt, update, now=cause.now)
    mismatch = learn.mismatch_of(update, attempt=attempt, operations=scene.operations_of(attempt))
    if attempt.captured_minor > captured_before and not (mismatch and _may_be_paid(order)):
        learn.mark_excess(order, scene.attempts, attempt, captured_before=captured_before)
    learn.settle_operations(scene.operations_of(attempt), attempt, update, now=cause.now)
    _record_external_capture(scene)
    follow_disputes(order, attempt, update.disputes, cause=scene.cause)
    learn.total_returned(attempt, scene.operations_of(attempt))
    attempt.save()
    if attempt.captured_minor < captured_before:
        lost = books.Captured(captured_before - attempt.captured_minor, excess_before - attempt.excess_minor)
        books.post_captures_reversed(order, attempt, lost, cause=scene.cause)
    set_order_money(order, scene.attempts, _because(scene, Reason.CAPTURE_REVERSED))
    _account_for_refunds(scene, statuses_before)
    if mismatch:
        mismatches.hold(order, attempt, update, mismatch, cause=scene.cause)
    will_be_paid = not mismatch and _may_be_paid(order) and _is_earned(scene)
    captured = books.Captured(
        total_minor=max(0, attempt.captured_minor - captured_before),
        excess_minor=max(0, attempt.excess_minor - excess_before),
    )
    is_owed = will_be_paid or order.is_sale_recognised
    books.post_captures(scene.order, attempt, scene.operations, captured, is_owed=is_owed, cause=scene.cause)
    if will_be_paid and not order.is_sale_recognised:
        books.reclassify_earlier(scene.order, scene.attempts, scene.operations, before, cause=scene.cause)
    _move(scene, will_be_paid=will_be_paid, has_changed=_shown(attempt) != shown_before)
    # After the sale, which the same update may have made: what went back of it is a refund of it.
    if _record_external_refunds(scene, update):
        _learn_returns(scene)
    elif will_be_paid and order.returned_minor:
        carry_after_return(order, attempt_public_id=attempt.public_id, cause=scene.cause)
    settle_order(order, scene.attempts, scene.operations, cause=scene.cause)
    return AppliedUpdate(order.public_id, order.state, attempt.public_id, attempt.status)


def _is_passed_over(scene: Scene, update: ProviderUpdate) -> bool:
    """Whether nothing of the update counts: it is of other money, which people are told, of a success that was taken
    back since, or of a reversal after which money came, or hides one. Raises: LookedMeanwhile, so that an event is read
    again.
    """
    foreign = learn.foreign_of(update, attempt=scene.attempt)
    if foreign:
        if not mismatches.is_settled(update, order=scene.order):
            mismatches.hold(scene.order, scene.attempt, update, foreign, cause=scene.cause)
        return True
    taken_back.refuse_contradicted(scene.attempt, update)
    is_unclear = taken_back.is_overtaken(scene.attempt, update) or taken_back.hides_money(scene.attempt, update)
    if is_unclear and scene.cause.source == "webhook":
        raise taken_back.LookedMeanwhile(attempt_id=scene.attempt.public_id)
    return is_unclear or taken_back.is_undone(scene.attempt, update)


@transaction_required
def apply_refund(refund: RefundFact, *, operation: Operation, cause: Cause) -> AppliedUpdate:
    """This will learn how one refund or give-back of ours stands and carry the order along."""
    attempt, cause = operation.attempt, replace(cause, provider=operation.attempt.account.provider)
    scene = _lock_scene(attempt.pk, attempt.order.public_id, cause=cause)
    order, attempt = scene.order, scene.attempt
    statuses_before = {row.pk: row.status for row in scene.operations}
    ours = next(row for row in scene.operations if row.pk == operation.pk)
    learn.settle_refund(ours, refund, now=cause.now)
    learn.total_returned(attempt, scene.operations_of(attempt))
    attempt.save()
    set_order_money(order, scene.attempts, _because(scene, Reason.CAPTURE_REVERSED))
    _account_for_refunds(scene, statuses_before)
    carry_after_return(order, attempt_public_id=attempt.public_id, cause=scene.cause)
    settle_order(order, scene.attempts, scene.operations, cause=scene.cause)
    return AppliedUpdate(order.public_id, order.state, attempt.public_id, attempt.status)


def _lock_scene(attempt_row_id: int, order_id: str, *, cause: Cause) -> Scene:
    order = lock_order(order_id)
    attempts = lock_attempts(order)
    for row in attempts:
        row.order = order
    operations = lock_operations(order)
    by_id = {row.pk: row for row in attempts}
    for operation in operations:
        operation.order, operation.attempt = order, by_id[operation.attempt_id]
    locked = by_id[attempt_row_id]
    was_acknowledged = locked.acknowledged_at is not None
    return Scene(order, attempts, operations, locked, cause, locked.status, was_acknowledged)


def _shown(attempt: PaymentAttempt) -> tuple[object, ...]:
    """What a customer is told of an attempt: a change of it is a new version of the order."""
    failure = (attempt.failure_code, attempt.failure_message, attempt.may_retry)
    return (attempt.status, attempt.is_behind_customer, attempt.next_action, attempt.client_secret, *failure)


def _is_payable(order: Order) -> bool:
    return OrderState(order.state) in BEFORE_PAYMENT


def _may_be_paid(order: Order) -> bool:
    return _is_payable(order) and not is_ending(order)


def _is_earned(scene: Scene) -> bool:
    # Nothing due is accepted from the first moment on: there the attempt's own word counts, never the sum alone.
    is_said = scene.order.due_minor > 0 or scene.attempt.status == AttemptStatus.CAPTURED
    return is_said and scene.order.is_paid_in_full()


def _move(scene: Scene, *, will_be_paid: bool, has_changed: bool) -> None:
    order, attempt, version_before = scene.order, scene.attempt, scene.order.version
    if _has_begun(scene):
        orders.mark_payment_started(order, _because(scene, Reason.PROVIDER_ACKNOWLEDGED))
    if will_be_paid:
        _pay(scene)
    elif not _may_be_paid(order):
        carry_after_return(order, attempt_public_id=attempt.public_id, cause=scene.cause)
    elif order.is_covered() and order.authorized_minor and order.state in {"payment_pending", "payment_failed"}:
        because = _because(scene, Reason.PROVIDER_PAYMENT_AUTHORIZED)
        orders.mark_authorized(order, because, held_until=attempt.capture_before)
    elif _is_short(scene):
        _ask_for_rest(scene)
    elif attempt.is_current and attempt.status in {"failed", "voided", "expired"} and _may_fail(scene):
        orders.mark_payment_failed(order, _because(scene, Reason.PROVIDER_PAYMENT_FAILED, code=attempt.failure_code))
    if has_changed and order.version == version_before:
        orders.record_fact(order, _because(scene, Reason.ATTEMPT_CHANGED, status=attempt.status))


def _has_begun(scene: Scene) -> bool:
    """Whether a try that may pay the order is acknowledged: its first one, or a new one after the old is dead.

    Who tries again with the same secret begins nothing: the order was theirs to pay all the time.
    """
    order, attempt = scene.order, scene.attempt
    if order.state == OrderState.DRAFT:
        return attempt.acknowledged_at is not None
    is_first_heard = attempt.is_current and attempt.acknowledged_at is not None and not scene.was_acknowledged
    return is_first_heard and order.state in {"payment_failed", "capture_failed"} and not is_ending(order)


def _is_short(scene: Scene) -> bool:
    """Whether a part was taken and another payment has to bring the rest: of a hold it is gone, or this was to be the
    rest, was taken whole, and what had come before it is gone since.
    """
    order, attempt = scene.order, scene.attempt
    is_over = attempt.is_current and attempt.status == AttemptStatus.CAPTURED and not order.authorized_minor
    is_whole = order.state == OrderState.PAYMENT_PENDING and attempt.captured_minor == attempt.amount_minor
    is_known = is_whole or order.state == OrderState.PAYMENT_AUTHORIZED
    return is_over and is_known and 0 < order.accepted_minor < order.due_minor


def _ask_for_rest(scene: Scene) -> None:
    pays_until = scene.cause.now + timedelta(seconds=policies.current("reservation")["hold_seconds"])
    was_held = scene.order.state == OrderState.PAYMENT_AUTHORIZED
    mark = orders.mark_capture_failed if was_held else orders.mark_payment_failed
    reason = Reason.PROVIDER_CAPTURE_FAILED if was_held else Reason.PROVIDER_PAYMENT_FAILED
    mark(scene.order, _because(scene, reason, code="rest_not_captured"), pays_until=pays_until)


def _may_fail(scene: Scene) -> bool:
    # A hold over the time's end is the settlement step's to close as expired, not a failure of the payment.
    order = scene.order
    is_over = order.expires_at is not None and order.expires_at <= scene.cause.now
    return order.state in {"payment_pending", "payment_authorized"} and not (is_over and scene.attempt.is_dead)


def _pay(scene: Scene) -> None:
    order, attempt = scene.order, scene.attempt
    had_failed = scene.status_before in {"failed", "voided", "expired"}
    # Who tries again with the same secret after a decline is not late: the attempt was theirs all the time.
    is_again = had_failed and attempt.is_current and attempt.confirmed_by == "client"
    is_late = order.state == OrderState.EXPIRED or not attempt.is_current or (had_failed and not is_again)
    is_sweep = scene.cause.source in {"sweep", "reconciliation"}
    reason = Reason.RECONCILIATION_PROVIDER_SUCCEEDED if is_sweep else Reason.PROVIDER_PAYMENT_SUCCEEDED
    if is_late or is_again:
        attempt.path_flags = walked(attempt.path_flags, Path.LATE_SUCCESS if is_late else Path.RETRIED)
        attempt.save(update_fields=["path_flags"])
    if attempt.capture_method == "manual":
        words = "The held funds were taken."
        resolve_open(
            type=CaseType.AUTHORIZATION_EXPIRING, subject_id=attempt.public_id, resolution=words, cause=scene.cause
        )
    may_reserve_again = bool(policies.current("late_money")["revive_expired"])
    orders.mark_paid(
        order,
        _because(scene, reason, amount_minor=attempt.captured_minor, path=attempt.path_flags),
        may_reserve_again=may_reserve_again,
    )


def _account_for_refunds(scene: Scene, statuses_before: dict[int, str]) -> None:
    """Post what newly went back, and what came back to us; a give-back that failed is somebody's to look at.

    Refunds of a sale have a row of their own, which follows its operation and posts itself. What was given back at the
    provider before there was a sale has none: nobody was owed it.
    """
    follow_refunds(scene.order, scene.operations_of(scene.attempt), cause=scene.cause)
    returns = [row for row in scene.operations_of(scene.attempt) if row.kind in RETURN_KINDS]
    changed = [row for row in returns if row.status != statuses_before.get(row.pk, "")]
    sold = refunds_by_operation(changed) if changed else {}
    for operation in changed:
        if operation.pk not in sold:
            _post_unowed_return(scene, operation)
        if operation.status not in OPEN_STATUSES:
            reason = RETURN_REASONS.get(operation.status, Reason.GIVE_BACK_FAILED)
            facts = {"operation": operation.public_id, "amount_minor": operation.amount_minor}
            orders.record_fact(scene.order, _because(scene, reason, **facts))


def _post_unowed_return(scene: Scene, operation: Operation) -> None:
    if operation.status == OperationStatus.SUCCEEDED:
        books.post_give_back(scene.order, operation, cause=scene.cause)
    elif operation.status == OperationStatus.REVERSED:
        books.post_give_back_returned(scene.order, operation, cause=scene.cause)
    if operation.status in {OperationStatus.REVERSED, OperationStatus.FAILED, OperationStatus.DECLINED}:
        report_failed_give_back(operation, cause=scene.cause)


def _record_external_capture(scene: Scene) -> None:
    """Held funds that were taken in the provider's dashboard: that money has its operation like all other.

    What a capture of ours may have taken was settled just before: what is left was taken past us.
    """
    attempt, operations = scene.attempt, scene.operations_of(scene.attempt)
    captures = [row for row in operations if row.kind == OperationKind.CAPTURE]
    if attempt.capture_method != "manual":
        return
    rest_minor = attempt.captured_minor - attempt.kept_minor - learn.captured_by(captures)
    if rest_minor > 0:
        external = learn.external_capture(attempt, rest_minor, operations=captures, cause=scene.cause)
        scene.operations.append(external)


def _learn_returns(scene: Scene) -> None:
    """Take refunds that were just recorded into columns, books and state."""
    order, attempt = scene.order, scene.attempt
    new = {row.pk for row in scene.operations if row.pk not in scene.known_operations}
    learn.total_returned(attempt, scene.operations_of(attempt))
    attempt.save()
    set_order_money(order, scene.attempts, _because(scene, Reason.CAPTURE_REVERSED))
    _account_for_refunds(scene, {row.pk: row.status for row in scene.operations if row.pk not in new})
    carry_after_return(order, attempt_public_id=attempt.public_id, cause=scene.cause)


def _record_external_refunds(scene: Scene, update: ProviderUpdate) -> bool:
    """A refund made in the provider's dashboard is a fact: recorded as an operation of its own, with a case.

    Returns whether there was one.
    """
    scene.known_operations = {operation.pk for operation in scene.operations}
    known = {operation.provider_reference for operation in scene.operations} | {""}
    ours = {operation.public_id for operation in scene.operations}
    for refund in update.refunds:
        if refund.reference in known or refund.operation_id in ours or refund.status != "succeeded":
            continue
        operation = learn.external_refund(scene.attempt, refund, cause=scene.cause)
        scene.operations.append(operation)
        if scene.order.is_sale_recognised:
            record_external(scene.order, scene.attempt, operation, refund, cause=scene.cause)
        open_case(
            Report(
                type=CaseType.EXTERNAL_REFUND,
                subject_id=operation.public_id,
                severity=Case.Severity.NORMAL,
                summary="Money was returned in the provider's own dashboard, not by us.",
                order_public_id=scene.order.public_id,
                evidence={"provider_reference": refund.reference, "amount_minor": refund.amount_minor},
            ),
            now=scene.cause.now,
        )
    return len(scene.operations) > len(scene.known_operations)


def _because(scene: Scene, reason: Reason, **facts: object) -> Because:
    return Because(reason=reason, cause=scene.cause, attempt_public_id=scene.attempt.public_id, facts=dict(facts))
