"""How people keep control: cases, the audit trail, seals over closed batches. Subjects are known by public id only."""

from oversight.models.audit import AuditEntry, Seal
from oversight.models.cases import Case, CaseType

__all__ = ["AuditEntry", "Case", "CaseType", "Seal"]
