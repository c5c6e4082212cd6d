"""Which way a cart is sent."""

from datetime import datetime

from checkout.models import Cart
from checkout.selectors import lock_cart, offer_for, quantities_of
from checkout.services.carts import CartCheckedOut
from core.db import transaction_required
from core.errors import DomainError


class ShippingMethodUnavailable(DomainError):
    """These goods cannot be sent there that way."""

    code = "shipping_method_unavailable"
    title = "This way of shipping is not offered for these goods to this address."


@transaction_required
def choose_shipping_method(cart_id: str, *, code: str, now: datetime) -> Cart:
    """This will remember the way the customer picked. Needs its caller's transaction.

    Raises: NoSuchCart, CartCheckedOut, ShippingMethodUnavailable.
    """
    cart = lock_cart(cart_id)
    if cart.order_public_id:
        raise CartCheckedOut(order_id=cart.order_public_id)
    options = offer_for(cart, quantities=quantities_of(cart), now=now).shipping_options
    if code not in {option.code for option in options}:
        raise ShippingMethodUnavailable(methods=[option.code for option in options])
    cart.shipping_method_code = code
    cart.changed_at = now
    cart.save(update_fields=["shipping_method_code", "changed_at"])
    return cart
