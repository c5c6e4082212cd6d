"""Append-only double entry: the money truth inside our database."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class Account(models.Model):
    """One account of one legal entity in one currency, for example asset:clearing:stripe of GBP."""

    class Nature(models.TextChoices):
        """Which side makes the balance grow."""

        DEBIT = "debit"
        CREDIT = "credit"

    legal_entity = models.CharField(max_length=200)
    code = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    nature = models.CharField(max_length=8, choices=Nature)
    created_at = models.DateTimeField()

    class Meta:
        """A code names one account."""

        constraints = [UniqueConstraint(fields=["legal_entity", "code", "currency"], name="ledger_account_unique")]

    def __str__(self) -> str:
        """Show code and currency."""
        return f"{self.code}:{self.currency}"


class Posting(models.Model):
    """One business fact in the books: its entries sum to zero per currency. Posted once per (source, event)."""

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="+")
    source_kind = models.CharField(max_length=32, help_text="order, operation, refund, dispute, report_line…")
    source_id = models.CharField(max_length=40, help_text="Public id of the source.")
    event = models.CharField(max_length=32, help_text="sale, capture, give_back…")
    order_public_id = models.CharField(max_length=40, blank=True, db_index=True)
    is_livemode = models.BooleanField()
    business_on = models.DateField(help_text="The day in the channel's zone; periods close by it.")
    # Nothing rather than no text: a row written before this column existed reads the same, for its seal too.
    reverses = models.CharField(  # noqa: DJ001
        max_length=40, null=True, help_text="Public id of the posting this one takes back."
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    trace_id = models.CharField(max_length=40, blank=True)
    schema_version = models.PositiveSmallIntegerField(default=1)

    class Meta:
        """A fact is posted once, taken back at most once."""

        constraints = [
            UniqueConstraint(fields=["source_kind", "source_id", "event"], name="ledger_posting_once"),
            UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="ledger_posting_reversed_once"
            ),
        ]
        indexes = [Index(fields=["business_on"], name="ledger_posting_business_on")]

    def __str__(self) -> str:
        """Show event and source."""
        return f"{self.event} {self.source_id}"


class Entry(models.Model):
    """One side of a posting, in minor units of `currency`: debit is positive, credit negative."""

    # No database constraint: nothing refers to an append-only table by foreign key, so that it can be partitioned.
    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="entries", db_constraint=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    order_public_id = models.CharField(max_length=40, blank=True)
    attempt_public_id = models.CharField(max_length=40, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        """An entry moves something."""

        constraints = [CheckConstraint(condition=~Q(amount_minor=0), name="ledger_entry_not_zero")]
        indexes = [Index(fields=["order_public_id"], name="ledger_entry_order")]

    def __str__(self) -> str:
        """Show amount and currency."""
        return f"{self.amount_minor} {self.currency}"
