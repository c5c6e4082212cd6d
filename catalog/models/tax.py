"""What the state takes, by category, place and time, and at what rate prices in other currencies are worked out."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import CheckConstraint, F, Func, Q, UniqueConstraint


class TaxRate(models.Model):
    """The tax of one category in one place. It counts from `valid_from` until the day before `valid_until`.

    The most exact place counts: a postcode before a region, a region before the whole country. In one place a rate
    for businesses goes before the other, for businesses that account for the tax themselves.
    """

    class Treatment(models.TextChoices):
        """Why a category bears the tax it bears; the same as catalog.pricing.TaxTreatment."""

        STANDARD = "standard"
        ZERO = "zero"
        EXEMPT = "exempt"
        REVERSE_CHARGE = "reverse_charge"
        COLLECTED_BY_PROVIDER = "collected_by_provider"

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="tax_rates", db_index=False)
    tax_category = models.CharField(max_length=32)
    country = models.CharField(max_length=2)
    region = models.CharField(max_length=80, blank=True, help_text="Upper case; empty is the whole country.")
    postcode_prefix = models.CharField(max_length=16, blank=True, help_text="Upper case without spaces.")
    code = models.CharField(max_length=32, help_text="As it stands on an invoice.")
    rate = models.DecimalField(max_digits=7, decimal_places=6, help_text="A fraction: 0.2 is 20 %.")
    treatment = models.CharField(max_length=32, choices=Treatment)
    for_businesses = models.BooleanField(default=False, help_text="Only where the buyer accounts for the tax.")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, help_text="The first day it does not count any more.")
    created_at = models.DateTimeField()

    class Meta:
        """One rate for a category, a place and a day, and one for businesses. Its index finds the rates of a country
        as well.
        """

        constraints = [
            ExclusionConstraint(
                name="catalog_tax_rate_no_overlap",
                expressions=[
                    ("channel", RangeOperators.EQUAL),
                    ("country", RangeOperators.EQUAL),
                    ("tax_category", RangeOperators.EQUAL),
                    ("region", RangeOperators.EQUAL),
                    ("postcode_prefix", RangeOperators.EQUAL),
                    ("for_businesses", RangeOperators.EQUAL),
                    (
                        Func(F("valid_from"), F("valid_until"), function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            CheckConstraint(condition=Q(rate__gte=0, rate__lte=1), name="catalog_tax_rate_fraction"),
            CheckConstraint(condition=Q(rate=0) | Q(treatment="standard"), name="catalog_tax_rate_only_standard"),
            CheckConstraint(
                condition=Q(for_businesses=True, treatment="reverse_charge")
                | (Q(for_businesses=False) & ~Q(treatment="reverse_charge")),
                name="catalog_tax_rate_reverse_charge_is_for_businesses",
            ),
            CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")), name="catalog_tax_rate_validity"
            ),
        ]

    def __str__(self) -> str:
        """Show code and country."""
        return f"{self.code} {self.country}"


class ExchangeRate(models.Model):
    """What one unit of the channel's own currency is worth in another; prices nobody typed in are worked out by it."""

    channel = models.ForeignKey(
        "core.SalesChannel", on_delete=models.PROTECT, related_name="exchange_rates", db_index=False
    )
    base_currency = models.CharField(max_length=3)
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    source = models.CharField(max_length=120, help_text="Who says so.")
    quoted_at = models.DateTimeField(help_text="When it was said.")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """One that counts for a currency; those before it stay."""

        constraints = [
            UniqueConstraint(
                fields=["channel", "currency"], condition=Q(archived_at=None), name="catalog_exchange_rate_one_live"
            ),
            CheckConstraint(condition=Q(rate__gt=0), name="catalog_exchange_rate_positive"),
            CheckConstraint(condition=~Q(currency=F("base_currency")), name="catalog_exchange_rate_two_currencies"),
        ]

    def __str__(self) -> str:
        """Show both currencies and the rate."""
        return f"1 {self.base_currency} = {self.rate} {self.currency}"
