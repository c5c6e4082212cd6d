"""Corrections: what was posted wrongly is taken back by a posting of its own and never changed."""

from collections.abc import Sequence
from dataclasses import replace

from core.cause import Cause
from core.db import constraint_errors, transaction_required
from core.errors import DomainError
from ledger import selectors
from ledger.models import Entry, Posting
from ledger.services.posting import Fact, Line, post
from oversight.services import record_audit

EVENT = "reversal"


class AlreadyReversed(DomainError):
    """The posting was taken back by another one, or is itself one that takes back."""

    code = "posting_already_reversed"
    title = "This posting was taken back already."


@transaction_required
def reverse(posting_public_id: str, *, reason: str, cause: Cause) -> Posting:
    """This will take a posting back exactly: each account, Dr what was credited / Cr what was debited; once for a
    posting, and noted with its reason in the audit trail.

    It is booked today (`cause.now`), and names the original in `reverses`. The right figures are then posted as what
    they are. Raises: selectors.NoSuchPosting; AlreadyReversed when it was dropped or reversed by something else, or
    is a reversal itself.
    """
    original = selectors.posting_of(posting_public_id)
    earlier = selectors.reversal_of(original)
    if earlier is not None and earlier.event == EVENT:
        return earlier
    if earlier is not None or original.reverses is not None:
        raise AlreadyReversed(posting_id=original.public_id)
    fact = fact_reversing(original, source_kind="posting", source_id=original.public_id, event=EVENT)
    with constraint_errors({"ledger_posting_reversed_once": lambda: AlreadyReversed(posting_id=original.public_id)}):
        reversal = post(fact, cause=replace(cause, occurred_at=None))
    record_audit(
        action="ledger.posting_reversed",
        subject_id=original.public_id,
        cause=cause,
        reason=reason,
        after={"reversal": reversal.public_id},
    )
    return reversal


def fact_reversing(original: Posting, *, source_kind: str, source_id: str, event: str) -> Fact:
    """This will return the fact that takes `original` back, in a posting of that source and event."""
    entries = selectors.entries_of(original)
    return Fact(
        source_kind=source_kind,
        source_id=source_id,
        event=event,
        channel=original.channel,
        currency=entries[0].currency,
        is_livemode=original.is_livemode,
        lines=_swapped(entries),
        order_public_id=original.order_public_id,
        reverses=original.public_id,
    )


def _swapped(entries: Sequence[Entry]) -> list[Line]:
    return [
        Line(entry.account.code, -entry.amount_minor, entry.attempt_public_id, currency=entry.currency)
        for entry in entries
    ]
