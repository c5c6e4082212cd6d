"""The ways a checkout can take, in one list: flags on payment attempts, read by metrics, gates and the display."""

from collections.abc import Sequence
from enum import StrEnum


class Path(StrEnum):
    """One thing that happened on the way. `straight` means that none of the detours did."""

    STRAIGHT = "straight"
    RETRIED = "retried"
    RESUMED = "resumed"
    OTHER_DEVICE = "other_device"
    CHALLENGE = "challenge"
    SOFT_DECLINE = "soft_decline"
    LATE_SUCCESS = "late_success"
    COUPON = "coupon"
    GUEST = "guest"
    MANUAL_REVIEW = "manual_review"
    PARTIAL_REFUND = "partial_refund"
    FALLBACK = "fallback"


# Who buys and with what is no detour, nor is what comes after the payment.
NO_DETOURS = {Path.STRAIGHT, Path.COUPON, Path.GUEST, Path.PARTIAL_REFUND}


def walked(flags: Sequence[str], *more: Path) -> list[str]:
    """This will add to the flags what happened now, each once; a detour ends `straight`."""
    joined = [*flags, *(str(path) for path in dict.fromkeys(more) if path not in flags)]
    is_straight = all(Path(flag) in NO_DETOURS for flag in joined)
    return [flag for flag in joined if is_straight or flag != Path.STRAIGHT]
