"""Payment attempts, and the operations at the provider. Neither client secrets nor what was sent are shown."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.safestring import SafeString

from core.models import ProviderAccount, SalesChannel
from orders.models import Order
from payments.models import Operation, PaymentAttempt
from support.admin.console import ExactlySearched, InWords, instant, site
from support.admin.shown import amount, json_text, sign, to_row, words


def orders_named(term: str) -> Q:
    """This will find rows by their order's public id or number."""
    named = Order.objects.filter(channel__in=SalesChannel.objects.values("pk"), number=term)
    return Q(order__in=Order.objects.filter(public_id=term).values("pk").union(named.values("pk")))


class PaymentRows(ExactlySearched):
    """What attempts and operations show alike."""

    created = instant("created_at", label="created")
    ordering = ("-id",)

    @admin.display(description="status")
    def status_sign(self, row: Any) -> SafeString:
        """Show the status as a word, a colour and a sign."""
        return sign(row.status)

    @admin.display(description="order")
    def order_link(self, row: Any) -> SafeString:
        """Lead to the order."""
        return to_row(row.order, row.order.number)

    @admin.display(description="amount")
    def amount_shown(self, row: Any) -> SafeString:
        """Show what was asked for."""
        return amount(row.amount_minor, row.currency)


@admin.register(PaymentAttempt, site=site)
class PaymentAttemptAdmin(PaymentRows):
    """One try to pay an order with one provider."""

    heading = "Payment attempts"
    sentence = "Each try to pay an order with one provider, the latest first."
    search_help_text = "A whole public id, order id, order number or reference at the provider."
    acknowledged = instant("acknowledged_at", label="provider knew of it")
    finished = instant("customer_finished_at", label="customer came back")
    dead = instant("dead_at", label="surely cannot take money since")
    list_display = ("public_id", "status_sign", "amount_shown", "order_link", "account", "created")
    list_filter = (("status", InWords), ("capture_method", InWords))
    list_select_related = ("order", "account")
    fields = (
        "public_id", "order_link", "status_sign", "is_current", "amount_shown", "held_now", "taken", "excess",
        "excess_returned", "returned", "account", "method", "capture_method", "confirmed_by", "exemption",
        "provider_reference", "provider_status", "failure_code", "failure_message", "may_retry", "created",
        "acknowledged", "finished", "dead",
    )  # fmt: skip

    def lookups(self, term: str) -> list[Q]:
        """Find an attempt by its own, its order's or the provider's name for it."""
        accounts = ProviderAccount.objects.values("pk")
        return [Q(public_id=term), Q(account__in=accounts, provider_reference=term), orders_named(term)]

    @admin.display(description="held now")
    def held_now(self, row: PaymentAttempt) -> SafeString:
        """Show what is authorized and not taken."""
        return amount(row.authorized_minor, row.currency)

    @admin.display(description="taken")
    def taken(self, row: PaymentAttempt) -> SafeString:
        """Show what the provider reports as captured."""
        return amount(row.captured_minor, row.currency)

    @admin.display(description="of that owed by nobody")
    def excess(self, row: PaymentAttempt) -> SafeString:
        """Show what was taken beyond what is due."""
        return amount(row.excess_minor, row.currency)

    @admin.display(description="of that gone back")
    def excess_returned(self, row: PaymentAttempt) -> SafeString:
        """Show what went back of the excess."""
        return amount(row.excess_returned_minor, row.currency)

    @admin.display(description="gone back of what was due")
    def returned(self, row: PaymentAttempt) -> SafeString:
        """Show what went back of what was due."""
        return amount(row.returned_minor, row.currency)


@admin.register(Operation, site=site)
class OperationAdmin(PaymentRows):
    """One thing that a provider was asked to do."""

    heading = "Operations"
    sentence = "Each thing we asked a provider to do and what became of it, the latest first."
    search_help_text = "A whole public id, order id, order number, key or reference at the provider."
    sent = instant("sent_at", label="sent")
    settled = instant("settled_at", label="settled")
    next_check = instant("next_check_at", label="next look", none="nothing left to ask")
    list_display = ("public_id", "kind_words", "status_sign", "amount_shown", "order_link", "sends_count", "created")
    list_filter = (("status", InWords), ("kind", InWords))
    list_select_related = ("order", "attempt")
    fields = (
        "public_id", "kind_words", "status_sign", "amount_shown", "order_link", "attempt_link", "provider_reference",
        "provider_key", "error_code", "error_detail", "sends_count", "checks_count", "not_found_count", "created",
        "sent", "settled", "next_check", "provider_said", "trace_id",
    )  # fmt: skip

    def lookups(self, term: str) -> list[Q]:
        """Find an operation by its own, its order's or the provider's name for it."""
        return [Q(public_id=term), Q(provider_key=term), Q(provider_reference=term), orders_named(term)]

    @admin.display(description="kind")
    def kind_words(self, row: Operation) -> str:
        """Show what was asked."""
        return words(row.kind)

    @admin.display(description="attempt")
    def attempt_link(self, row: Operation) -> SafeString:
        """Lead to the attempt."""
        return to_row(row.attempt, row.attempt.public_id)

    @admin.display(description="the provider said")
    def provider_said(self, row: Operation) -> SafeString | str:
        """Show the last answer, its secrets hidden."""
        return "nothing kept" if row.answer is None else json_text(row.answer)
