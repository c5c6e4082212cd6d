"""The buyer's journey before the order: carts and their lines; what the device told us, stored with the order."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from accounts.models import PostalFields


class Cart(models.Model):
    """What someone means to buy. Locked once it became an order; editing then means cancel and copy."""

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="carts")
    service_name = models.CharField(max_length=50, blank=True, help_text="The service credential that made it.")
    currency = models.CharField(max_length=3)
    country = models.CharField(max_length=2)
    country_label = models.CharField(max_length=80, blank=True, help_text="As the caller named the country.")
    bucket_id = models.CharField(max_length=40, help_text="Minted with the first cart; decides exposure.")
    shipping_method_code = models.CharField(
        max_length=40, blank=True, help_text="What the customer picked; empty or gone: the cheapest."
    )
    order_public_id = models.CharField(max_length=40, blank=True, db_index=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    checked_out_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """A customer's open carts are looked up at sign-in and with every new one."""

        indexes = [
            Index(
                fields=["customer", "-changed_at"],
                condition=Q(order_public_id="", archived_at=None, customer__isnull=False),
                name="checkout_cart_open_of_customer",
            )
        ]

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id


class CartLine(models.Model):
    """How many of one variant; quantities are set, never added, so that a retry is harmless."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey("catalog.Variant", on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    seen_unit_price_minor = models.BigIntegerField(
        null=True, help_text="The unit price the customer was shown when the line was last written."
    )

    class Meta:
        """One line per variant, 1 to 1,000,000 units."""

        constraints = [
            UniqueConstraint(fields=["cart", "variant"], name="checkout_line_variant_unique"),
            CheckConstraint(condition=Q(quantity__gte=1, quantity__lte=1_000_000), name="checkout_line_quantity"),
            CheckConstraint(
                condition=Q(seen_unit_price_minor=None) | Q(seen_unit_price_minor__gte=0),
                name="checkout_line_seen_price",
            ),
        ]

    def __str__(self) -> str:
        """Show the quantity."""
        return str(self.quantity)


class CartAddress(PostalFields):
    """Where a cart goes, and where its bill goes if that is elsewhere. Personal: it goes away with the cart."""

    class Purpose(models.TextChoices):
        """What the address is for. Taxes and shipping follow the first."""

        SHIPPING = "shipping"
        BILLING = "billing"

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="addresses")
    purpose = models.CharField(max_length=8, choices=Purpose)
    changed_at = models.DateTimeField()

    class Meta:
        """One address per purpose."""

        constraints = [
            UniqueConstraint(fields=["cart", "purpose"], name="checkout_address_purpose_unique"),
            CheckConstraint(condition=Q(purpose__in=["shipping", "billing"]), name="checkout_address_purpose"),
        ]

    def __str__(self) -> str:
        """Show what it is for, not where it is."""
        return f"{self.purpose} address of cart {self.cart_id}"


class CartCoupon(models.Model):
    """A code entered into a cart; whether it takes something off is seen anew with every quote."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="coupons", db_index=False)
    coupon = models.ForeignKey("catalog.Coupon", on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        """Once per cart."""

        constraints = [UniqueConstraint(fields=["cart", "coupon"], name="checkout_cart_coupon_unique")]

    def __str__(self) -> str:
        """Show the coupon."""
        return str(self.coupon)


class CheckoutContext(models.Model):
    """What the client told us about itself at checkout; null where unknown, never guessed."""

    order_public_id = models.CharField(max_length=40, unique=True)
    device = models.JSONField(default=dict)
    attribution = models.JSONField(default=dict)
    consents = models.JSONField(default=dict)
    client_version = models.CharField(max_length=64, blank=True)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        """Show the order."""
        return self.order_public_id
