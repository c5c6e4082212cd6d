"""Reads of carts, and their lock (after the idempotency key's, before the order's)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from accounts.addresses import ADDRESS_FIELDS, PostalAddress
from accounts.models import AccessToken
from accounts.selectors import check_token, subject_of
from accounts.tax_ids import accounts_for_tax
from catalog import selectors as catalog
from catalog.coupons import is_using_elsewhere, terms_of
from catalog.market import Place, ShippingOption, read_market
from catalog.models import Coupon
from catalog.pricing import NoShippingMethod, Quote, QuoteRequest, TaxEntry, quote
from catalog.pricing.coupons import Buyer, CouponQuote, quote_with_coupons
from checkout.models import Cart, CartAddress, CartCoupon, CartLine
from core.errors import NotFound
from core.locales import text_locales
from core.money import RoundingMode, RoundingScope
from core.principal import Principal
from core.written import only_or, written
from orders.models import Order
from orders.selectors import NoSuchOrder, find_order, has_bought, waiting_orders


class NoSuchCart(NotFound):
    """Absent and foreign look the same."""

    code = "no_such_cart"
    title = "There is no such cart."


def find_cart(public_id: str) -> Cart:
    """This will return the cart with its channel. Raises: NoSuchCart."""
    return only_or(NoSuchCart, _cart_known_as(public_id))


@written
def _cart_known_as(public_id: str) -> QuerySet[Cart]:
    return Cart.objects.select_related("channel", "customer").filter(public_id=public_id, archived_at=None)


def lock_cart(public_id: str) -> Cart:
    """This will return the cart locked until the transaction ends. Raises: NoSuchCart."""
    return only_or(NoSuchCart, _cart_to_lock(public_id))


@written
def _cart_to_lock(public_id: str) -> QuerySet[Cart]:
    rows = Cart.objects.select_for_update(of=("self",)).select_related("channel")
    return rows.filter(public_id=public_id, archived_at=None)


def lock_carts_to_merge(public_id: str, *, customer_id: int) -> tuple[Cart, Cart | None]:
    """This will return a cart and the customer's other open cart they used last, if any, both locked in one order.

    The customer is locked already, so which cart that is changes only by checking out or putting away.
    Raises: NoSuchCart.
    """
    other = open_carts_of(customer_id).exclude(public_id=public_id).values_list("pk", flat=True).first()
    rows = Cart.objects.select_for_update(of=("self",)).select_related("channel").filter(archived_at=None)
    locked = {cart.pk: cart for cart in rows.filter(Q(public_id=public_id) | Q(pk=other)).order_by("pk")}
    found = next((cart for cart in locked.values() if cart.public_id == public_id), None)
    if found is None:
        raise NoSuchCart
    own = locked.get(other) if other is not None else None
    return found, own if own is not None and not own.order_public_id else None


def open_carts_of(customer_id: int) -> QuerySet[Cart]:
    """This will return the customer's carts that are neither checked out nor put away, the one used last first."""
    rows = Cart.objects.filter(customer_id=customer_id, order_public_id="", archived_at=None)
    return rows.order_by("-changed_at", "-pk")


def may_claim_cart(cart: Cart, *, principal: Principal, token: str, now: datetime) -> bool:
    """This will tell whether who asks may make the cart theirs: a customer who bears the guest's token, or whose it
    is already.
    """
    if principal.customer_id is None or cart.service_name:
        return False
    if cart.customer_id is not None:
        return cart.customer_id == principal.customer_id
    return bool(token) and check_token(token, subject_id=cart.public_id, purpose=AccessToken.Purpose.CART, now=now)


def may_use_cart(cart: Cart, *, principal: Principal, token: str, now: datetime) -> bool:
    """This will tell whether who asks may see and change the cart: its customer, its service, or the bearer of its
    token.

    A cart that belongs to a customer is theirs alone, whoever still holds the guest's token; and who is signed in
    claims a guest's cart before using it.
    """
    if cart.customer_id is not None or principal.customer_id is not None:
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


def own_orders_keeping(missing: Mapping[str, int], *, principal: Principal, token: str, now: datetime) -> list[Order]:
    """This will return who asks' own unpaid orders that keep units of the SKUs that are `missing`, the oldest first;
    none where even all of theirs would not be enough.

    A customer is known by their account, everybody else by the token of an order alone.
    """
    if not missing or (principal.customer_id is None and not token):
        return []
    order_id = subject_of(token, purpose=AccessToken.Purpose.VIEW, now=now) if token else ""
    waiting = waiting_orders(customer_id=principal.customer_id, order_id=order_id)
    kept = catalog.units_kept([order.public_id for order in waiting])
    for sku, units in missing.items():
        if sum(theirs.get(sku, 0) for theirs in kept.values()) < units:
            return []
    return [order for order in waiting if missing.keys() & kept.get(order.public_id, {}).keys()]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a cart goes and who is billed, as far as taxes and shipping ask. `region` is the country's own code where
    it has codes, `tax_id` the number of the business that the bill goes to, "" for everybody else.
    """

    country: str
    region: str = ""
    postcode: str = ""
    tax_id: str = ""


def destination_of(cart: Cart) -> Destination:
    """This will return where the cart goes: its shipping address, else its country alone; one query.

    The buyer is whom the bill goes to: with a billing address its tax id counts or none, never the receiver's.
    """
    found = {purpose: Destination(*address) for purpose, *address in _places_of(cart.pk)}
    there = found.get(CartAddress.Purpose.SHIPPING)
    if there is None or there.country != cart.country:
        there = Destination(cart.country)
    billed = found.get(CartAddress.Purpose.BILLING, there)
    return replace(there, tax_id=billed.tax_id)


@written
def _places_of(cart_row_id: int) -> QuerySet[CartAddress, tuple[str, str, str, str, str]]:
    rows = CartAddress.objects.filter(cart_id=cart_row_id)
    return rows.values_list("purpose", "country", "region", "postcode", "tax_id")


def quantities_of(cart: Cart) -> dict[int, int]:
    """This will return the cart's units by variant row id, in the cart's order."""
    return dict(_units_of(cart.pk))


@written
def _units_of(cart_row_id: int) -> QuerySet[CartLine, tuple[int, int]]:
    rows = CartLine.objects.filter(cart_id=cart_row_id)
    return rows.order_by("position", "id").values_list("variant_id", "quantity")


def seen_prices_of(cart: Cart) -> dict[str, int]:
    """This will return the unit prices the customer was shown, by SKU, where any was."""
    return {sku: seen for sku, seen in _prices_seen(cart.pk) if seen is not None}


@written
def _prices_seen(cart_row_id: int) -> QuerySet[CartLine, tuple[str, int | None]]:
    rows = CartLine.objects.filter(cart_id=cart_row_id, seen_unit_price_minor__isnull=False)
    return rows.values_list("variant__sku", "seen_unit_price_minor")


def addresses_of(cart: Cart) -> dict[str, PostalAddress]:
    """This will return the cart's addresses by purpose, in one query."""
    return {purpose: PostalAddress(*address) for purpose, *address in _addresses_of(cart.pk)}


@written
def _addresses_of(cart_row_id: int) -> QuerySet[CartAddress, tuple[str, ...]]:
    return CartAddress.objects.filter(cart_id=cart_row_id).values_list("purpose", *ADDRESS_FIELDS)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the shop asks for a cart before any coupon, and the ways to send it, the cheapest first."""

    request: QuoteRequest
    shipping_options: tuple[ShippingOption, ...]
    destination: Destination


def offer_for(
    cart: Cart,
    *,
    quantities: dict[int, int],
    now: datetime,
    destination: Destination | None = None,
    locale: str = "",
) -> Offer:
    """This will read all that prices the cart but coupons, in two queries, whatever its length, and one for the
    destination if it is not given; names are in `locale`, else as typed in.

    Raises: TaxRuleMissing, UnknownCurrency.
    """
    channel, destination = cart.channel, destination or destination_of(cart)
    rounding_mode = RoundingMode(channel.rounding_mode)
    market = read_market(
        channel_id=channel.pk,
        currency=cart.currency,
        place=_place(destination, home_country=channel.home_country),
        on=now.astimezone(ZoneInfo(channel.time_zone)).date(),
        rounding_mode=rounding_mode,
    )
    found = catalog.priced_lines(
        channel_id=channel.pk,
        currency=cart.currency,
        quantities=quantities,
        locales=text_locales(locale or channel.default_locale, own=channel.default_locale),
        exchange=market.exchange,
        rounding_mode=rounding_mode,
    )
    # Before discounts: a coupon must not make shipping dearer.
    value_minor = sum(line.quantity * line.unit_price_minor for line in found.lines)
    carried = [line for line in found.lines if line.is_physical]
    weight_grams = sum(line.quantity * line.weight_grams for line in carried)
    options = market.shipping_options(weight_grams=weight_grams, value_minor=value_minor) if carried else ()
    fees = market.fees_on(value_minor=value_minor, is_shipped=bool(carried)) if found.lines else ()
    picked = _picked(options, code=cart.shipping_method_code)
    categories = {line.tax_category for line in found.lines} | {fee.tax_category for fee in fees}
    is_unreachable = bool(carried) and market.has_methods and picked is None
    request = QuoteRequest(
        currency=cart.currency,
        tax_entry=TaxEntry(channel.tax_entry),
        lines=found.lines,
        tax_rules=market.tax_rules(categories | ({picked.tax_category} if picked else set())),
        not_for_sale=found.not_for_sale,
        shipping=picked.as_charge() if picked else None,
        fees=fees,
        exchange_rate=market.exchange,
        advice=(NoShippingMethod(country=destination.country),) if is_unreachable else (),
        rounding_mode=rounding_mode,
        rounding_scope=RoundingScope(channel.rounding_scope),
    )
    return Offer(request=request, shipping_options=options, destination=destination)


def _place(destination: Destination, *, home_country: str) -> Place:
    is_taxed_by_buyer = accounts_for_tax(destination.tax_id, home_country=home_country, destination=destination.country)
    return Place(destination.country, destination.region, destination.postcode, is_taxed_by_buyer=is_taxed_by_buyer)


def quote_cart(
    cart: Cart,
    *,
    quantities: dict[int, int],
    now: datetime,
    destination: Destination | None = None,
    seen: Mapping[str, int] | None = None,
    locale: str = "",
    order_id: str = "",
) -> Quote:
    """This will price the cart with its coupons for whoever owns it, in one query more than offer_for without any;
    `seen` are the prices shown before, by SKU, whose change is a warning. The cart's own order `order_id` does not
    count against itself. Raises: TaxRuleMissing, AmountTooLarge.
    """
    request = offer_for(cart, quantities=quantities, now=now, destination=destination, locale=locale).request
    lines = tuple(replace(line, seen_unit_price_minor=(seen or {}).get(line.sku)) for line in request.lines)
    coupons = coupons_in(cart)
    shown = replace(request, lines=lines)
    buyer = buyer_of(cart, coupons, order_id=order_id)
    return price_offer(cart, shown, quantities=quantities, coupons=coupons, buyer=buyer, now=now).quote


def coupons_in(cart: Cart) -> list[Coupon]:
    """This will return the cart's coupons with their promotions, in the order they were entered; one query."""
    return [row.coupon for row in _coupons_entered(cart.pk)]


@written
def _coupons_entered(cart_row_id: int) -> QuerySet[CartCoupon]:
    return CartCoupon.objects.filter(cart_id=cart_row_id).select_related("coupon__promotion").order_by("id")


def buyer_of(
    cart: Cart,
    coupons: list[Coupon],
    *,
    customer_id: int | None = None,
    contact_digest: str = "",
    order_id: str = "",
) -> Buyer:
    """This will return whom the coupons' limits count: the cart's customer or the one given, and the address to reach
    them as far as it is known; `order_id` is the cart's own order. Asks for other orders only where a coupon does.
    """
    known_id = cart.customer_id or customer_id
    buyer = Buyer(customer_id=known_id, contact_digest=contact_digest, order_id=order_id)
    if not any(coupon.promotion.is_first_order_only for coupon in coupons):
        return buyer
    is_known = has_bought(channel_id=cart.channel_id, customer_id=known_id, contact_digest=contact_digest)
    return replace(buyer, has_bought=is_known or is_using_elsewhere(channel_id=cart.channel_id, buyer=buyer))


def price_offer(
    cart: Cart,
    request: QuoteRequest,
    *,
    quantities: dict[int, int],
    coupons: list[Coupon],
    buyer: Buyer,
    now: datetime,
) -> CouponQuote:
    """This will price what the shop asks for the cart with the coupons as they apply to this buyer, in no query where
    there are none, else in a number the cart's length does not change. Raises: TaxRuleMissing, AmountTooLarge.
    """
    if not coupons:
        return CouponQuote(quote=quote(request), applied=())
    terms = terms_of(
        coupons, currency=cart.currency, variant_ids=quantities, buyer=buyer, channel=cart.channel, now=now
    )
    return quote_with_coupons(request, terms, buyer=buyer, now=now)


def _picked(options: tuple[ShippingOption, ...], *, code: str) -> ShippingOption | None:
    """The one the customer picked if it is still there, else the cheapest."""
    return next((option for option in options if option.code == code), options[0] if options else None)
