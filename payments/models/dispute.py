"""A customer's bank takes a payment back: stages, deadlines, money withdrawn and perhaps reinstated."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class DisputeStatus(models.TextChoices):
    """Machine `dispute` of machines.csv."""

    INQUIRY = "inquiry"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    PREVENTED = "prevented"


D = DisputeStatus
OPEN_DISPUTES = (D.INQUIRY, D.NEEDS_RESPONSE, D.UNDER_REVIEW)
# We gave it up, or the bank gave it to the customer: the money went back.
LOST_DISPUTES = (D.LOST, D.ACCEPTED)


class Dispute(models.Model):
    """One dispute of one payment, as the provider tells it. Amounts in minor units of `currency`."""

    public_id = models.CharField(max_length=40, unique=True)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="disputes")
    attempt = models.ForeignKey("payments.PaymentAttempt", on_delete=models.PROTECT, related_name="disputes")
    account = models.ForeignKey("core.ProviderAccount", on_delete=models.PROTECT, related_name="disputes")
    provider_reference = models.CharField(max_length=255)
    status = models.CharField(max_length=20, choices=DisputeStatus)
    provider_status = models.CharField(max_length=64)
    reason = models.CharField(max_length=64, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    fee_minor = models.BigIntegerField(default=0, help_text="Charged by the provider and not given back.")
    fees_count = models.PositiveSmallIntegerField(default=0, help_text="How often what it charges changed.")
    withdrawn_minor = models.BigIntegerField(default=0, help_text="Of the amount: taken from us now.")
    round = models.PositiveSmallIntegerField(default=0, help_text="How often the money was taken.")
    is_refundable = models.BooleanField(default=False, help_text="The provider would still refund the charge.")
    respond_by = models.DateTimeField(null=True)
    has_evidence = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    observed_at = models.DateTimeField(help_text="No older than this is what stands here.")

    class Meta:
        """One row for each dispute at the provider."""

        constraints = [
            UniqueConstraint(fields=["account", "provider_reference"], name="payments_dispute_once"),
            CheckConstraint(
                condition=Q(amount_minor__gt=0, fee_minor__gte=0, withdrawn_minor__gte=0)
                & Q(withdrawn_minor__lte=models.F("amount_minor")),
                name="payments_dispute_amounts",
            ),
        ]
        indexes = [
            Index(fields=["order", "-id"], name="payments_dispute_of_order"),
            Index(
                fields=["respond_by"], condition=Q(status__in=["inquiry", "needs_response"]),
                name="payments_dispute_due",
            ),
            Index(
                fields=["observed_at"], condition=Q(status__in=["inquiry", "needs_response", "under_review"]),
                name="payments_dispute_silent",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        """Show the public id and status."""
        return f"{self.public_id} {self.status}"
