"""Carts: quantities are set, never added, so that a repeated request is harmless; locked once they became an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from catalog.market import converted_prices
from catalog.selectors import find_variants, present_price
from checkout.models import Cart, CartAddress, CartCoupon, CartLine
from checkout.selectors import lock_cart, open_carts_of
from core import policies
from core.db import transaction_required
from core.errors import DomainError, Invalid
from core.ids import new_public_id
from core.models import SalesChannel
from core.principal import Principal

COUPONS_MAX = 5


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
    _refuse_unsold(channel, currency=new.currency, country=new.country)
    cart = Cart(
        public_id=new_public_id("cart"),
        channel=channel,
        customer_id=principal.customer_id,
        service_name=principal.id if principal.kind == "service" else "",
        currency=new.currency,
        country=new.country,
        country_label=new.country_label or new.country,
        bucket_id=new.bucket_id or _bucket_of(principal) or new_public_id("bkt"),
        created_at=now,
        changed_at=now,
    )
    cart.save(force_insert=True)
    if principal.customer_id is not None:
        _put_away_stale(principal.customer_id, now=now)
    return cart


@transaction_required
def set_lines(cart_id: str, *, units: Mapping[str, int], now: datetime) -> Cart:
    """This will make the cart hold exactly these units by SKU, in the mapping's order, in a fixed number of statements.

    Raises: NoSuchCart, CartCheckedOut, VariantsUnknown, TooManyLines.
    """
    cart = lock_open_cart(cart_id)
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
    _note_prices(cart, skus=None)
    return touch(cart, now=now)


@transaction_required
def set_line(cart_id: str, *, sku: str, quantity: int, now: datetime) -> Cart:
    """This will set the units of one SKU; 0 removes the line. Raises: as set_lines."""
    cart = lock_open_cart(cart_id)
    if quantity == 0:
        CartLine.objects.filter(cart=cart, variant__sku=sku, variant__channel_id=cart.channel_id).delete()
        return touch(cart, now=now)
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
    _note_prices(cart, skus=[sku])
    return touch(cart, now=now)


@transaction_required
def change_cart(cart_id: str, *, currency: str, country: str, now: datetime) -> Cart:
    """This will sell the cart in another currency or to another country, "" leaving one as it is.

    Addresses elsewhere are forgotten. Needs its caller's transaction. Raises: NoSuchCart, CartCheckedOut,
    CurrencyNotSold.
    """
    cart = lock_open_cart(cart_id)
    _refuse_unsold(cart.channel, currency=currency or cart.currency, country=country or cart.country)
    if country and country != cart.country:
        cart.country = cart.country_label = country
        CartAddress.objects.filter(cart=cart).exclude(country=country).delete()
    if currency and currency != cart.currency:
        cart.currency = currency
        _note_prices(cart, skus=None)
    return touch(cart, now=now)


@transaction_required
def copy_cart(source: Cart, *, principal: Principal, now: datetime) -> Cart:
    """This will insert an open cart with the lines, codes and way of shipping of another, to order again or after a
    cancellation. A way that is not offered any more counts for nothing: the cheapest does.
    """
    new = NewCart(
        currency=source.currency,
        country=source.country,
        country_label=source.country_label,
        bucket_id=source.bucket_id,
    )
    cart = create_cart(new, channel=source.channel, principal=principal, now=now)
    if source.shipping_method_code:
        cart.shipping_method_code = source.shipping_method_code
        cart.save(update_fields=["shipping_method_code"])
    CartLine.objects.bulk_create(
        CartLine(
            cart=cart,
            variant_id=line.variant_id,
            quantity=line.quantity,
            position=line.position,
            # What it cost then: a price that has changed since is said, not slipped in.
            seen_unit_price_minor=line.seen_unit_price_minor,
        )
        for line in CartLine.objects.filter(cart=source).order_by("position")
    )
    copy_coupons(source, cart, now=now)
    return cart


@transaction_required
def copy_coupons(source: Cart, target: Cart, *, now: datetime) -> None:
    """This will enter the codes of one cart into another as well, as far as there is room; each quote sees anew
    whether they apply.
    """
    kept = set(CartCoupon.objects.filter(cart=target).values_list("coupon_id", flat=True))
    entered = CartCoupon.objects.filter(cart=source).order_by("id").values_list("coupon_id", flat=True)
    added = [coupon_id for coupon_id in entered if coupon_id not in kept][: COUPONS_MAX - len(kept)]
    CartCoupon.objects.bulk_create(CartCoupon(cart=target, coupon_id=coupon_id, added_at=now) for coupon_id in added)


@transaction_required
def archive_cart(cart_id: str, *, now: datetime) -> None:
    """This will put an open cart away. Raises: NoSuchCart, CartCheckedOut."""
    cart = lock_open_cart(cart_id)
    cart.archived_at = now
    cart.save(update_fields=["archived_at"])
    CartAddress.objects.filter(cart=cart).delete()


def lock_open_cart(cart_id: str) -> Cart:
    """This will return the cart, locked, if it can still be changed. Raises: NoSuchCart, CartCheckedOut."""
    cart = lock_cart(cart_id)
    if cart.order_public_id:
        raise CartCheckedOut(order_id=cart.order_public_id)
    return cart


@transaction_required
def open_again(cart: Cart) -> None:
    """This will give a locked cart back to its owner, as it is: the order made of it was never payable."""
    cart.order_public_id, cart.checked_out_at = "", None
    cart.save(update_fields=["order_public_id", "checked_out_at"])


def _refuse_unsold(channel: SalesChannel, *, currency: str, country: str) -> None:
    if currency not in channel.currencies or country not in channel.countries:
        raise CurrencyNotSold(currency=currency, country=country)


def _bucket_of(principal: Principal) -> str:
    """A customer keeps the bucket of the cart they used last, so that exposure does not change between two of them."""
    if principal.customer_id is None:
        return ""
    return open_carts_of(principal.customer_id).values_list("bucket_id", flat=True).first() or ""


def _put_away_stale(customer_id: int, *, now: datetime) -> None:
    """A customer keeps so many open carts; there is always room for a new one, at the cost of the one used least."""
    kept = policies.current("carts")["open_max"]
    stale = list(open_carts_of(customer_id).values_list("pk", flat=True)[kept : kept + 100])
    if stale:
        Cart.objects.filter(pk__in=stale, order_public_id="").update(archived_at=now)
        CartAddress.objects.filter(cart_id__in=stale, cart__archived_at=now).delete()


def _note_prices(cart: Cart, *, skus: list[str] | None) -> None:
    """Keep what the customer is shown with this answer: a later price, or a later exchange rate, is then a change."""
    lines = CartLine.objects.filter(cart=cart)
    if skus is not None:
        lines = lines.filter(variant__sku__in=skus)
    lines.update(seen_unit_price_minor=present_price(currency=cart.currency))
    if cart.currency == cart.channel.default_currency:
        return
    # Only prices in the shop's own currency are converted, so nothing typed in there is ever looked for.
    untyped = list(lines.filter(seen_unit_price_minor=None))
    worked_out = converted_prices(variant_ids=[line.variant_id for line in untyped], currency=cart.currency)
    for line in untyped:
        line.seen_unit_price_minor = worked_out.get(line.variant_id)
    CartLine.objects.bulk_update(untyped, ["seen_unit_price_minor"])


def _check_size(units: Mapping[str, int]) -> None:
    policy = policies.current("carts")
    if len(units) > policy["lines_max"] or any(not 1 <= count <= policy["units_max"] for count in units.values()):
        raise TooManyLines


def touch(cart: Cart, *, now: datetime) -> Cart:
    """This will store when the cart changed, and where it goes."""
    cart.changed_at = now
    cart.save(update_fields=["changed_at", "currency", "country", "country_label"])
    return cart
