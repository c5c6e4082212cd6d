"""How people keep control: cases, approvals, acts within limits, the audit trail, seals over closed batches. Subjects
are known by public id only.
"""

from oversight.models.acts import MONEY_ACTIONS, Action, ReasonCode, StaffAct
from oversight.models.approvals import Approval
from oversight.models.audit import AuditEntry, Seal
from oversight.models.cases import Case, CaseType

__all__ = [
    "MONEY_ACTIONS",
    "Action",
    "Approval",
    "AuditEntry",
    "Case",
    "CaseType",
    "ReasonCode",
    "Seal",
    "StaffAct",
]
