"""Money back to customers of paid orders: asked for, decided, sent, followed to its end. A row is never deleted."""

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
    "Destination",
    "NotRefundable",
    "RefundDecided",
    "RefundLocked",
    "RefundWish",
    "RefundsChanged",
    "UnknownReason",
    "approve_refund",
    "cancel_unapproved",
    "follow_refunds",
    "record_external",
    "reject_refund",
    "request_refund",
    "withdraw_refund",
]
