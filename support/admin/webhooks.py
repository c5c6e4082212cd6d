"""Webhook events: what a provider told us, how often it came, and the bytes that brought it."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.models import ProviderAccount
from support.admin.console import ExactlySearched, instant, site
from support.admin.shown import BODY_BYTES_MAX, HIDDEN, bytes_text, figure, sign, to_order, visible
from support.selectors import FirstBody, deliveries_of_event, first_body
from webhooks.models import Event

# What may be shown of a delivery's headers; of others only that they came.
SHOWN_HEADERS = ("content-type", "user-agent", "request-id", "x-request-id")


@admin.register(Event, site=site)
class EventAdmin(ExactlySearched):
    """The latest first."""

    heading = "Webhook events"
    sentence = "What providers told us, once each however often it arrived, the latest first."
    search_help_text = "A whole public id, provider's event id, provider's object id or order id."
    received = instant("received_at", label="received")
    occurred = instant("occurred_at", label="happened")
    processed = instant("processed_at", label="processed")
    next_try = instant("next_try_at", label="next try", none="nothing left to do")
    list_display = ("type", "status_sign", "tries_count", "deliveries", "order_link", "account", "received")
    list_filter = ("status",)
    list_select_related = ("account",)
    ordering = ("-id",)
    fields = (
        "public_id", "type", "event_key", "object_id", "status_sign", "status_reason", "order_link", "account",
        "tries_count", "deliveries", "occurred", "received", "processed", "next_try", "trace_id", "brought_by",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Count the deliveries of the rows shown."""
        events: QuerySet[Model] = super().get_queryset(request).annotate(deliveries_count=deliveries_of_event())
        return events

    def lookups(self, term: str) -> list[Q]:
        """Find an event by the provider's or our name for it or for what it is about."""
        accounts = ProviderAccount.objects.values("pk")
        return [
            Q(public_id=term),
            Q(account__in=accounts, event_key=term),
            Q(object_id=term),
            Q(order_public_id=term),
        ]

    @admin.display(description="status")
    def status_sign(self, event: Event) -> SafeString:
        """Show the status as a word, a colour and a sign."""
        return sign(event.status)

    @admin.display(description="deliveries")
    def deliveries(self, event: Any) -> SafeString:
        """Show how often it arrived."""
        return figure(event.deliveries_count)

    @admin.display(description="order")
    def order_link(self, event: Event) -> SafeString:
        """Lead to the order it is about."""
        return to_order(event.order_public_id)

    @admin.display(description="as it arrived")
    def brought_by(self, event: Event) -> SafeString | str:
        """Show headers and bytes as text."""
        body = first_body(event.pk, bytes_max=BODY_BYTES_MAX)
        return "The bytes are no longer kept." if body is None else arrival(body)


def arrival(body: FirstBody) -> SafeString:
    """This will show the first delivery: what is allowed of its headers, and the beginning of its bytes, escaped."""
    headers = format_html_join("", "<li>{}: {}</li>", sorted(
        (visible(name), visible(str(value)) if name.lower() in SHOWN_HEADERS else HIDDEN)
        for name, value in body.headers.items()
    ))  # fmt: skip
    is_cut = body.size_bytes > len(body.shown)
    size = f"{body.size_bytes:,} bytes" + (f", of which the first {len(body.shown):,} are shown" if is_cut else "")
    return format_html(
        '<ul class="headers">{}</ul><p class="quiet">{}. Client secrets and tokens are hidden. SHA-256 {}</p>'
        '<pre class="raw" tabindex="0" aria-label="The bytes as text">{}</pre>',
        headers, size, body.sha256, bytes_text(body.shown),
    )  # fmt: skip
