"""What lies over an order's state: holds, and approved changes of the amount due."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint


class HoldReason(models.TextChoices):
    """Why an order must not move on."""

    RISK_REVIEW = "risk_review"
    STOCK_REVIEW = "stock_review"
    AMOUNT_MISMATCH = "amount_mismatch"
    PAYMENT_REVERSED = "payment_reversed"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    MANUAL = "manual"


# What even the give-back after a cancellation waits for: who is owed how much is not known.
BLOCKS_GIVE_BACK = frozenset({HoldReason.AMOUNT_MISMATCH, HoldReason.DISPUTE})


class Hold(models.Model):
    """An open hold blocks fulfillment, automatic capture and automatic refunds."""

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=24, choices=HoldReason)
    detail = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    opened_by = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    released_by = models.CharField(max_length=64, blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        """One open hold per reason; a release has an author."""

        constraints = [
            UniqueConstraint(fields=["order", "reason"], condition=Q(released_at=None), name="orders_hold_one_open"),
            CheckConstraint(
                condition=Q(released_at__isnull=True, released_by="")
                | (Q(released_at__isnull=False) & ~Q(released_by="")),
                name="orders_hold_release_has_author",
            ),
        ]

    def __str__(self) -> str:
        """Show the reason."""
        return self.reason


class DueAdjustment(models.Model):
    """An approved change of the amount due: lines cancelled before capture, an accepted mismatch. Append-only."""

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="due_adjustments")
    amount_minor = models.BigIntegerField(help_text="Signed, minor units of the order's currency.")
    reason = models.CharField(max_length=200)
    requested_by = models.CharField(max_length=64)
    approved_by = models.CharField(max_length=64)
    trace_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        """It changes something, and two different people stand behind it."""

        constraints = [
            CheckConstraint(condition=~Q(amount_minor=0), name="orders_adjustment_not_zero"),
            CheckConstraint(condition=~Q(requested_by=models.F("approved_by")), name="orders_adjustment_second_person"),
        ]

    def __str__(self) -> str:
        """Show the amount."""
        return str(self.amount_minor)
