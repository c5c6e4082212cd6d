"""Cases: what a program may not decide alone and must not forget."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class CaseType(models.TextChoices):
    """The closed list of what people are asked to look at."""

    PAYMENT_IN_DOUBT = "payment_in_doubt"
    PAYMENT_PENDING_TOO_LONG = "payment_pending_too_long"
    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    LIVEMODE_MISMATCH = "livemode_mismatch"
    EXCESS_CAPTURED = "excess_captured"
    LATE_MONEY = "late_money"
    GIVE_BACK_FAILED = "give_back_failed"
    CAPTURE_REVERSED = "capture_reversed"
    EXTERNAL_REFUND = "external_refund"
    REFUND_BEYOND_ACCEPTED = "refund_beyond_accepted"
    STOCK_REVIEW = "stock_review"
    COUPON_HONOURED_LATE = "coupon_honoured_late"
    UNMATCHED_WEBHOOK = "unmatched_webhook"
    WEBHOOK_DEAD = "webhook_dead"
    UNKNOWN_PROVIDER_OBJECT = "unknown_provider_object"
    LEDGER_MISMATCH = "ledger_mismatch"
    PROVIDER_REFUSED = "provider_refused"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_LOST = "dispute_lost"
    EARLY_FRAUD_WARNING = "early_fraud_warning"
    REFUND_CLAIMED = "refund_claimed"
    REFUND_FAILED = "refund_failed"
    REFUND_PENDING_TOO_LONG = "refund_pending_too_long"
    AUTHORIZATION_EXPIRING = "authorization_expiring"
    FULFILLED_AFTER_RETURN = "fulfilled_after_return"


class Case(models.Model):
    """A mismatch with an owner and a due time: what a program may not decide alone and must not forget."""

    class Status(models.TextChoices):
        """Machine `case`."""

        OPEN = "open"
        ASSIGNED = "assigned"
        ESCALATED = "escalated"
        RESOLVED = "resolved"

    class Severity(models.TextChoices):
        """Decides the due time: one hour, one day, three days."""

        HIGH = "high"
        NORMAL = "normal"
        LOW = "low"

    public_id = models.CharField(max_length=40, unique=True)
    type = models.CharField(max_length=48, choices=CaseType)
    subject_id = models.CharField(max_length=40, help_text="Public id of what the case is about.")
    order_public_id = models.CharField(max_length=40, blank=True, db_index=True)
    severity = models.CharField(max_length=16, choices=Severity)
    status = models.CharField(max_length=16, choices=Status)
    summary = models.CharField(max_length=500)
    evidence = models.JSONField(default=dict)
    amount_minor = models.BigIntegerField(null=True, help_text="Money at risk.")
    currency = models.CharField(max_length=3, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="cases")
    reports_count = models.PositiveIntegerField(default=1, help_text="How often the same facts were reported.")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=500, blank=True)
    trace_id = models.CharField(max_length=40, blank=True)

    class Meta:
        """One open case per type and subject."""

        constraints = [
            UniqueConstraint(
                fields=["type", "subject_id"], condition=~Q(status="resolved"), name="oversight_case_one_open"
            ),
            CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False)
                | (~Q(status="resolved") & Q(resolved_at__isnull=True)),
                name="oversight_case_resolved_at_matches",
            ),
        ]
        indexes = [
            Index(fields=["status", "due_at"], name="oversight_case_due"),
            Index(fields=["order_public_id"], condition=~Q(order_public_id=""), name="oversight_case_of_order"),
        ]

    def __str__(self) -> str:
        """Show type and subject."""
        return f"{self.type} {self.subject_id}"
