"""What happened to orders, over all of them; one order's own stands on its page."""

from django.contrib import admin
from django.db.models import Model, Q
from django.utils.safestring import SafeString

from orders.models import OrderEvent
from support.admin.console import ExactlySearched, instant, site
from support.admin.payments import orders_named
from support.admin.shown import change_of, facts_text, to_row, words


@admin.register(OrderEvent, site=site)
class OrderEventAdmin(ExactlySearched):
    """The latest first. Searched by order alone: what else stands in a row has no index, and need not have one."""

    heading = "Order history"
    sentence = "Every step and fact of every order, who brought it and why, the latest first. Written once and sealed."
    search_help_text = "A whole order id or order number."
    recorded = instant("recorded_at", label="recorded")
    occurred = instant("occurred_at", label="happened")
    list_display = ("reason_words", "change", "order_link", "actor", "source", "recorded")
    list_filter = ("kind",)
    list_select_related = ("order",)
    ordering = ("-id",)
    fields = (
        "public_id", "order_link", "sequence", "reason_words", "change", "said", "actor", "source", "provider",
        "provider_event_id", "attempt_public_id", "occurred", "recorded", "trace_id",
    )  # fmt: skip

    def lookups(self, term: str) -> list[Q]:
        """Find the history of an order."""
        return [orders_named(term)]

    def title_of(self, row: Model) -> str:
        """Name the step and its order."""
        return f"{words(row.reason)}, step {row.sequence} of {row.order}" if isinstance(row, OrderEvent) else str(row)

    @admin.display(description="what happened")
    def reason_words(self, event: OrderEvent) -> str:
        """Show the reason."""
        return words(event.reason)

    @admin.display(description="state")
    def change(self, event: OrderEvent) -> SafeString | str:
        """Show from where to where; a fact moves nothing."""
        return change_of(event.from_state, event.to_state)

    @admin.display(description="order")
    def order_link(self, event: OrderEvent) -> SafeString:
        """Lead to the order."""
        return to_row(event.order, event.order.number)

    @admin.display(description="facts")
    def said(self, event: OrderEvent) -> str:
        """Show what was noted with it, money as money."""
        return facts_text(event.facts, event.order.currency) or "none"
