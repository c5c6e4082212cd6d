"""Reads of carts, and their lock (after the idempotency key's, before the order's)."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import AccessToken
from accounts.selectors import check_token
from catalog import selectors as catalog
from catalog.pricing import Quote, QuoteRequest, TaxEntry, quote, untaxed
from checkout.models import Cart, CartAddress, CartLine
from core.errors import NotFound
from core.principal import Principal
from orders.models import Order
from orders.selectors import NoSuchOrder, find_order


class NoSuchCart(NotFound):
    """Absent and foreign look the same."""

    code = "no_such_cart"
    title = "There is no such cart."


def find_cart(public_id: str) -> Cart:
    """This will return the cart with its channel. Raises: NoSuchCart."""
    cart = Cart.objects.select_related("channel", "customer").filter(public_id=public_id, archived_at=None).first()
    if cart is None:
        raise NoSuchCart
    return cart


def lock_cart(public_id: str) -> Cart:
    """This will return the cart locked until the transaction ends. Raises: NoSuchCart."""
    rows = Cart.objects.select_for_update(of=("self",)).select_related("channel")
    cart = rows.filter(public_id=public_id, archived_at=None).first()
    if cart is None:
        raise NoSuchCart
    return cart


def may_use_cart(cart: Cart, *, principal: Principal, token: str, now: datetime) -> bool:
    """This will tell whether who asks may see and change the cart: its customer, its service, or the bearer of its
    token.

    A cart that belongs to a customer is theirs alone, whoever still holds the guest's token.
    """
    if cart.customer_id is not None:
        return principal.customer_id == cart.customer_id
    if cart.service_name:
        return principal.kind == "service" and principal.id == cart.service_name
    return bool(token) and check_token(token, subject_id=cart.public_id, purpose=AccessToken.Purpose.CART, now=now)


def order_for(
    public_id: str, *, principal: Principal, token: str, purpose: AccessToken.Purpose, now: datetime
) -> Order:
    """This will return the order if who asks may have it for this purpose. Raises: NoSuchOrder, also for strangers."""
    order = find_order(public_id)
    if order.customer_id is not None and principal.customer_id == order.customer_id:
        return order
    if token and check_token(token, subject_id=public_id, purpose=purpose, now=now):
        return order
    if principal.kind == "service" and Cart.objects.filter(public_id=order.cart_id, service_name=principal.id).exists():
        return order
    raise NoSuchOrder


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a cart goes, as far as taxes and shipping ask. `region` is the country's own code where it has codes."""

    country: str
    region: str = ""
    postcode: str = ""


def destination_of(cart: Cart) -> Destination:
    """This will return where the cart goes: its shipping address, else its country alone; one query."""
    shipping = CartAddress.objects.filter(cart=cart, purpose=CartAddress.Purpose.SHIPPING, country=cart.country)
    found = shipping.values_list("region", "postcode").first()
    return Destination(cart.country, *found) if found else Destination(cart.country)


def quantities_of(cart: Cart) -> dict[int, int]:
    """This will return the cart's units by variant row id, in the cart's order."""
    return dict(CartLine.objects.filter(cart=cart).order_by("position", "id").values_list("variant_id", "quantity"))


def quote_cart(cart: Cart, *, quantities: dict[int, int]) -> Quote:
    """This will price the cart with one query, whatever its length. Raises: InvalidQuoteRequest for an empty one."""
    found = catalog.priced_lines(channel_id=cart.channel_id, currency=cart.currency, quantities=quantities)
    return quote(
        QuoteRequest(
            currency=cart.currency,
            tax_entry=TaxEntry(cart.channel.tax_entry),
            lines=found.lines,
            tax_rules=untaxed(region=cart.country, categories=[line.tax_category for line in found.lines]),
            not_for_sale=found.not_for_sale,
        )
    )
