"""Resume or retry: the current attempt if it lives, a new one only after the old is surely dead."""

from dataclasses import dataclass
from datetime import timedelta

from checkout.services.exemptions import check_exemption
from checkout.services.keyed import FinalAnswer, Opened, run
from checkout.services.lapsed import ReservationLapsed, keep_units_again
from checkout.services.own_orders import name_own_orders
from checkout.services.return_urls import check_return_url
from core import idempotency
from core.cause import Cause
from core.channels import account_to_pay
from core.db import outside_transaction
from core.errors import DomainError
from core.idempotency import Claim, KeyedRequest
from core.models import IdempotencyKey
from core.principal import Principal
from orders import services as orders
from orders.models import Order, OrderState
from orders.models.money import BEFORE_PAYMENT
from orders.paths import Path, walked
from orders.selectors import lock_order
from payments import services as payments
from payments.models import Operation, OperationKind, PaymentAttempt
from payments.selectors import lock_attempts, lock_operations
from payments.services import NewAttempt, PaymentBeingVerified

UNDECIDED = {"created", "sent", "unknown"}
# True of the order whatever is tried next; the rest belongs to one attempt.
KEPT_PATHS = {Path.GUEST, Path.COUPON, Path.MANUAL_REVIEW, Path.SOFT_DECLINE}


class OrderEnding(DomainError):
    """The order is being cancelled."""

    code = "order_cancelling"
    title = "This order is being cancelled and takes no further payment."


@dataclass(frozen=True, slots=True)
class ResumeCommand:
    """A validated request. `replace` asks for another card or method; `is_other_device` came by a payment link."""

    order_id: str
    principal: Principal
    method: str
    payment_token: str = ""
    return_url: str = ""
    exemption: str = ""
    replace: bool = False
    is_other_device: bool = False


@outside_transaction
def resume_payment(command: ResumeCommand, *, request: KeyedRequest, cause: Cause) -> FinalAnswer:
    """This will give back the living attempt, or close it at the provider and open a new one.

    Opens its own transactions. Raises: NoSuchOrder, OrderEnding, ReservationLapsed, ReturnUrlNotAllowed,
    PaymentTokenInvalid, ExemptionNotYours, PaymentBeingVerified and the errors of core.idempotency. A token the
    provider has no more is answered with a problem that is final for this key; the order takes another.
    """
    # Before anything is closed.
    check_exemption(command.exemption, principal=command.principal)
    _close_old_attempt(command, request=request, cause=cause)
    try:
        return run(
            lambda: _open(command, request=request, cause=cause), name="checkout.resume", request=request, cause=cause
        )
    except ReservationLapsed as lapse:
        name_own_orders(lapse, principal=command.principal, token="", now=cause.now)
        raise


def _close_old_attempt(command: ResumeCommand, *, request: KeyedRequest, cause: Cause) -> None:
    """Void what the customer wants to replace, with the void's own key, so it needs no claim: only a request that has
    claimed its key already must not close what it opened itself.
    """
    with orders.order_transaction("checkout.resume.close"):
        order = lock_order(command.order_id)
        if idempotency.is_claimed(request):
            return
        attempts, operations = lock_attempts(order), lock_operations(order)
        current = next((row for row in attempts if row.is_current), None)
        if not _takes_payment(order) or _is_undecided(operations) or not _wants_new(command, current):
            return
        # What will be refused closes nothing.
        if _may_be_paid_as_well(attempts, current):
            return
        check_return_url(command.return_url, channel=order.channel)
        _check_token(command, order)
        void = payments.close_for_replacement(order, current, operations, cause=cause) if current else None
    if void is not None:
        payments.carry_out(void.public_id, cause=cause)


def _open(command: ResumeCommand, *, request: KeyedRequest, cause: Cause) -> Opened | FinalAnswer:
    claim = idempotency.claim(request, now=cause.now)
    if claim.answer is not None:
        return FinalAnswer(status=claim.answer.status, body=claim.answer.body, is_replay=True)
    if claim.recovery_point == IdempotencyKey.RecoveryPoint.COMMITTED:
        operation = payments.take_over(claim.subject_id)
        return Opened(claim, operation.order.public_id, operation, success_status=201)
    order = lock_order(command.order_id)
    attempts, operations = lock_attempts(order), lock_operations(order)
    current = next((row for row in attempts if row.is_current), None)
    if not _takes_payment(order):
        return _as_it_stands(order, operations, claim)
    if _is_undecided(operations):
        raise PaymentBeingVerified(order_id=order.public_id)
    if current is not None and not _wants_new(command, current):
        check_return_url(command.return_url, channel=order.channel)
        ways = {Path.RESUMED: True, Path.OTHER_DEVICE: command.is_other_device}
        payments.go_on(order, current, return_url=command.return_url, paths=_true(ways), cause=cause)
        standing = _as_it_stands(order, operations, claim)
        keep_units_again(order, cause=cause)
        return standing
    if _may_be_paid_as_well(attempts, current):
        raise PaymentBeingVerified(order_id=order.public_id)
    return _open_new(command, order, current, claim, cause=cause)


def _open_new(
    command: ResumeCommand, order: Order, current: PaymentAttempt | None, claim: Claim, *, cause: Cause
) -> Opened:
    check_return_url(command.return_url, channel=order.channel)
    _check_token(command, order)
    if current is not None:
        if current.can_capture:
            raise PaymentBeingVerified(order_id=order.public_id)
        payments.retire_attempt(order, current, cause=cause)
    account = account_to_pay(order.channel, method=command.method, due_minor=order.due_minor)
    operation = payments.open_attempt(
        order,
        NewAttempt(
            account=account,
            method=account.provider,
            payment_token=command.payment_token if order.due_minor else "",
            return_url=command.return_url,
            capture_method=current.capture_method if current else "automatic",
            exemption=command.exemption,
            path_flags=_retried(current, command),
        ),
        cause=cause,
    )
    # Retrying takes time; the units are kept for it, once more and within the cap.
    if order.expires_at is not None and order.expires_at - cause.now < timedelta(minutes=5):
        orders.extend_reservation(order, cause=cause)
    idempotency.commit_point(claim, subject_id=operation.public_id)
    # Last, because everybody who buys the same article waits for its row until this transaction ends.
    keep_units_again(order, cause=cause)
    return Opened(claim, order.public_id, operation, success_status=201)


def _check_token(command: ResumeCommand, order: Order) -> None:
    account = account_to_pay(order.channel, method=command.method, due_minor=order.due_minor)
    payments.check_token(command.payment_token, account=account)


def _retried(current: PaymentAttempt | None, command: ResumeCommand) -> tuple[str, ...]:
    """The order's way so far, gone on with another try."""
    kept = [flag for flag in (current.path_flags if current else []) if flag in {*KEPT_PATHS, Path.OTHER_DEVICE}]
    return tuple(walked(kept, *_true({Path.RETRIED: True, Path.OTHER_DEVICE: command.is_other_device})))


def _true(ways: dict[Path, bool]) -> list[Path]:
    return [path for path, is_walked in ways.items() if is_walked]


def _as_it_stands(order: Order, operations: list[Operation], claim: Claim) -> Opened:
    """The order as it is, paid ones included: a stale button never pays twice."""
    authorizes = [row for row in operations if row.kind == OperationKind.AUTHORIZE]
    idempotency.commit_point(claim, subject_id=authorizes[-1].public_id)
    return Opened(claim, order.public_id, None, success_status=200)


def _takes_payment(order: Order) -> bool:
    """Whether the order can still be paid; False for one that is paid or past it. Raises: OrderEnding."""
    if order.state in {OrderState.CANCELLED, OrderState.CANCELLED_WITH_REFUND} or (
        order.cancel_requested_at is not None and OrderState(order.state) in BEFORE_PAYMENT
    ):
        raise OrderEnding(order_id=order.public_id)
    return OrderState(order.state) in BEFORE_PAYMENT and order.state != OrderState.PAYMENT_AUTHORIZED


def _is_undecided(operations: list[Operation]) -> bool:
    return any(row.status in UNDECIDED and row.kind != OperationKind.VOID for row in operations)


def _may_be_paid_as_well(attempts: list[PaymentAttempt], current: PaymentAttempt | None) -> bool:
    """Whether an earlier try came to life late: until it is closed nothing may be opened beside it."""
    return any(row.can_capture for row in attempts if row != current)


def _wants_new(command: ResumeCommand, current: PaymentAttempt | None) -> bool:
    """Another card was asked for, nothing more can come of the last one (of which a part may have been taken), or it
    failed and this one brings its own token.
    """
    if current is None or command.replace or not current.can_capture:
        return True
    return current.status == "failed" and (bool(command.payment_token) or current.confirmed_by == "server")
