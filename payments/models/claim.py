"""What customers ask back of orders they paid, and what became of it. A row is never deleted."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from oversight.models import ReasonCode

# Of the closed list, what is a customer's to say; the others are the shop's.
CUSTOMER_REASONS = (
    ReasonCode.CUSTOMER_REQUEST, ReasonCode.DAMAGED, ReasonCode.NOT_RECEIVED, ReasonCode.WRONG_ITEM, ReasonCode.LATE,
    ReasonCode.DUPLICATE, ReasonCode.PRICE_ERROR, ReasonCode.OTHER,
)  # fmt: skip


class ClaimStatus(models.TextChoices):
    """Machine `refund_claim`."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"


class ClaimRule(models.TextChoices):
    """What decided about it, or why a person has to."""

    WITHIN_RULES = "within_rules"
    WINDOW_OVER = "window_over"
    ON_HOLD = "on_hold"
    GOODS_LEFT = "goods_left"
    REFUND_UNDER_WAY = "refund_under_way"
    ABOVE_AMOUNT = "above_amount"


class RefundClaim(models.Model):
    """One request: units of lines, or everything. `amount_minor` is what it would have given back when it was made, in
    the order's currency. Called `refund-requests` in the API.
    """

    public_id = models.CharField(max_length=40, unique=True)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="claims")
    units = models.JSONField(default=dict, help_text="By the position of the line; empty is everything.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason_code = models.CharField(max_length=32, choices=ReasonCode)
    note = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=16, choices=ClaimStatus)
    rule = models.CharField(max_length=24, choices=ClaimRule)
    policy_version = models.PositiveIntegerField(help_text="Of policy `refunds`, which decided.")
    requested_by = models.CharField(max_length=64)
    requested_at = models.DateTimeField()
    decided_by = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=500, blank=True)
    trace_id = models.CharField(max_length=40)

    class Meta:
        """Decided or waiting, one waiting for each order."""

        constraints = [
            CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_refundclaim_amount_positive"),
            CheckConstraint(
                condition=Q(status="waiting", decided_by="", decided_at=None)
                | (~Q(status="waiting") & ~Q(decided_by="") & Q(decided_at__isnull=False)),
                name="payments_refundclaim_decided",
            ),
            CheckConstraint(
                condition=Q(reason_code__in=ReasonCode.values, rule__in=ClaimRule.values),
                name="payments_refundclaim_codes_known",
            ),
            UniqueConstraint(fields=["order"], condition=Q(status="waiting"), name="payments_refundclaim_one_waiting"),
        ]
        indexes = [
            Index(fields=["order", "-id"], name="payments_refundclaim_of_order"),
            Index(fields=["requested_at"], condition=Q(status="waiting"), name="payments_refundclaim_waiting"),
        ]

    def __str__(self) -> str:
        """Show the public id and status."""
        return f"{self.public_id} {self.status}"
