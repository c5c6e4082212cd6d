"""Cases: nothing that people must see is logged and forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.backends.postgresql.psycopg_any import Jsonb

from accounts.models import User
from core import policies
from core.cause import Cause
from core.db import transaction_required
from core.errors import DomainError
from core.ids import new_public_id
from core.money import Money
from core.trace import current as current_trace
from oversight import selectors
from oversight.models import Case, CaseType
from oversight.services.audit import record_audit


class CaseIsResolved(DomainError):
    """The case was closed before; facts that return open a new one."""

    code = "case_is_resolved"
    title = "This case is resolved already."


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody must look at: one sentence, the facts as evidence, the money at risk if any.

    `subject_id` is the public id of what it is about; together with `type` it names the one open case.
    """

    type: CaseType
    subject_id: str
    severity: Case.Severity
    summary: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    money: Money | None = None
    order_public_id: str = ""


@transaction_required
def open_case(report: Report, *, now: datetime) -> Case:
    """This will open a case, or add the report to the open one of that type and subject: one statement, safe in
    parallel.

    A further report counts up, merges its evidence over the old one and brings the newest amount; the more urgent
    severity and the earlier due time win. Due times come from policy `cases`.
    """
    due_seconds = policies.current("cases")[f"{report.severity}_due_seconds"]
    cases = Case.objects.raw(
        """
        INSERT INTO oversight_case (public_id, type, subject_id, order_public_id, severity, status, summary, evidence,
            amount_minor, currency, reports_count, opened_at, due_at, resolution, trace_id)
        VALUES (%s, %s, %s, %s, %s, 'open', %s, %s, %s, %s, 1, %s, %s, '', %s)
        ON CONFLICT (type, subject_id) WHERE NOT (status = 'resolved') DO UPDATE SET
            reports_count = oversight_case.reports_count + 1,
            evidence = oversight_case.evidence || EXCLUDED.evidence,
            amount_minor = coalesce(EXCLUDED.amount_minor, oversight_case.amount_minor),
            currency = coalesce(nullif(EXCLUDED.currency, ''), oversight_case.currency),
            order_public_id = coalesce(nullif(oversight_case.order_public_id, ''), EXCLUDED.order_public_id),
            severity = CASE WHEN 'high' IN (oversight_case.severity, EXCLUDED.severity) THEN 'high'
                            WHEN 'normal' IN (oversight_case.severity, EXCLUDED.severity) THEN 'normal' ELSE 'low' END,
            due_at = least(oversight_case.due_at, EXCLUDED.due_at)
        RETURNING *
        """,
        [
            new_public_id("case"), str(report.type), report.subject_id, report.order_public_id, str(report.severity),
            report.summary[:500], Jsonb(dict(report.evidence)),
            report.money.amount_minor if report.money else None, report.money.currency if report.money else "",
            now, now + timedelta(seconds=due_seconds), current_trace(),
        ],
    )  # fmt: skip
    return next(iter(cases))


@transaction_required
def resolve_case(public_id: str, *, resolution: str, cause: Cause) -> Case:
    """This will close a case with what was found or done, and write it into the audit trail.

    Raises: selectors.NoSuchCase; CaseIsResolved.
    """
    return _resolve(_unresolved(public_id), resolution=resolution, cause=cause)


@transaction_required
def resolve_open(*, type: CaseType, subject_id: str, resolution: str, cause: Cause) -> bool:  # noqa: A002
    """This will close the open case of that type about the subject, because its facts are gone. Returns whether one
    was open.
    """
    case = selectors.lock_open_case(type=type, subject_id=subject_id)
    if case is not None:
        _resolve(case, resolution=resolution, cause=cause)
    return case is not None


@transaction_required
def assign_case(public_id: str, *, owner: User, cause: Cause) -> Case:
    """This will give a case to a member of staff, also an escalated one. Raises: selectors.NoSuchCase;
    CaseIsResolved.
    """
    case = _unresolved(public_id)
    before = {"status": case.status, "owner": case.owner.public_id if case.owner else None}
    case.status = Case.Status.ASSIGNED
    case.owner = owner
    case.save(update_fields=["status", "owner"])
    after = {"status": case.status, "owner": owner.public_id}
    record_audit(action="case.assigned", subject_id=case.public_id, cause=cause, before=before, after=after)
    return case


@transaction_required
def escalate_overdue(*, limit: int, cause: Cause) -> list[Case]:
    """This will escalate cases past their due time, at most `limit`; those worked on this instant wait."""
    overdue = selectors.lock_overdue_cases(now=cause.now, limit=limit)
    for case in overdue:
        before = {"status": case.status}
        case.status = Case.Status.ESCALATED
        case.save(update_fields=["status"])
        record_audit(
            action="case.escalated",
            subject_id=case.public_id,
            cause=cause,
            reason=f"due at {case.due_at:%Y-%m-%d %H:%M} UTC",
            before=before,
            after={"status": case.status},
        )
    return overdue


def _unresolved(public_id: str) -> Case:
    case = selectors.lock_case(public_id)
    if case.status == Case.Status.RESOLVED:
        raise CaseIsResolved(case_id=case.public_id)
    return case


def _resolve(case: Case, *, resolution: str, cause: Cause) -> Case:
    before = {"status": case.status}
    case.status = Case.Status.RESOLVED
    case.resolution = resolution[:500]
    case.resolved_at = cause.now
    case.save(update_fields=["status", "resolution", "resolved_at"])
    record_audit(
        action="case.resolved",
        subject_id=case.public_id,
        cause=cause,
        reason=resolution,
        before=before,
        after={"status": case.status, "type": case.type, "subject_id": case.subject_id},
    )
    return case
