"""Giving money back of a paid order: decided under the order's lock, committed with its key, carried out by a worker.

Note [Two people]: whoever asks says which refund they saw last. The order's lock lets one of two in; the other reads
the first one's row and is told, instead of giving the same money back again.
Note [What is counted]: refunds that are under way count like those that arrived; the database sums them up once more.
"""

from dataclasses import asdict

from accounts.models import User
from core import jobs
from core.cause import Cause
from core.db import constraint_errors, transaction_required
from core.ids import new_public_id
from core.money import Money
from orders import services as orders
from orders.models import BLOCKS_GIVE_BACK, Order, Reason
from orders.refunding import AmountBeyondLeft, Shares
from orders.selectors import lock_order, open_holds
from orders.services.change import Because
from oversight.models import Action, Approval, ReasonCode
from oversight.services import Act, authorize_act, check_limits, digest_request, request_approval
from payments.models import OperationKind, Refund, RefundStatus, RefundTax
from payments.providers.base import RefundRequest
from payments.selectors import lock_attempts, lock_operations
from payments.services.attempts import insert_operation
from payments.services.columns import carry_after_return, set_order_money
from payments.services.learn import total_returned
from payments.services.refunding.books import post_accepted, post_settled_elsewhere
from payments.services.refunding.follow import note_arrival
from payments.services.refunding.plan import Plan, plan_refund
from payments.services.refunding.shares import parts_of
from payments.services.refunding.terms import NotRefundable, RefundWish, UnknownReason
from payments.services.settle import settle_order

ORIGINS = {"provider": Refund.Origin.OURS, "credit": Refund.Origin.CREDIT, "offline": Refund.Origin.OFFLINE}


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
    plans = plan_refund(order, wish)
    if staff is None:
        _require_no_hold(order)
    made = [_insert(order, plan, wish, cause=cause) for plan in plans]
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
    settle_order(order, attempts, operations, cause=cause)


def _require_no_hold(order: Order) -> None:
    """Rules wait for people, but what follows from a cancellation only where it is not known who is owed what."""
    holds = set(open_holds(order))
    if order.cancel_requested_at is not None:
        holds &= BLOCKS_GIVE_BACK
    if holds:
        raise NotRefundable(detail="The order is held: a person decides about its refunds.", order_id=order.public_id)


def _insert(order: Order, plan: Plan, wish: RefundWish, *, cause: Cause) -> Refund:
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
        claim=wish.claim,
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
