"""Shared rows: the sales channel, the account at a provider, policies, idempotency keys, the workers' heartbeat."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from core.money import RoundingMode, RoundingScope


class SalesChannel(models.Model):
    """One shop as customers and the tax office see it. Every number series and unique rule starts with it."""

    class TaxEntry(models.TextChoices):
        """How catalog prices are typed in."""

        GROSS = "gross"
        NET = "net"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    legal_entity = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64)
    default_locale = models.CharField(max_length=16)
    locales = ArrayField(models.CharField(max_length=6), default=list, help_text="Others it is translated into.")
    default_currency = models.CharField(max_length=3)
    currencies = ArrayField(models.CharField(max_length=3))
    countries = ArrayField(models.CharField(max_length=2))
    home_country = models.CharField(
        max_length=2, blank=True, help_text="Where its tax office is. Empty: nobody accounts for its tax themselves."
    )
    tax_entry = models.CharField(max_length=8, choices=TaxEntry)
    rounding_mode = models.CharField(
        max_length=16, choices=[(mode.value, mode.value) for mode in RoundingMode], default=RoundingMode.HALF_UP.value
    )
    rounding_scope = models.CharField(
        max_length=16, choices=[(scope.value, scope.value) for scope in RoundingScope], default=RoundingScope.LINE.value
    )
    order_series = models.CharField(max_length=16)
    invoice_series = models.CharField(max_length=16)
    mail_from = models.EmailField()
    return_hosts = ArrayField(models.CharField(max_length=253), default=list)
    return_schemes = ArrayField(models.CharField(max_length=64), default=list)
    terms_version = models.CharField(max_length=32)
    is_livemode = models.BooleanField()
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """Taxes are rounded in a way the arithmetic knows; home is a country's code, if it is said."""

        constraints = [
            CheckConstraint(
                condition=Q(rounding_mode__in=["half_up", "half_even"], rounding_scope__in=["line", "document"]),
                name="core_channel_rounding_known",
            ),
            CheckConstraint(condition=Q(home_country__regex=r"^([A-Z]{2})?$"), name="core_channel_home_country"),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class ProviderAccount(models.Model):
    """Our account at one provider in one mode. Secrets are names of environment variables, never values."""

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey(SalesChannel, on_delete=models.PROTECT, related_name="provider_accounts")
    slug = models.SlugField(help_text="Stands in the webhook address.")
    provider = models.CharField(max_length=32)
    legal_entity = models.CharField(max_length=200)
    currencies = ArrayField(models.CharField(max_length=3))
    is_livemode = models.BooleanField()
    api_base_ref = models.CharField(max_length=64, blank=True)
    hosted_pages_ref = models.CharField(max_length=64, blank=True, help_text="Where customers find its payment pages.")
    api_key_ref = models.CharField(max_length=64, blank=True)
    publishable_key_ref = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """An address names one account; only the one without a provider has no key."""

        constraints = [
            UniqueConstraint(fields=["provider", "slug"], name="core_account_address_unique"),
            CheckConstraint(condition=Q(provider="free") | ~Q(api_key_ref=""), name="core_account_key_unless_free"),
        ]

    def __str__(self) -> str:
        """Show provider and slug."""
        return f"{self.provider}/{self.slug}"


class WebhookSecret(models.Model):
    """A signing secret by reference, with the time it counts; during a rotation two count."""

    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="webhook_secrets")
    reference = models.CharField(max_length=64, help_text="An environment variable with one or more secrets.")
    active_from = models.DateTimeField()
    active_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Show the reference."""
        return self.reference


class Policy(models.Model):
    """One version of one rule's numbers. Append-only: the version that decided stands on the decision."""

    name = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    values = models.JSONField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        """A version is written once."""

        constraints = [UniqueConstraint(fields=["name", "version"], name="core_policy_version_unique")]

    def __str__(self) -> str:
        """Show name and version."""
        return f"{self.name} v{self.version}"


class IdempotencyKey(models.Model):
    """A client's key bound to (principal, operation, request): one execution, one final answer."""

    class RecoveryPoint(models.TextChoices):
        """How far the request got; a successor continues from here."""

        STARTED = "started"
        COMMITTED = "committed"
        FINISHED = "finished"

    principal = models.CharField(max_length=64)
    operation = models.CharField(max_length=64)
    key_sha256 = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    recovery_point = models.CharField(max_length=16, choices=RecoveryPoint)
    subject_id = models.CharField(max_length=40, blank=True, help_text="Public id of what the request made.")
    fencing_token = models.PositiveIntegerField(default=1)
    lease_expires_at = models.DateTimeField(null=True)
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer_sealed = models.BinaryField(null=True)
    schema_version = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        """One row a key; a finished row has its answer."""

        constraints = [
            UniqueConstraint(fields=["principal", "operation", "key_sha256"], name="core_idempotency_key_unique"),
            CheckConstraint(
                condition=~Q(recovery_point="finished") | Q(answer_status__isnull=False, answer_sealed__isnull=False),
                name="core_idempotency_finished_has_answer",
            ),
        ]

    def __str__(self) -> str:
        """Show the operation; the key itself is not stored."""
        return f"{self.operation} ({self.recovery_point})"


class Heartbeat(models.Model):
    """When a worker last completed the heartbeat task of a queue: the health of workers is their work, not their
    process.
    """

    queue = models.CharField(max_length=32, unique=True)
    completed_at = models.DateTimeField()

    def __str__(self) -> str:
        """Show the queue."""
        return self.queue
