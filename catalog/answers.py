"""What the catalog's endpoints answer with, as JSON-ready dictionaries."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from django.templatetags.static import static

from catalog.window import CategoryInWindow, PictureInWindow, ProductInWindow, ProductPage, VariantInWindow
from core.money import Money
from core.wire import money_json


class ArticleKind(StrEnum):
    """How an article comes to the customer."""

    PHYSICAL = "physical"
    DIGITAL = "digital"


def page_json(page: ProductPage, *, locale: str) -> dict[str, Any]:
    """This will return one page of the shop window."""
    products = [product_json(product, locale=locale) for product in page.products]
    return {"products": products, "next_cursor": page.next_cursor}


def product_json(product: ProductInWindow, *, locale: str) -> dict[str, Any]:
    """This will return a product with its variants; amounts are written as people of `locale` write them."""
    kinds = {_kind(variant) for variant in product.variants}
    return {
        "product_id": product.public_id,
        "slug": product.slug,
        "name": product.name,
        "description": product.description,
        "category": None if product.category is None else category_json(product.category),
        "kinds": [kind for kind in ArticleKind if kind in kinds],
        "price_from": _price(product.lowest_price_minor, product.currency, locale=locale),
        "availability": product.availability,
        "variants": [_variant_json(variant, product.currency, locale=locale) for variant in product.variants],
        "images": [picture_json(picture) for picture in product.pictures],
    }


def categories_json(categories: Sequence[CategoryInWindow]) -> dict[str, Any]:
    """This will return the categories in their order."""
    return {"categories": [category_json(category) for category in categories]}


def category_json(category: CategoryInWindow) -> dict[str, Any]:
    """This will return what `?category=` takes and what people read."""
    return {"slug": category.slug, "name": category.name}


def picture_json(picture: PictureInWindow) -> dict[str, Any]:
    """This will return a picture with its address on our host."""
    return {"url": static(picture.path), "width": picture.width, "height": picture.height, "alt": picture.alt}


def _variant_json(variant: VariantInWindow, currency: str, *, locale: str) -> dict[str, Any]:
    return {
        "variant_id": variant.public_id,
        "sku": variant.sku,
        "name": variant.name,
        "kind": _kind(variant),
        "price": _price(variant.unit_price_minor, currency, locale=locale),
        "availability": variant.availability,
    }


def _kind(variant: VariantInWindow) -> ArticleKind:
    return ArticleKind.PHYSICAL if variant.is_physical else ArticleKind.DIGITAL


def _price(amount_minor: int | None, currency: str, *, locale: str) -> dict[str, Any] | None:
    return None if amount_minor is None else money_json(Money(amount_minor, currency), locale=locale)
