"""An order whose units went back to the shop: kept again at the very price and terms agreed to, or quoted again.

Note [Lapsed]: nobody pays a price they did not see. The cart is priced anew; only where the quote is the same to its
hash, and the units can be had, does the order take payment again. Otherwise the new quote is shown and the cart copied.
"""

from typing import Any

from catalog import services as stock
from catalog.pricing import NotForSale
from checkout.answers import quote_json
from checkout.selectors import find_cart, quantities_of, quote_cart
from core.cause import Cause
from core.errors import DomainError
from orders import services as orders
from orders.models import Order, OrderState


class ReservationLapsed(DomainError):
    """The units are back in the shop and cannot be kept again as agreed.

    Fact `reason` is price_changed, not_for_sale, coupon or insufficient_stock; `quote` is today's, for a copy of
    `cart_id`; `lines` names what is sold out.
    """

    code = "reservation_lapsed"
    title = "The time to pay is over and the items are back in the shop. Look at today's price and order again."


def keep_units_again(order: Order, *, cause: Cause) -> None:
    """This will keep the units of the locked `order` once more if they went back, at the price agreed to and no other.

    Takes the last locks of its caller's transaction, which must be rolled back when this raises.
    Raises: ReservationLapsed.
    """
    if orders.keeps_units(order):
        return
    cart = find_cart(order.cart_id)
    quote = quote_cart(
        cart, quantities=quantities_of(cart), now=cause.now, locale=order.locale, order_id=order.public_id
    )
    facts: dict[str, Any] = {
        "order_id": order.public_id,
        "cart_id": cart.public_id,
        "quote": quote_json(quote, locale=order.locale),
    }
    if any(isinstance(warning, NotForSale) for warning in quote.warnings):
        raise ReservationLapsed(reason="not_for_sale", **facts)
    if quote.quote_hash != order.snapshot["quote_hash"]:
        raise ReservationLapsed(reason="price_changed", **facts)
    used_coupon = any(discount.get("coupon_code") for discount in order.snapshot.get("discounts", []))
    if used_coupon and order.state == OrderState.EXPIRED:
        # Its use went back to its limit when the order expired; it is redeemed with a new order or not at all.
        raise ReservationLapsed(reason="coupon", **facts)
    try:
        orders.keep_units_again(order, cause=cause)
    except stock.InsufficientStock as shortage:
        raise ReservationLapsed(reason=shortage.code, lines=shortage.facts["lines"], **facts) from shortage
