"""Approvals: asked for, decided by a second person, executed once with the act they are about, or ended."""

from datetime import timedelta

from accounts.models import User
from core import policies
from core.cause import Cause
from core.db import constraint_errors, transaction_required
from core.errors import DomainError, NotFound
from core.ids import new_public_id
from core.money import Money
from oversight import selectors
from oversight.models import Action, Approval
from oversight.services.audit import record_audit
from oversight.services.limits import Act, NotPermitted, actor_name, bounds_of, require_allowed


class ApprovalNotFound(NotFound):
    """No approval has this id."""

    code = "approval_not_found"
    title = "There is no such approval."


class ApprovalExpired(DomainError):
    """Nobody decided or executed it in time."""

    code = "approval_expired"
    title = "This approval is too old. Ask for another; nothing was done."


class ApprovalUsed(DomainError):
    """An approval executes once."""

    code = "approval_used"
    title = "This approval was used already. Nothing was done."


class ApprovalForSomethingElse(DomainError):
    """What would be done is not exactly what was approved."""

    code = "approval_for_something_else"
    title = "This approval is about something else. Nothing was done."


class ApprovalNotGiven(DomainError):
    """Nobody has decided yet, or the decision was no."""

    code = "approval_not_given"
    title = "This is not approved. Nothing was done."


class ApprovalClosed(DomainError):
    """Only what is still asked for can be decided or withdrawn."""

    code = "approval_closed"
    title = "This was decided or ended before."


class AlreadyRequested(DomainError):
    """The same is asked for already; asking twice would let it happen twice."""

    code = "already_requested"
    title = "An approval of exactly this is asked for already."


class OwnRequest(DomainError):
    """Nobody decides on what they asked for themselves."""

    code = "own_request"
    title = "You asked for this yourself. A second person decides."


@transaction_required
def request_approval(act: Act, *, request_digest: str, cause: Cause) -> Approval:
    """This will ask a second person for exactly what `request_digest` stands for (`digest_request`).

    What the actor may not do at all, not even with a second person, cannot be asked for. It expires after policy
    `approvals`. Needs its caller's transaction. Raises: ActIncomplete, NotPermitted, LimitExceeded, AlreadyRequested.
    """
    require_actor(act.actor, cause=cause)
    require_allowed(act, now=cause.now)
    same = selectors.open_approval(action=act.action, subject_id=act.subject_id, request_digest=request_digest)
    if same is not None and same.expires_at > cause.now:
        raise AlreadyRequested(approval_id=same.public_id)
    if same is not None:
        _expire(_locked(same.public_id), cause=cause)
    approval = Approval(
        public_id=new_public_id("apr"),
        action=act.action,
        subject_id=act.subject_id,
        order_public_id=act.order_public_id,
        amount_minor=act.money.amount_minor if act.money else None,
        currency=act.money.currency if act.money else "",
        reason_code=act.reason_code,
        note=act.note,
        request_digest=request_digest,
        requested_by=cause.actor,
        requested_at=cause.now,
        status=Approval.Status.REQUESTED,
        expires_at=cause.now + timedelta(seconds=policies.current("approvals")["expires_seconds"]),
        trace_id=cause.trace_id,
    )
    with constraint_errors({"oversight_approval_one_open": AlreadyRequested}):
        approval.save(force_insert=True)
    _note(approval, cause=cause, before={}, reason=act.note or act.reason_code.value)
    return approval


@transaction_required
def approve(approval_id: str, *, approver: User, cause: Cause, note: str = "") -> Approval:
    """This will let what was asked for be executed once, until it expires.

    The approver is another person than who asked, and their role approves up to that amount. Needs its caller's
    transaction. Raises: ApprovalNotFound, ApprovalClosed, ApprovalExpired, OwnRequest, NotPermitted.
    """
    return _decide(approval_id, status=Approval.Status.APPROVED, approver=approver, cause=cause, note=note)


@transaction_required
def reject(approval_id: str, *, approver: User, cause: Cause, note: str = "") -> Approval:
    """This will say no to what was asked for; who may say yes to it may. Needs its caller's transaction.

    Raises: ApprovalNotFound, ApprovalClosed, ApprovalExpired, OwnRequest, NotPermitted.
    """
    return _decide(approval_id, status=Approval.Status.REJECTED, approver=approver, cause=cause, note=note)


@transaction_required
def withdraw(approval_id: str, *, cause: Cause) -> Approval:
    """This will take back what `cause.actor` asked for, before it is decided. Needs its caller's transaction.

    Raises: ApprovalNotFound, ApprovalClosed, NotPermitted.
    """
    approval = _locked(approval_id)
    if approval.requested_by != cause.actor:
        raise NotPermitted(detail="Only who asked for it takes it back.")
    if approval.status != Approval.Status.REQUESTED:
        raise ApprovalClosed(approval_id=approval_id, status=approval.status)
    return _move(approval, status=Approval.Status.WITHDRAWN, cause=cause)


@transaction_required
def expire_due(*, limit: int, cause: Cause) -> list[Approval]:
    """This will end approvals that nobody decided or executed in time, at most `limit`; those being worked on wait."""
    return [_expire(approval, cause=cause) for approval in selectors.lock_due_approvals(now=cause.now, limit=limit)]


@transaction_required
def execute_approval(
    approval_id: str, *, action: Action, subject_id: str, request_digest: str, cause: Cause
) -> Approval:
    """This will mark an approval executed, once, if it is about exactly this and still counts.

    The act it is about is written in the same transaction (`authorize_act`), else the database refuses the commit.
    Raises: ApprovalNotFound, ApprovalForSomethingElse, ApprovalUsed, ApprovalExpired, ApprovalNotGiven.
    """
    approval = _locked(approval_id)
    wanted = (action, subject_id, request_digest)
    if (approval.action, approval.subject_id, approval.request_digest) != wanted:
        raise ApprovalForSomethingElse(approval_id=approval_id)
    if approval.status == Approval.Status.EXECUTED:
        raise ApprovalUsed(approval_id=approval_id)
    _require_in_time(approval, cause=cause)
    if approval.status != Approval.Status.APPROVED:
        raise ApprovalNotGiven(approval_id=approval_id, status=approval.status)
    return _move(approval, status=Approval.Status.EXECUTED, cause=cause, executed_at=cause.now)


def require_actor(user: User, *, cause: Cause) -> None:
    """This will refuse to write one person's act down as another's. Raises: NotPermitted."""
    if cause.actor != actor_name(user):
        raise NotPermitted(detail="Nobody acts in the name of somebody else.", actor=cause.actor)


def _decide(approval_id: str, *, status: Approval.Status, approver: User, cause: Cause, note: str) -> Approval:
    require_actor(approver, cause=cause)
    approval = _locked(approval_id)
    if approval.requested_by == cause.actor:
        raise OwnRequest(approval_id=approval_id)
    _require_in_time(approval, cause=cause)
    if approval.status != Approval.Status.REQUESTED:
        raise ApprovalClosed(approval_id=approval_id, status=approval.status)
    _require_may_decide(approval, approver=approver)
    with constraint_errors({"oversight_approval_decider": NotPermitted}):
        return _move(
            approval,
            status=status,
            cause=cause,
            decided_by=cause.actor,
            decided_at=cause.now,
            decision_note=note,
        )


def _require_may_decide(approval: Approval, *, approver: User) -> None:
    money = Money(approval.amount_minor, approval.currency) if approval.amount_minor is not None else None
    bounds = bounds_of(approver, action=Action(approval.action), money=money)
    if bounds is None:
        raise NotPermitted(action=approval.action, role=approver.role)
    up_to_minor = bounds.approves_up_to_minor
    if money is not None and up_to_minor is not None and money.amount_minor > up_to_minor:
        raise NotPermitted(
            detail="Your role does not decide on this much.", role=approver.role, approves_up_to_minor=up_to_minor
        )


def _require_in_time(approval: Approval, *, cause: Cause) -> None:
    is_alive = approval.status in {Approval.Status.REQUESTED, Approval.Status.APPROVED}
    if approval.status == Approval.Status.EXPIRED or (is_alive and approval.expires_at <= cause.now):
        raise ApprovalExpired(approval_id=approval.public_id, expires_at=approval.expires_at.isoformat())


def _locked(approval_id: str) -> Approval:
    approval = selectors.lock_approval(approval_id)
    if approval is None:
        raise ApprovalNotFound(approval_id=approval_id)
    return approval


def _expire(approval: Approval, *, cause: Cause) -> Approval:
    return _move(approval, status=Approval.Status.EXPIRED, cause=cause)


def _move(approval: Approval, *, status: Approval.Status, cause: Cause, **written: object) -> Approval:
    before = {"status": str(approval.status)}
    approval.status = status
    for name, value in written.items():
        setattr(approval, name, value)
    approval.save(update_fields=["status", *written])
    _note(approval, cause=cause, before=before, reason=approval.decision_note)
    return approval


def _note(approval: Approval, *, cause: Cause, before: dict[str, str], reason: str) -> None:
    after = {
        "status": str(approval.status),
        "action": str(approval.action),
        "about": approval.subject_id,
        "amount_minor": approval.amount_minor,
        "currency": approval.currency,
        "request_digest": approval.request_digest,
    }
    record_audit(
        action=f"approval.{approval.status}",
        subject_id=approval.public_id,
        cause=cause,
        reason=reason,
        before=before,
        after=after,
    )
