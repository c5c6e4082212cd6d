"""Giving money back of a paid order: decided under the order's lock, committed with its key, carried out by a worker.

Note [Two people]: whoever asks says which refund they saw last. The order's lock lets one of two in; the other reads
the first one's row and is told, instead of giving the same money back again.
Note [What is counted]: refunds that are under way count like those that arrived; the database sums them up once more.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from accounts.models import User
from core import jobs
from core.cause import Cause
from core.db import constraint_errors, transaction_required
from core.ids import new_public_id
from core.money import Money
from orders import services as orders
from orders.models import Order, OrderState, Reason
from orders.models.money import PAID_STATES
from orders.refunding import AmountBeyondLeft, Shares, refund_shares
from orders.selectors import lock_order, open_holds
from orders.services.change import Because
from oversight.models import Action, Approval, ReasonCode
from oversight.services import Act, authorize_act, check_limits, digest_request, request_approval
from payments.models import (
    LOST_DISPUTES,
    OPEN_DISPUTES,
    OPEN_REFUNDS,
    Dispute,
    OperationKind,
    PaymentAttempt,
    Refund,
    RefundStatus,
    RefundTax,
)
from payments.providers.base import RefundRequest
from payments.providers.registry import adapter_for
from payments.selectors import disputes_of, lock_attempts, lock_operations, refunds_of
from payments.services.attempts import insert_operation
from payments.services.columns import carry_after_return, set_order_money
from payments.services.learn import total_returned
from payments.services.refunding.books import post_accepted, post_settled_elsewhere
from payments.services.refunding.follow import note_arrival
from payments.services.refunding.shares import given_of, parts_of, sold_of, split
from payments.services.refunding.terms import NotRefundable, RefundLocked, RefundsChanged, RefundWish, UnknownReason

ORIGINS = {"provider": Refund.Origin.OURS, "credit": Refund.Origin.CREDIT, "offline": Refund.Origin.OFFLINE}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes back of one payment."""

    attempt: PaymentAttempt
    shares: Shares


@transaction_required
def request_refund(wish: RefundWish, *, cause: Cause, staff: User | None = None) -> list[Refund]:
    """This will give back what is wished of a paid order: mostly one refund, one more for each further payment that
    has to bear it.

    With `staff` their role, limits and reason decide, and above their own limit it waits for a second person; without,
    a rule decided, which an open hold forbids, and `cause` says which. Locks the order, then its attempts. Raises:
    NoSuchOrder, UnknownReason, NotRefundable, RefundsChanged, RefundLocked, the errors of orders.refunding and of
    oversight.
    """
    if wish.reason_code not in ReasonCode.values:
        raise UnknownReason(reason_code=wish.reason_code)
    order = lock_order(wish.order_id)
    refunds, disputes = refunds_of(order), disputes_of(order)
    _require_refundable(order, refunds, wish)
    require_undisputed(order, disputes, is_override=wish.overrides_dispute)
    if staff is None and open_holds(order):
        raise NotRefundable(detail="The order is held: a person decides about its refunds.", order_id=order.public_id)
    sold = sold_of(order)
    lost = [dispute for dispute in disputes if dispute.status in LOST_DISPUTES]
    attempts = lock_attempts(order)
    shares = refund_shares(
        sold,
        given=given_of(refunds, lost=lost, sold=sold),
        wanted=wish.wanted,
        step_minor=_step_of(attempts, order, wish),
    )
    made = [
        _insert(order, plan, wish, cause=cause)
        for plan in _plan(order, attempts, refunds, shares, is_offline=wish.destination != "provider")
    ]
    for refund in made:
        approval = _authorize(order, refund, staff, cause=cause) if staff else None
        if approval is None:
            send(order, refund, cause=cause)
        facts = {"refund": refund.public_id, "amount_minor": refund.amount_minor, "reason": wish.reason_code}
        orders.record_fact(order, Because(Reason.REFUND_REQUESTED, cause, refund.attempt.public_id, facts))
    return made


@transaction_required
def send(order: Order, refund: Refund, *, cause: Cause) -> None:
    """This will commit a decided refund of the locked order with its operation, or settle it where no provider is
    asked; a worker carries it out after commit.
    """
    post_accepted(order, refund, cause=cause)
    if refund.origin != Refund.Origin.OURS:
        _settle_elsewhere(order, refund, cause=cause)
        return
    attempt = refund.attempt
    attempt.order = order
    operation_id = new_public_id("op")
    request = RefundRequest(
        provider_reference=attempt.provider_reference or "",
        operation_id=operation_id,
        order_id=order.public_id,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
    )
    refund.operation = insert_operation(
        attempt,
        kind=OperationKind.REFUND,
        amount_minor=refund.amount_minor,
        request=asdict(request),
        cause=cause,
        public_id=operation_id,
    )
    refund.status = RefundStatus.SENT
    refund.save(update_fields=["operation", "status"])
    jobs.wake("payments.carry_out", operation_id=operation_id)


def _settle_elsewhere(order: Order, refund: Refund, *, cause: Cause) -> None:
    """Nobody is asked: a transfer was made, or the customer has credit from now on."""
    refund.status = RefundStatus.SENT
    refund.save(update_fields=["status"])
    post_settled_elsewhere(order, refund, cause=cause)
    note_arrival(order, refund, cause=cause)
    attempts, operations = lock_attempts(order), lock_operations(order)
    attempt = next(row for row in attempts if row.pk == refund.attempt_id)
    attempt.offline_minor += refund.amount_minor
    total_returned(attempt, [row for row in operations if row.attempt_id == attempt.pk])
    attempt.save()
    because = Because(Reason.REFUND_SUCCEEDED, cause, attempt.public_id)
    set_order_money(order, attempts, because)
    carry_after_return(order, attempt_public_id=attempt.public_id, cause=cause)


def require_undisputed(order: Order, disputes: Sequence[Dispute], *, is_override: bool) -> None:
    """This will refuse to give back what a bank may give back as well, unless somebody takes that risk.

    Raises: RefundLocked.
    """
    if not is_override and any(dispute.status in OPEN_DISPUTES for dispute in disputes):
        raise RefundLocked(order_id=order.public_id)


def _require_refundable(order: Order, refunds: Sequence[Refund], wish: RefundWish) -> None:
    newest = refunds[-1].public_id if refunds else ""
    if wish.last_known_refund_id != newest:
        raise RefundsChanged(order_id=order.public_id, last_refund_id=newest)
    if order.paid_at is None or order.state not in {*PAID_STATES, OrderState.CLOSED} or order.accepted_minor == 0:
        raise NotRefundable(order_id=order.public_id, state=order.state)


def _step_of(attempts: Sequence[PaymentAttempt], order: Order, wish: RefundWish) -> int:
    if wish.destination != "provider" or not attempts:
        return 1
    return adapter_for(attempts[-1].account).capabilities.amount_steps.get(order.currency, 1)


def _plan(
    order: Order,
    attempts: Sequence[PaymentAttempt],
    refunds: Sequence[Refund],
    shares: Shares,
    *,
    is_offline: bool,
) -> list[_Plan]:
    """Which payment bears how much: the first that can bear all, else as many as it takes."""
    rooms = {row.pk: _room(row, refunds) for row in attempts if row.captured_minor}
    bearing = [row for row in attempts if rooms.get(row.pk, 0) > 0]
    total = shares.total_minor
    alone = [row for row in bearing if rooms[row.pk] >= total] or (bearing[:1] if is_offline else [])
    if alone:
        return [_Plan(alone[0], shares)]
    taken: list[tuple[PaymentAttempt, int]] = []
    for row in bearing:
        part = min(rooms[row.pk], total - sum(amount for _, amount in taken))
        if part:
            taken.append((row, part))
    if sum(amount for _, amount in taken) < total:
        raise AmountBeyondLeft(amount_minor=total, left_minor=sum(rooms.values()), order_id=order.public_id)
    portions = split(shares, [amount for _, amount in taken])
    return [_Plan(row, portion) for (row, _), portion in zip(taken, portions, strict=True)]


def _room(attempt: PaymentAttempt, refunds: Sequence[Refund]) -> int:
    """What this payment's provider could still give back of what was accepted, minor units."""
    under_way = sum(
        row.amount_minor - row.excess_minor
        for row in refunds
        if row.attempt_id == attempt.pk and row.status in OPEN_REFUNDS
    )
    accepted = attempt.captured_minor - attempt.excess_minor
    return accepted - attempt.returned_minor - attempt.beyond_minor - under_way


def _insert(order: Order, plan: _Plan, wish: RefundWish, *, cause: Cause) -> Refund:
    shares = plan.shares
    refund = Refund(
        public_id=new_public_id("ref"),
        order=order,
        attempt=plan.attempt,
        origin=ORIGINS[wish.destination],
        status=RefundStatus.REQUESTED,
        amount_minor=shares.total_minor,
        net_minor=shares.net_minor,
        currency=order.currency,
        is_goodwill=getattr(wish.wanted, "is_goodwill", False),
        is_during_dispute=wish.overrides_dispute,
        reason_code=wish.reason_code,
        note=wish.note[:500],
        requested_by=cause.actor,
        bank=wish.bank,
        trace_id=cause.trace_id,
        requested_at=cause.now,
    )
    refund.request_digest = digest_request(
        {
            "refund": refund.public_id,
            "order": order.public_id,
            "attempt": plan.attempt.public_id,
            "amount_minor": refund.amount_minor,
            "currency": refund.currency,
            "to": wish.destination,
        }
    )
    beyond = {"payments_refund_within_accepted": lambda: AmountBeyondLeft(amount_minor=refund.amount_minor)}
    with constraint_errors(beyond):
        refund.save(force_insert=True)
    insert_shares(refund, shares, is_restocked=wish.restocks)
    return refund


@transaction_required
def insert_shares(refund: Refund, shares: Shares, *, is_restocked: bool) -> None:
    """This will store what a new refund is made of."""
    parts = parts_of(shares, is_restocked=is_restocked)
    for part in parts:
        part.refund, part.order = refund, refund.order
    refund.parts.bulk_create(parts)
    taxes = [
        RefundTax(refund=refund, jurisdiction=place, amount_minor=tax) for place, tax in shares.taxes_minor.items()
    ]
    refund.taxes.bulk_create(taxes)


def act_of(order: Order, refund: Refund, staff: User) -> Act:
    """This will name a refund as an act of staff: what decides whether they may."""
    action = Action.REFUND
    if refund.is_goodwill:
        action = Action.GOODWILL_REFUND
    if refund.origin == Refund.Origin.OFFLINE:
        action = Action.OFFLINE_REFUND
    if refund.is_during_dispute:
        action = Action.REFUND_WHILE_DISPUTED
    return Act(
        action=action,
        actor=staff,
        channel=order.channel,
        subject_id=refund.public_id,
        reason_code=ReasonCode(refund.reason_code),
        money=Money(refund.amount_minor, refund.currency),
        order_public_id=order.public_id,
        note=refund.note,
    )


def _authorize(order: Order, refund: Refund, staff: User, *, cause: Cause) -> Approval | None:
    """Let staff act, or ask for a second person and return what they are asked."""
    act = act_of(order, refund, staff)
    if not check_limits(act, now=cause.now).needs_approval:
        authorize_act(act, request_digest=refund.request_digest, cause=cause)
        return None
    approval = request_approval(act, request_digest=refund.request_digest, cause=cause)
    refund.approval_id, refund.status = approval.public_id, RefundStatus.AWAITING_APPROVAL
    refund.save(update_fields=["approval_id", "status"])
    return approval
