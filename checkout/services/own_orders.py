"""Buyers who meet their own reservation.

Note [One's own units]: units stay with an unpaid order until it is paid, cancelled or out of time, because who was
declined tries again. So a second cart of the same buyer may find the shelf empty of what they keep themselves. It is
told so and led to the order. Nothing is taken from that order unasked: its payment may still be going on, in another
window or at the bank, and only a cancellation waits until that is dead.
"""

from datetime import datetime

from checkout.answers import own_orders_json
from checkout.selectors import own_orders_keeping
from core.errors import DomainError
from core.principal import Principal


def name_own_orders(shortage: DomainError, *, principal: Principal, token: str, now: datetime) -> None:
    """This will add fact `your_orders` to a refusal for want of stock where the buyer's own unpaid orders keep what is
    missing; a guest is known by `token`, that of an order. See Note [One's own units].
    """
    lines = shortage.facts.get("lines")
    if not isinstance(lines, list):
        return
    missing = {line["sku"]: line["requested"] - line["available"] for line in lines}
    orders = own_orders_keeping(missing, principal=principal, token=token, now=now)
    if orders:
        shortage.facts["your_orders"] = own_orders_json(orders)
