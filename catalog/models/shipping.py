"""How goods get to customers and what that and other services cost: zones, methods with price tables, fees."""

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from catalog.models.payable import payable


class ShippingZone(models.Model):
    """Places that cost the same to reach."""

    channel = models.ForeignKey(
        "core.SalesChannel", on_delete=models.PROTECT, related_name="shipping_zones", db_index=False
    )
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        """A code names one zone of a shop."""

        constraints = [
            UniqueConstraint(fields=["channel", "code"], name="catalog_shipping_zone_code_unique"),
            # What catalog_shipping_area_of_channel refers to: an area's zone is of the area's own shop.
            UniqueConstraint(fields=["id", "channel"], name="catalog_shipping_zone_of_channel"),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class ShippingArea(models.Model):
    """A place of a zone. The most exact one counts: a postcode before a region, a region before the whole country."""

    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="+", db_index=False)
    zone = models.ForeignKey(ShippingZone, on_delete=models.PROTECT, related_name="areas")
    country = models.CharField(max_length=2)
    region = models.CharField(max_length=80, blank=True, help_text="Upper case; empty is the whole country.")
    postcode_prefix = models.CharField(max_length=16, blank=True, help_text="Upper case without spaces.")

    class Meta:
        """A place is in one zone."""

        constraints = [
            UniqueConstraint(
                fields=["channel", "country", "region", "postcode_prefix"], name="catalog_shipping_area_unique"
            )
        ]

    def __str__(self) -> str:
        """Show the place."""
        return " ".join(filter(None, [self.country, self.region, self.postcode_prefix]))


class ShippingMethod(models.Model):
    """One way to send goods into a zone. The same code in several zones is the same choice to a customer."""

    zone = models.ForeignKey(ShippingZone, on_delete=models.PROTECT, related_name="methods", db_index=False)
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    tax_category = models.CharField(max_length=32)
    days_min = models.PositiveSmallIntegerField()
    days_max = models.PositiveSmallIntegerField()
    weight_max_grams = models.PositiveBigIntegerField(null=True, help_text="Empty: any weight.")
    position = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """A code names one method of a zone."""

        constraints = [
            UniqueConstraint(fields=["zone", "code"], name="catalog_shipping_method_code_unique"),
            CheckConstraint(condition=Q(days_max__gte=F("days_min")), name="catalog_shipping_method_days"),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class ShippingPrice(models.Model):
    """A row of a method's price table, as entered. Of the rows that weight and value reach, that of the greatest value
    counts, and among those that of the greatest weight: "free over 50" is a row of price 0 from value 50.
    """

    method = models.ForeignKey(ShippingMethod, on_delete=models.PROTECT, related_name="prices", db_index=False)
    currency = models.CharField(max_length=3)
    weight_from_grams = models.PositiveBigIntegerField()
    value_from_minor = models.BigIntegerField(help_text="Of the goods before discounts, as entered.")
    price_minor = models.BigIntegerField()

    class Meta:
        """One price for a step."""

        constraints = [
            UniqueConstraint(
                fields=["method", "currency", "value_from_minor", "weight_from_grams"],
                name="catalog_shipping_price_unique",
            ),
            CheckConstraint(
                condition=Q(value_from_minor__gte=0, price_minor__gte=0), name="catalog_shipping_price_not_negative"
            ),
            CheckConstraint(condition=payable("price_minor"), name="catalog_shipping_price_payable"),
        ]

    def __str__(self) -> str:
        """Show amount and currency."""
        return f"{self.price_minor} {self.currency}"


class Fee(models.Model):
    """An amount and a part of the goods that an order is charged beside them. The zone's own comes before the general
    one of the same code.
    """

    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="fees", db_index=False)
    zone = models.ForeignKey(ShippingZone, on_delete=models.PROTECT, related_name="fees", null=True)
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    tax_category = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    rate = models.DecimalField(max_digits=7, decimal_places=6, help_text="A fraction of the goods after discounts.")
    below_value_minor = models.BigIntegerField(null=True, help_text="Only for goods worth less. Empty: always.")
    is_for_shipped_goods = models.BooleanField(help_text="Only where something has to be carried.")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """One that counts for a code, a currency and a zone; those before it stay."""

        constraints = [
            UniqueConstraint(
                fields=["channel", "code", "currency", "zone"],
                condition=Q(archived_at=None),
                nulls_distinct=False,
                name="catalog_fee_one_live",
            ),
            CheckConstraint(
                condition=Q(amount_minor__gte=0, rate__gte=0, rate__lte=1), name="catalog_fee_not_negative"
            ),
            CheckConstraint(condition=payable("amount_minor"), name="catalog_fee_payable"),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name
