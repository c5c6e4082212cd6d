"""Reads of attempts and operations, and their locks (after the order's)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from core.db import one_or_none
from core.errors import NotFound
from core.lookups import id_in
from core.models import ProviderAccount, SalesChannel
from core.written import only_or, written
from orders.models import Order
from payments.models import (
    OPEN_REFUNDS,
    OPEN_STATUSES,
    AttemptStatus,
    Dispute,
    Operation,
    PaymentAttempt,
    Refund,
    RefundClaim,
)
from payments.providers.registry import adapter_for
from payments.providers.stripe_wire import from_wire

# In the place of a reference or an id that is not known: no payment has this one.
NOBODY = "\N{EMPTY SET}"


class NoSuchOperation(NotFound):
    """No operation has this id."""

    code = "no_such_operation"
    title = "There is no such operation."


class NoSuchClaim(NotFound):
    """No refund request has this id, or it is somebody else's."""

    code = "no_such_refund_request"
    title = "There is no such refund request."


class NoSuchRefund(NotFound):
    """No refund has this id."""

    code = "no_such_refund"
    title = "There is no such refund."


def refunds_of(order: Order) -> list[Refund]:
    """This will return the refunds of an order, oldest first, with what they are made of; its lock guards them."""
    rows = Refund.objects.filter(order=order).select_related("attempt__account__channel")
    return list(rows.prefetch_related("parts", "taxes").order_by("id"))


def find_refund(public_id: str) -> Refund:
    """This will return one refund with its order, payment and parts. Raises: NoSuchRefund."""
    rows = Refund.objects.select_related("order", "attempt__account__channel", "operation")
    refund = one_or_none(rows.prefetch_related("parts", "taxes").filter(public_id=public_id))
    if refund is None:
        raise NoSuchRefund
    return refund


def newest_refund_id(order: Order) -> str:
    """This will return the newest refund of an order, "" where there is none; its lock guards it."""
    newest = Refund.objects.filter(order=order).order_by("-id").values_list("public_id", flat=True).first()
    return newest or ""


def lock_claims(order: Order) -> list[RefundClaim]:
    """This will return what was asked back of the locked order, oldest first, locked."""
    return _claims_to_lock(order.pk)


@written
def _claims_to_lock(order_row_id: int) -> QuerySet[RefundClaim]:
    return RefundClaim.objects.select_for_update().filter(order_id=order_row_id).order_by("id")


def find_claim(public_id: str) -> RefundClaim:
    """This will return one refund request with its order and refunds. Raises: NoSuchClaim."""
    rows = RefundClaim.objects.select_related("order").prefetch_related("refunds")
    claim = one_or_none(rows.filter(public_id=public_id))
    if claim is None:
        raise NoSuchClaim
    return claim


def claims_of(order: Order) -> list[RefundClaim]:
    """This will return what was asked back of an order, newest first, with the refunds that came of it."""
    return list(RefundClaim.objects.filter(order=order).prefetch_related("refunds").order_by("-id"))


def refunds_by_operation(operations: Iterable[Operation]) -> dict[int, Refund]:
    """This will return the refunds of these operations, by the operation's row id, with what they are made of."""
    rows = Refund.objects.filter(operation__in=list(operations)).prefetch_related("parts", "taxes")
    return {row.operation_id: row for row in rows if row.operation_id is not None}


def excess_by_operation(operations: Iterable[Operation]) -> dict[int, int]:
    """This will return how much of these operations' refunds was nobody's, minor units; one that refunds no sale is not
    among them.
    """
    rows = Refund.objects.filter(operation__in=list(operations)).values_list("operation_id", "excess_minor")
    return {operation_id: excess_minor for operation_id, excess_minor in rows if operation_id is not None}


def disputes_of(order: Order) -> list[Dispute]:
    """This will return the disputes of an order, oldest first; its lock guards them."""
    return _disputes_of(order.pk)


@written
def _disputes_of(order_row_id: int) -> QuerySet[Dispute]:
    return Dispute.objects.filter(order_id=order_row_id).select_related("attempt__account__channel").order_by("id")


def lock_attempts(order: Order) -> list[PaymentAttempt]:
    """This will return all attempts of the locked order, oldest first, locked."""
    return _attempts_to_lock(order.pk)


@written
def _attempts_to_lock(order_row_id: int) -> QuerySet[PaymentAttempt]:
    rows = PaymentAttempt.objects.select_for_update(of=("self",)).select_related("account__channel")
    return rows.filter(order_id=order_row_id).order_by("id")


def lock_operations(order: Order) -> list[Operation]:
    """This will return all operations of the locked order, oldest first, locked."""
    return _operations_to_lock(order.pk)


@written
def _operations_to_lock(order_row_id: int) -> QuerySet[Operation]:
    return Operation.objects.select_for_update().filter(order_id=order_row_id).order_by("id")


def lock_operation(public_id: str) -> Operation:
    """This will return one operation locked, for its lease. Raises: NoSuchOperation."""
    return only_or(NoSuchOperation, _operation_to_lock(public_id))


@written
def _operation_to_lock(public_id: str) -> QuerySet[Operation]:
    rows = Operation.objects.select_for_update(of=("self",)).select_related("attempt__account__channel", "order")
    return rows.filter(public_id=public_id)


def find_operation(public_id: str) -> Operation:
    """This will return one operation with its order, attempt and account. Raises: NoSuchOperation."""
    return only_or(NoSuchOperation, _operation_known_as(public_id))


@written
def _operation_known_as(public_id: str) -> QuerySet[Operation]:
    return Operation.objects.select_related("attempt__account__channel", "order").filter(public_id=public_id)


def find_attempt(*, account: ProviderAccount, provider_reference: str, attempt_id: str) -> PaymentAttempt | None:
    """This will return the attempt of a payment at the provider, by its reference or by ours that was sent along."""
    known = _attempts_known_as(account.pk, provider_reference or NOBODY, attempt_id or NOBODY)
    return known[0] if known else None


@written
def _attempts_known_as(account_row_id: int, provider_reference: str, attempt_id: str) -> QuerySet[PaymentAttempt]:
    known = Q(provider_reference=provider_reference) | Q(public_id=attempt_id)
    return PaymentAttempt.objects.filter(known, account_id=account_row_id).order_by("id")


def place_of_attempt(*, account: ProviderAccount, provider_reference: str, attempt_id: str) -> tuple[int, str] | None:
    """This will return the row id of such an attempt and the public id of its order: what it takes to lock them."""
    known = _places_known_as(account.pk, provider_reference or NOBODY, attempt_id or NOBODY)
    return known[0] if known else None


@written
def _places_known_as(
    account_row_id: int, provider_reference: str, attempt_id: str
) -> QuerySet[PaymentAttempt, tuple[int, str]]:
    known = Q(provider_reference=provider_reference) | Q(public_id=attempt_id)
    rows = PaymentAttempt.objects.filter(known, account_id=account_row_id).order_by("id")
    return rows.values_list("pk", "order__public_id")


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """One way to pay in a shop, and where the customer does it."""

    method: str
    label: str
    client_mode: str
    frame_origins: tuple[str, ...]


def payment_methods(channel: SalesChannel, *, currency: str, due_minor: int) -> tuple[PaymentMethod, ...]:
    """This will return what a total can be paid with: nothing due takes the one without a provider, and only that.

    Raises: core.channels.SecretMissing.
    """
    accounts = ProviderAccount.objects.filter(channel=channel, archived_at=None, currencies__contains=[currency])
    found = []
    for account in accounts.order_by("id"):
        can = adapter_for(account).capabilities
        if can.takes_zero == (due_minor == 0):
            found.append(PaymentMethod(account.provider, can.label, can.client_mode, can.frame_origins))
    return tuple(found)


def find_own_attempt(public_id: str) -> PaymentAttempt | None:
    """This will return an attempt by our own id, with its order."""
    return one_or_none(PaymentAttempt.objects.filter(public_id=public_id).select_related("order"))


def current_attempts(orders: Sequence[Order]) -> dict[int, PaymentAttempt]:
    """This will return each order's current card attempt, or its latest one when none is current, by the order's row
    id, in one query.
    """
    newest = _newest_attempts([order.pk for order in orders]) if orders else []
    return {attempt.order_id: attempt for attempt in newest}


@written
def _newest_attempts(order_row_ids: list[int]) -> QuerySet[PaymentAttempt]:
    rows = PaymentAttempt.objects.filter(id_in("order_id", order_row_ids), tender="card").select_related("account")
    return rows.order_by("order_id", "-is_current", "-id").distinct("order_id")


def orders_in_doubt(orders: Sequence[Order]) -> set[int]:
    """This will return which of the orders have an operation without an answer, by row id."""
    return set(_orders_in_doubt([order.pk for order in orders])) if orders else set()


@written
def _orders_in_doubt(order_row_ids: list[int]) -> QuerySet[Operation, int]:
    rows = Operation.objects.filter(id_in("order_id", order_row_ids), status__in=["created", "sent", "unknown"])
    return rows.exclude(kind="void").values_list("order_id", flat=True)


def orders_with_living_elder(orders: Sequence[Order]) -> set[int]:
    """This will return which of the orders have an earlier try that came to life late and may still be paid, by row id:
    until it is closed no other is opened.
    """
    return set(_orders_with_living_elder([order.pk for order in orders])) if orders else set()


@written
def _orders_with_living_elder(order_row_ids: list[int]) -> QuerySet[PaymentAttempt, int]:
    done = [AttemptStatus.CAPTURED, AttemptStatus.REVERSED]
    rows = PaymentAttempt.objects.filter(id_in("order_id", order_row_ids), is_current=False, dead_at=None)
    return rows.exclude(status__in=done).values_list("order_id", flat=True)


def orders_giving_back(orders: Sequence[Order]) -> set[int]:
    """This will return from which of the orders money is on its way back, or was asked for, by row id."""
    return set(_orders_giving_back([order.pk for order in orders])) if orders else set()


@written
def _orders_giving_back(order_row_ids: list[int]) -> QuerySet[Operation, int]:
    are_theirs = id_in("order_id", order_row_ids)
    rows = Operation.objects.filter(are_theirs, kind="give_back", status__in=OPEN_STATUSES)
    refunds = Refund.objects.filter(are_theirs, status__in=OPEN_REFUNDS)
    return rows.values_list("order_id", flat=True).union(refunds.values_list("order_id", flat=True))


def minor_of_truth(amount: int, currency: str) -> int:
    """This will return an amount of the sandbox's truth, which is written as Stripe writes, in minor units."""
    return from_wire(amount, currency)
