"""What a guest put in a cart goes along when they sign in."""

from datetime import datetime

from accounts.selectors import lock_customer
from checkout.models import Cart, CartLine
from checkout.selectors import NoSuchCart, lock_carts_to_merge
from checkout.services.addresses import move_addresses
from checkout.services.carts import CartCheckedOut, copy_coupons, touch
from core import policies
from core.db import transaction_required


@transaction_required
def claim_cart(cart_id: str, *, customer_id: int, now: datetime) -> Cart:
    """This will make a guest's cart the customer's and merge their open one into it, the greater quantity of each
    article winning. Doing it again changes nothing.

    An open cart whose lines would not fit stays what it is. Locks the customer first, so that two carts claimed at once
    end as one. Needs its caller's transaction. Raises: NoSuchCart, CartCheckedOut.
    """
    lock_customer(customer_id)
    cart, own = lock_carts_to_merge(cart_id, customer_id=customer_id)
    if cart.customer_id == customer_id:
        return cart
    if cart.customer_id is not None or cart.service_name:
        raise NoSuchCart
    if cart.order_public_id:
        raise CartCheckedOut(order_id=cart.order_public_id)
    cart.customer_id = customer_id
    cart.save(update_fields=["customer"])
    if own is not None and own.channel_id == cart.channel_id:
        _merge(own, into=cart, now=now)
    return touch(cart, now=now)


def _merge(own: Cart, *, into: Cart, now: datetime) -> None:
    kept = {line.variant_id: line for line in CartLine.objects.filter(cart=into).order_by("position", "id")}
    added = []
    for line in CartLine.objects.filter(cart=own).order_by("position", "id"):
        if line.variant_id in kept:
            kept[line.variant_id].quantity = max(kept[line.variant_id].quantity, line.quantity)
        else:
            added.append(line)
    if len(kept) + len(added) > policies.current("carts")["lines_max"]:
        return
    for position, line in enumerate(added, start=max((line.position for line in kept.values()), default=0) + 1):
        # What the customer was shown counts in the currency it was shown in.
        seen = line.seen_unit_price_minor if own.currency == into.currency else None
        line.pk, line.cart, line.position, line.seen_unit_price_minor = None, into, position, seen
    CartLine.objects.bulk_create(
        [*kept.values(), *added],
        update_conflicts=True,
        unique_fields=["cart", "variant"],
        update_fields=["quantity"],
    )
    own.archived_at = now
    own.save(update_fields=["archived_at"])
    move_addresses(own, into, now=now)
    copy_coupons(own, into, now=now)
