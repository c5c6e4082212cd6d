"""The books: postings, each with its entries."""

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ledger.models import Posting
from support.admin.console import ExactlySearched, instant, site
from support.admin.shown import amount, to_order, words
from support.selectors import entries_of


@admin.register(Posting, site=site)
class PostingAdmin(ExactlySearched):
    """The latest first."""

    heading = "Ledger postings"
    sentence = "Every money fact in the books, posted once; the entries of each sum to zero."
    search_help_text = "A whole public id, order id or the public id of what was posted."
    recorded = instant("recorded_at", label="recorded")
    occurred = instant("occurred_at", label="happened")
    list_display = ("public_id", "event_words", "order_link", "source_id", "business_on", "recorded")
    list_select_related = ("channel",)
    ordering = ("-id",)
    fields = (
        "public_id", "event_words", "source_kind", "source_id", "order_link", "channel", "is_livemode", "business_on",
        "late_for", "occurred", "recorded", "reverses", "entries", "trace_id",
    )  # fmt: skip

    def lookups(self, term: str) -> list[Q]:
        """Find a posting by its own id or what it is about."""
        kinds = ("order", "operation", "refund", "dispute", "payout", "posting", "report_line", "statement_line")
        return [
            Q(public_id=term), Q(order_public_id=term), Q(source_kind__in=kinds, source_id=term), Q(reverses=term),
        ]  # fmt: skip

    @admin.display(description="event")
    def event_words(self, posting: Posting) -> str:
        """Show what happened."""
        return words(posting.event)

    @admin.display(description="order")
    def order_link(self, posting: Posting) -> SafeString:
        """Lead to the order."""
        return to_order(posting.order_public_id)

    @admin.display(description="entries")
    def entries(self, posting: Posting) -> SafeString:
        """Show both sides."""
        rows = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", (
            (
                entry.account.code,
                amount(entry.amount_minor, entry.currency) if entry.amount_minor > 0 else "",
                amount(-entry.amount_minor, entry.currency) if entry.amount_minor < 0 else "",
            )
            for entry in entries_of(posting)
        ))  # fmt: skip
        return format_html(
            '<div class="evidence" role="region" aria-label="Entries" tabindex="0"><table><thead><tr>'
            '<th scope="col">Account</th><th scope="col"><span class="amount">Debit</span></th>'
            '<th scope="col"><span class="amount">Credit</span></th></tr></thead><tbody>{}</tbody></table></div>',
            rows,
        )
