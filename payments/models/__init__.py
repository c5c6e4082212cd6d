"""Payment attempts, the operations at the provider, refunds and disputes."""

from payments.models.attempt import LIVE_STATUSES, AttemptStatus, Exemption, PaymentAttempt
from payments.models.dispute import LOST_DISPUTES, OPEN_DISPUTES, Dispute, DisputeStatus
from payments.models.operation import OPEN_STATUSES, Operation, OperationKind, OperationStatus
from payments.models.refund import COUNTED_REFUNDS, OPEN_REFUNDS, Refund, RefundPart, RefundStatus, RefundTax

__all__ = [
    "COUNTED_REFUNDS",
    "LIVE_STATUSES",
    "LOST_DISPUTES",
    "OPEN_DISPUTES",
    "OPEN_REFUNDS",
    "OPEN_STATUSES",
    "AttemptStatus",
    "Dispute",
    "DisputeStatus",
    "Exemption",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "PaymentAttempt",
    "Refund",
    "RefundPart",
    "RefundStatus",
    "RefundTax",
]
