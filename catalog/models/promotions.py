"""What customers need not pay: promotions with their rules and limits, the codes that ask for them, and every use."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from catalog.models.payable import payable
from catalog.models.products import Category, Product
from catalog.pricing import DiscountKind


class Promotion(models.Model):
    """A rule that takes something off, for whom and when. Its figures per currency and its articles stand beside it."""

    class Kind(models.TextChoices):
        """What it takes off."""

        PERCENT = DiscountKind.PERCENT.value
        FIXED = DiscountKind.FIXED.value
        FREE_SHIPPING = DiscountKind.FREE_SHIPPING.value

    class Period(models.TextChoices):
        """The calendar of the shop's zone in which uses are counted anew."""

        DAY = "day"
        WEEK = "week"
        MONTH = "month"

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120, help_text="As customers read it.")
    kind = models.CharField(max_length=16, choices=Kind)
    rate = models.DecimalField(max_digits=7, decimal_places=6, default=0, help_text="Of percent: 0.1 is 10 %.")
    is_combinable = models.BooleanField(default=False, help_text="May stand beside others that are, too.")
    is_first_order_only = models.BooleanField(default=False)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    uses_max = models.PositiveIntegerField(null=True)
    uses_per_customer_max = models.PositiveIntegerField(null=True)
    period = models.CharField(max_length=8, choices=Period, blank=True)
    uses_per_period_max = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """A rate belongs to percent, a limit allows one use at least, and a period has a limit."""

        constraints = [
            CheckConstraint(
                condition=Q(kind="percent", rate__gt=0, rate__lte=1) | (~Q(kind="percent") & Q(rate=0)),
                name="catalog_promotion_rate_of_percent",
            ),
            CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="catalog_promotion_valid_some_time",
            ),
            CheckConstraint(
                condition=Q(period="", uses_per_period_max__isnull=True)
                | (~Q(period="") & Q(uses_per_period_max__isnull=False)),
                name="catalog_promotion_period_has_limit",
            ),
            *[
                CheckConstraint(
                    condition=Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 1}),
                    name=f"catalog_promotion_{name}_some",
                )
                for name in ("uses_max", "uses_per_customer_max", "uses_per_period_max")
            ],
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class PromotionFigure(models.Model):
    """A promotion in one currency, minor units: what a fixed one takes off, and the goods it asks for."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="figures", db_index=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField(default=0)
    minimum_minor = models.BigIntegerField(default=0)

    class Meta:
        """Once per currency, nothing negative, nothing that cards cannot take."""

        constraints = [
            UniqueConstraint(fields=["promotion", "currency"], name="catalog_promotion_figure_unique"),
            CheckConstraint(
                condition=Q(amount_minor__gte=0, minimum_minor__gte=0), name="catalog_promotion_figure_not_negative"
            ),
            CheckConstraint(condition=payable("amount_minor"), name="catalog_promotion_figure_payable"),
        ]

    def __str__(self) -> str:
        """Show the currency."""
        return self.currency


class PromotionArticle(models.Model):
    """A product or a whole category a promotion is for, or not for. What is excluded stays so, whatever includes it."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="articles")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, related_name="+")
    is_excluded = models.BooleanField()

    class Meta:
        """One of the two."""

        constraints = [
            CheckConstraint(
                condition=Q(product__isnull=False, category__isnull=True)
                | Q(product__isnull=True, category__isnull=False),
                name="catalog_promotion_article_is_one",
            ),
        ]

    def __str__(self) -> str:
        """Show what it is about."""
        return f"{'not ' if self.is_excluded else ''}{self.product or self.category}"


class Coupon(models.Model):
    """A code that asks for a promotion. `code_key` is the code as people may mistype it, see catalog/coupons.py."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="coupons")
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=40, help_text="As it is printed.")
    code_key = models.CharField(max_length=40)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", help_text="Theirs alone."
    )
    uses_max = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        """Two codes that look alike are one."""

        constraints = [
            UniqueConstraint(fields=["channel", "code_key"], name="catalog_coupon_code_unique"),
            CheckConstraint(
                condition=Q(uses_max__isnull=True) | Q(uses_max__gte=1), name="catalog_coupon_uses_max_some"
            ),
        ]

    def __str__(self) -> str:
        """Show the code."""
        return self.code


class PromotionCount(models.Model):
    """How often a promotion is in use in one scope, against the limit that decided last: the database refuses more."""

    class Scope(models.TextChoices):
        """What is counted, and what `key` is."""

        COUPON = "coupon", "Coupon: the coupon's row id"
        CUSTOMER = "customer", "Customer: their account or the digest of their address"
        PERIOD = "period", "Period: the day, week or month"
        TOTAL = "total", "Total: nothing"

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="counts", db_index=False)
    scope = models.CharField(max_length=8, choices=Scope)
    key = models.CharField(max_length=80, blank=True)
    uses_count = models.PositiveIntegerField()
    uses_max = models.PositiveIntegerField(null=True)

    class Meta:
        """One row per scope and key, never beyond its limit."""

        constraints = [
            UniqueConstraint(fields=["promotion", "scope", "key"], name="catalog_promotion_count_unique"),
            CheckConstraint(
                condition=Q(uses_max__isnull=True) | Q(uses_count__lte=F("uses_max")),
                name="catalog_promotion_count_within",
            ),
        ]

    def __str__(self) -> str:
        """Show the count against its limit."""
        return f"{self.uses_count} of {self.uses_max or 'any'}"


class CouponUse(models.Model):
    """One order's use of one coupon, kept for ever. What it counts against stands on it, so it goes back exactly."""

    class Status(models.TextChoices):
        """Machine `coupon use`, see USE_MOVES."""

        HELD = "held"
        USED = "used"
        GIVEN_BACK = "given_back"
        HONOURED_LATE = "honoured_late"

    public_id = models.CharField(max_length=40, unique=True)
    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="uses")
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="uses")
    order_public_id = models.CharField(max_length=40)
    status = models.CharField(max_length=16, choices=Status)
    customer_key = models.CharField(max_length=80, blank=True, help_text="The account, if there is one.")
    contact_key = models.CharField(max_length=80, help_text="The digest of the address to reach them.")
    period_key = models.CharField(max_length=10, blank=True)
    held_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    given_back_at = models.DateTimeField(null=True)
    honoured_at = models.DateTimeField(null=True)

    class Meta:
        """An order uses a promotion once."""

        constraints = [
            UniqueConstraint(fields=["order_public_id", "promotion"], name="catalog_coupon_use_once"),
        ]
        indexes = [Index(fields=["promotion", "-id"], name="catalog_coupon_use_of")]

    def __str__(self) -> str:
        """Show the order and status."""
        return f"{self.order_public_id} {self.status}"


class FirstOrder(models.Model):
    """The one order in which a customer has promotions for first orders in use. Gone once that order gave them back."""

    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=80, help_text="The account, or the digest of the address.")
    order_public_id = models.CharField(max_length=40)
    claimed_at = models.DateTimeField()

    class Meta:
        """Nobody has two."""

        constraints = [UniqueConstraint(fields=["channel", "key"], name="catalog_first_order_once")]
        indexes = [Index(fields=["order_public_id"], name="catalog_first_order_of")]

    def __str__(self) -> str:
        """Show the order."""
        return self.order_public_id


# The order's life moves a use: paid, dead, and revived by late money, which is outside the limit and final.
USE_MOVES = {
    ("held", "used"),
    ("held", "given_back"),
    ("used", "given_back"),
    ("given_back", "honoured_late"),
}
