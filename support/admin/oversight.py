"""Cases, approvals, acts of staff and the audit trail, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core.money import Money
from oversight.models import Approval, AuditEntry, Case, StaffAct
from support.admin.console import InWords, ReadOnlyAdmin, instant, site
from support.admin.shown import amount, sign, to_order, words

# A word, a colour and a sign for each severity, because colour alone does not reach everybody.
SEVERITY_SIGNS = {Case.Severity.HIGH: "▲", Case.Severity.NORMAL: "●", Case.Severity.LOW: "▽"}


@admin.register(Case, site=site)
class CaseAdmin(ReadOnlyAdmin):
    """What a program may not decide alone, the most urgent first."""

    heading = "Cases"
    sentence = "What a program may not decide alone and nobody may forget, the most urgent first."
    opened = instant("opened_at", label="opened")
    due = instant("due_at", label="due")
    resolved = instant("resolved_at", label="resolved")
    list_display = ("summary", "severity_sign", "status", "money_at_risk", "owner", "due", "opened")
    list_filter = (("status", InWords), ("severity", InWords), ("type", InWords))
    search_fields = ("public_id", "subject_id", "order_public_id")
    ordering = ("due_at",)
    list_select_related = ("owner",)
    fields = (
        "public_id",
        "type_words",
        "severity_sign",
        "status",
        "money_at_risk",
        "subject_id",
        "order_public_id",
        "owner",
        "opened",
        "due",
        "resolved",
        "resolution",
        "evidence",
        "reports_count",
        "trace_id",
    )

    def title_of(self, row: Model) -> str:
        """Say what the case is about."""
        return row.summary if isinstance(row, Case) else str(row)

    @admin.display(description="type")
    def type_words(self, case: Case) -> str:
        """Say what kind of mismatch it is."""
        return words(case.type)

    @admin.display(description="severity", ordering="severity")
    def severity_sign(self, case: Case) -> SafeString:
        """Show the severity as a sign and a word."""
        severity = Case.Severity(case.severity)
        return format_html(
            '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>',
            severity.value,
            SEVERITY_SIGNS[severity],
            severity.label,
        )

    @admin.display(description="money at risk", ordering="amount_minor")
    def money_at_risk(self, case: Case) -> SafeString:
        """Show the amount as people write it."""
        if case.amount_minor is None:
            return mark_safe('<span class="amount quiet">none known</span>')
        return format_html('<span class="amount">{}</span>', Money(case.amount_minor, case.currency).display())


class ActRows(ReadOnlyAdmin):
    """What an approval and an act show alike."""

    ordering = ("-id",)

    @admin.display(description="what", ordering="action")
    def action_words(self, row: Any) -> str:
        """Show what is done as words."""
        return words(row.action)

    @admin.display(description="amount", ordering="amount_minor")
    def amount_shown(self, row: Any) -> SafeString:
        """Show what is at stake."""
        if row.amount_minor is None:
            return mark_safe('<span class="amount quiet">none</span>')
        return amount(row.amount_minor, row.currency)

    @admin.display(description="order")
    def order_link(self, row: Any) -> SafeString:
        """Lead to the order."""
        return to_order(row.order_public_id)

    @admin.display(description="reason", ordering="reason_code")
    def reason_words(self, row: Any) -> str:
        """Show why."""
        return f"{words(row.reason_code)}: {row.note}" if row.note else words(row.reason_code)


@admin.register(Approval, site=site)
class ApprovalAdmin(ActRows):
    """What waits for a second person, and what became of it, the latest first."""

    heading = "Approvals"
    sentence = "What one person asked for and another decided. Each counts once, for exactly what was asked, and ends."
    requested = instant("requested_at", label="asked for")
    decided = instant("decided_at", label="decided")
    executed = instant("executed_at", label="used")
    expires = instant("expires_at", label="counts until")
    list_display = (
        "public_id", "status_sign", "action_words", "amount_shown", "order_link", "requested_by", "decided_by",
        "expires",
    )  # fmt: skip
    list_filter = ("status", "action", "reason_code")
    search_fields = ("public_id", "subject_id", "order_public_id", "requested_by", "decided_by", "trace_id")
    fields = (
        "public_id", "status_sign", "action_words", "amount_shown", "subject_id", "order_link", "reason_words",
        "requested_by", "requested", "decided_by", "decided", "decision_note", "executed", "expires", "request_digest",
        "trace_id",
    )  # fmt: skip

    @admin.display(description="status", ordering="status")
    def status_sign(self, approval: Approval) -> SafeString:
        """Show the status as a word, a colour and a sign."""
        return sign(approval.status)


@admin.register(StaffAct, site=site)
class StaffActAdmin(ActRows):
    """What staff did with money and orders, the latest first."""

    heading = "Acts of staff"
    sentence = "Who did what with money or an order, as which role, why, and within which limits. Written once."
    recorded = instant("recorded_at", label="recorded")
    list_display = ("recorded", "actor", "role", "action_words", "amount_shown", "order_link", "reason_words")
    list_filter = ("action", "role", "reason_code")
    search_fields = ("actor", "subject_id", "order_public_id", "approval_id", "trace_id")
    fields = (
        "recorded", "business_on", "actor", "role", "action_words", "amount_shown", "subject_id", "order_link",
        "reason_words", "approval_id", "at_once", "per_order", "per_day", "alone", "policy_version", "request_digest",
        "trace_id",
    )  # fmt: skip

    @admin.display(description="limit at once")
    def at_once(self, act: StaffAct) -> SafeString:
        """Show how much the role could do in one act."""
        return _limit(act.act_max_minor, act)

    @admin.display(description="limit per order")
    def per_order(self, act: StaffAct) -> SafeString:
        """Show how much the role could bring an order to."""
        return _limit(act.order_max_minor, act)

    @admin.display(description="limit per day")
    def per_day(self, act: StaffAct) -> SafeString:
        """Show how much the person could do on that day."""
        return _limit(act.day_max_minor, act)

    @admin.display(description="alone up to")
    def alone(self, act: StaffAct) -> SafeString:
        """Show how much needed no second person."""
        return _limit(act.approval_above_minor, act)


def _limit(limit_minor: int | None, act: StaffAct) -> SafeString:
    """Show a limit that decided, or that there was none."""
    if limit_minor is None:
        return mark_safe('<span class="amount quiet">no limit</span>')
    return amount(limit_minor, act.currency)


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what to which subject and why, the latest first."""

    heading = "Audit trail"
    sentence = "Who did what to which subject, and why. Rows are written once and sealed."
    recorded = instant("recorded_at", label="recorded")
    list_display = ("recorded", "actor", "action", "subject_id", "reason")
    list_filter = ("action",)
    search_fields = ("subject_id", "actor", "trace_id")
    ordering = ("-id",)
    fields = ("recorded", "actor", "action", "subject_id", "reason", "before", "after", "trace_id")
