"""Shipping zones with their places, methods and price tables, and fees; what was is put away, not changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from catalog import pricing
from catalog.market import place_key
from catalog.models import Fee, ShippingArea, ShippingMethod, ShippingPrice, ShippingZone
from core.db import constraint_errors, transaction_required
from core.errors import Invalid, NotFound
from core.models import SalesChannel
from core.money import AMOUNT_MAX, exponent, is_payable, payable_step


class InvalidShipping(Invalid):
    """A zone, a method or a price table cannot be stored."""

    code = "invalid_shipping"
    title = "This way of shipping cannot be stored."


class ShippingCodeTaken(Invalid):
    """The shop has a zone, or the zone a method, of this code."""

    code = "shipping_code_taken"
    title = "This code is taken."


class AreaTaken(Invalid):
    """A place is in another zone already."""

    code = "shipping_area_taken"
    title = "A place is in one zone only."


class InvalidFee(Invalid):
    """The fee cannot be stored."""

    code = "invalid_fee"
    title = "The fee cannot be stored."


@dataclass(frozen=True, slots=True)
class NewArea:
    """A place: a country, or a part of it."""

    country: str
    region: str = ""
    postcode_prefix: str = ""


@dataclass(frozen=True, slots=True)
class PriceStep:
    """A row of a price table: what it costs from this weight and this value of goods on."""

    currency: str
    price_minor: int
    weight_from_grams: int = 0
    value_from_minor: int = 0


@dataclass(frozen=True, slots=True)
class NewMethod:
    """A way to ship, with its price table."""

    code: str
    name: str
    prices: Sequence[PriceStep]
    days_min: int
    days_max: int
    description: str = ""
    tax_category: str = "standard"
    weight_max_grams: int | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class NewZone:
    """Places and the ways to ship there."""

    code: str
    name: str
    areas: Sequence[NewArea]
    methods: Sequence[NewMethod] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class NewFee:
    """A fee in one currency: an amount and a fraction of the goods, perhaps below a value of goods only."""

    code: str
    name: str
    currency: str
    amount_minor: int = 0
    rate: Decimal = Decimal(0)
    tax_category: str = "standard"
    below_value_minor: int | None = None
    is_for_shipped_goods: bool = True


@transaction_required
def create_shipping_zone(*, channel: SalesChannel, zone: NewZone, now: datetime) -> ShippingZone:
    """This will store a zone with its places and methods. Needs its caller's transaction.

    Raises: InvalidShipping, ShippingCodeTaken, AreaTaken, UnknownCurrency.
    """
    with constraint_errors({"catalog_shipping_zone_code_unique": ShippingCodeTaken}):
        stored = ShippingZone.objects.create(channel=channel, code=zone.code, name=zone.name, created_at=now)
    set_zone_areas(zone=stored, areas=zone.areas)
    for method in zone.methods:
        add_shipping_method(zone=stored, method=method, now=now)
    return stored


@transaction_required
def set_zone_areas(*, zone: ShippingZone, areas: Sequence[NewArea]) -> None:
    """This will make these the zone's places, in place of those before. Orders are untouched: they have their snapshot.

    Needs its caller's transaction. Raises: InvalidShipping, AreaTaken.
    """
    if not areas:
        raise InvalidShipping(detail="A zone needs a place.")
    if any(len(area.country) != 2 or not area.country.isupper() for area in areas):
        raise InvalidShipping(detail="A place needs a country of two capital letters.")
    ShippingArea.objects.filter(zone=zone).delete()
    with constraint_errors({"catalog_shipping_area_unique": AreaTaken}):
        ShippingArea.objects.bulk_create(
            ShippingArea(
                channel_id=zone.channel_id,
                zone=zone,
                country=area.country,
                region=area.region.strip().upper(),
                postcode_prefix=place_key(area.postcode_prefix),
            )
            for area in areas
        )


@transaction_required
def add_shipping_method(*, zone: ShippingZone, method: NewMethod, now: datetime) -> ShippingMethod:
    """This will store a method with its price table. Needs its caller's transaction.

    Raises: InvalidShipping, ShippingCodeTaken, UnknownCurrency.
    """
    if not method.code or not method.name or not 0 <= method.days_min <= method.days_max:
        raise InvalidShipping(
            detail="A method needs a code, a name, and days that are not fewer at most than at least."
        )
    with constraint_errors({"catalog_shipping_method_code_unique": ShippingCodeTaken}):
        stored = ShippingMethod.objects.create(
            zone=zone,
            code=method.code,
            name=method.name,
            description=method.description,
            tax_category=method.tax_category,
            days_min=method.days_min,
            days_max=method.days_max,
            weight_max_grams=method.weight_max_grams,
            position=method.position,
            created_at=now,
        )
    set_shipping_prices(method=stored, prices=method.prices)
    return stored


@transaction_required
def set_shipping_prices(*, method: ShippingMethod, prices: Sequence[PriceStep]) -> None:
    """This will replace a method's price table. Orders are untouched: they have their snapshot.

    Needs its caller's transaction. Raises: InvalidShipping, UnknownCurrency.
    """
    steps = {(step.currency, step.value_from_minor, step.weight_from_grams) for step in prices}
    if not prices or len(steps) != len(prices):
        raise InvalidShipping(detail="A price table needs a price, and one price for a step.")
    for step in prices:
        exponent(step.currency)
        amounts = (step.price_minor, step.value_from_minor, step.weight_from_grams)
        if any(not 0 <= amount <= AMOUNT_MAX for amount in amounts):
            raise InvalidShipping(detail="A price, value or weight is negative or too large.")
        if not is_payable(step.price_minor, step.currency):
            raise InvalidShipping(
                detail=f"Prices in {step.currency} are multiples of {payable_step(step.currency)} minor units."
            )
    ShippingPrice.objects.filter(method=method).delete()
    ShippingPrice.objects.bulk_create(
        ShippingPrice(
            method=method,
            currency=step.currency,
            weight_from_grams=step.weight_from_grams,
            value_from_minor=step.value_from_minor,
            price_minor=step.price_minor,
        )
        for step in prices
    )


@transaction_required
def archive_shipping_method(*, method: ShippingMethod, now: datetime) -> None:
    """This will offer the method to nobody any more. Needs its caller's transaction. Raises: NotFound."""
    if not ShippingMethod.objects.filter(pk=method.pk, archived_at=None).update(archived_at=now):
        raise NotFound


@transaction_required
def set_fee(*, channel: SalesChannel, fee: NewFee, zone: ShippingZone | None = None, now: datetime) -> Fee:
    """This will charge the fee from now on, in the zone alone if one is given, in the place of the one before it.

    Needs its caller's transaction. Raises: InvalidFee, UnknownCurrency.
    """
    exponent(fee.currency)
    try:
        pricing.Fee(fee.code, fee.name, fee.tax_category, fee.amount_minor, fee.rate)
    except ValueError as error:
        raise InvalidFee(detail=str(error)) from error
    if not fee.code or not fee.name or not 0 <= fee.amount_minor <= AMOUNT_MAX:
        raise InvalidFee(detail="A fee needs a code, a name and an amount that is not negative.")
    if not is_payable(fee.amount_minor, fee.currency):
        raise InvalidFee(detail=f"Fees in {fee.currency} are multiples of {payable_step(fee.currency)} minor units.")
    drop_fee(channel=channel, code=fee.code, currency=fee.currency, zone=zone, now=now)
    return Fee.objects.create(
        channel=channel,
        zone=zone,
        code=fee.code,
        name=fee.name,
        tax_category=fee.tax_category,
        currency=fee.currency,
        amount_minor=fee.amount_minor,
        rate=fee.rate,
        below_value_minor=fee.below_value_minor,
        is_for_shipped_goods=fee.is_for_shipped_goods,
        created_at=now,
    )


@transaction_required
def drop_fee(
    *, channel: SalesChannel, code: str, currency: str, zone: ShippingZone | None = None, now: datetime
) -> None:
    """This will charge the fee no more. Needs its caller's transaction."""
    live = Fee.objects.filter(channel=channel, code=code, currency=currency, zone=zone, archived_at=None)
    live.update(archived_at=now)
