"""Money back to customers of paid orders: asked for, decided, sent, followed to its end. A row is never deleted."""

from payments.services.refunding.cancelling import cancel_paid, return_rest
from payments.services.refunding.claims import (
    ClaimDecided,
    ClaimWaiting,
    ClaimWish,
    TooManyClaims,
    grant_claim,
    refuse_claim,
    request_claim,
)
from payments.services.refunding.decide import approve_refund, cancel_unapproved, reject_refund, withdraw_refund
from payments.services.refunding.external import record_external
from payments.services.refunding.follow import follow_refunds
from payments.services.refunding.request import request_refund
from payments.services.refunding.terms import (
    Destination,
    NotRefundable,
    RefundDecided,
    RefundLocked,
    RefundsChanged,
    RefundWish,
    UnknownReason,
)

__all__ = [
    "ClaimDecided",
    "ClaimWaiting",
    "ClaimWish",
    "Destination",
    "NotRefundable",
    "RefundDecided",
    "RefundLocked",
    "RefundWish",
    "RefundsChanged",
    "TooManyClaims",
    "UnknownReason",
    "approve_refund",
    "cancel_paid",
    "cancel_unapproved",
    "follow_refunds",
    "grant_claim",
    "record_external",
    "refuse_claim",
    "reject_refund",
    "request_claim",
    "request_refund",
    "return_rest",
    "withdraw_refund",
]
