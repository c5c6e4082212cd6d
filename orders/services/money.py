"""The money columns: written by the payment funnel alone, re-computable from its operations."""

from dataclasses import asdict, dataclass

from core.cause import Cause
from core.db import transaction_required
from core.errors import Invalid
from orders.models import DueAdjustment, Order, OrderState, Reason
from orders.models.money import BEFORE_PAYMENT, MONEY_COLUMNS
from orders.services.change import Because, record_fact


@dataclass(frozen=True, slots=True)
class MoneyColumns:
    """What the provider holds and took for an order, over all its attempts, in minor units of its currency."""

    authorized_minor: int
    captured_minor: int
    excess_minor: int
    excess_returned_minor: int
    returned_minor: int


@transaction_required
def set_money(order: Order, columns: MoneyColumns) -> bool:
    """This will set and save the columns of the locked `order`; totals are set, never added. Returns whether one
    changed.
    """
    changed = [name for name, value in asdict(columns).items() if getattr(order, name) != value]
    for name in changed:
        setattr(order, name, getattr(columns, name))
    if changed:
        order.save(update_fields=changed)
    return bool(changed)


@transaction_required
def adjust_due(order: Order, *, amount_minor: int, reason: str, approved_by: str, cause: Cause) -> DueAdjustment:
    """This will change what is due on the locked `order` by a signed amount, with a reason and a second person.

    Raises: Invalid when the order is past payment, the approver is the requester, or nothing would be due.
    """
    if OrderState(order.state) not in BEFORE_PAYMENT:
        raise Invalid(detail="What is due can only change before the order is paid.", order_id=order.public_id)
    if approved_by == cause.actor:
        raise Invalid(detail="A second person must approve a change of the amount due.")
    if order.due_minor + amount_minor <= 0:
        raise Invalid(detail="The amount due must stay above zero.")
    adjustment = DueAdjustment.objects.create(
        order=order,
        amount_minor=amount_minor,
        reason=reason,
        requested_by=cause.actor,
        approved_by=approved_by,
        trace_id=cause.trace_id,
        recorded_at=cause.now,
    )
    order.due_minor += amount_minor
    facts = {"amount_minor": amount_minor, "reason": reason, "approved_by": approved_by}
    record_fact(order, Because(reason=Reason.DUE_ADJUSTED, cause=cause, facts=facts), also=MONEY_COLUMNS)
    return adjustment
