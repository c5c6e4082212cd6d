"""Disputes: inquiry, answer, decision, and decisions that are opened again.

Every function expects the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.engine.charges import get_charge, get_intent
from sandbox.engine.desk import Desk
from sandbox.engine.money import book_reinstatement, book_withdrawal
from sandbox.engine.refunds import fail_pending_refunds
from sandbox.engine.warnings import settle_warnings
from sandbox.errors import DisputeStateError, MoveRefusedError, NotFoundError
from sandbox.records import Dispute

INQUIRIES = ("warning_needs_response", "warning_under_review")
ANSWERABLE = ("warning_needs_response", "needs_response")
OPEN = (*INQUIRIES, "needs_response", "under_review")
STAGES = ("warning_needs_response", "needs_response", "prevented")
REASONS = (
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
# From where a status can be reached by the bank's word. Won and lost may be opened again.
MOVES: dict[str, tuple[str, ...]] = {
    "needs_response": (*INQUIRIES, "warning_closed", "won"),
    "under_review": ("needs_response",),
    "warning_under_review": ("warning_needs_response",),
    "warning_closed": INQUIRIES,
    "won": ("needs_response", "under_review", "lost"),
    "lost": ("needs_response", "under_review"),
}
CLOSED = ("warning_closed", "won", "lost")
# What a text in the evidence makes of a test dispute. Source: docs.stripe.com/testing, Disputes.
VERDICTS = {"winning_evidence": "win_dispute", "losing_evidence": "lose_dispute"}


@dataclass(frozen=True)
class DisputeRequest:
    """What a payer objects to. `amount` None means all that was not given back; `fee` None the account's."""

    charge_id: str
    amount: int | None = None
    reason: str = "fraudulent"
    stage: str = "needs_response"
    fee: int | None = None


def open_dispute(desk: Desk, *, request: DisputeRequest) -> Dispute:
    """This will open a dispute; one past the inquiry takes the money, and refunds under way fail.

    Raises `NotFoundError`; `MoveRefusedError` where nothing was captured, the amount is more than that, or another
    dispute of the charge is open.
    """
    charge = get_charge(desk, request.charge_id)
    others = desk.store.select(Dispute, "WHERE charge_id = ?", (charge.id,))
    taken = sum(other.amount for other in others if other.is_withdrawn)
    if charge.status != "succeeded" or not charge.amount_captured:
        raise MoveRefusedError(f"{charge.id} is not a captured charge that succeeded")
    if any(other.status in OPEN for other in others):
        raise MoveRefusedError(f"another dispute of {charge.id} is open")
    if request.stage == "needs_response":
        fail_pending_refunds(desk, charge_id=charge.id, reason="charge_for_pending_refund_disputed")
        charge = get_charge(desk, charge.id)
    amount = request.amount
    if amount is None:
        amount = charge.amount_captured - charge.amount_refunded - taken
    if not 1 <= amount <= charge.amount_captured - taken:
        raise MoveRefusedError(f"{amount} of {charge.id} cannot be disputed")
    dispute = Dispute(
        id=desk.new_id("du"),
        charge_id=charge.id,
        intent_id=charge.intent_id,
        amount=amount,
        currency=charge.currency,
        reason=request.reason,
        status=request.stage,
        created=desk.now(),
        due_by=desk.now() + int(desk.account.dispute_due_seconds),
        metadata={},
        evidence={},
        balance_transactions=[],
    )
    desk.store.insert(dispute)
    charge = replace(charge, dispute_id=dispute.id)
    desk.store.update(charge)
    settle_warnings(desk, charge=charge)
    if request.stage in ANSWERABLE:
        desk.schedule("dispute_due", subject_id=dispute.id, seconds=desk.account.dispute_due_seconds)
    if request.stage != "needs_response":
        _publish(desk, "created", dispute)
        return dispute
    fee = desk.account.dispute_fee(charge.currency) if request.fee is None else request.fee
    dispute = _withdraw(desk, dispute, fee=fee)
    _publish(desk, "created", dispute)
    _publish(desk, "funds_withdrawn", dispute)
    return dispute


def get_dispute(desk: Desk, dispute_id: str) -> Dispute:
    """This will return the dispute. Raises `NotFoundError`."""
    dispute = desk.store.find(Dispute, dispute_id)
    if dispute is None:
        raise NotFoundError(kind="dispute", record_id=dispute_id)
    return dispute


def answer_dispute(
    desk: Desk, *, dispute_id: str, evidence: Mapping[str, str], metadata: Mapping[str, str], is_submitted: bool
) -> Dispute:
    """This will keep evidence and, once, submit it to the bank; metadata may change at any time.

    Raises `NotFoundError`; `DisputeStateError` when the bank has the evidence already or has decided.
    """
    dispute = get_dispute(desk, dispute_id)
    if (evidence or is_submitted) and dispute.status not in ANSWERABLE:
        raise DisputeStateError(dispute=dispute, action="answered")
    dispute = _change(
        desk,
        dispute,
        evidence={name: text for name, text in {**dispute.evidence, **evidence}.items() if text},
        metadata={name: text for name, text in {**dispute.metadata, **metadata}.items() if text},
    )
    if is_submitted:
        dispute = _submit(desk, dispute)
    _publish(desk, "updated", dispute)
    return dispute


def accept_dispute(desk: Desk, *, dispute_id: str) -> Dispute:
    """This will give a dispute up as lost. Raises `NotFoundError`, `DisputeStateError`."""
    dispute = get_dispute(desk, dispute_id)
    if dispute.status != "needs_response":
        raise DisputeStateError(dispute=dispute, action="closed")
    return _close(desk, dispute, status="lost")


def move_dispute(
    desk: Desk, *, dispute_id: str, status: str, fee: int | None = None, returns_fee: bool = False
) -> Dispute:
    """This will bring a dispute to where the bank wants it; `withdrawn` means that the payer gave it up.

    `fee` is what the provider keeps where the money is taken now; None means the account's for an inquiry that became
    a dispute, and nothing for a won one that is opened again. Raises `NotFoundError`, `MoveRefusedError`.
    """
    dispute = get_dispute(desk, dispute_id)
    if status == "withdrawn":
        status = "warning_closed" if dispute.status in INQUIRIES else "won"
    if dispute.status not in MOVES.get(status, ()):
        raise MoveRefusedError(f"{dispute.id} is {dispute.status}, so it cannot become {status}")
    if status == "needs_response":
        return _demand(desk, dispute, fee=fee)
    if status in CLOSED:
        return _close(desk, dispute, status=status, returns_fee=returns_fee)
    dispute = _submit(desk, dispute)
    _publish(desk, "updated", dispute)
    return dispute


def pass_due_time(desk: Desk, *, dispute_id: str) -> Dispute:
    """This will end the time to answer: evidence kept so far is submitted, silence is lost."""
    dispute = get_dispute(desk, dispute_id)
    if dispute.status not in ANSWERABLE or desk.now() < dispute.due_by:
        return dispute
    if dispute.evidence:
        dispute = _submit(desk, dispute)
        _publish(desk, "updated", dispute)
        return dispute
    return _close(desk, dispute, status="lost" if dispute.status == "needs_response" else "warning_closed")


def decide_dispute(desk: Desk, *, dispute_id: str, status: str) -> Dispute:
    """This will be the bank's decision on test evidence; a dispute that is not under review stays as it is."""
    dispute = get_dispute(desk, dispute_id)
    if dispute.status == "under_review":
        return _close(desk, dispute, status=status)
    if dispute.status == "warning_under_review":
        return _close(desk, dispute, status="warning_closed")
    return dispute


def _submit(desk: Desk, dispute: Dispute) -> Dispute:
    is_inquiry = dispute.status in INQUIRIES
    verdict = VERDICTS.get(dispute.evidence.get("uncategorized_text", ""))
    if verdict:
        desk.schedule(verdict, subject_id=dispute.id, seconds=desk.account.late_seconds)
    return _change(
        desk,
        dispute,
        status="warning_under_review" if is_inquiry else "under_review",
        submission_count=dispute.submission_count + 1,
    )


def _demand(desk: Desk, dispute: Dispute, *, fee: int | None) -> Dispute:
    """An inquiry becomes a dispute, or a won one is opened again: the money goes, and there is time to answer."""
    fail_pending_refunds(desk, charge_id=dispute.charge_id, reason="charge_for_pending_refund_disputed")
    if fee is None:
        fee = 0 if dispute.status == "won" else desk.account.dispute_fee(dispute.currency)
    seconds = desk.account.dispute_due_seconds
    desk.schedule("dispute_due", subject_id=dispute.id, seconds=seconds)
    changed = replace(dispute, status="needs_response", due_by=desk.now() + int(seconds))
    dispute = _withdraw(desk, changed, fee=fee)
    _publish(desk, "updated", dispute)
    _publish(desk, "funds_withdrawn", dispute)
    return dispute


def _close(desk: Desk, dispute: Dispute, *, status: str, returns_fee: bool = False) -> Dispute:
    is_returned = status == "won" and dispute.is_withdrawn
    if is_returned:
        movement_id = book_reinstatement(desk, dispute=dispute, fee_returned=dispute.fee if returns_fee else 0)
        dispute = replace(
            dispute,
            is_withdrawn=False,
            fee=0 if returns_fee else dispute.fee,
            balance_transactions=[*dispute.balance_transactions, movement_id],
        )
    dispute = _change(desk, dispute, status=status)
    if is_returned:
        _publish(desk, "funds_reinstated", dispute)
    _publish(desk, "closed", dispute)
    return dispute


def _withdraw(desk: Desk, dispute: Dispute, *, fee: int) -> Dispute:
    movement_id = book_withdrawal(desk, dispute=dispute, fee=fee)
    return _change(
        desk,
        dispute,
        is_withdrawn=True,
        fee=dispute.fee + fee,
        balance_transactions=[*dispute.balance_transactions, movement_id],
    )


def _change(desk: Desk, dispute: Dispute, **changes: Any) -> Dispute:
    changed = replace(dispute, **changes)
    desk.store.update(changed)
    return changed


def _publish(desk: Desk, kind: str, dispute: Dispute) -> None:
    intent = get_intent(desk, dispute.intent_id)
    desk.publish(f"charge.dispute.{kind}", subject=dispute, intent=intent)
