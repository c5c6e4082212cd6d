"""What we sell and for how much: categories, products, variants, prices per currency."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint
from django.db.models.functions import Upper

from catalog.models.payable import payable

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
        """One price per variant and currency, never negative, and one that can be paid."""

        constraints = [
            UniqueConstraint(fields=["variant", "currency"], name="catalog_price_unique"),
            CheckConstraint(condition=Q(amount_minor__gte=0), name="catalog_price_not_negative"),
            CheckConstraint(condition=payable("amount_minor"), name="catalog_price_payable"),
        ]

    def __str__(self) -> str:
        """Show amount and currency."""
        return f"{self.amount_minor} {self.currency}"
