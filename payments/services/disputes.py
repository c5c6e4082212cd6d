"""Disputes: learned from the provider's own list of them, stage by stage, with what is withdrawn and what it costs.

Note [Facts of a dispute]: what stands in a row is what the provider said last; the books are moved by the difference
between where its money stood and where it stands now (with us, withdrawn, lost), so that no number or order of
deliveries posts anything twice. A stage that the machine does not lead to is kept out; its money is believed all the
same, because that is what left our balance.
"""

from collections.abc import Sequence
from enum import StrEnum

from core.cause import Cause
from core.db import transaction_required
from core.ids import new_public_id
from core.machines import may_move
from core.money import Money
from ledger import services as ledger
from orders import services as orders
from orders.models import HoldReason, Order, Reason
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.services import Report, open_case, resolve_open
from payments.models import LOST_DISPUTES, OPEN_DISPUTES, Dispute, DisputeStatus, PaymentAttempt
from payments.providers.base import DisputeFact
from payments.selectors import disputes_of

ENDED = {
    DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.ACCEPTED, DisputeStatus.WITHDRAWN, DisputeStatus.PREVENTED,
}  # fmt: skip


class _Where(StrEnum):
    """Where the money of a dispute stands."""

    OURS = "ours"
    WITHDRAWN = "withdrawn"
    LOST = "lost"


@transaction_required
def follow_disputes(order: Order, attempt: PaymentAttempt, facts: Sequence[DisputeFact], *, cause: Cause) -> None:
    """This will bring the disputes of a payment to where the provider says they stand: rows, books, hold, cases.

    The order and its attempts are locked; the attempt's columns are set for the caller to save. No query where the
    provider names no dispute.
    """
    if not facts:
        return
    rows = {row.provider_reference: row for row in disputes_of(order) if row.attempt_id == attempt.pk}
    for fact in facts:
        row = rows.get(fact.reference)
        if row is None:
            rows[fact.reference] = _open(order, attempt, fact, cause=cause)
        else:
            _learn(order, row, fact, cause=cause)
    attempt.withdrawn_minor = sum(row.withdrawn_minor for row in rows.values() if row.status not in LOST_DISPUTES)
    attempt.lost_minor = sum(row.amount_minor for row in rows.values() if row.status in LOST_DISPUTES)
    _hold(order, list(rows.values()), cause=cause)


def _open(order: Order, attempt: PaymentAttempt, fact: DisputeFact, *, cause: Cause) -> Dispute:
    row = Dispute(
        public_id=new_public_id("dsp"),
        order=order,
        attempt=attempt,
        account=attempt.account,
        provider_reference=fact.reference,
        status=fact.status,
        provider_status=fact.provider_status,
        reason=fact.reason,
        amount_minor=fact.amount_minor,
        currency=attempt.currency,
        withdrawn_minor=fact.withdrawn_minor,
        fee_minor=fact.fee_minor,
        is_refundable=fact.is_refundable,
        respond_by=fact.respond_by,
        has_evidence=fact.has_evidence,
        opened_at=fact.opened_at,
        closed_at=cause.now if fact.status in ENDED else None,
        observed_at=cause.now,
    )
    row.save(force_insert=True)
    _post(order, row, before=_Where.OURS, fee_before=0, cause=cause)
    _tell(order, row, cause=cause)
    return row


def _learn(order: Order, row: Dispute, fact: DisputeFact, *, cause: Cause) -> None:
    before, fee_before, status_before = _where(row), row.fee_minor, row.status
    if may_move("dispute", row.status, fact.status):
        row.status = fact.status
    row.provider_status, row.has_evidence = fact.provider_status, fact.has_evidence
    row.withdrawn_minor, row.fee_minor = fact.withdrawn_minor, fact.fee_minor
    row.respond_by, row.is_refundable = fact.respond_by, fact.is_refundable
    row.closed_at = (row.closed_at or cause.now) if row.status in ENDED else None
    row.observed_at = cause.now
    row.save()
    _post(order, row, before=before, fee_before=fee_before, cause=cause)
    if row.status != status_before:
        _tell(order, row, cause=cause)


def _where(row: Dispute) -> _Where:
    if row.status in LOST_DISPUTES:
        return _Where.LOST
    return _Where.WITHDRAWN if row.withdrawn_minor else _Where.OURS


def _post(order: Order, row: Dispute, *, before: _Where, fee_before: int, cause: Cause) -> None:
    """Post the way from where the money stood to where it stands; what was lost and is disputed again comes back
    first.
    """
    now, fee = _where(row), row.fee_minor - fee_before
    if fee:
        row.fees_count += 1
        row.save(update_fields=["fees_count"])
        post_fee = ledger.post_dispute_fee if fee > 0 else ledger.post_dispute_fee_returned
        post_fee(_posting(order, row, fee_minor=abs(fee), number=row.fees_count), cause=cause)
    if before == now:
        return
    if before == _Where.LOST:
        ledger.post_dispute_loss_reversed(_posting(order, row), cause=cause)
    if before != _Where.WITHDRAWN and now != _Where.OURS:
        row.round += 1
        row.save(update_fields=["round"])
        ledger.post_dispute_opened(_posting(order, row), cause=cause)
    if now == _Where.LOST:
        ledger.post_dispute_lost(_posting(order, row), cause=cause)
    elif now == _Where.OURS and before == _Where.WITHDRAWN:
        ledger.post_dispute_won(_posting(order, row), cause=cause)


def _posting(order: Order, row: Dispute, *, fee_minor: int = 0, number: int = 0) -> ledger.DisputePosting:
    return ledger.DisputePosting(
        source_id=row.public_id,
        account=row.attempt.account,
        order_public_id=order.public_id,
        attempt_public_id=row.attempt.public_id,
        money=Money(row.amount_minor, row.currency),
        fee_minor=fee_minor,
        round=number or row.round,
    )


def _tell(order: Order, row: Dispute, *, cause: Cause) -> None:
    reason = Reason.DISPUTE_LOST if row.status in LOST_DISPUTES else Reason.DISPUTE_CHANGED
    facts = {"dispute": row.public_id, "status": str(row.status), "amount_minor": row.amount_minor}
    orders.record_fact(order, Because(reason, cause, row.attempt.public_id, facts))
    if row.status in LOST_DISPUTES:
        _report(order, row, CaseType.DISPUTE_LOST, "A dispute was lost: the money went to the customer.", cause=cause)
    if row.status in OPEN_DISPUTES:
        until = f" Answer until {row.respond_by:%Y-%m-%d %H:%M} UTC." if row.respond_by else ""
        summary = f"The customer's bank disputes this payment ({row.reason or 'no reason given'}).{until}"
        _report(order, row, CaseType.DISPUTE_OPENED, summary, cause=cause)
    else:
        words = f"The dispute ended: {row.get_status_display().lower()}."
        resolve_open(type=CaseType.DISPUTE_OPENED, subject_id=row.public_id, resolution=words, cause=cause)


def _report(order: Order, row: Dispute, type: CaseType, summary: str, *, cause: Cause) -> None:  # noqa: A002
    open_case(
        Report(
            type=type,
            subject_id=row.public_id,
            severity=Case.Severity.HIGH,
            summary=summary,
            evidence={"status": str(row.status), "reason": row.reason, "fee_minor": row.fee_minor},
            money=Money(row.amount_minor, row.currency),
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )


def _hold(order: Order, rows: Sequence[Dispute], *, cause: Cause) -> None:
    """An open dispute stops fulfillment and refunds; the last one that ends lets the order go on."""
    if any(row.status in OPEN_DISPUTES for row in rows):
        orders.open_hold(order, reason=HoldReason.DISPUTE, detail="The payment is disputed.", cause=cause)
    else:
        orders.release_hold(order, reason=HoldReason.DISPUTE, cause=cause)
