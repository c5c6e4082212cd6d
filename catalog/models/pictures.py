"""What products look like."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from catalog.models.products import Product


class Picture(models.Model):
    """A picture of a product; its size is known, so that a page can leave room for it."""

    # The unique constraint's index serves this foreign key.
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="pictures", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="From 1; the first stands for the product.")
    path = models.CharField(max_length=200, help_text="Of a static file.")
    width = models.PositiveIntegerField(help_text="In CSS pixels, like the height.")
    height = models.PositiveIntegerField()
    alt = models.CharField(max_length=300, help_text="What it shows, for who does not see it.")

    class Meta:
        """A product shows a file once, of a size, with words for it."""

        constraints = [
            UniqueConstraint(fields=["product", "path"], name="catalog_picture_unique"),
            CheckConstraint(condition=Q(width__gte=1, height__gte=1, position__gte=1), name="catalog_picture_size"),
            CheckConstraint(
                condition=Q(path__regex=r"^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*\.[a-z0-9]+$"),
                name="catalog_picture_path",
            ),
            CheckConstraint(condition=~Q(alt=""), name="catalog_picture_alt_said"),
        ]

    def __str__(self) -> str:
        """Show the path."""
        return self.path
