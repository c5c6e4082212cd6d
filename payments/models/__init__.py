"""Payment attempts, the operations at the provider, refunds and disputes."""

from payments.models.attempt import LIVE_STATUSES, TAKEN_STATUSES, AttemptStatus, Exemption, PaymentAttempt
from payments.models.claim import CUSTOMER_REASONS, ClaimRule, ClaimStatus, RefundClaim
from payments.models.dispute import LOST_DISPUTES, OPEN_DISPUTES, Dispute, DisputeStatus
from payments.models.operation import OPEN_STATUSES, RETURN_KINDS, Operation, OperationKind, OperationStatus
from payments.models.refund import COUNTED_REFUNDS, OPEN_REFUNDS, Refund, RefundPart, RefundStatus, RefundTax

__all__ = [
    "COUNTED_REFUNDS",
    "CUSTOMER_REASONS",
    "LIVE_STATUSES",
    "LOST_DISPUTES",
    "OPEN_DISPUTES",
    "OPEN_REFUNDS",
    "OPEN_STATUSES",
    "RETURN_KINDS",
    "TAKEN_STATUSES",
    "AttemptStatus",
    "ClaimRule",
    "ClaimStatus",
    "Dispute",
    "DisputeStatus",
    "Exemption",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "PaymentAttempt",
    "Refund",
    "RefundClaim",
    "RefundPart",
    "RefundStatus",
    "RefundTax",
]
