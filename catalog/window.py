"""What the shop window shows: published products with their pictures, in the language asked for, page by page.

Reads only. `locales` is where translations are looked for, the nearest first (core.locales.text_locales).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet

from catalog.lookups import AVAILABLE, translations, words
from catalog.market import converted_prices
from catalog.models import IN_WINDOW, Category, Picture, Product, ProductText, Variant
from catalog.pricing import Availability, availability_of
from core.db import one_or_none
from core.errors import Invalid, NotFound
from core.lookups import id_in, text_in
from core.models import SalesChannel


class BadCursor(Invalid):
    """The cursor is not one that a page of this shop ended with."""

    code = "bad_cursor"
    title = "This cursor is not one of ours. Start again without it."


class CurrencyNotForSale(Invalid):
    """The shop does not sell in this currency."""

    code = "currency_not_for_sale"
    title = "This shop does not sell in this currency."


class NoSuchCategory(NotFound):
    """The shop has no category of this slug."""

    code = "no_such_category"
    title = "There is no such category."


@dataclass(frozen=True, slots=True)
class CategoryInWindow:
    """A shelf, by the name to show."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class PictureInWindow:
    """A picture: the static file's path, its size in CSS pixels, and words for who does not see it."""

    path: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class VariantInWindow:
    """A variant as the shop window shows it. `unit_price_minor` is None where it has no price in the currency."""

    public_id: str
    sku: str
    name: str
    is_physical: bool
    unit_price_minor: int | None
    availability: Availability


@dataclass(frozen=True, slots=True)
class ProductInWindow:
    """A published product with its variants in the order they were made. `currency` is the one asked for."""

    public_id: str
    slug: str
    name: str
    description: str
    category: CategoryInWindow | None
    currency: str
    variants: tuple[VariantInWindow, ...]
    pictures: tuple[PictureInWindow, ...]

    @property
    def for_sale(self) -> tuple[VariantInWindow, ...]:
        """The variants that have a price in the currency asked for."""
        return tuple(variant for variant in self.variants if variant.unit_price_minor is not None)

    @property
    def lowest_price_minor(self) -> int | None:
        """What the cheapest variant costs, None where none has a price in the currency."""
        prices = (variant.unit_price_minor for variant in self.variants)
        return min((price for price in prices if price is not None), default=None)

    @property
    def availability(self) -> Availability:
        """That of the variant of which there is most; one without a price counts where none has one."""
        found = {variant.availability for variant in self.for_sale or self.variants}
        return next((each for each in Availability if each in found), Availability.OUT_OF_STOCK)


@dataclass(frozen=True, slots=True)
class ProductPage:
    """One page, newest first; `next_cursor` is the cursor of the next one, None on the last."""

    products: tuple[ProductInWindow, ...]
    next_cursor: str | None


def window_currency(channel: SalesChannel, *, asked: str = "") -> str:
    """This will return the currency to show prices in: the one asked for, else the channel's own.

    Raises: CurrencyNotForSale.
    """
    currency = asked or channel.default_currency
    if currency not in channel.currencies:
        raise CurrencyNotForSale(currency=currency)
    return currency


def product_page(
    *,
    channel_id: int,
    currency: str,
    size: int,
    locales: Sequence[str] = (),
    cursor: str = "",
    category: str = "",
    text: str = "",
) -> ProductPage:
    """This will return up to `size` published products, newest first, in three queries and one each for `cursor`,
    `category`, which is a slug, and prices that have to be converted; `text` is looked for in names as they are shown.

    `cursor` is the `next_cursor` of the page before, the public id of its last product: a keyset, so that a page costs
    the same however deep it is. It counts still when that product has been hidden since.
    Raises: BadCursor, NoSuchCategory.
    """
    found = _published(channel_id, locales).order_by("-id")
    if category:
        found = found.filter(category_id=_category_id(channel_id, category))
    if cursor:
        found = found.filter(id__lt=_product_id(channel_id, cursor))
    if text:
        found = _named(found, channel_id=channel_id, locales=locales, text=text)
    products = list(found[: size + 1])
    shown = products[:size]
    return ProductPage(
        products=_in_window(shown, currency=currency, locales=locales),
        next_cursor=shown[-1]["public_id"] if len(products) > size else None,
    )


def published_product(*, channel_id: int, currency: str, slug: str, locales: Sequence[str] = ()) -> ProductInWindow:
    """This will return one published product, in three queries, or four where a price has to be converted.

    Raises: NotFound, for a hidden one as for one that never was.
    """
    product = one_or_none(_published(channel_id, locales).filter(slug=slug))
    if product is None:
        raise NotFound
    return _in_window([product], currency=currency, locales=locales)[0]


def list_categories(*, channel_id: int, locales: Sequence[str] = ()) -> list[CategoryInWindow]:
    """This will return the channel's categories in the order to show them, in one query."""
    rows = Category.objects.filter(channel_id=channel_id).order_by("position", "id")
    shown = rows.annotate(**translations("", locales=locales), shown_name=words("name", locales=locales))
    return [CategoryInWindow(slug=slug, name=name) for slug, name in shown.values_list("slug", "shown_name")]


def _published(channel_id: int, locales: Sequence[str]) -> QuerySet[Any, Any]:
    rows = Product.objects.filter(IN_WINDOW, channel_id=channel_id).annotate(
        **translations("", locales=locales),
        **translations("category", locales=locales),
        shown_name=words("name", locales=locales),
        shown_description=words("description", locales=locales),
        shown_category_name=words("name", thing="category", locales=locales),
    )
    return rows.values(
        "id", "public_id", "slug", "shown_name", "shown_description", "category__slug", "shown_category_name"
    )


def _named(found: QuerySet[Any, Any], *, channel_id: int, locales: Sequence[str], text: str) -> QuerySet[Any, Any]:
    if not locales:
        return found.filter(name__icontains=text)
    # The two indexes say which products have the text in any name that might be shown; which is shown, the row says.
    typed_in = Product.objects.filter(IN_WINDOW, channel_id=channel_id, name__icontains=text).values("id")
    translated = ProductText.objects.filter(text_in("locale", locales), name__icontains=text).values("product_id")
    return found.filter(id__in=typed_in.union(translated), shown_name__icontains=text)


def _category_id(channel_id: int, slug: str) -> int:
    found = one_or_none(Category.objects.filter(channel_id=channel_id, slug=slug).values_list("id", flat=True))
    if found is None:
        raise NoSuchCategory
    return found


def _product_id(channel_id: int, public_id: str) -> int:
    found = one_or_none(Product.objects.filter(public_id=public_id, channel_id=channel_id).values_list("id", flat=True))
    if found is None:
        raise BadCursor
    return found


def _in_window(
    products: Sequence[dict[str, Any]], *, currency: str, locales: Sequence[str]
) -> tuple[ProductInWindow, ...]:
    ids = [product["id"] for product in products]
    variants, pictures = _variants_of(ids, currency=currency, locales=locales), _pictures_of(ids, locales=locales)
    return tuple(
        ProductInWindow(
            public_id=product["public_id"],
            slug=product["slug"],
            name=product["shown_name"],
            description=product["shown_description"],
            category=(
                CategoryInWindow(slug=product["category__slug"], name=product["shown_category_name"])
                if product["category__slug"]
                else None
            ),
            currency=currency,
            variants=tuple(variants[product["id"]]),
            pictures=tuple(pictures[product["id"]]),
        )
        for product in products
    )


def _variants_of(
    product_ids: Iterable[int], *, currency: str, locales: Sequence[str]
) -> dict[int, list[VariantInWindow]]:
    rows = (
        Variant.objects.filter(id_in("product_id", product_ids), archived_at=None)
        .annotate(
            **translations("", locales=locales),
            shown_name=words("name", locales=locales),
            price=FilteredRelation("prices", condition=Q(prices__currency=currency)),
            unit_price_minor=F("price__amount_minor"),
            available=AVAILABLE,
        )
        .order_by("id")
        .values("id", "product_id", "public_id", "sku", "shown_name", "is_physical", "unit_price_minor", "available")
    )
    unpriced = [row["id"] for row in rows if row["unit_price_minor"] is None]
    worked_out = converted_prices(variant_ids=unpriced, currency=currency) if unpriced else {}
    variants: dict[int, list[VariantInWindow]] = defaultdict(list)
    for row in rows:
        variants[row["product_id"]].append(
            VariantInWindow(
                public_id=row["public_id"],
                sku=row["sku"],
                name=row["shown_name"],
                is_physical=row["is_physical"],
                unit_price_minor=worked_out.get(row["id"], row["unit_price_minor"]),
                availability=availability_of(row["available"] or 0),
            )
        )
    return variants


def _pictures_of(product_ids: Iterable[int], *, locales: Sequence[str]) -> dict[int, list[PictureInWindow]]:
    rows = (
        Picture.objects.filter(id_in("product_id", product_ids))
        .annotate(**translations("", locales=locales), shown_alt=words("alt", locales=locales))
        .order_by("product_id", "position", "id")
        .values("product_id", "path", "width", "height", "shown_alt")
    )
    pictures: dict[int, list[PictureInWindow]] = defaultdict(list)
    for row in rows:
        pictures[row["product_id"]].append(
            PictureInWindow(path=row["path"], width=row["width"], height=row["height"], alt=row["shown_alt"])
        )
    return pictures
