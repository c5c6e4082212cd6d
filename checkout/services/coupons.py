"""Codes entered into a cart, and what they promise at checkout: the price that was seen, or nothing."""

from datetime import datetime

from catalog import services as catalog
from catalog.coupons import code_key, find_coupon
from catalog.pricing import CouponNotApplicable, Quote
from catalog.pricing.coupons import PERSONAL, Buyer, CouponQuote, CouponReason
from catalog.services import CouponLimitReached, CouponNotForYou
from checkout.answers import quote_json
from checkout.models import Cart, CartCoupon
from checkout.services.carts import COUPONS_MAX, lock_open_cart, touch
from core.db import transaction_required
from core.errors import DomainError, Invalid, NotFound
from orders.models import Order


class CouponUnknown(NotFound):
    """No coupon that may be used here and now has this code: unknown, ended and somebody else's look the same."""

    code = "coupon_unknown"
    title = "This code is not valid."


class TooManyCoupons(Invalid):
    """The cart holds as many codes as it takes."""

    code = "too_many_coupons"
    title = f"A cart takes at most {COUPONS_MAX} codes."


class CouponsLacking(DomainError):
    """A code in the cart takes nothing off, and the customer was shown no quote that says so."""

    code = "coupon_not_applicable"
    title = "A code in the cart does not apply now. Nothing was ordered; please look at the total without it."


@transaction_required
def add_coupon(cart_id: str, *, code: str, now: datetime) -> Cart:
    """This will enter a code into the open cart; one that is there already stays once.

    Raises: NoSuchCart, CartCheckedOut, CouponUnknown, TooManyCoupons.
    """
    cart = lock_open_cart(cart_id)
    coupon = find_coupon(channel_id=cart.channel_id, code=code, customer_id=cart.customer_id, now=now)
    if coupon is None:
        raise CouponUnknown
    entered = set(CartCoupon.objects.filter(cart=cart).values_list("coupon_id", flat=True))
    if coupon.pk in entered:
        return cart
    if len(entered) >= COUPONS_MAX:
        raise TooManyCoupons
    CartCoupon.objects.create(cart=cart, coupon=coupon, added_at=now)
    return touch(cart, now=now)


@transaction_required
def remove_coupon(cart_id: str, *, code: str, now: datetime) -> Cart:
    """This will take a code out of the open cart; one that is not in it changes nothing. Raises: NoSuchCart,
    CartCheckedOut.
    """
    cart = lock_open_cart(cart_id)
    removed, _ = CartCoupon.objects.filter(cart=cart, coupon__code_key=code_key(code)).delete()
    return touch(cart, now=now) if removed else cart


def refuse_lacking_coupons(quote: Quote, *, seen_hash: str, locale: str) -> None:
    """This will refuse a quote in which a code takes nothing off, unless it is the very quote the customer saw.

    A limit reached since, or told only by who they are, has its own answer: the quote alone, which does not know them,
    would promise the code again. Raises: CouponLimitReached, CouponNotForYou; without `seen_hash` also CouponsLacking.
    """
    if seen_hash == quote.quote_hash:
        return
    lacking = [warning for warning in quote.warnings if isinstance(warning, CouponNotApplicable)]
    for warning in lacking:
        if warning.reason in PERSONAL:
            is_first = warning.reason == CouponReason.FIRST_ORDER
            refusal = CouponNotForYou if is_first else CouponLimitReached
            raise refusal(
                detail=warning.message,
                coupon_code=warning.coupon_code,
                reason=warning.reason,
                quote=quote_json(quote, locale=locale),
            )
    missed = [warning for warning in lacking if warning.reason != CouponReason.NOT_COMBINABLE]
    if missed and not seen_hash:
        raise CouponsLacking(
            detail=missed[0].message,
            coupon_codes=[warning.coupon_code for warning in missed],
            quote=quote_json(quote, locale=locale),
        )


@transaction_required
def redeem_coupons(order: Order, priced: CouponQuote, *, buyer: Buyer, now: datetime) -> None:
    """This will hold a use of each coupon of the agreed quote for the new order; before stock, the last lock of all.

    Raises: CouponLimitReached, CouponNotForYou.
    """
    if priced.applied:
        catalog.redeem(
            owner_id=order.public_id,
            coupon_ids=[terms.coupon_id for terms in priced.applied],
            buyer=buyer,
            channel=order.channel,
            now=now,
        )
