"""One thing we asked a provider to do: its own row, amount, key and status. The table is the recovery queue."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class OperationKind(models.TextChoices):
    """What was asked."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    GIVE_BACK = "give_back"


class OperationStatus(models.TextChoices):
    """Machine `operation` of machines.csv. `unknown` leaves by evidence only."""

    CREATED = "created"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    PENDING = "pending"
    UNKNOWN = "unknown"
    REVERSED = "reversed"


# The provider's last word is missing.
# Money goes back to who paid.
RETURN_KINDS = frozenset({OperationKind.REFUND, OperationKind.GIVE_BACK})
OPEN_STATUSES = ("created", "sent", "pending", "unknown")


class Operation(models.Model):
    """Committed with its key before the call. Amount in minor units of `currency`."""

    public_id = models.CharField(max_length=40, unique=True)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="operations")
    attempt = models.ForeignKey("payments.PaymentAttempt", on_delete=models.PROTECT, related_name="operations")
    kind = models.CharField(max_length=16, choices=OperationKind)
    status = models.CharField(max_length=16, choices=OperationStatus)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider_key = models.CharField(max_length=64, unique=True)
    provider_key_expires_at = models.DateTimeField(null=True)
    request = models.JSONField(help_text="What is sent, so that a replay is the same request.")
    request_digest = models.CharField(max_length=64)
    provider_reference = models.CharField(max_length=255, blank=True)
    answer = models.JSONField(null=True, help_text="What the provider said last, without personal data.")
    error_code = models.CharField(max_length=80, blank=True)
    error_detail = models.CharField(max_length=300, blank=True)
    sends_count = models.PositiveIntegerField(default=0)
    checks_count = models.PositiveIntegerField(default=0)
    not_found_count = models.PositiveIntegerField(default=0, help_text="Spaced negative look-ups by our reference.")
    not_found_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    fencing_token = models.PositiveIntegerField(default=0)
    trace_id = models.CharField(max_length=40)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        """One authorize per attempt, one open capture, void and give-back at a time; open rows have a next look."""

        constraints = [
            CheckConstraint(
                condition=Q(amount_minor__gt=0) | Q(amount_minor=0, kind="authorize"),
                name="payments_operation_amount_unless_free",
            ),
            UniqueConstraint(
                fields=["attempt"], condition=Q(kind="authorize"), name="payments_operation_one_authorize"
            ),
            UniqueConstraint(
                fields=["attempt", "kind"],
                condition=Q(
                    status__in=["created", "sent", "pending", "unknown"], kind__in=["capture", "void", "give_back"]
                ),
                name="payments_operation_one_open",
            ),
            CheckConstraint(
                condition=~Q(status__in=["created", "sent", "unknown"]) | Q(next_check_at__isnull=False),
                name="payments_operation_open_has_next_check",
            ),
        ]
        indexes = [
            Index(
                fields=["next_check_at"],
                condition=Q(status__in=["created", "sent", "pending", "unknown"]),
                name="payments_operation_due",
            ),
            Index(fields=["order", "-id"], name="payments_operation_of_order"),
            Index(fields=["provider_reference"], name="payments_operation_reference"),
        ]

    def __str__(self) -> str:
        """Show kind and status."""
        return f"{self.kind} {self.status}"
