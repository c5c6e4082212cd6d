"""Carts: quantities are set, never added, so that a repeated request is harmless; locked once they became an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from catalog.selectors import find_variants
from checkout.models import Cart, CartLine
from checkout.selectors import lock_cart
from core import policies
from core.db import transaction_required
from core.errors import DomainError, Invalid
from core.ids import new_public_id
from core.models import SalesChannel
from core.principal import Principal


class CartCheckedOut(DomainError):
    """The cart became an order; to change something, cancel the order and copy the cart."""

    code = "cart_checked_out"
    title = "This cart has become an order and can no longer be changed. Cancel the order and copy the cart instead."


class VariantsUnknown(Invalid):
    """Some SKUs are not sold here."""

    code = "unknown_sku"
    title = "Some of these articles are not sold here. The cart was not changed."


class TooManyLines(Invalid):
    """More lines or units than a cart takes."""

    code = "cart_too_large"
    title = "A cart takes at most 2,000 lines of 1,000,000 units each."


class CurrencyNotSold(Invalid):
    """The shop does not sell in this currency, or not to this country."""

    code = "not_sold_there"
    title = "This shop does not sell in this currency or to this country."


@dataclass(frozen=True, slots=True)
class NewCart:
    """What a client may choose about a cart. `country_label` keeps a caller's own name of the country."""

    currency: str
    country: str
    country_label: str = ""
    bucket_id: str = ""


@transaction_required
def create_cart(new: NewCart, *, channel: SalesChannel, principal: Principal, now: datetime) -> Cart:
    """This will insert an empty cart for a customer, a service or a guest. Raises: CurrencyNotSold."""
    if new.currency not in channel.currencies or new.country not in channel.countries:
        raise CurrencyNotSold(currency=new.currency, country=new.country)
    cart = Cart(
        public_id=new_public_id("cart"),
        channel=channel,
        customer_id=principal.customer_id,
        service_name=principal.id if principal.kind == "service" else "",
        currency=new.currency,
        country=new.country,
        country_label=new.country_label or new.country,
        bucket_id=new.bucket_id or new_public_id("bkt"),
        created_at=now,
        changed_at=now,
    )
    cart.save(force_insert=True)
    return cart


@transaction_required
def set_lines(cart_id: str, *, units: Mapping[str, int], now: datetime) -> Cart:
    """This will make the cart hold exactly these units by SKU, in the mapping's order, in a fixed number of statements.

    Raises: NoSuchCart, CartCheckedOut, VariantsUnknown, TooManyLines.
    """
    cart = _open_cart(cart_id)
    _check_size(units)
    variants = find_variants(channel_id=cart.channel_id, skus=units)
    missing = [sku for sku in units if sku not in variants]
    if missing:
        raise VariantsUnknown(skus=missing[:50])
    CartLine.objects.filter(cart=cart)._raw_delete(using="default")  # noqa: SLF001 - one statement, nothing cascades
    CartLine.objects.bulk_create(
        CartLine(cart=cart, variant=variants[sku], quantity=quantity, position=position)
        for position, (sku, quantity) in enumerate(units.items(), start=1)
    )
    return _touch(cart, now=now)


@transaction_required
def set_line(cart_id: str, *, sku: str, quantity: int, now: datetime) -> Cart:
    """This will set the units of one SKU; 0 removes the line. Raises: as set_lines."""
    cart = _open_cart(cart_id)
    if quantity == 0:
        CartLine.objects.filter(cart=cart, variant__sku=sku, variant__channel_id=cart.channel_id).delete()
        return _touch(cart, now=now)
    _check_size({sku: quantity})
    variant = find_variants(channel_id=cart.channel_id, skus=[sku]).get(sku)
    if variant is None:
        raise VariantsUnknown(skus=[sku])
    lines = CartLine.objects.filter(cart=cart)
    if not lines.filter(variant=variant).update(quantity=quantity):
        count = lines.count()
        if count >= policies.current("carts")["lines_max"]:
            raise TooManyLines
        CartLine.objects.create(cart=cart, variant=variant, quantity=quantity, position=count + 1)
    return _touch(cart, now=now)


@transaction_required
def copy_cart(source: Cart, *, principal: Principal, now: datetime) -> Cart:
    """This will insert a new open cart with the lines of another, for ordering again or after a cancellation."""
    new = NewCart(
        currency=source.currency,
        country=source.country,
        country_label=source.country_label,
        bucket_id=source.bucket_id,
    )
    cart = create_cart(new, channel=source.channel, principal=principal, now=now)
    CartLine.objects.bulk_create(
        CartLine(cart=cart, variant_id=line.variant_id, quantity=line.quantity, position=line.position)
        for line in CartLine.objects.filter(cart=source).order_by("position")
    )
    return cart


@transaction_required
def archive_cart(cart_id: str, *, now: datetime) -> None:
    """This will put an open cart away. Raises: NoSuchCart, CartCheckedOut."""
    cart = _open_cart(cart_id)
    cart.archived_at = now
    cart.save(update_fields=["archived_at"])


def _open_cart(cart_id: str) -> Cart:
    cart = lock_cart(cart_id)
    if cart.order_public_id:
        raise CartCheckedOut(order_id=cart.order_public_id)
    return cart


def _check_size(units: Mapping[str, int]) -> None:
    policy = policies.current("carts")
    if len(units) > policy["lines_max"] or any(not 1 <= count <= policy["units_max"] for count in units.values()):
        raise TooManyLines


def _touch(cart: Cart, *, now: datetime) -> Cart:
    cart.changed_at = now
    cart.save(update_fields=["changed_at"])
    return cart
