"""What we sell, for how much, how many: categories, products, variants, prices per currency, stock, reservations."""

from datetime import datetime

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.db.models.functions import Upper

from core.machines import may_move

# What the shop window shows of a channel's products; its indexes hold these alone.
IN_WINDOW = Q(is_published=True, archived_at=None)


class Category(models.Model):
    """A shelf of the shop window. A product stands on one or on none."""

    channel = models.ForeignKey(
        "core.SalesChannel", on_delete=models.PROTECT, related_name="categories", db_index=False
    )
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=200)
    position = models.PositiveIntegerField(help_text="The window shows lower ones first.")

    class Meta:
        """A slug names one category of a shop."""

        constraints = [
            UniqueConstraint(fields=["channel", "slug"], name="catalog_category_slug_unique"),
            # What catalog_product_category_of_channel refers to: a product's category is of the product's own shop.
            UniqueConstraint(fields=["id", "channel"], name="catalog_category_of_channel"),
        ]
        indexes = [Index(fields=["channel", "position", "id"], name="catalog_category_shown")]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class Product(models.Model):
    """A thing in the shop window; what is bought is one of its variants."""

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="products", db_index=False)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products", null=True, db_index=False)
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    tax_category = models.CharField(max_length=32)
    is_published = models.BooleanField()
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """A slug names one product of a shop."""

        constraints = [UniqueConstraint(fields=["channel", "slug"], name="catalog_product_slug_unique")]
        indexes = [
            Index(fields=["channel", "-id"], condition=IN_WINDOW, name="catalog_product_window"),
            Index(fields=["category", "-id"], name="catalog_product_on_shelf"),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), condition=IN_WINDOW, name="catalog_product_name"),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class Variant(models.Model):
    """What has a SKU, a price and a stock. The SKU never changes and keeps its case."""

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="variants", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="variants")
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    is_physical = models.BooleanField(default=True)
    weight_grams = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """A SKU names one variant of a shop."""

        constraints = [UniqueConstraint(fields=["channel", "sku"], name="catalog_variant_sku_unique")]

    def __str__(self) -> str:
        """Show the SKU."""
        return self.sku


class Price(models.Model):
    """What one unit costs today in one currency, as typed in (gross or net: the channel says which)."""

    # The unique constraint's index serves this foreign key; the same holds wherever `db_index=False` stands here.
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="prices", db_index=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        """One price per variant and currency, never negative."""

        constraints = [
            UniqueConstraint(fields=["variant", "currency"], name="catalog_price_unique"),
            CheckConstraint(condition=Q(amount_minor__gte=0), name="catalog_price_not_negative"),
        ]

    def __str__(self) -> str:
        """Show amount and currency."""
        return f"{self.amount_minor} {self.currency}"


class Stock(models.Model):
    """Units of one variant: received = available + held + committed."""

    variant = models.OneToOneField(Variant, on_delete=models.PROTECT, related_name="stock")
    received = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0, help_text="Reserved for checkouts under way.")
    committed = models.BigIntegerField(default=0, help_text="Sold: reserved for paid orders.")
    last_received_at = models.DateTimeField(null=True)

    class Meta:
        """No unit is promised twice and none is negative."""

        constraints = [
            CheckConstraint(condition=Q(held__gte=0), name="catalog_stock_held_not_negative"),
            CheckConstraint(condition=Q(committed__gte=0), name="catalog_stock_committed_not_negative"),
            CheckConstraint(
                condition=Q(received__gte=F("held") + F("committed")), name="catalog_stock_available_not_negative"
            ),
        ]

    def __str__(self) -> str:
        """Show the three figures."""
        return f"{self.received} received, {self.held} held, {self.committed} committed"

    @property
    def available(self) -> int:
        """Units nobody was promised."""
        return self.received - self.held - self.committed


class Reservation(models.Model):
    """Units kept for one order until it is paid, dies, or the time is up."""

    class Status(models.TextChoices):
        """Machine `reservation`."""

        HELD = "held"
        COMMITTED = "committed"
        RELEASED = "released"
        EXPIRED = "expired"

    public_id = models.CharField(max_length=40, unique=True)
    owner_id = models.CharField(max_length=40, help_text="Public id of the order.")
    status = models.CharField(max_length=16, choices=Status)
    expires_at = models.DateTimeField()
    cap_at = models.DateTimeField(help_text="No extension goes beyond; at this time the units go back.")
    extensions_count = models.PositiveIntegerField(default=0)
    policy_version = models.PositiveIntegerField(help_text="Version of policy `reservation` that set the times.")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """An order keeps its units once."""

        constraints = [
            UniqueConstraint(
                fields=["owner_id"],
                condition=Q(status__in=["held", "committed"]),
                name="catalog_reservation_one_live",
            ),
            CheckConstraint(condition=Q(expires_at__lte=F("cap_at")), name="catalog_reservation_within_cap"),
        ]
        indexes = [
            Index(fields=["cap_at"], condition=Q(status="held"), name="catalog_reservation_capped"),
            Index(fields=["owner_id", "-id"], name="catalog_reservation_owner"),
        ]

    def __str__(self) -> str:
        """Show the owner and status."""
        return f"{self.owner_id} {self.status}"

    @property
    def is_live(self) -> bool:
        """Its units are kept: held, or sold."""
        return self.status in {self.Status.HELD, self.Status.COMMITTED}

    def move_to(self, status: "Reservation.Status", *, now: datetime) -> None:
        """This will set the status, and when it ended; callers ask for moves of the machine's table alone."""
        assert may_move("reservation", self.status, status), f"{self.status} to {status}"
        self.status = status
        self.ended_at = None if self.is_live else now


class ReservationLine(models.Model):
    """How many units of one stock a reservation keeps."""

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="lines", db_index=False)
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()

    class Meta:
        """One row per stock, of at least one unit."""

        constraints = [
            UniqueConstraint(fields=["reservation", "stock"], name="catalog_reservation_line_unique"),
            CheckConstraint(condition=Q(quantity__gte=1), name="catalog_reservation_line_positive"),
        ]

    def __str__(self) -> str:
        """Show the quantity."""
        return str(self.quantity)
