"""What happened to an order, append-only, and what was refused."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class Reason(models.TextChoices):
    """The closed list of reason codes."""

    ORDER_PLACED = "order_placed"
    PROVIDER_ACKNOWLEDGED = "provider_acknowledged"
    PROVIDER_PAYMENT_AUTHORIZED = "provider_payment_authorized"
    PROVIDER_PAYMENT_SUCCEEDED = "provider_payment_succeeded"
    PROVIDER_PAYMENT_FAILED = "provider_payment_failed"
    PROVIDER_CAPTURE_FAILED = "provider_capture_failed"
    RECONCILIATION_PROVIDER_SUCCEEDED = "reconciliation_provider_succeeded"
    RECONCILIATION_PROVIDER_FAILED = "reconciliation_provider_failed"
    RESERVATION_EXPIRED = "reservation_expired"
    AUTHORIZATION_LAPSED = "authorization_lapsed"
    CHECKOUT_ABANDONED = "checkout_abandoned"
    PAYMENT_TOKEN_EXPIRED = "payment_token_expired"  # noqa: S105 - a reason, no secret
    CUSTOMER_CANCELLED = "customer_cancelled"
    STAFF_CANCELLED = "staff_cancelled"
    RISK_REFUSED = "risk_refused"
    REFUND_CLAIMED = "refund_claimed"
    REFUND_REQUESTED = "refund_requested"
    REFUND_SUCCEEDED = "refund_succeeded"
    EXTERNAL_REFUND = "external_refund"
    GIVEN_BACK = "given_back"
    GIVE_BACK_FAILED = "give_back_failed"
    EXCESS_RECORDED = "excess_recorded"
    DISPUTE_CHANGED = "dispute_changed"
    DISPUTE_LOST = "dispute_lost"
    FRAUD_WARNING = "fraud_warning"
    AUTHORIZATION_EXPIRING = "authorization_expiring"
    CAPTURE_REVERSED = "capture_reversed"
    DUE_ADJUSTED = "due_adjusted"
    CANCEL_REQUESTED = "cancel_requested"
    ATTEMPT_OPENED = "attempt_opened"
    ATTEMPT_CHANGED = "attempt_changed"
    HOLD_OPENED = "hold_opened"
    HOLD_RELEASED = "hold_released"
    REFUND_REVERSED = "refund_reversed"
    CAPTURE_REQUESTED = "capture_requested"
    RESERVATION_EXTENDED = "reservation_extended"
    STOCK_RETURNED = "stock_returned"
    STOCK_RESERVED_AGAIN = "stock_reserved_again"
    COUPON_HONOURED_LATE = "coupon_honoured_late"
    FULFILLMENT_REQUESTED = "fulfillment_requested"
    FULFILLMENT_RECORDED = "fulfillment_recorded"
    WINDOWS_OVER = "windows_over"


class OrderEvent(models.Model):
    """One row of an order's history. Append-only; `sequence` has no gap and equals the order's version after it."""

    class Kind(models.TextChoices):
        """A change of state, or a fact beside it."""

        TRANSITION = "transition"
        FACT = "fact"

    public_id = models.CharField(max_length=40)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="history")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    from_state = models.CharField(max_length=32, blank=True)
    to_state = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=40, choices=Reason)
    facts = models.JSONField(default=dict)
    actor = models.CharField(max_length=64)
    source = models.CharField(max_length=32)
    provider = models.CharField(max_length=32, blank=True)
    provider_event_id = models.CharField(max_length=255, blank=True)
    attempt_public_id = models.CharField(max_length=40, blank=True)
    trace_id = models.CharField(max_length=40)
    occurred_at = models.DateTimeField(help_text="Their clock.")
    recorded_at = models.DateTimeField(help_text="Our row.")
    schema_version = models.PositiveSmallIntegerField(default=1)

    class Meta:
        """No gap, no double, and a transition says from where to where."""

        constraints = [
            UniqueConstraint(fields=["order", "sequence"], name="orders_history_sequence_unique"),
            CheckConstraint(
                condition=Q(kind="fact", to_state="") | Q(kind="transition") & ~Q(to_state=""),
                name="orders_history_transition_has_target",
            ),
        ]
        indexes = [Index(fields=["recorded_at"], name="orders_history_recorded")]

    def __str__(self) -> str:
        """Show the reason."""
        return f"#{self.sequence} {self.reason}"


class RefusedTransition(models.Model):
    """An attempt to move an order along a way its table lacks. Append-only."""

    order_public_id = models.CharField(max_length=40, db_index=True)
    from_state = models.CharField(max_length=32)
    transition = models.CharField(max_length=64)
    detail = models.CharField(max_length=300)
    actor = models.CharField(max_length=64)
    reason = models.CharField(max_length=40, blank=True)
    trace_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        """Show what was refused."""
        return f"{self.transition} from {self.from_state}"
