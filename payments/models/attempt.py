"""One try to pay an order with one provider."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint


class AttemptStatus(models.TextChoices):
    """Machine `attempt` of machines.csv."""

    CREATED = "created"
    REQUIRES_ACTION = "requires_action"
    AWAITING_FUNDS = "awaiting_funds"
    PARTIALLY_FUNDED = "partially_funded"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    PARTIALLY_CAPTURED = "partially_captured"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"
    EXPIRED = "expired"
    REVERSED = "reversed"


# Statuses in which the provider may still take money by itself or with the customer's help.
LIVE_STATUSES = ("created", "requires_action", "awaiting_funds", "partially_funded", "processing", "authorized")

# Statuses of a payment whose last charge took money that is still taken.
TAKEN_STATUSES = ("captured", "partially_captured")


class Exemption(models.TextChoices):
    """Why a payment should need no strong authentication."""

    LOW_VALUE = "low_value"
    TRA = "tra"
    RECURRING = "recurring"
    MIT = "mit"
    TRUSTED = "trusted"
    CORPORATE = "corporate"


class PaymentAttempt(models.Model):
    """Amounts in minor units of `currency`. Amount, currency, account and key never change."""

    class CaptureMethod(models.TextChoices):
        """Take at once, or hold and take after review."""

        AUTOMATIC = "automatic"
        MANUAL = "manual"

    class ConfirmedBy(models.TextChoices):
        """With a token the server confirms; without one the customer does, with the client secret."""

        SERVER = "server"
        CLIENT = "client"

    public_id = models.CharField(max_length=40, unique=True)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="attempts")
    account = models.ForeignKey("core.ProviderAccount", on_delete=models.PROTECT, related_name="attempts")
    tender = models.CharField(max_length=24, default="card")
    method = models.CharField(max_length=32)
    status = models.CharField(max_length=24, choices=AttemptStatus)
    is_current = models.BooleanField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    capture_method = models.CharField(max_length=16, choices=CaptureMethod)
    confirmed_by = models.CharField(max_length=16, choices=ConfirmedBy)
    exemption = models.CharField(
        max_length=16, choices=Exemption, blank=True, help_text="Asked for; the issuer decides."
    )
    metadata_hash = models.CharField(max_length=64, help_text="Of order, amount, currency and attempt as sent.")
    return_url = models.URLField(max_length=2000, blank=True)  # with our signed state

    provider_reference = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unique when known
    provider_status = models.CharField(max_length=64, blank=True)
    observed_at = models.DateTimeField(null=True, help_text="The status is no older: when the provider was asked.")
    answered_at = models.DateTimeField(null=True, help_text="The status is no younger: when the answer was there.")
    client_secret = models.CharField(max_length=255, blank=True)
    next_action = models.JSONField(null=True)
    next_action_expires_at = models.DateTimeField(null=True)
    authorized_minor = models.BigIntegerField(default=0, help_text="Held now.")
    captured_minor = models.BigIntegerField(default=0, help_text="Taken, as the provider reports it, less reversals.")
    excess_minor = models.BigIntegerField(default=0, help_text="Taken though nobody owes it.")
    excess_returned_minor = models.BigIntegerField(default=0)
    returned_minor = models.BigIntegerField(default=0, help_text="Given back of what was due, disputes lost included.")
    beyond_minor = models.BigIntegerField(default=0, help_text="Went back though nothing accepted was left.")
    offline_minor = models.BigIntegerField(default=0, help_text="Of that by another way than the provider.")
    lost_minor = models.BigIntegerField(default=0, help_text="Of that by disputes lost.")
    withdrawn_minor = models.BigIntegerField(default=0, help_text="Held back by open disputes.")
    reversed_minor = models.BigIntegerField(default=0, help_text="Captured and taken back by the provider.")
    kept_minor = models.BigIntegerField(
        default=0, help_text="Of what was captured: by earlier charges of this payment, and not taken back with them."
    )
    reversals_count = models.PositiveSmallIntegerField(default=0, help_text="How often that happened.")
    settlement_due_at = models.DateTimeField(null=True, help_text="By when a payout should hold what was captured.")
    capture_before = models.DateTimeField(null=True, help_text="The authorization's deadline, from the provider.")
    three_d_secure = models.JSONField(null=True)
    risk = models.JSONField(null=True)
    failure_code = models.CharField(max_length=80, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    may_retry = models.BooleanField(default=True, help_text="False when the issuer says: never again with this card.")
    path_flags = ArrayField(models.CharField(max_length=24), default=list)

    created_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, help_text="When the provider first knew of it.")
    customer_finished_at = models.DateTimeField(null=True, help_text="The return page was reached; not evidence.")
    dead_at = models.DateTimeField(null=True, help_text="Since when it surely cannot capture any more.")

    class Meta:
        """One current attempt per tender; one row per object at the provider; zero is paid by nobody but `free`."""

        constraints = [
            UniqueConstraint(
                fields=["order", "tender"], condition=Q(is_current=True), name="payments_attempt_one_current"
            ),
            UniqueConstraint(fields=["account", "provider_reference"], name="payments_attempt_reference_unique"),
            CheckConstraint(
                condition=Q(amount_minor__gt=0) | Q(amount_minor=0, method="free"),
                name="payments_attempt_amount_unless_free",
            ),
            CheckConstraint(
                condition=Q(authorized_minor__gte=0, captured_minor__gte=0, excess_minor__gte=0, returned_minor__gte=0)
                & Q(
                    withdrawn_minor__gte=0,
                    reversed_minor__gte=0,
                    lost_minor__gte=0,
                    offline_minor__gte=0,
                    kept_minor__gte=0,
                ),
                name="payments_attempt_money_positive",
            ),
            CheckConstraint(
                condition=Q(exemption__in=["", *Exemption.values]), name="payments_attempt_exemption_known"
            ),
            CheckConstraint(
                condition=Q(captured_minor__gte=F("excess_minor"), excess_minor__gte=F("excess_returned_minor")),
                name="payments_attempt_excess_within",
            ),
        ]
        indexes = [
            Index(fields=["order", "-id"], name="payments_attempt_of_order"),
            Index(
                fields=["capture_before"],
                condition=Q(status__in=["authorized", "partially_captured"], is_current=True),
                name="payments_attempt_holding",
            ),
        ]

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id

    @property
    def has_taken(self) -> bool:
        """Whether it took money once, also where that was taken back."""
        return bool(self.captured_minor or self.reversals_count or self.reversed_minor)

    @property
    def has_earlier(self) -> bool:
        """Whether the provider may know a charge of this payment before its last, which was taken back."""
        return self.reversals_count > 0

    @property
    def is_behind_customer(self) -> bool:
        """Whether the customer finished after the provider was last heard of: what is known is older than what they
        did.
        """
        if self.customer_finished_at is None or self.dead_at is not None:
            return False
        return self.observed_at is None or self.observed_at < self.customer_finished_at

    @property
    def can_capture(self) -> bool:
        """Whether money can still be taken with it; what was captured or taken back has done what it could."""
        return self.dead_at is None and self.status not in {AttemptStatus.CAPTURED, AttemptStatus.REVERSED}

    @property
    def is_dead(self) -> bool:
        """Whether it surely cannot capture any more: known dead, or failed, voided, expired with that evidence."""
        return self.dead_at is not None
