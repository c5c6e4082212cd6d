"""Cases and the audit trail, to read."""

from django.contrib import admin
from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core.money import Money
from oversight.models import AuditEntry, Case
from support.admin.console import InWords, ReadOnlyAdmin, instant, site
from support.admin.shown import words

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
