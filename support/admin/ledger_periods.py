"""The books: days and months that are closed, each with its totals."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ledger.models import Period
from support.admin.console import ReadOnlyAdmin, instant, site
from support.admin.shown import amount, words
from support.selectors import totals_of


@admin.register(Period, site=site)
class PeriodAdmin(ReadOnlyAdmin):
    """The latest first."""

    heading = "Closed periods"
    sentence = "Days and months of the books that take no entry any more, each with what its accounts came to."
    closed = instant("closed_at", label="closed")
    list_display = ("__str__", "kind_words", "legal_entity", "closed", "closed_by")
    list_filter = ("kind",)
    search_fields = ("public_id", "totals_sha256")
    ordering = ("-ends_on", "-id")
    fields = (
        "public_id", "kind_words", "legal_entity", "starts_on", "ends_on", "closed", "closed_by", "totals",
        "totals_sha256", "previous_sha256",
    )  # fmt: skip

    @admin.display(description="kind", ordering="kind")
    def kind_words(self, period: Period) -> str:
        """Show how long it is."""
        return words(period.kind)

    @admin.display(description="totals")
    def totals(self, period: Period) -> SafeString:
        """Show what moved on each account, and its balance at the end: positive debit, negative credit."""
        rows = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", (
            (
                total.account.code,
                "real" if total.is_livemode else "test",
                amount(total.debit_minor, total.account.currency),
                amount(total.credit_minor, total.account.currency),
                amount(total.closing_minor, total.account.currency),
            )
            for total in totals_of(period)
        ))  # fmt: skip
        return format_html(
            '<div class="evidence" role="region" aria-label="Totals" tabindex="0"><table><thead><tr>'
            '<th scope="col">Account</th><th scope="col">Money</th>'
            '<th scope="col"><span class="amount">Debit</span></th>'
            '<th scope="col"><span class="amount">Credit</span></th>'
            '<th scope="col"><span class="amount">Balance</span></th></tr></thead><tbody>{}</tbody></table></div>',
            rows,
        )
