"""Money that was taken back, and what speaks of it too early or too late.

Note [Reversed]: a capture that was taken back is the one end that another may follow, so `reversed` is believed only
when the provider was asked and says so. After it only a success that was asked for later counts: the copy in an event
and the answer of a call that was under way are older. Where nobody told us of the capture before, it never was money of
ours: to us that payment failed. And where the same payment was tried again since, the provider shows the new try alone:
so a look that was asked for a while after we knew the money and does not show it says that it was taken back (within
the while an event that made us look is read again), and a copy of a success from before a look that did not show it is
asked about before it counts. So is word of a cancelled payment that shows less than we know of.
"""

from dataclasses import replace
from datetime import timedelta

from core.errors import DomainError
from payments.models import TAKEN_STATUSES, AttemptStatus, PaymentAttempt
from payments.providers.base import Failure, ProviderUpdate

# By how much the provider's clock may be ahead of ours, and the whole seconds that it tells.
CLOCKS_APART = timedelta(seconds=2)
# For so long after a success a provider's answers may still be of before.
SHOWN_AFTER = timedelta(minutes=1)
_KNOWS_CAPTURE = {*TAKEN_STATUSES, AttemptStatus.REVERSED}


class LookedMeanwhile(DomainError):
    """An event and a look contradict each other, and which of them is older nobody can tell yet."""

    code = "looked_meanwhile"
    title = "A look at the payment and this event contradict each other. The event is read again."


def as_heard(attempt: PaymentAttempt, update: ProviderUpdate) -> ProviderUpdate:
    """This will return the update as it is to us: a capture taken back that we never heard of is a payment that failed.

    So is money that a later look does not show any more. See Note [Reversed].
    """
    missing_minor = 0 if _is_too_early(attempt, update) else _not_shown(attempt, update)
    if missing_minor and update.status not in TAKEN_STATUSES:
        return replace(update, status="reversed", reversed_minor=missing_minor)
    if attempt.status in TAKEN_STATUSES and update.status not in {*TAKEN_STATUSES, "reversed"}:
        # The charge that we know may be what it shows as an earlier one: what that left is not ours beside it.
        return replace(update, earlier_minor=0)
    if update.status != "reversed" or attempt.status in _KNOWS_CAPTURE:
        return update
    failure = update.failure or Failure("capture_reversed", "The bank took the payment back.")
    # Nothing we asked for brought what it left, be it with us or given back.
    left_minor = update.earlier_minor + update.captured_minor
    return replace(update, status="failed", failure=failure, captured_minor=0, earlier_minor=left_minor)


def unheard_reversal(attempt: PaymentAttempt, update: ProviderUpdate) -> ProviderUpdate | None:
    """This will return the reversal that must have come between the charge we know and the one that the update shows,
    which is to be learned first; None where there was none. That there was one is shown by what the earlier charge
    left, or by a look that knows of less money than we do: totals of one charge only grow.
    """
    if not (attempt.status in TAKEN_STATUSES and update.status in TAKEN_STATUSES and update.observed_at is not None):
        return None
    is_less = _not_shown(attempt, update) > 0 and not _is_too_early(attempt, update)
    if update.earlier_minor <= attempt.kept_minor and not is_less:
        return None
    missing_minor = attempt.captured_minor - update.earlier_minor
    # What went back is learned with the charge that came after it: one event moves an order once along a way.
    return replace(
        update,
        status="reversed",
        captured_minor=0,
        reversed_minor=missing_minor,
        refunds=(),
        disputes=(),
        answered_at=update.observed_at,
    )


def refuse_too_early(attempt: PaymentAttempt | None, update: ProviderUpdate) -> ProviderUpdate:
    """This will return the look, unless it does not show money that we have known for too short a time.

    Raises: LookedMeanwhile.
    """
    if attempt is not None and _is_too_early(attempt, update):
        raise LookedMeanwhile(attempt_id=attempt.public_id)
    return update


def _is_too_early(attempt: PaymentAttempt, update: ProviderUpdate) -> bool:
    knows_since = attempt.answered_at
    return bool(knows_since and _not_shown(attempt, update) and update.answered_at < knows_since + SHOWN_AFTER)


def _not_shown(attempt: PaymentAttempt, update: ProviderUpdate) -> int:
    """What we know to be captured and a look that was asked for later does not show, minor units."""
    if not update.is_look or update.observed_at is None:
        return 0
    if attempt.answered_at is None or update.observed_at <= attempt.answered_at:
        return 0
    if AttemptStatus.REVERSED in {attempt.status, update.status}:
        return 0
    kept_minor = max(attempt.kept_minor, update.earlier_minor)
    return max(0, attempt.captured_minor - kept_minor - update.captured_minor)


def hides_money(attempt: PaymentAttempt, update: ProviderUpdate) -> bool:
    """This will tell whether an event's copy or an answer to a call says that the payment was cancelled, and shows less
    than we know of: that was taken back before, and only a look tells how much of it.
    """
    if update.status != "voided" or update.is_look:
        return False
    return attempt.captured_minor > attempt.kept_minor + update.captured_minor


def is_gone(attempt: PaymentAttempt, amount_minor: int) -> bool:
    """This will tell whether a bank took back, as far as we know, what is to be given back of a payment. The provider
    would refuse it, or take it from money that came since and that nobody told us of.
    """
    left_minor = attempt.captured_minor - attempt.returned_minor - attempt.excess_returned_minor
    return attempt.reversals_count > 0 and amount_minor > left_minor


def is_contradicted(attempt: PaymentAttempt, update: ProviderUpdate) -> bool:
    """This will tell whether an event's copy says that money was taken before a look that did not show it.

    The provider's clock is compared with ours here, with room for both: at worst we ask once more. See Note [Reversed].
    """
    if update.observed_at is not None or update.status != "captured" or attempt.status in _KNOWS_CAPTURE:
        return False
    return attempt.answered_at is not None and update.occurred_at <= attempt.answered_at + CLOCKS_APART


def refuse_contradicted(attempt: PaymentAttempt, update: ProviderUpdate) -> None:
    """This will refuse an event's copy that a look has contradicted since it was read. Raises: LookedMeanwhile."""
    if is_contradicted(attempt, update):
        raise LookedMeanwhile(attempt_id=attempt.public_id)


def is_overtaken(attempt: PaymentAttempt, update: ProviderUpdate) -> bool:
    """This will tell whether a look that speaks of a reversal was asked for before we last learned of money taken.

    That money may have come after the reversal, or be what was taken back: only another look can tell.
    """
    is_behind = update.status in TAKEN_STATUSES and update.earlier_minor > attempt.kept_minor
    if not (update.status == "reversed" or is_behind) or attempt.status not in TAKEN_STATUSES:
        return False
    if update.observed_at is None or attempt.answered_at is None:
        return False
    return update.observed_at < attempt.answered_at


def is_undone(attempt: PaymentAttempt, update: ProviderUpdate) -> bool:
    """This will tell whether the update is of a success that was taken back since. See Note [Reversed]."""
    has_reversal = attempt.reversals_count > 0 or attempt.reversed_minor > 0
    if not has_reversal or attempt.answered_at is None or update.status not in TAKEN_STATUSES:
        return False
    return update.observed_at is None or update.observed_at < attempt.answered_at
