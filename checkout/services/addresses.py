"""Where a cart goes and where its bill goes: taxes and shipping follow, and the order takes both along."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from accounts.addresses import (
    ADDRESS_FIELDS,
    PostalAddress,
    address_of,
    as_json,
    normalised,
    prefixed,
    require_complete,
)
from checkout.models import Cart, CartAddress
from checkout.selectors import addresses_of
from checkout.services.carts import CurrencyNotSold, lock_open_cart, touch
from core.db import transaction_required
from orders.services import ContactDetails

SHIPPING, BILLING = CartAddress.Purpose.SHIPPING, CartAddress.Purpose.BILLING


@transaction_required
def set_addresses(cart_id: str, *, shipping: PostalAddress, billing: PostalAddress | None, now: datetime) -> Cart:
    """This will make these the cart's addresses, in their countries' form; without `billing` the bill goes along.

    A shipping address in another country takes the cart there. Needs its caller's transaction.
    Raises: NoSuchCart, CartCheckedOut, AddressInvalid, PhoneInvalid, CurrencyNotSold where the shop does not sell.
    """
    cart = lock_open_cart(cart_id)
    written: dict[str, PostalAddress] = {SHIPPING: prefixed("shipping", lambda: require_complete(normalised(shipping)))}
    if billing is not None:
        written[BILLING] = prefixed("billing", lambda: require_complete(normalised(billing)))
    _send_to(cart, country=written[SHIPPING].country)
    _store(cart, written, now=now)
    if billing is None:
        CartAddress.objects.filter(cart=cart, purpose=BILLING).delete()
    return touch(cart, now=now)


@transaction_required
def take_contact(cart: Cart, contact: ContactDetails, *, now: datetime) -> ContactDetails:
    """This will return whom to reach about an order of the locked cart, its addresses included.

    An address that came with the contact becomes the cart's: quotes must follow it. Needs its caller's transaction.
    Raises: AddressInvalid, PhoneInvalid, CurrencyNotSold.
    """
    if contact.address:
        typed = address_of({"country": cart.country, **contact.address})
        given = prefixed("contact.address", lambda: normalised(typed))
        _send_to(cart, country=given.country)
        cart.save(update_fields=["country", "country_label"])
        _store(cart, {SHIPPING: given}, now=now)
    stored = addresses_of(cart)
    shipping, billing = stored.get(SHIPPING), stored.get(BILLING)
    return replace(
        contact,
        name=contact.name or (shipping.name if shipping else ""),
        phone=contact.phone or (shipping.phone if shipping else ""),
        address=_filled(shipping),
        billing_address=_filled(billing),
    )


def move_addresses(source: Cart, target: Cart, *, now: datetime) -> None:
    """This will give `target` the addresses of `source` if it has none and goes to the same country, and forget them
    there.
    """
    stored = addresses_of(source)
    if stored and source.country == target.country and not addresses_of(target):
        _store(target, stored, now=now)
    forget_addresses(source)


def forget_addresses(cart: Cart) -> None:
    """This will erase the cart's addresses: a cart that was put away goes nowhere."""
    CartAddress.objects.filter(cart=cart).delete()


def _send_to(cart: Cart, *, country: str) -> None:
    if country == cart.country:
        return
    if country not in cart.channel.countries:
        raise CurrencyNotSold(currency=cart.currency, country=country)
    cart.country = cart.country_label = country


def _store(cart: Cart, addresses: Mapping[str, PostalAddress], *, now: datetime) -> None:
    CartAddress.objects.bulk_create(
        [
            CartAddress(cart=cart, purpose=purpose, changed_at=now, **as_json(address))
            for purpose, address in sorted(addresses.items())
        ],
        update_conflicts=True,
        unique_fields=["cart", "purpose"],
        update_fields=[*ADDRESS_FIELDS, "changed_at"],
    )


def _filled(address: PostalAddress | None) -> dict[str, Any]:
    return {name: text for name, text in as_json(address).items() if text} if address else {}
