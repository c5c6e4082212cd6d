"""Stock: what is available, held and sold, of an article with its pictures and its names."""

from django.contrib import admin
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from catalog.models import Picture, ProductText, Stock
from support.admin.console import ReadOnlyAdmin, instant, site
from support.admin.shown import figure


@admin.register(Stock, site=site)
class StockAdmin(ReadOnlyAdmin):
    """By SKU."""

    heading = "Stock"
    sentence = (
        "Units by article. What came in is available, held for a checkout under way, or committed to a paid order."
    )
    search_help_text = "A part of a SKU or of an article's name."
    received_last = instant("last_received_at", label="last received")
    list_display = ("sku", "product", "available_units", "held_units", "committed_units", "received_units")
    list_select_related = ("variant__product",)
    search_fields = ("variant__sku", "variant__product__name")
    sortable_by = ()
    ordering = ("variant__sku",)
    fields = (
        "sku", "product", "available_units", "held_units", "committed_units", "received_units", "received_last",
        "pictures", "translations",
    )  # fmt: skip

    def title_of(self, row: object) -> str:
        """Name the article."""
        return f"Stock of {row.variant.sku}" if isinstance(row, Stock) else str(row)

    @admin.display(description="SKU")
    def sku(self, stock: Stock) -> str:
        """Show the variant's SKU."""
        return stock.variant.sku

    @admin.display(description="article")
    def product(self, stock: Stock) -> str:
        """Show the article's name."""
        return " · ".join(filter(None, [stock.variant.product.name, stock.variant.name]))

    @admin.display(description="available")
    def available_units(self, stock: Stock) -> SafeString:
        """Show units nobody was promised."""
        return figure(stock.available)

    @admin.display(description="held")
    def held_units(self, stock: Stock) -> SafeString:
        """Show units reserved for checkouts under way."""
        return figure(stock.held)

    @admin.display(description="committed")
    def committed_units(self, stock: Stock) -> SafeString:
        """Show units sold."""
        return figure(stock.committed)

    @admin.display(description="received")
    def received_units(self, stock: Stock) -> SafeString:
        """Show units that ever came in."""
        return figure(stock.received)

    @admin.display(description="pictures")
    def pictures(self, stock: Stock) -> SafeString | str:
        """Show what the window shows, small, with the words for who does not see it."""
        rows = Picture.objects.filter(product_id=stock.variant.product_id).order_by("position", "id")
        shown = ((static(row.path), row.alt, row.alt) for row in rows)
        return format_html_join("", '<img src="{}" alt="{}" width="96" height="120"> {} ', shown) or "none"

    @admin.display(description="in other languages")
    def translations(self, stock: Stock) -> str:
        """Show what the article is called elsewhere."""
        rows = ProductText.objects.filter(product_id=stock.variant.product_id).order_by("locale")
        return ", ".join(f"{row.locale}: {row.name}" for row in rows) or "none"
