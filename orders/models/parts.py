"""What belongs to an order: its lines with their unit counters, and whom to reach about it."""

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from orders.models.order import Order


class OrderLine(models.Model):
    """What the snapshot's line says, never changed, and how many of its units went where."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    unit_price_minor = models.BigIntegerField()
    quantity = models.PositiveIntegerField()
    total_minor = models.BigIntegerField()
    units_cancelled = models.PositiveIntegerField(default=0)
    units_fulfilled = models.PositiveIntegerField(default=0)
    units_given_back = models.PositiveIntegerField(default=0)

    class Meta:
        """Units are never more than bought."""

        constraints = [
            UniqueConstraint(fields=["order", "position"], name="orders_line_position_unique"),
            CheckConstraint(condition=Q(quantity__gte=1), name="orders_line_quantity_positive"),
            CheckConstraint(
                condition=Q(quantity__gte=F("units_cancelled") + F("units_given_back"))
                & Q(quantity__gte=F("units_fulfilled") + F("units_cancelled")),
                name="orders_line_units_within_quantity",
            ),
        ]

    def __str__(self) -> str:
        """Show quantity and SKU."""
        return f"{self.quantity} × {self.sku}"


class Contact(models.Model):
    """Who to reach about an order. Erasable by one service; the snapshot keeps only what tax law needs."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="contact")
    email = models.EmailField(blank=True)
    email_digest = models.CharField(max_length=64, db_index=True, help_text="Keyed look-up hash.")
    phone = models.CharField(max_length=32, blank=True, help_text="E.164.")
    phone_digest = models.CharField(max_length=64, blank=True, db_index=True)
    name = models.CharField(max_length=200, blank=True)
    address = models.JSONField(default=dict)
    billing_address = models.JSONField(default=dict, help_text="Empty: the bill goes along.")
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Show the order, not the person."""
        return f"contact of {self.order_id}"
