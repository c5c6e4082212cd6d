"""What becomes of coupons when an order's money went back."""

from catalog import services as catalog
from core.cause import Cause
from core.db import transaction_required
from orders.models import Order, OrderState


@transaction_required
def give_coupons_back(order: Order, *, cause: Cause) -> None:
    """This will give the coupons of an order back to their limits once everything was returned and nothing kept."""
    if order.state in {OrderState.REFUNDED, OrderState.CANCELLED_WITH_REFUND} and order.snapshot.get("promotions"):
        catalog.give_back_uses(owner_id=order.public_id, now=cause.now)
