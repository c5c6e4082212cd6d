"""Holds: what must not move on until somebody or something has looked."""

from core.cause import Cause
from core.db import transaction_required
from orders.models import Hold, HoldReason, Order, Reason
from orders.services.change import Because, record_fact


@transaction_required
def open_hold(order: Order, *, reason: HoldReason, detail: str, cause: Cause) -> Hold:
    """This will open a hold on the locked `order`, or return the open one of that reason."""
    hold, is_new = Hold.objects.get_or_create(
        order=order,
        reason=reason,
        released_at=None,
        defaults={"detail": detail[:300], "opened_by": cause.actor, "opened_at": cause.now},
    )
    if is_new:
        record_fact(order, Because(reason=Reason.HOLD_OPENED, cause=cause, facts={"hold": reason, "detail": detail}))
    return hold


@transaction_required
def release_hold(order: Order, *, reason: HoldReason, cause: Cause) -> bool:
    """This will release the open hold of that reason on the locked `order`. Returns whether there was one."""
    released = Hold.objects.filter(order=order, reason=reason, released_at=None).update(
        released_at=cause.now, released_by=cause.actor
    )
    if released:
        record_fact(order, Because(reason=Reason.HOLD_RELEASED, cause=cause, facts={"hold": reason}))
    return bool(released)
