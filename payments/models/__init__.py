"""Payment attempts and the operations at the provider."""

from payments.models.attempt import LIVE_STATUSES, AttemptStatus, Exemption, PaymentAttempt
from payments.models.operation import OPEN_STATUSES, Operation, OperationKind, OperationStatus

__all__ = [
    "LIVE_STATUSES",
    "OPEN_STATUSES",
    "AttemptStatus",
    "Exemption",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "PaymentAttempt",
]
