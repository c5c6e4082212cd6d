"""Money on its way back to a customer: what it is made of, why, and how far it got. A row is never deleted."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class RefundStatus(models.TextChoices):
    """Machine `refund` of machines.csv."""

    REQUESTED = "requested"
    AWAITING_APPROVAL = "awaiting_approval"
    SENT = "sent"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    REVERSED = "reversed"


S = RefundStatus
# Nobody knows yet whether it will arrive.
OPEN_REFUNDS = (S.REQUESTED, S.AWAITING_APPROVAL, S.SENT, S.PENDING, S.REQUIRES_ACTION, S.UNKNOWN)
# What counts against the accepted amount: a failed one, or one that came back, restores the balance.
COUNTED_REFUNDS = (*OPEN_REFUNDS, S.SUCCEEDED)


class Refund(models.Model):
    """Amounts in minor units of `currency`, the order's. The provider's key is its operation's and never changes."""

    class Origin(models.TextChoices):
        """Who gave it back, and by which way."""

        OURS = "ours"
        EXTERNAL = "external"
        OFFLINE = "offline"
        CREDIT = "credit"

    public_id = models.CharField(max_length=40, unique=True)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="refunds")
    attempt = models.ForeignKey("payments.PaymentAttempt", on_delete=models.PROTECT, related_name="refunds")
    operation = models.OneToOneField(
        "payments.Operation", on_delete=models.PROTECT, null=True, related_name="refund_row"
    )
    origin = models.CharField(max_length=16, choices=Origin)
    status = models.CharField(max_length=20, choices=RefundStatus)
    amount_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField(help_text="Without the tax that goes back with it.")
    excess_minor = models.BigIntegerField(default=0, help_text="The part that nobody owed: no sale is taken back.")
    currency = models.CharField(max_length=3)
    claim = models.ForeignKey(
        "payments.RefundClaim",
        on_delete=models.PROTECT,
        null=True,
        related_name="refunds",
        help_text="What asked for it.",
    )
    is_goodwill = models.BooleanField(default=False)
    is_during_dispute = models.BooleanField(default=False, help_text="Somebody overrode the lock of an open dispute.")
    reason_code = models.CharField(max_length=32)
    note = models.CharField(max_length=500, blank=True)
    requested_by = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64, blank=True)
    approval_id = models.CharField(max_length=40, blank=True)
    bank = models.CharField(max_length=64, blank=True, help_text="Which account paid it, when not the provider.")
    round = models.PositiveSmallIntegerField(default=1, help_text="Rises when what had failed arrives after all.")
    failure_code = models.CharField(max_length=80, blank=True)
    trace_id = models.CharField(max_length=40)
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        """It gives something back; what goes through a provider has an operation."""

        constraints = [
            CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_refund_amount_positive"),
            CheckConstraint(
                condition=Q(net_minor__gte=0, excess_minor__gte=0, excess_minor__lte=models.F("amount_minor")),
                name="payments_refund_parts_within",
            ),
            CheckConstraint(
                condition=Q(origin__in=["offline", "credit"], operation=None)
                | Q(origin="external", operation__isnull=False)
                | Q(origin="ours", operation__isnull=False)
                | Q(origin="ours", status__in=["requested", "awaiting_approval", "rejected", "cancelled"]),
                name="payments_refund_has_operation",
            ),
            CheckConstraint(
                condition=~Q(status__in=["succeeded", "failed", "cancelled", "rejected", "reversed"])
                | Q(settled_at__isnull=False),
                name="payments_refund_settled_at",
            ),
        ]
        indexes = [
            Index(fields=["order", "-id"], name="payments_refund_of_order"),
            Index(
                fields=["requested_at"],
                condition=Q(
                    status__in=["requested", "awaiting_approval", "sent", "pending", "requires_action", "unknown"]
                ),
                name="payments_refund_open",
            ),
            Index(fields=["approval_id"], condition=~Q(approval_id=""), name="payments_refund_approval"),
        ]

    def __str__(self) -> str:
        """Show the public id and status."""
        return f"{self.public_id} {self.status}"


class RefundPart(models.Model):
    """What a refund takes back of one part of the order, tax included, minor units. Append-only."""

    class Kind(models.TextChoices):
        """A line of the order, or what stands beside the lines; `free` belongs to no part."""

        LINE = "line"
        SHIPPING = "shipping"
        FEES = "fees"
        FREE = "free"

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="parts")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    position = models.PositiveIntegerField(null=True, help_text="Of the order's line.")
    sku = models.CharField(max_length=64, blank=True)
    units = models.PositiveIntegerField(default=0)
    gross_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    is_restocked = models.BooleanField(default=False, help_text="The units can be sold again.")

    class Meta:
        """A line has a position and nothing else has; no share is negative."""

        constraints = [
            CheckConstraint(
                condition=Q(kind="line", position__isnull=False) | (~Q(kind="line") & Q(position=None, units=0)),
                name="payments_refundpart_position",
            ),
            CheckConstraint(
                condition=Q(tax_minor__gte=0, gross_minor__gte=models.F("tax_minor")),
                name="payments_refundpart_not_negative",
            ),
            UniqueConstraint(
                fields=["refund", "kind", "position"], nulls_distinct=False, name="payments_refundpart_once"
            ),
        ]

    def __str__(self) -> str:
        """Show what and how much."""
        return f"{self.kind} {self.gross_minor}"


class RefundTax(models.Model):
    """The tax of one jurisdiction in a refund, minor units. Append-only."""

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="taxes")
    jurisdiction = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()

    class Meta:
        """Each jurisdiction once."""

        constraints = [
            UniqueConstraint(fields=["refund", "jurisdiction"], name="payments_refundtax_once"),
            CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_refundtax_positive"),
        ]

    def __str__(self) -> str:
        """Show jurisdiction and amount."""
        return f"{self.jurisdiction} {self.amount_minor}"
