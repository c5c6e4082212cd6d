"""The audit trail: written in the transaction of what it tells."""

from collections.abc import Mapping
from typing import Any

from core.cause import Cause
from core.db import transaction_required
from oversight.models import AuditEntry


@transaction_required
def record_audit(
    *,
    action: str,
    subject_id: str,
    cause: Cause,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """This will note, in the action's own transaction, who did what to which subject (a public id) and why."""
    return AuditEntry.objects.create(
        recorded_at=cause.now,
        actor=cause.actor,
        action=action,
        subject_id=subject_id,
        reason=reason[:500],
        before=dict(before or {}),
        after=dict(after or {}),
        trace_id=cause.trace_id,
    )
