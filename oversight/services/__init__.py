"""Cases, the audit trail and seals: nothing that people must see is logged and forgotten."""

from oversight.services.audit import record_audit
from oversight.services.cases import (
    CaseIsResolved,
    Report,
    assign_case,
    escalate_overdue,
    open_case,
    resolve_case,
    resolve_open,
)
from oversight.services.seals import seal_closed_batches

__all__ = [
    "CaseIsResolved",
    "Report",
    "assign_case",
    "escalate_overdue",
    "open_case",
    "record_audit",
    "resolve_case",
    "resolve_open",
    "seal_closed_batches",
]
