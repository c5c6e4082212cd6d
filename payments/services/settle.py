"""What must follow from how an order and its money stand: voids, give-backs, and the end of orders nobody will pay.

Note [Compensation]: nothing here reacts to a failed step of some run. It looks at the locked facts alone (ended or
expired order, excess, a superseded attempt) and is safe to repeat, so a loser of a race can never undo the winner's
payment.
"""

from dataclasses import asdict
from datetime import timedelta

from core import jobs
from core.cause import Cause
from core.db import transaction_required
from core.ids import new_public_id
from core.money import Money
from orders import services as orders
from orders.models import BLOCKS_GIVE_BACK, HoldReason, Order, OrderState, Reason
from orders.models.money import BEFORE_PAYMENT, CANCELLED_STATES, PAID_STATES
from orders.selectors import open_holds
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.selectors import was_reported
from oversight.services import Report, open_case
from payments.models import LIVE_STATUSES, OPEN_STATUSES, AttemptStatus, Operation, OperationKind, PaymentAttempt
from payments.providers.base import RefundRequest
from payments.services import books
from payments.services.attempts import insert_operation
from payments.services.columns import may_take_money, set_order_money

VOIDS_MAX = 10
GIVE_BACKS_MAX = 5
# Two spaced looks did not find it: it never ran, so the same may be ordered anew.
NEVER_EXECUTED = "never_executed"
VOID_PAUSE = timedelta(seconds=60)
# Why an order ends of whose money a part came.
REST_OVERDUE = "The time to pay the rest is over."


@transaction_required
def settle_order(order: Order, attempts: list[PaymentAttempt], operations: list[Operation], *, cause: Cause) -> None:
    """This will open the voids and give-backs the locked facts ask for and end the order when nothing can capture any
    more.

    New operations are appended to `operations` and carried out by a worker after commit.
    """
    _release_accepted(order, attempts, operations, cause=cause)
    for attempt in attempts:
        owed_minor = _owed_to_customer(order, attempt)
        if owed_minor > 0 and _may_give_back(order, attempt, operations, owed_minor, cause=cause):
            _open_give_back(order, attempt, operations, owed_minor, cause=cause)
        elif _is_unwanted(order, attempt):
            _open_void(order, attempt, operations, cause=cause)
    _end(order, attempts, operations, cause=cause)


@transaction_required
def close_expired(order: Order, attempts: list[PaymentAttempt], operations: list[Operation], *, cause: Cause) -> None:
    """This will close what could still capture on an order whose time is over; it expires once the provider
    confirms.
    """
    for attempt in attempts:
        if attempt.can_capture:
            _open_void(order, attempt, operations, cause=cause)
    _end(order, attempts, operations, cause=cause)


@transaction_required
def close_for_replacement(
    order: Order, attempt: PaymentAttempt, operations: list[Operation], *, cause: Cause
) -> Operation | None:
    """This will open the void of an attempt the customer wants to replace; None when it is dead already or must be
    found first.

    The caller carries it out at once, because the customer waits: no worker is woken, who would only take it away and
    leave the request without an answer. If the caller dies, the sweep finds it.
    """
    return _insert_void(order, attempt, operations, cause=cause) if attempt.can_capture else None


def is_ending(order: Order) -> bool:
    """This will tell whether the order is cancelled or about to be: what arrives now goes back."""
    return order.cancel_requested_at is not None or OrderState(order.state) in CANCELLED_STATES


def is_wanted(order: Order, attempt: PaymentAttempt) -> bool:
    """This will tell whether a payment that was not heard of yet may still be made: another one may have paid since."""
    waits = OrderState(order.state) in BEFORE_PAYMENT and order.state != OrderState.EXPIRED
    return waits and attempt.is_current and not is_ending(order)


def _is_unwanted(order: Order, attempt: PaymentAttempt) -> bool:
    if not attempt.can_capture:
        return False
    is_paid = OrderState(order.state) not in BEFORE_PAYMENT
    is_superseded = not attempt.is_current or order.state == OrderState.EXPIRED
    return is_ending(order) or is_paid or (is_superseded and attempt.status in {*LIVE_STATUSES, "failed"})


def _release_accepted(
    order: Order, attempts: list[PaymentAttempt], operations: list[Operation], *, cause: Cause
) -> None:
    """Of an order that is about to end unpaid nothing is kept for the sale its bank undid: what was accepted since is
    marked as excess. Not while a refund of the sale is under way, which takes its share first.
    """
    if not (is_ending(order) and order.is_sale_recognised and OrderState(order.state) in BEFORE_PAYMENT):
        return
    refunding = {
        row.attempt_id for row in operations if row.kind == OperationKind.REFUND and row.status in OPEN_STATUSES
    }
    for attempt in attempts:
        accepted_minor = attempt.captured_minor - attempt.excess_minor - attempt.returned_minor
        if accepted_minor <= 0 or attempt.pk in refunding:
            continue
        attempt.excess_minor += accepted_minor
        attempt.save(update_fields=["excess_minor"])
        books.release_accepted(order, attempt, operations, accepted_minor, cause=cause)
    set_order_money(order, attempts, Because(Reason.EXCESS_RECORDED, cause))


def _owed_to_customer(order: Order, attempt: PaymentAttempt) -> int:
    """Captured money that is nobody's but the customer's and did not go back yet, minor units."""
    owed = attempt.excess_minor - attempt.excess_returned_minor
    # What is a sale goes back as a refund of it, asked for with the cancellation, or was released before.
    if is_ending(order) and not order.is_sale_recognised:
        owed = attempt.captured_minor - attempt.returned_minor - attempt.excess_returned_minor
    return owed


def _may_give_back(
    order: Order, attempt: PaymentAttempt, operations: list[Operation], owed_minor: int, *, cause: Cause
) -> bool:
    """Whether another give-back may be ordered: one at a time, and none of what people must decide about.

    They are told here when a give-back was tried often enough and never ran.
    """
    ours = [row for row in operations if row.attempt_id == attempt.pk and row.kind == OperationKind.GIVE_BACK]
    if any(row.status in OPEN_STATUSES for row in ours):
        return False  # What is still owed is ordered when this one has ended.
    in_vain = [row for row in ours if row.status in {"failed", "declined", "reversed"}]
    if any(row.error_code != NEVER_EXECUTED for row in in_vain):
        return False  # The provider refused to give it back: people were told then.
    # Of a payment that a bank took back nothing is left that could be given back: one try of an amount shows it.
    is_taken_back = attempt.reversals_count > 0 and attempt.status != AttemptStatus.CAPTURED
    tries = [row for row in in_vain if row.amount_minor == owed_minor] if is_taken_back else in_vain
    if len(tries) >= (1 if is_taken_back else GIVE_BACKS_MAX):
        _report_never_given_back(order, tries[-1], cause=cause)
        return False
    return not BLOCKS_GIVE_BACK & set(open_holds(order))


def _open_give_back(
    order: Order, attempt: PaymentAttempt, operations: list[Operation], amount_minor: int, *, cause: Cause
) -> None:
    operation_id = new_public_id("op")
    request = RefundRequest(
        provider_reference=attempt.provider_reference or "",
        operation_id=operation_id,
        order_id=order.public_id,
        amount_minor=amount_minor,
        currency=attempt.currency,
    )
    attempt.order = order
    operation = insert_operation(
        attempt,
        kind=OperationKind.GIVE_BACK,
        amount_minor=amount_minor,
        request=asdict(request),
        cause=cause,
        public_id=operation_id,
    )
    operations.append(operation)
    if attempt.excess_minor > attempt.excess_returned_minor:
        open_case(
            Report(
                type=CaseType.EXCESS_CAPTURED,
                subject_id=attempt.public_id,
                severity=Case.Severity.NORMAL,
                summary="The provider took money beyond what was due. It is being given back by itself.",
                money=Money(attempt.excess_minor, attempt.currency),
                order_public_id=order.public_id,
            ),
            now=cause.now,
        )
    facts = {"amount_minor": amount_minor, "operation": operation.public_id}
    orders.record_fact(order, Because(Reason.EXCESS_RECORDED, cause, attempt.public_id, facts))
    jobs.wake("payments.carry_out", operation_id=operation.public_id)


def _open_void(order: Order, attempt: PaymentAttempt, operations: list[Operation], *, cause: Cause) -> None:
    operation = _insert_void(order, attempt, operations, cause=cause)
    if operation is not None:
        jobs.wake("payments.carry_out", operation_id=operation.public_id)


def _insert_void(
    order: Order, attempt: PaymentAttempt, operations: list[Operation], *, cause: Cause
) -> Operation | None:
    """One open void at a time, a pause after a refused one, a case after ten; none before the provider's reference
    is known.
    """
    ours = [row for row in operations if row.attempt_id == attempt.pk]
    voids = [row for row in ours if row.kind == OperationKind.VOID]
    if any(row.status in OPEN_STATUSES for row in voids) or not attempt.provider_reference:
        return None
    if voids and voids[-1].settled_at and voids[-1].settled_at + VOID_PAUSE > cause.now:
        return None
    if len(voids) >= VOIDS_MAX:
        open_case(
            Report(
                type=CaseType.PAYMENT_IN_DOUBT,
                subject_id=attempt.public_id,
                severity=Case.Severity.HIGH,
                summary="The provider will not close a payment nobody wants any more.",
                money=Money(attempt.amount_minor, attempt.currency),
                order_public_id=order.public_id,
            ),
            now=cause.now,
        )
        return None
    attempt.order = order
    operation = insert_operation(
        attempt,
        kind=OperationKind.VOID,
        amount_minor=attempt.amount_minor,
        request={"provider_reference": attempt.provider_reference},
        cause=cause,
    )
    operations.append(operation)
    return operation


def _end(order: Order, attempts: list[PaymentAttempt], operations: list[Operation], *, cause: Cause) -> None:
    """End an order that is cancelled or out of time, once nothing can capture and nothing captured is owed.

    What was captured may be with the customer in more ways than by our give-back: by a dispute, or past us.
    """
    is_sale = OrderState(order.state) in PAID_STATES and is_ending(order) and order.is_given_back()
    if not is_sale and OrderState(order.state) not in {*BEFORE_PAYMENT, OrderState.CANCELLED}:
        return
    if may_take_money(attempts, operations):
        return
    taken = next((attempt.public_id for attempt in attempts if attempt.captured_minor), "")
    if is_sale:
        orders.carry_on(order, Because(Reason.REFUND_SUCCEEDED, cause, taken), may_end=True)
    elif _is_over_in_part(order, cause=cause):
        # Part of the money came and the rest never will: the order ends, and what came goes back.
        orders.request_cancel(order, reason=REST_OVERDUE, cause=cause)
        settle_order(order, attempts, operations, cause=cause)
    elif order.captured_minor:
        if is_ending(order) and order.is_given_back():
            orders.confirm_cancellation_refund(order, Because(Reason.GIVEN_BACK, cause, taken))
    elif order.cancel_requested_at is not None and order.state != OrderState.CANCELLED:
        by_staff = order.cancel_requested_by.startswith("staff:")
        reason = Reason.STAFF_CANCELLED if by_staff else Reason.CUSTOMER_CANCELLED
        orders.cancel(order, Because(reason, cause, facts={"reason": order.cancel_reason}))
    elif order.expires_at is not None and order.expires_at <= cause.now:
        reasons = {
            OrderState.DRAFT: Reason.CHECKOUT_ABANDONED,
            OrderState.PAYMENT_AUTHORIZED: Reason.AUTHORIZATION_LAPSED,
            OrderState.CAPTURE_FAILED: Reason.AUTHORIZATION_LAPSED,
        }
        orders.expire(order, Because(reasons.get(OrderState(order.state), Reason.RESERVATION_EXPIRED), cause))


def _is_over_in_part(order: Order, *, cause: Cause) -> bool:
    is_over = order.expires_at is not None and order.expires_at <= cause.now
    return is_over and order.captured_minor > 0 and not order.is_paid_in_full() and not is_ending(order)


@transaction_required
def report_failed_give_back(operation: Operation, *, cause: Cause) -> None:
    """This will hold the order and open a case: the provider will not give money back, so a person must."""
    orders.open_hold(
        operation.order, reason=HoldReason.REFUND_FAILED, detail="A give-back failed at the provider.", cause=cause
    )
    open_case(
        Report(
            type=CaseType.GIVE_BACK_FAILED,
            subject_id=operation.public_id,
            severity=Case.Severity.HIGH,
            summary="The provider did not give money back. The customer is still owed it.",
            evidence={"error_code": operation.error_code},
            money=Money(operation.amount_minor, operation.currency),
            order_public_id=operation.order.public_id,
        ),
        now=cause.now,
    )


def _report_never_given_back(order: Order, operation: Operation, *, cause: Cause) -> None:
    """Once: what a person resolved stays resolved."""
    subject = {"subject_id": operation.public_id, "order_public_id": order.public_id}
    if not was_reported(type=CaseType.GIVE_BACK_FAILED, **subject):
        operation.order = order
        report_failed_give_back(operation, cause=cause)
