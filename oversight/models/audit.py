"""The audit trail, and the seals over closed batches of append-only tables."""

from django.db import models
from django.db.models import UniqueConstraint


class AuditEntry(models.Model):
    """Who did what to which subject and why. Append-only; sealed in batches."""

    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    action = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=40, db_index=True)
    reason = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    trace_id = models.CharField(max_length=40, blank=True)
    schema_version = models.PositiveSmallIntegerField(default=1)

    def __str__(self) -> str:
        """Show action and subject."""
        return f"{self.action} {self.subject_id}"


class Seal(models.Model):
    """SHA-256 over a closed batch of an append-only table in id order, chained to the seal before it."""

    class Chain(models.TextChoices):
        """Which table is sealed."""

        AUDIT = "audit"
        LEDGER = "ledger"
        HISTORY = "history"

    chain = models.CharField(max_length=16, choices=Chain)
    sequence = models.PositiveIntegerField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    rows_count = models.PositiveIntegerField()
    previous_sha256 = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        """A chain has one seal at each place."""

        constraints = [UniqueConstraint(fields=["chain", "sequence"], name="oversight_seal_place_unique")]

    def __str__(self) -> str:
        """Show chain and place."""
        return f"{self.chain} #{self.sequence}"
