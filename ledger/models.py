"""Append-only double entry: the money truth inside our database."""

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint


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
    late_for = models.DateField(null=True, help_text="The day it happened, when that was closed already.")
    # Nothing rather than no text: a row written before this column existed reads the same, for its seal too.
    reverses = models.CharField(  # noqa: DJ001 - unique when known
        max_length=40, null=True, help_text="Public id of the posting this one takes back."
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    trace_id = models.CharField(max_length=40, blank=True)
    schema_version = models.PositiveSmallIntegerField(default=1)

    class Meta:
        """A fact is posted once, taken back at most once, and late for a day before the one it is booked on."""

        constraints = [
            UniqueConstraint(fields=["source_kind", "source_id", "event"], name="ledger_posting_once"),
            UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="ledger_posting_reversed_once"
            ),
            CheckConstraint(
                condition=Q(late_for__isnull=True) | Q(late_for__lt=F("business_on")), name="ledger_posting_late_for"
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
    # Its index is the one below, which a balance since a checkpoint reads.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    order_public_id = models.CharField(max_length=40, blank=True)
    attempt_public_id = models.CharField(max_length=40, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        """An entry moves something."""

        constraints = [CheckConstraint(condition=~Q(amount_minor=0), name="ledger_entry_not_zero")]
        indexes = [
            Index(fields=["order_public_id"], name="ledger_entry_order"),
            Index(fields=["account", "id"], name="ledger_entry_of_account"),
        ]

    def __str__(self) -> str:
        """Show amount and currency."""
        return f"{self.amount_minor} {self.currency}"


class Period(models.Model):
    """A closed day or month of one legal entity: it takes no posting any more, and is never opened again.

    `totals_sha256` covers its totals and the hash of the period of its kind before it.
    """

    class Kind(models.TextChoices):
        """How long it is."""

        DAY = "day"
        MONTH = "month"

    public_id = models.CharField(max_length=40, unique=True)
    legal_entity = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=Kind)
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="Its last day.")
    previous_sha256 = models.CharField(max_length=64)
    totals_sha256 = models.CharField(max_length=64)
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=64, help_text="The actor, as in the audit trail.")
    schema_version = models.PositiveSmallIntegerField(default=1)

    class Meta:
        """A period is closed once. The index answers through which day the books are closed."""

        constraints = [
            UniqueConstraint(fields=["legal_entity", "kind", "starts_on"], name="ledger_period_once"),
            CheckConstraint(condition=~Q(kind="day") | Q(starts_on=F("ends_on")), name="ledger_period_day_is_one_day"),
        ]
        indexes = [Index(fields=["legal_entity", "ends_on"], name="ledger_period_closed_through")]

    def __str__(self) -> str:
        """Show the days."""
        return str(self.starts_on) if self.kind == self.Kind.DAY else f"{self.starts_on:%Y-%m}"


class PeriodTotal(models.Model):
    """What one account did in a closed period, real and test money apart; `closing_minor` is its balance at the end."""

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="totals")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    is_livemode = models.BooleanField()
    entries_count = models.BigIntegerField()
    debit_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField(help_text="As a positive amount.")
    closing_minor = models.BigIntegerField()

    class Meta:
        """One row per account and mode."""

        constraints = [UniqueConstraint(fields=["period", "account", "is_livemode"], name="ledger_period_total_once")]

    def __str__(self) -> str:
        """Show the balance."""
        return f"{self.closing_minor}"


class Checkpoint(models.Model):
    """What stood on an account when all entries up to `up_to_entry_id` were counted, real and test money apart.

    Made over sealed entries alone, below whose ids no row can appear any more; both modes at the same entry. A balance
    is the last checkpoint and the entries after it.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_livemode = models.BooleanField()
    up_to_entry_id = models.BigIntegerField()
    balance_minor = models.BigIntegerField()
    entries_count = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        """A place in the books is counted once."""

        constraints = [
            UniqueConstraint(fields=["account", "is_livemode", "up_to_entry_id"], name="ledger_checkpoint_once")
        ]

    def __str__(self) -> str:
        """Show the balance and the place."""
        return f"{self.balance_minor} at {self.up_to_entry_id}"
