"""The inbox: deliveries as they arrived (bytes), events as they count (once)."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class Delivery(models.Model):
    """One arrival at our door. Append-only. The bytes are kept only when they brought something new."""

    account = models.ForeignKey("core.ProviderAccount", on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    headers = models.JSONField()
    body = models.BinaryField(null=True)
    body_sha256 = models.CharField(max_length=64)
    event_ids = ArrayField(models.BigIntegerField())
    trace_id = models.CharField(max_length=40)

    class Meta:
        """Deliveries of an event are counted by its id."""

        indexes = [GinIndex(fields=["event_ids"], name="webhooks_delivery_events")]

    def __str__(self) -> str:
        """Show when it came."""
        return f"{self.received_at:%Y-%m-%d %H:%M:%S}"


class Event(models.Model):
    """What a provider told us, once, whatever the number of deliveries. The row lives for ever."""

    class Status(models.TextChoices):
        """received → processing → processed | ignored | parked | failed → dead."""

        RECEIVED = "received"
        PROCESSING = "processing"
        PROCESSED = "processed"
        IGNORED = "ignored"
        PARKED = "parked"
        FAILED = "failed"
        DEAD = "dead"

    public_id = models.CharField(max_length=40, unique=True)
    account = models.ForeignKey("core.ProviderAccount", on_delete=models.PROTECT, related_name="+")
    event_key = models.CharField(max_length=255, help_text="The provider's event id, or one composed by the adapter.")
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=255, db_index=True)
    occurred_at = models.DateTimeField(help_text="Their clock.")
    received_at = models.DateTimeField(help_text="Our door.")
    status = models.CharField(max_length=16, choices=Status)
    status_reason = models.CharField(max_length=300, blank=True)
    order_public_id = models.CharField(max_length=40, blank=True, db_index=True)
    tries_count = models.PositiveIntegerField(default=0, help_text="In a row, since it was received or last parked.")
    next_try_at = models.DateTimeField(
        null=True, help_text="When the sweep looks at it; null once nothing is left to do."
    )
    lease_expires_at = models.DateTimeField(null=True, help_text="Until then a worker has it, or was woken for it.")
    fencing_token = models.PositiveIntegerField(default=0, help_text="Rises with every lease: the tries of a lifetime.")
    case_opened_at = models.DateTimeField(null=True, help_text="When people were asked to look at it.")
    processed_at = models.DateTimeField(null=True)
    trace_id = models.CharField(max_length=40)

    class Meta:
        """An event key counts once per account, for ever."""

        constraints = [
            UniqueConstraint(fields=["account", "event_key"], name="webhooks_event_once"),
            CheckConstraint(
                condition=~Q(status__in=["received", "processing", "parked", "failed"]) | Q(next_try_at__isnull=False),
                name="webhooks_event_open_has_next_try",
            ),
            CheckConstraint(
                condition=~Q(status="processing") | Q(lease_expires_at__isnull=False),
                name="webhooks_event_processing_has_lease",
            ),
        ]
        indexes = [
            Index(
                fields=["next_try_at"],
                condition=Q(status__in=["received", "processing", "parked", "failed"]),
                name="webhooks_event_due",
            )
        ]

    def __str__(self) -> str:
        """Show type and key."""
        return f"{self.type} {self.event_key}"
