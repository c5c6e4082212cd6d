"""What things are called in other languages, and what they look like; each written in a number of statements that does
not grow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from catalog.models import CategoryText, Picture, PictureText, ProductText, VariantText
from catalog.selectors import find_categories, find_products, find_variants, pictures_by_path
from catalog.services.categories import UnknownCategory
from catalog.services.products import UnknownSku
from catalog.services.texts import ALT_MAX_CHARACTERS, TEXT_MAX_CHARACTERS
from core.db import constraint_errors, transaction_required
from core.errors import Invalid
from core.models import SalesChannel

Row = TypeVar("Row", bound=Model)

PICTURES_MAX = 20
PATH_MAX_CHARACTERS = 200
SIDE_MAX = 10_000


class InvalidText(Invalid):
    """A text is too long or holds a NUL character, or the shop is not translated into the language."""

    code = "invalid_text"
    title = "The text cannot be stored."


class UnknownProduct(Invalid):
    """The channel has no product with one of the slugs; nothing was written."""

    code = "unknown_product"
    title = "There is no such product."


class UnknownPicture(Invalid):
    """The channel has no picture with one of the paths; nothing was written."""

    code = "unknown_picture"
    title = "There is no such picture."


class InvalidPicture(Invalid):
    """A picture's path, size or words cannot be stored, or a product has too many."""

    code = "invalid_picture"
    title = "The picture cannot be stored."


@dataclass(frozen=True, slots=True)
class ProductWords:
    """A product in another language. An empty text is shown in the next language."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """What one language calls things: products and categories by slug, variants by SKU, pictures by path."""

    locale: str
    products: Mapping[str, ProductWords] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture to be shown: the path of a static file, its size in CSS pixels, and what it shows."""

    path: str
    width: int
    height: int
    alt: str


@transaction_required
def set_texts(*, channel: SalesChannel, texts: Texts) -> None:
    """This will store translations, over those that are there, in eight statements at most.

    Needs its caller's transaction.
    Raises: InvalidText, UnknownProduct, UnknownSku, UnknownCategory, UnknownPicture (then nothing is written).
    """
    _refuse_texts(channel, texts)
    products = find_products(channel_id=channel.pk, slugs=texts.products) if texts.products else {}
    variants = find_variants(channel_id=channel.pk, skus=texts.variants) if texts.variants else {}
    categories = find_categories(channel_id=channel.pk, slugs=texts.categories) if texts.categories else {}
    pictures = pictures_by_path(channel_id=channel.pk, paths=texts.pictures) if texts.pictures else {}
    if unknown := _missing(texts.products, products):
        raise UnknownProduct(slugs=unknown)
    if unknown := _missing(texts.variants, variants):
        raise UnknownSku(skus=unknown)
    if unknown := _missing(texts.categories, categories):
        raise UnknownCategory(slugs=unknown)
    if unknown := _missing(texts.pictures, pictures):
        raise UnknownPicture(paths=unknown)
    locale = texts.locale
    product_texts = [
        ProductText(product=products[slug], locale=locale, name=words.name, description=words.description)
        for slug, words in texts.products.items()
    ]
    variant_texts = [
        VariantText(variant=variants[sku], locale=locale, name=name) for sku, name in texts.variants.items()
    ]
    category_texts = [
        CategoryText(category=categories[slug], locale=locale, name=name) for slug, name in texts.categories.items()
    ]
    picture_texts = [
        PictureText(picture=picture, locale=locale, alt=alt)
        for path, alt in texts.pictures.items()
        for picture in pictures[path]
    ]
    _upsert(ProductText.objects.all(), product_texts, thing="product", changes=["name", "description"])
    _upsert(VariantText.objects.all(), variant_texts, thing="variant", changes=["name"])
    _upsert(CategoryText.objects.all(), category_texts, thing="category", changes=["name"])
    _upsert(PictureText.objects.all(), picture_texts, thing="picture", changes=["alt"])


@transaction_required
def set_pictures(*, channel: SalesChannel, pictures: Mapping[str, Sequence[NewPicture]]) -> None:
    """This will make these the pictures of products (by slug), in their order, instead of those that were there.

    A picture of the same path keeps its translations. In five statements at most; needs its caller's transaction.
    Raises: InvalidPicture, UnknownProduct (then nothing is written).
    """
    if any(len(each) > PICTURES_MAX for each in pictures.values()):
        raise InvalidPicture(detail=f"A product has at most {PICTURES_MAX} pictures.")
    wrong = [new.path for each in pictures.values() for new in each if not _is_storable(new)]
    if wrong:
        raise InvalidPicture(detail="A picture needs a size and words for who does not see it.", paths=wrong)
    products = find_products(channel_id=channel.pk, slugs=pictures)
    if unknown := _missing(pictures, products):
        raise UnknownProduct(slugs=unknown)
    with constraint_errors({"catalog_picture_path": InvalidPicture}):
        kept = Picture.objects.bulk_create(
            [
                Picture(
                    product=products[slug],
                    position=position,
                    path=new.path,
                    width=new.width,
                    height=new.height,
                    alt=new.alt,
                )
                for slug, each in pictures.items()
                for position, new in enumerate(each, start=1)
            ],
            update_conflicts=True,
            unique_fields=["product", "path"],
            update_fields=["position", "width", "height", "alt"],
        )
    of_these = Picture.objects.filter(product_id__in=[each.pk for each in products.values()])
    of_these.exclude(pk__in=[picture.pk for picture in kept]).delete()


def _refuse_texts(channel: SalesChannel, texts: Texts) -> None:
    if texts.locale not in channel.locales:
        raise InvalidText(detail="The shop is not translated into this language.", locale=texts.locale)
    names = [
        *(words.name for words in texts.products.values()),
        *texts.variants.values(),
        *texts.categories.values(),
    ]
    if any(len(name) > TEXT_MAX_CHARACTERS for name in names):
        raise InvalidText(detail=f"A name has at most {TEXT_MAX_CHARACTERS} characters.")
    if any(len(alt) > ALT_MAX_CHARACTERS for alt in texts.pictures.values()):
        raise InvalidText(detail=f"What a picture shows is said in at most {ALT_MAX_CHARACTERS} characters.")
    descriptions = (words.description for words in texts.products.values())
    if any("\x00" in text for text in [*names, *texts.pictures.values(), *descriptions]):
        raise InvalidText(detail="A text holds a NUL character.")


def _is_storable(new: NewPicture) -> bool:
    return (
        1 <= len(new.path) <= PATH_MAX_CHARACTERS
        and 1 <= len(new.alt) <= ALT_MAX_CHARACTERS
        and "\x00" not in new.path + new.alt
        and 1 <= new.width <= SIDE_MAX
        and 1 <= new.height <= SIDE_MAX
    )


def _missing(wanted: Iterable[str], known: Mapping[str, Any]) -> list[str]:
    return sorted(set(wanted) - set(known))


def _upsert(rows: QuerySet[Row], texts: Sequence[Row], *, thing: str, changes: Sequence[str]) -> None:
    if texts:
        rows.bulk_create(texts, update_conflicts=True, unique_fields=[thing, "locale"], update_fields=changes)
