"""Acts of staff: allowed, approved where that is needed, and written down, before anything is done."""

from functools import partial

from core.cause import Cause
from core.db import constraint_errors, transaction_required
from core.errors import DomainError
from oversight import selectors
from oversight.models import Approval, StaffAct
from oversight.services.approvals import ApprovalForSomethingElse, ApprovalUsed, execute_approval, require_actor
from oversight.services.audit import record_audit
from oversight.services.limits import Act, Allowance, Bound, LimitExceeded, NotPermitted, actor_name, require_allowed


class ApprovalRequired(DomainError):
    """The amount is within the limit, and beyond what one person decides alone."""

    code = "approval_required"
    title = "A second person has to approve this. Nothing was done."


@transaction_required
def authorize_act(act: Act, *, request_digest: str, cause: Cause, approval_id: str = "") -> StaffAct:
    """This will let a member of staff act: check role and limits, execute the approval, write act and audit.

    Call it in the transaction that does the act or writes down that it is to be done, after locking the order and
    before its attempts, for one order at a time. `request_digest` is `digest_request` of exactly what will be done, the
    one the approval was asked for with. The act is `act.actor`'s, who also asked for the approval; `cause.actor` is
    them, or who approved. Raises: ActIncomplete, NotPermitted, LimitExceeded, ApprovalRequired, and what
    `execute_approval` raises.
    """
    selectors.lock_sums(actor=act.actor_name, order_public_id=act.order_public_id)
    allowance = require_allowed(act, now=cause.now)
    if approval_id:
        approval = execute_approval(
            approval_id, action=act.action, subject_id=act.subject_id, request_digest=request_digest, cause=cause
        )
        _require_party(approval, act=act, cause=cause)
    else:
        require_actor(act.actor, cause=cause)
        if allowance.needs_approval:
            raise ApprovalRequired(
                action=act.action.value, role=allowance.role, approval_above_minor=allowance.bounds.approval_above_minor
            )
    return record_act(act, allowance=allowance, request_digest=request_digest, approval_id=approval_id, cause=cause)


@transaction_required
def record_act(act: Act, *, allowance: Allowance, request_digest: str, cause: Cause, approval_id: str = "") -> StaffAct:
    """This will write an act that was allowed, with the limits that allowed it, into the acts and the audit trail.

    The database checks role, limits, sums and approval once more. Needs its caller's transaction. Raises: NotPermitted,
    LimitExceeded, ApprovalForSomethingElse, ApprovalUsed.
    """
    recorded = StaffAct(
        actor=act.actor_name,
        role=allowance.role,
        action=act.action,
        subject_id=act.subject_id,
        order_public_id=act.order_public_id,
        channel=act.channel,
        amount_minor=act.money.amount_minor if act.money else None,
        currency=act.money.currency if act.money else "",
        business_on=act.business_on(cause.now),
        reason_code=act.reason_code,
        note=act.note,
        request_digest=request_digest,
        approval_id=approval_id,
        policy_version=allowance.policy_version,
        act_max_minor=allowance.bounds.act_max_minor,
        order_max_minor=allowance.bounds.order_max_minor,
        day_max_minor=allowance.bounds.day_max_minor,
        approval_above_minor=allowance.bounds.approval_above_minor,
        recorded_at=cause.now,
        trace_id=cause.trace_id,
    )
    with constraint_errors(
        {
            "oversight_staffact_permitted": NotPermitted,
            "oversight_staffact_per_act": partial(LimitExceeded, bound=Bound.PER_ACT.value),
            "oversight_staffact_per_order": partial(LimitExceeded, bound=Bound.PER_ORDER.value),
            "oversight_staffact_per_day": partial(LimitExceeded, bound=Bound.PER_DAY.value),
            "oversight_staffact_second_person": ApprovalRequired,
            "oversight_staffact_approved": ApprovalForSomethingElse,
            "oversight_staffact_one_approval": ApprovalUsed,
        }
    ):
        recorded.save(force_insert=True)
    _note(recorded, cause=cause)
    return recorded


def _require_party(approval: Approval, *, act: Act, cause: Cause) -> None:
    """Refuse to spend what one person asked for as another's act, or to let a third set it off."""
    if approval.requested_by != actor_name(act.actor):
        raise ApprovalForSomethingElse(approval_id=approval.public_id)
    if cause.actor not in {approval.requested_by, approval.decided_by}:
        raise NotPermitted(detail="Who asked for it or approved it sets it off.", actor=cause.actor)


def _note(recorded: StaffAct, *, cause: Cause) -> None:
    record_audit(
        action=f"act.{recorded.action}",
        subject_id=recorded.subject_id,
        cause=cause,
        reason=f"{recorded.reason_code}: {recorded.note}" if recorded.note else str(recorded.reason_code),
        after={
            "actor": recorded.actor,
            "role": recorded.role,
            "order_id": recorded.order_public_id,
            "amount_minor": recorded.amount_minor,
            "currency": recorded.currency,
            "approval_id": recorded.approval_id,
            "request_digest": recorded.request_digest,
            "policy_version": recorded.policy_version,
        },
    )
