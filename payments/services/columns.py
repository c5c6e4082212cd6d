"""From attempts to their order: its money columns, and the state that returned money makes."""

from core.cause import Cause
from core.db import transaction_required
from orders import services as orders
from orders.models import Order, OrderState, Reason
from orders.models.money import PAID_STATES
from orders.services.change import Because
from payments.models import Operation, OperationKind, PaymentAttempt


@transaction_required
def set_order_money(order: Order, attempts: list[PaymentAttempt], because: Because) -> None:
    """This will set the money columns of the locked order to the sums over its attempts.

    A paid order that is short now had a capture taken back, which is more than a change of columns.
    """
    columns = orders.MoneyColumns(
        authorized_minor=sum(row.authorized_minor for row in attempts),
        captured_minor=sum(row.captured_minor for row in attempts),
        excess_minor=sum(row.excess_minor for row in attempts),
        excess_returned_minor=sum(row.excess_returned_minor for row in attempts),
        returned_minor=sum(row.returned_minor for row in attempts),
    )
    is_short = columns.captured_minor - columns.excess_minor < order.due_minor
    if order.state in PAID_STATES and is_short and not order.is_capture_reversed:
        orders.reverse_capture(order, columns, because)
        return
    orders.set_money(order, columns)
    orders.note_reinstated(order, cause=because.cause)


def may_take_money(attempts: list[PaymentAttempt], operations: list[Operation]) -> bool:
    """This will tell whether a payment can still be taken, or may have been without our knowing: then nothing ends."""
    return any(attempt.can_capture for attempt in attempts) or any(
        row.kind == OperationKind.AUTHORIZE and row.status in {"sent", "unknown"} for row in operations
    )


@transaction_required
def carry_after_return(order: Order, *, attempt_public_id: str, cause: Cause) -> None:
    """This will make the moves that returned money causes after payment, or that money owed again does; how a cancelled
    order ends, and one that was never paid, is for `settle_order`.
    """

    def because(reason: Reason) -> Because:
        return Because(reason, cause, attempt_public_id)

    if order.state in PAID_STATES:
        orders.carry_on(order, because(Reason.REFUND_SUCCEEDED if order.returned_minor else Reason.REFUND_REVERSED))
    elif order.state == OrderState.CANCELLED_WITH_REFUND and order.has_money_owed_again():
        orders.owe_again(order, because(Reason.GIVE_BACK_FAILED))
