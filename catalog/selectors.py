"""Reads of the catalog: lines ready to be priced, rows by SKU and slug, and the locks of reservations.

What the shop window shows is read in window.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Value

from catalog.lookups import AVAILABLE, translations, words
from catalog.models import Category, Picture, Price, Product, Reservation, ReservationLine, Variant
from catalog.pricing import ExchangeRate, NotForSale, NotForSaleReason, PricedLine
from catalog.pricing.conversion import converted
from core.errors import NotFound
from core.lookups import id_in, text_in
from core.money import RoundingMode
from core.written import written


@dataclass(frozen=True, slots=True)
class PricedLines:
    """What `pricing.quote` needs, in the order asked for; `not_for_sale` are the lines that have no price to quote."""

    lines: tuple[PricedLine, ...]
    not_for_sale: tuple[NotForSale, ...]


def priced_lines(
    *,
    channel_id: int,
    currency: str,
    quantities: Mapping[int, int],
    locales: Sequence[str] = (),
    exchange: ExchangeRate | None = None,
    rounding_mode: RoundingMode = RoundingMode.HALF_UP,
) -> PricedLines:
    """This will return the price and stock of each variant (by row id), in one query whatever their number.

    Lines keep the mapping's order. Their names are those of the first of `locales` that has any, else those typed in
    (core.locales.text_locales). A price that was not typed in is converted by `exchange`, if there is one. A variant
    that is unpublished, archived or without a price in `currency` is reported in `not_for_sale`. Needs no transaction
    and locks nothing: only `services.reserve` promises units.
    Raises: NotFound when a variant is not of this channel.
    """
    rows = {row["id"]: row for row in _variants_for_pricing(channel_id, currency, quantities, locales, exchange)}
    missing = [variant_id for variant_id in quantities if variant_id not in rows]
    if missing:
        raise NotFound(detail="A variant is not sold in this shop.")
    lines, not_for_sale = [], []
    for variant_id, quantity in quantities.items():
        row = {**rows[variant_id], "quantity": quantity, "entered_unit_price_minor": None}
        if row["unit_price_minor"] is None and exchange is not None:
            row |= _converted_price(row["base_price_minor"], currency, exchange, rounding_mode)
        reason = _reason_not_for_sale(row)
        if reason is None:
            lines.append(_priced_line(row))
        else:
            not_for_sale.append(NotForSale(sku=row["sku"], reason=reason))
    return PricedLines(tuple(lines), tuple(not_for_sale))


def find_variants(*, channel_id: int, skus: Iterable[str]) -> dict[str, Variant]:
    """This will return the channel's variants by SKU, in one query; an unknown SKU is absent from the answer."""
    found = Variant.objects.filter(text_in("sku", skus), channel_id=channel_id).select_related("product")
    return {variant.sku: variant for variant in found}


def present_price(*, currency: str, variant: str = "variant_id") -> Subquery:
    """This will be, for each row of a query that names a variant, its unit price in `currency` as typed in; NULL
    without one, and then perhaps to be converted (catalog.market.converted_prices).
    """
    prices = Price.objects.filter(variant_id=OuterRef(variant), currency=currency)
    return Subquery(prices.values("amount_minor"))


def available_units(*, variant_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """This will return (SKU, units nobody was promised) by variant row id, in one query."""
    found = Variant.objects.filter(id_in("id", variant_ids)).annotate(available=AVAILABLE)
    return {pk: (sku, available or 0) for pk, sku, available in found.values_list("id", "sku", "available")}


def find_products(*, channel_id: int, slugs: Iterable[str]) -> dict[str, Product]:
    """This will return the channel's products by slug, in one query; an unknown slug is absent from the answer."""
    return {each.slug: each for each in Product.objects.filter(text_in("slug", slugs), channel_id=channel_id)}


def find_categories(*, channel_id: int, slugs: Iterable[str]) -> dict[str, Category]:
    """This will return the channel's categories by slug, in one query; an unknown slug is absent from the answer."""
    found = Category.objects.filter(text_in("slug", slugs), channel_id=channel_id)
    return {category.slug: category for category in found}


def pictures_by_path(*, channel_id: int, paths: Iterable[str]) -> dict[str, list[Picture]]:
    """This will return the channel's pictures by path, in one query; several products may show the same file."""
    found: dict[str, list[Picture]] = defaultdict(list)
    for picture in Picture.objects.filter(text_in("path", paths), product__channel_id=channel_id).order_by("id"):
        found[picture.path].append(picture)
    return found


def lock_latest_reservation(owner_id: str) -> Reservation | None:
    """This will return the owner's newest reservation, locked until the transaction ends, or None."""
    newest = _latest_reservation(owner_id)
    return newest[0] if newest else None


@written
def _latest_reservation(owner_id: str) -> QuerySet[Reservation]:
    return Reservation.objects.select_for_update().filter(owner_id=owner_id).order_by("-id")[:1]


def lock_capped_reservations(*, now: datetime, limit: int) -> list[Reservation]:
    """This will return held reservations whose cap has come, locked; those another process has in hand are left out."""
    due = Reservation.objects.filter(status=Reservation.Status.HELD, cap_at__lte=now).order_by("cap_at")
    return list(due.select_for_update(skip_locked=True)[:limit])


def reserved_units(reservation: Reservation) -> dict[int, int]:
    """This will return the units a reservation keeps or kept, by variant row id."""
    lines = ReservationLine.objects.filter(reservation=reservation).order_by("id")
    return dict(lines.values_list("stock__variant_id", "quantity"))


def units_kept(owner_ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """This will return the units that are held for these orders and not sold, by order and SKU, in one query."""
    lines = ReservationLine.objects.filter(
        text_in("reservation__owner_id", owner_ids), reservation__status=Reservation.Status.HELD
    )
    kept: dict[str, dict[str, int]] = defaultdict(dict)
    for owner_id, sku, quantity in lines.values_list("reservation__owner_id", "stock__variant__sku", "quantity"):
        kept[owner_id][sku] = quantity
    return dict(kept)


def _variants_for_pricing(
    channel_id: int,
    currency: str,
    quantities: Mapping[int, int],
    locales: Sequence[str],
    exchange: ExchangeRate | None,
) -> Iterable[Mapping[str, Any]]:
    rows = Variant.objects.filter(id_in("id", quantities), channel_id=channel_id)
    return rows.annotate(
        **translations("", locales=locales),
        **translations("product", locales=locales),
        shown_name=words("name", locales=locales),
        shown_product_name=words("name", thing="product", locales=locales),
        price=FilteredRelation("prices", condition=Q(prices__currency=currency)),
        **_base_price(exchange),
        unit_price_minor=F("price__amount_minor"),
        available=AVAILABLE,
        tax_category=F("product__tax_category"),
        is_published=F("product__is_published"),
        product_archived_at=F("product__archived_at"),
    ).values(
        "id", "public_id", "sku", "shown_name", "is_physical", "archived_at", "shown_product_name", "tax_category",
        "is_published", "product_archived_at", "unit_price_minor", "base_price_minor", "available", "weight_grams",
    )  # fmt: skip


def _base_price(exchange: ExchangeRate | None) -> dict[str, Any]:
    if exchange is None:
        return {"base_price_minor": Value(None, output_field=BigIntegerField())}
    return {
        "base_price": FilteredRelation("prices", condition=Q(prices__currency=exchange.base_currency)),
        "base_price_minor": F("base_price__amount_minor"),
    }


def _reason_not_for_sale(row: Mapping[str, Any]) -> NotForSaleReason | None:
    if row["archived_at"] is not None or row["product_archived_at"] is not None:
        return NotForSaleReason.ARCHIVED
    if not row["is_published"]:
        return NotForSaleReason.UNPUBLISHED
    if row["unit_price_minor"] is None:
        return NotForSaleReason.UNPRICED
    return None


def _priced_line(row: Mapping[str, Any]) -> PricedLine:
    return PricedLine(
        sku=row["sku"],
        variant_id=row["public_id"],
        product_name=row["shown_product_name"],
        variant_name=row["shown_name"],
        is_physical=row["is_physical"],
        tax_category=row["tax_category"],
        quantity=row["quantity"],
        unit_price_minor=row["unit_price_minor"],
        available=row["available"] or 0,
        entered_unit_price_minor=row["entered_unit_price_minor"],
        weight_grams=row["weight_grams"],
    )


def _converted_price(
    base_price_minor: int | None, currency: str, exchange: ExchangeRate, mode: RoundingMode
) -> dict[str, int]:
    if base_price_minor is None:
        return {}
    base = exchange.base_currency
    price_minor = converted(base_price_minor, base_currency=base, currency=currency, rate=exchange.rate, mode=mode)
    return {"unit_price_minor": price_minor, "entered_unit_price_minor": base_price_minor}
