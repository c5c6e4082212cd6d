"""What customers ask back: granted by the shop's rules, refused by them, or left to a person. See policy `refunds`.

Note [Rules]: a rule gives back only what nobody has to look at: in the window, nothing held, nothing on its way to the
customer or back from them, and not more of one order than the policy's amount. Everything else waits for a person, but
what comes after the window, which is refused; a person may still give it back by a refund of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from accounts.models import User
from core import policies
from core.cause import Cause
from core.db import transaction_required
from core.errors import DomainError
from core.ids import new_public_id
from core.money import Money
from orders import services as orders
from orders.models import Order, Reason
from orders.refunding import WantedEverything, WantedUnits
from orders.selectors import lock_order, open_holds
from orders.services.change import Because
from oversight.models import Action, Case, CaseType, ReasonCode
from oversight.services import (
    Act,
    Bound,
    NotPermitted,
    Report,
    bound_minor,
    check_limits,
    open_case,
    record_audit,
    resolve_open,
)
from payments.models import CUSTOMER_REASONS, OPEN_REFUNDS, ClaimRule, ClaimStatus, Refund, RefundClaim
from payments.selectors import find_claim, lock_claims, newest_refund_id
from payments.services.refunding.plan import plan_refund
from payments.services.refunding.request import request_refund
from payments.services.refunding.terms import RefundWish, UnknownReason

# Nobody has so many reasons.
CLAIMS_MAX = 50
OUTCOMES = {ClaimRule.WITHIN_RULES: ClaimStatus.GRANTED, ClaimRule.WINDOW_OVER: ClaimStatus.REFUSED}


class ClaimWaiting(DomainError):
    """A request about this order waits for a person already; fact `refund_request_id` is which."""

    code = "refund_request_waiting"
    title = "You have asked for a refund of this order already. We will answer that first."


class TooManyClaims(DomainError):
    """More requests than anybody has reasons for."""

    code = "too_many_refund_requests"
    title = "There were too many refund requests for this order. Please write to us."


class ClaimDecided(DomainError):
    """The request waits for nobody any more."""

    code = "refund_request_decided"
    title = "This refund request was decided already."


@dataclass(frozen=True, slots=True)
class ClaimWish:
    """What a customer asks back: units by the position of their line, everything where `units` is empty."""

    order_id: str
    units: Mapping[int, int]
    reason_code: str
    note: str = ""


@transaction_required
def request_claim(wish: ClaimWish, *, cause: Cause) -> RefundClaim:
    """This will write down what a customer asks back and decide it by rule, or leave it to a person.

    Locks the order. Raises: NoSuchOrder, UnknownReason, ClaimWaiting, TooManyClaims, NotRefundable, RefundLocked and
    the errors of orders.refunding.
    """
    if wish.reason_code not in CUSTOMER_REASONS:
        raise UnknownReason(reason_code=wish.reason_code)
    order = lock_order(wish.order_id)
    _require_room(lock_claims(order))
    refund = _refund_wish(order, wish.units, reason_code=wish.reason_code, note=wish.note)
    amount_minor = sum(plan.shares.total_minor for plan in plan_refund(order, refund))
    policy = policies.current("refunds")
    rule = _rule(order, amount_minor, policy, cause=cause)
    status = OUTCOMES.get(rule, ClaimStatus.WAITING)
    is_decided = status != ClaimStatus.WAITING
    claim = RefundClaim(
        public_id=new_public_id("rrq"),
        order=order,
        units={str(position): units for position, units in wish.units.items()},
        amount_minor=amount_minor,
        currency=order.currency,
        reason_code=wish.reason_code,
        note=wish.note[:500],
        status=status,
        rule=rule,
        policy_version=policy.version,
        requested_by=cause.actor,
        requested_at=cause.now,
        decided_by="system:rules" if is_decided else "",
        decided_at=cause.now if is_decided else None,
        trace_id=cause.trace_id,
    )
    claim.save(force_insert=True)
    _note(order, claim, cause=cause)
    if status == ClaimStatus.WAITING:
        _ask_people(order, claim, cause=cause)
    if status == ClaimStatus.GRANTED:
        # Nothing has left the house, so what is given back can be sold again.
        request_refund(replace(refund, claim=claim, restocks=True), cause=cause)
    return claim


@transaction_required
def grant_claim(
    claim_id: str, *, staff: User, cause: Cause, note: str = "", restocks: bool = False, overrides_dispute: bool = False
) -> list[Refund]:
    """This will give back what a waiting request asks for, within the limits of `staff`, who may need a second person.

    `restocks` when the units can be sold again. Raises: NoSuchClaim, ClaimDecided and what `request_refund` raises.
    """
    order, claim = _lock_waiting(claim_id)
    _decide(order, claim, ClaimStatus.GRANTED, note=note, cause=cause)
    units = {int(position): count for position, count in claim.units.items()}
    wish = _refund_wish(order, units, reason_code=claim.reason_code, note=claim.note or note)
    wish = replace(wish, claim=claim, restocks=restocks, overrides_dispute=overrides_dispute)
    return request_refund(wish, cause=cause, staff=staff)


@transaction_required
def refuse_claim(claim_id: str, *, staff: User, cause: Cause, note: str) -> RefundClaim:
    """This will refuse a waiting request; `note` is what the customer is told.

    Raises: NoSuchClaim, ClaimDecided, NotPermitted for a role that may not refund.
    """
    order, claim = _lock_waiting(claim_id)
    act = Act(
        action=Action.REFUND,
        actor=staff,
        channel=order.channel,
        subject_id=claim.public_id,
        reason_code=ReasonCode(claim.reason_code),
        money=Money(claim.amount_minor, claim.currency),
        order_public_id=order.public_id,
        note=claim.note or note,
    )
    allowance = check_limits(act, now=cause.now)
    if allowance.why is Bound.NOT_PERMITTED:
        raise NotPermitted(action=act.action.value, role=allowance.role)
    _decide(order, claim, ClaimStatus.REFUSED, note=note, cause=cause)
    record_audit(
        action="refund_request_refused", subject_id=claim.public_id, cause=cause, reason=note,
        before={"status": ClaimStatus.WAITING}, after={"status": ClaimStatus.REFUSED},
    )  # fmt: skip
    return claim


@transaction_required
def close_claims(order: Order, *, note: str, cause: Cause) -> None:
    """This will end what waits about the locked `order`, because all of it goes back in another way. The customer is
    told `note`.
    """
    for claim in lock_claims(order):
        if claim.status == ClaimStatus.WAITING:
            _decide(order, claim, ClaimStatus.REFUSED, note=note, cause=cause)


def _require_room(claims: list[RefundClaim]) -> None:
    waiting = next((claim for claim in claims if claim.status == ClaimStatus.WAITING), None)
    if waiting is not None:
        raise ClaimWaiting(refund_request_id=waiting.public_id)
    if len(claims) >= CLAIMS_MAX:
        raise TooManyClaims


def _refund_wish(order: Order, units: Mapping[int, int], *, reason_code: str, note: str) -> RefundWish:
    return RefundWish(
        order_id=order.public_id,
        wanted=WantedUnits(dict(units)) if units else WantedEverything(),
        reason_code=reason_code,
        # Of a person who asks from outside nobody expects that they saw the others: a rule looks at those itself.
        last_known_refund_id=newest_refund_id(order),
        note=note,
    )


def _rule(order: Order, amount_minor: int, policy: policies.CurrentPolicy, *, cause: Cause) -> ClaimRule:
    """See Note [Rules]."""
    scales = policies.current("limits")["scales"]
    limit_minor = bound_minor(policy["by_rule_up_to_major"], order.currency, scales=scales)
    is_over = order.paid_at is None or order.paid_at + timedelta(days=policy["window_days"]) < cause.now
    holds = {
        ClaimRule.WINDOW_OVER: is_over,
        ClaimRule.ON_HOLD: bool(open_holds(order)),
        ClaimRule.GOODS_LEFT: order.is_fulfillment_requested,
        ClaimRule.REFUND_UNDER_WAY: order.refunds.filter(status__in=OPEN_REFUNDS).exists(),
        ClaimRule.ABOVE_AMOUNT: limit_minor is not None and order.returned_minor + amount_minor > limit_minor,
    }
    return next((rule for rule, is_so in holds.items() if is_so), ClaimRule.WITHIN_RULES)


def _lock_waiting(claim_id: str) -> tuple[Order, RefundClaim]:
    order = lock_order(find_claim(claim_id).order.public_id)
    claim = next(row for row in lock_claims(order) if row.public_id == claim_id)
    if claim.status != ClaimStatus.WAITING:
        raise ClaimDecided(refund_request_id=claim_id, status=claim.status)
    return order, claim


def _decide(order: Order, claim: RefundClaim, status: ClaimStatus, *, note: str, cause: Cause) -> None:
    claim.status, claim.decided_by, claim.decided_at, claim.decision_note = status, cause.actor, cause.now, note[:500]
    claim.save(update_fields=["status", "decided_by", "decided_at", "decision_note"])
    _note(order, claim, cause=cause)
    words = f"The request was {claim.get_status_display().lower()}."
    resolve_open(type=CaseType.REFUND_CLAIMED, subject_id=claim.public_id, resolution=words, cause=cause)


def _ask_people(order: Order, claim: RefundClaim, *, cause: Cause) -> None:
    """A customer waits for an answer: a case has a due time, an owner and a place in the console's list."""
    open_case(
        Report(
            type=CaseType.REFUND_CLAIMED,
            subject_id=claim.public_id,
            severity=Case.Severity.NORMAL,
            summary="A customer asks for money back, and no rule decides it.",
            evidence={"rule": str(claim.rule), "reason": claim.reason_code},
            money=Money(claim.amount_minor, claim.currency),
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )


def _note(order: Order, claim: RefundClaim, *, cause: Cause) -> None:
    facts = {
        "claim": claim.public_id, "status": str(claim.status), "rule": str(claim.rule),
        "amount_minor": claim.amount_minor,
    }  # fmt: skip
    orders.record_fact(order, Because(Reason.REFUND_CLAIMED, cause, facts=facts))
