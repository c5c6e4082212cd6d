"""Reads of the catalog: lines ready to be priced, variants by SKU, the shop window, and the locks of reservations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, F, FilteredRelation, Func, Q, QuerySet, TextField, Value

from catalog.models import IN_WINDOW, Category, Product, Reservation, ReservationLine, Variant
from catalog.pricing import Availability, NotForSale, NotForSaleReason, PricedLine, availability_of
from core.errors import Invalid, NotFound
from core.models import SalesChannel

AVAILABLE = F("stock__received") - F("stock__held") - F("stock__committed")


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


class _AnyOf(Func):
    """`column = ANY(array)`: one parameter, so one prepared statement for any number of values, where IN needs many."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


@dataclass(frozen=True, slots=True)
class PricedLines:
    """What `pricing.quote` needs, in the order asked for; `not_for_sale` are the lines that have no price to quote."""

    lines: tuple[PricedLine, ...]
    not_for_sale: tuple[NotForSale, ...]


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
    category: Category | None
    currency: str
    variants: tuple[VariantInWindow, ...]

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


def priced_lines(*, channel_id: int, currency: str, quantities: Mapping[int, int]) -> PricedLines:
    """This will return the price and stock of each variant (by row id), in one query whatever their number.

    Lines keep the mapping's order. A variant that is unpublished, archived or without a price in `currency` is reported
    in `not_for_sale`. Needs no transaction and locks nothing: only `services.reserve` promises units.
    Raises: NotFound when a variant is not of this channel.
    """
    rows = {row["id"]: row for row in _variants_for_pricing(channel_id, currency, quantities)}
    missing = [variant_id for variant_id in quantities if variant_id not in rows]
    if missing:
        raise NotFound(detail="A variant is not sold in this shop.")
    lines, not_for_sale = [], []
    for variant_id, quantity in quantities.items():
        row = rows[variant_id]
        reason = _reason_not_for_sale(row)
        if reason is None:
            lines.append(_priced_line(row, quantity))
        else:
            not_for_sale.append(NotForSale(sku=row["sku"], reason=reason))
    return PricedLines(tuple(lines), tuple(not_for_sale))


def find_variants(*, channel_id: int, skus: Iterable[str]) -> dict[str, Variant]:
    """This will return the channel's variants by SKU, in one query; an unknown SKU is absent from the answer."""
    found = Variant.objects.filter(_text_in("sku", skus), channel_id=channel_id).select_related("product")
    return {variant.sku: variant for variant in found}


def available_units(*, variant_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """This will return (SKU, units nobody was promised) by variant row id, in one query."""
    found = Variant.objects.filter(_id_in("id", variant_ids)).annotate(available=AVAILABLE)
    return {pk: (sku, available or 0) for pk, sku, available in found.values_list("id", "sku", "available")}


def window_currency(channel: SalesChannel, *, asked: str = "") -> str:
    """This will return the currency to show prices in: the one asked for, else the channel's own.

    Raises: CurrencyNotForSale.
    """
    currency = asked or channel.default_currency
    if currency not in channel.currencies:
        raise CurrencyNotForSale(currency=currency)
    return currency


def product_page(
    *, channel_id: int, currency: str, size: int, cursor: str = "", category: str = "", text: str = ""
) -> ProductPage:
    """This will return up to `size` published products, newest first, in two queries and one each for `cursor` and
    `category`, which is a slug; `text` is looked for in names.

    `cursor` is the `next_cursor` of the page before, the public id of its last product: a keyset, so that a page costs
    the same however deep it is. It counts still when that product has been hidden since.
    Raises: BadCursor, NoSuchCategory.
    """
    found = _published(channel_id).order_by("-id")
    if category:
        found = found.filter(category_id=_category_id(channel_id, category))
    if cursor:
        found = found.filter(id__lt=_product_id(channel_id, cursor))
    if text:
        found = found.filter(name__icontains=text)
    products = list(found[: size + 1])
    shown = products[:size]
    return ProductPage(
        products=_in_window(shown, currency),
        next_cursor=shown[-1].public_id if len(products) > size else None,
    )


def published_product(*, channel_id: int, currency: str, slug: str) -> ProductInWindow:
    """This will return one published product. Raises: NotFound, for a hidden one as for one that never was."""
    product = _published(channel_id).filter(slug=slug).first()
    if product is None:
        raise NotFound
    return _in_window([product], currency)[0]


def list_categories(*, channel_id: int) -> list[Category]:
    """This will return the channel's categories as the window shows them, in one query."""
    return list(Category.objects.filter(channel_id=channel_id).order_by("position", "id"))


def find_categories(*, channel_id: int, slugs: Iterable[str]) -> dict[str, Category]:
    """This will return the channel's categories by slug, in one query; an unknown slug is absent from the answer."""
    found = Category.objects.filter(_text_in("slug", slugs), channel_id=channel_id)
    return {category.slug: category for category in found}


def lock_latest_reservation(owner_id: str) -> Reservation | None:
    """This will return the owner's newest reservation, locked until the transaction ends, or None."""
    return Reservation.objects.select_for_update().filter(owner_id=owner_id).order_by("-id").first()


def lock_capped_reservations(*, now: datetime, limit: int) -> list[Reservation]:
    """This will return held reservations whose cap has come, locked; those another process has in hand are left out."""
    due = Reservation.objects.filter(status=Reservation.Status.HELD, cap_at__lte=now).order_by("cap_at")
    return list(due.select_for_update(skip_locked=True)[:limit])


def reserved_units(reservation: Reservation) -> dict[int, int]:
    """This will return the units a reservation keeps or kept, by variant row id."""
    lines = ReservationLine.objects.filter(reservation=reservation).order_by("id")
    return dict(lines.values_list("stock__variant_id", "quantity"))


def _id_in(column: str, ids: Iterable[int]) -> _AnyOf:
    return _AnyOf(F(column), Value(list(ids), output_field=ArrayField(BigIntegerField())))


def _text_in(column: str, texts: Iterable[str]) -> _AnyOf:
    return _AnyOf(F(column), Value(list(texts), output_field=ArrayField(TextField())))


def _variants_for_pricing(channel_id: int, currency: str, quantities: Mapping[int, int]) -> Iterable[Mapping[str, Any]]:
    return (
        Variant.objects.filter(_id_in("id", quantities), channel_id=channel_id)
        .annotate(
            price=FilteredRelation("prices", condition=Q(prices__currency=currency)),
            unit_price_minor=F("price__amount_minor"),
            available=AVAILABLE,
            product_name=F("product__name"),
            tax_category=F("product__tax_category"),
            is_published=F("product__is_published"),
            product_archived_at=F("product__archived_at"),
        )
        .values(
            "id", "public_id", "sku", "name", "is_physical", "archived_at", "product_name", "tax_category",
            "is_published", "product_archived_at", "unit_price_minor", "available",
        )
    )  # fmt: skip


def _reason_not_for_sale(row: Mapping[str, Any]) -> NotForSaleReason | None:
    if row["archived_at"] is not None or row["product_archived_at"] is not None:
        return NotForSaleReason.ARCHIVED
    if not row["is_published"]:
        return NotForSaleReason.UNPUBLISHED
    if row["unit_price_minor"] is None:
        return NotForSaleReason.UNPRICED
    return None


def _priced_line(row: Mapping[str, Any], quantity: int) -> PricedLine:
    return PricedLine(
        sku=row["sku"],
        variant_id=row["public_id"],
        product_name=row["product_name"],
        variant_name=row["name"],
        is_physical=row["is_physical"],
        tax_category=row["tax_category"],
        quantity=quantity,
        unit_price_minor=row["unit_price_minor"],
        available=row["available"] or 0,
    )


def _published(channel_id: int) -> QuerySet[Product]:
    return Product.objects.filter(IN_WINDOW, channel_id=channel_id).select_related("category")


def _category_id(channel_id: int, slug: str) -> int:
    found = Category.objects.filter(channel_id=channel_id, slug=slug).values_list("id", flat=True).first()
    if found is None:
        raise NoSuchCategory
    return found


def _product_id(channel_id: int, public_id: str) -> int:
    found = Product.objects.filter(public_id=public_id, channel_id=channel_id).values_list("id", flat=True).first()
    if found is None:
        raise BadCursor
    return found


def _in_window(products: list[Product], currency: str) -> tuple[ProductInWindow, ...]:
    rows = (
        Variant.objects.filter(_id_in("product_id", (product.pk for product in products)), archived_at=None)
        .annotate(
            price=FilteredRelation("prices", condition=Q(prices__currency=currency)),
            unit_price_minor=F("price__amount_minor"),
            available=AVAILABLE,
        )
        .order_by("id")
        .values("product_id", "public_id", "sku", "name", "is_physical", "unit_price_minor", "available")
    )
    variants: dict[int, list[VariantInWindow]] = defaultdict(list)
    for row in rows:
        variants[row["product_id"]].append(
            VariantInWindow(
                public_id=row["public_id"],
                sku=row["sku"],
                name=row["name"],
                is_physical=row["is_physical"],
                unit_price_minor=row["unit_price_minor"],
                availability=availability_of(row["available"] or 0),
            )
        )
    return tuple(
        ProductInWindow(
            public_id=product.public_id,
            slug=product.slug,
            name=product.name,
            description=product.description,
            category=product.category,
            currency=currency,
            variants=tuple(variants[product.pk]),
        )
        for product in products
    )
