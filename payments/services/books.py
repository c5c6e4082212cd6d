"""What the funnel posts: captures, money nobody is owed, give-backs. See ledger's Note [Before the sale]."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.cause import Cause
from core.money import Money
from ledger import services as ledger
from orders.models import Order
from payments.models import TAKEN_STATUSES, Operation, OperationKind, PaymentAttempt


@dataclass(frozen=True, slots=True)
class Captured:
    """What one update newly took, or took back, minor units; `excess_minor` is the part of it beyond the amount due."""

    total_minor: int
    excess_minor: int


def post_captures(
    order: Order,
    attempt: PaymentAttempt,
    operations: list[Operation],
    captured: Captured,
    *,
    is_owed: bool,
    cause: Cause,
) -> None:
    """This will post newly taken money: to the sale when it makes the order paid, else as owed to the customer."""
    source = _source(attempt, operations)
    owed = captured.total_minor - captured.excess_minor if is_owed else 0
    number = attempt.reversals_count + 1
    if owed:
        ledger.post_capture(_movement(order, attempt, source, owed), round=number, cause=cause)
    unowed = captured.total_minor - owed
    if unowed:
        ledger.post_unowed_capture(_movement(order, attempt, source, unowed), round=number, cause=cause)
    if captured.total_minor and attempt.status not in TAKEN_STATUSES:
        # It is what charges left that were taken back before we heard of them: what is taken next is another round.
        attempt.reversals_count += 1
        attempt.save(update_fields=["reversals_count"])


def reclassify_earlier(
    order: Order,
    attempts: list[PaymentAttempt],
    operations: list[Operation],
    accepted_before: Mapping[int, int],
    *,
    cause: Cause,
) -> None:
    """This will turn what was taken before this update, and booked as owed to the customer, into payment of the
    sale.
    """
    for attempt in attempts:
        if accepted_before[attempt.pk]:
            movement = _movement(order, attempt, _source(attempt, operations), accepted_before[attempt.pk])
            ledger.reclassify_unowed(movement, cause=cause)


def release_accepted(
    order: Order, attempt: PaymentAttempt, operations: list[Operation], amount_minor: int, *, cause: Cause
) -> None:
    """This will turn what was taken for a sale into money that is nobody's but the customer's."""
    movement = _movement(order, attempt, _source(attempt, operations), amount_minor)
    ledger.reclassify_owed(movement, cause=cause)


def post_captures_reversed(order: Order, attempt: PaymentAttempt, lost: Captured, *, cause: Cause) -> None:
    """This will post captured money that the provider took back: the sale is owed again, and what nobody was owed is
    gone.
    """
    owed = lost.total_minor - lost.excess_minor if order.is_sale_recognised else 0
    number = attempt.reversals_count
    if owed:
        ledger.post_capture_reversed(_movement(order, attempt, attempt, owed), round=number, cause=cause)
    unowed = lost.total_minor - owed
    if unowed:
        ledger.post_unowed_capture_reversed(_movement(order, attempt, attempt, unowed), round=number, cause=cause)


def post_give_back(order: Order, operation: Operation, *, cause: Cause) -> None:
    """This will post money that went back to the customer."""
    ledger.post_give_back(_movement(order, operation.attempt, operation, operation.amount_minor), cause=cause)


def post_give_back_returned(order: Order, operation: Operation, *, cause: Cause) -> None:
    """This will post a give-back that came back to us."""
    ledger.post_give_back_returned(_movement(order, operation.attempt, operation, operation.amount_minor), cause=cause)


def _source(attempt: PaymentAttempt, operations: list[Operation]) -> Operation:
    """The operation that took the money: the last capture, or the authorize of an automatic capture."""
    taking = [
        row
        for row in operations
        if row.attempt_id == attempt.pk and row.kind in {OperationKind.AUTHORIZE, OperationKind.CAPTURE}
    ]
    return taking[-1]


def _movement(
    order: Order, attempt: PaymentAttempt, source: Operation | PaymentAttempt, amount_minor: int
) -> ledger.Movement:
    return ledger.Movement(
        source_kind="operation" if isinstance(source, Operation) else "attempt",
        source_id=source.public_id,
        account=attempt.account,
        order_public_id=order.public_id,
        attempt_public_id=attempt.public_id,
        money=Money(amount_minor, attempt.currency),
    )
