"""Translations, a row per thing and language. What a row leaves empty is shown in the next language, at last as typed
in: the columns of category, product, variant and picture are in the locale of the shop itself.
"""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.db.models.functions import Upper

from catalog.models.pictures import Picture
from catalog.models.products import Category, Product, Variant

IS_LOCALE = Q(locale__regex=r"^[a-z]{2,3}(-[A-Z]{2})?$")


class CategoryText(models.Model):
    """What a category is called in one language."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="texts", db_index=False)
    locale = models.CharField(max_length=6)
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        """One text per language."""

        constraints = [
            UniqueConstraint(fields=["category", "locale"], name="catalog_categorytext_unique"),
            CheckConstraint(condition=IS_LOCALE, name="catalog_categorytext_locale"),
        ]

    def __str__(self) -> str:
        """Show language and name."""
        return f"{self.locale}: {self.name}"


class ProductText(models.Model):
    """A product's name and description in one language."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="texts", db_index=False)
    locale = models.CharField(max_length=6)
    name = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)

    class Meta:
        """One text per language; its name is searched."""

        constraints = [
            UniqueConstraint(fields=["product", "locale"], name="catalog_producttext_unique"),
            CheckConstraint(condition=IS_LOCALE, name="catalog_producttext_locale"),
        ]
        indexes = [GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="catalog_producttext_name")]

    def __str__(self) -> str:
        """Show language and name."""
        return f"{self.locale}: {self.name}"


class VariantText(models.Model):
    """A variant's name in one language."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="texts", db_index=False)
    locale = models.CharField(max_length=6)
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        """One text per language."""

        constraints = [
            UniqueConstraint(fields=["variant", "locale"], name="catalog_varianttext_unique"),
            CheckConstraint(condition=IS_LOCALE, name="catalog_varianttext_locale"),
        ]

    def __str__(self) -> str:
        """Show language and name."""
        return f"{self.locale}: {self.name}"


class PictureText(models.Model):
    """What a picture shows, said in one language."""

    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="texts", db_index=False)
    locale = models.CharField(max_length=6)
    alt = models.CharField(max_length=300, blank=True)

    class Meta:
        """One text per language."""

        constraints = [
            UniqueConstraint(fields=["picture", "locale"], name="catalog_picturetext_unique"),
            CheckConstraint(condition=IS_LOCALE, name="catalog_picturetext_locale"),
        ]

    def __str__(self) -> str:
        """Show language and text."""
        return f"{self.locale}: {self.alt}"
