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


class Text(models.Model):
    """A thing's words in one language."""

    locale = models.CharField(max_length=6)

    class Meta:
        """One text per thing and language is each thing's own constraint."""

        abstract = True
        constraints = [CheckConstraint(condition=IS_LOCALE, name="%(app_label)s_%(class)s_locale")]


class Name(Text):
    """What a thing is called in one language."""

    name = models.CharField(max_length=200, blank=True)

    class Meta(Text.Meta):
        """Its language is one."""

        abstract = True

    def __str__(self) -> str:
        """Show language and name."""
        return f"{self.locale}: {self.name}"


class CategoryText(Name):
    """What a category is called."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="texts", db_index=False)

    class Meta(Name.Meta):
        """One text per language."""

        constraints = [
            *Name.Meta.constraints,
            UniqueConstraint(fields=["category", "locale"], name="catalog_categorytext_unique"),
        ]


class ProductText(Name):
    """A product's name and description."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="texts", db_index=False)
    description = models.TextField(blank=True)

    class Meta(Name.Meta):
        """One text per language; its name is searched."""

        constraints = [
            *Name.Meta.constraints,
            UniqueConstraint(fields=["product", "locale"], name="catalog_producttext_unique"),
        ]
        indexes = [GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="catalog_producttext_name")]


class VariantText(Name):
    """A variant's name."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="texts", db_index=False)

    class Meta(Name.Meta):
        """One text per language."""

        constraints = [
            *Name.Meta.constraints,
            UniqueConstraint(fields=["variant", "locale"], name="catalog_varianttext_unique"),
        ]


class PictureText(Text):
    """What a picture shows."""

    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="texts", db_index=False)
    alt = models.CharField(max_length=300, blank=True)

    class Meta(Text.Meta):
        """One text per language."""

        constraints = [
            *Text.Meta.constraints,
            UniqueConstraint(fields=["picture", "locale"], name="catalog_picturetext_unique"),
        ]

    def __str__(self) -> str:
        """Show language and text."""
        return f"{self.locale}: {self.alt}"
