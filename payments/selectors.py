"""Reads of attempts and operations, and their locks (after the order's)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core.errors import NotFound
from core.models import ProviderAccount, SalesChannel
from orders.models import Hold, Order, OrderLine, OrderState
from orders.selectors import CLOSING_STATES
from oversight.models import Approval, Case, CaseType
from payments.models import OPEN_DISPUTES, OPEN_REFUNDS, OPEN_STATUSES, Dispute, Operation, PaymentAttempt, Refund
from payments.providers.registry import adapter_for
from payments.providers.stripe_wire import from_wire


class NoSuchOperation(NotFound):
    """No operation has this id."""

    code = "no_such_operation"
    title = "There is no such operation."


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
    refund = rows.prefetch_related("parts", "taxes").filter(public_id=public_id).first()
    if refund is None:
        raise NoSuchRefund
    return refund


def refunds_by_operation(operations: Iterable[Operation]) -> dict[int, Refund]:
    """This will return the refunds of these operations, by the operation's row id, with what they are made of."""
    rows = Refund.objects.filter(operation__in=list(operations)).prefetch_related("parts", "taxes")
    return {row.operation_id: row for row in rows if row.operation_id is not None}


def unapproved_refunds(*, limit: int) -> list[str]:
    """This will return refunds that wait for an approval which can no longer be given."""
    open_approvals = Approval.objects.filter(status__in=["requested", "approved"])
    rows = Refund.objects.filter(status="awaiting_approval")
    rows = rows.exclude(approval_id__in=open_approvals.values("public_id"))
    return list(rows.order_by("id").values_list("public_id", flat=True)[:limit])


def refunds_pending_since(*, before: datetime, limit: int) -> list[Refund]:
    """This will return refunds that the provider has worked on since before that time and of which people were not
    told yet, with their order.
    """
    rows = Refund.objects.filter(status__in=["sent", "pending", "requires_action", "unknown"], requested_at__lt=before)
    told = Case.objects.filter(type=CaseType.REFUND_PENDING_TOO_LONG, subject_id=OuterRef("public_id"))
    rows = rows.exclude(Exists(told.exclude(status=Case.Status.RESOLVED)))
    return list(rows.select_related("order").order_by("requested_at")[:limit])


def closable_orders(*, before: datetime, limit: int) -> list[str]:
    """This will return orders paid before that time that may end, the longest paid first.

    None that somebody still has to do something about: those would keep the others waiting.
    """
    return list(_closable(before).order_by("paid_at").values_list("public_id", flat=True)[:limit])


def is_closable(order: Order, *, before: datetime) -> bool:
    """This will tell whether a locked order may still end. One query."""
    return _closable(before).filter(pk=order.pk).exists()


def _closable(before: datetime) -> QuerySet[Order]:
    of_order = {"order": OuterRef("pk")}
    kept = F("quantity") - F("units_cancelled") - F("units_given_back")
    cases = Case.objects.filter(order_public_id=OuterRef("public_id")).exclude(status=Case.Status.RESOLVED)
    return Order.objects.filter(
        ~Exists(Hold.objects.filter(**of_order, released_at=None)),
        ~Exists(Refund.objects.filter(**of_order, status__in=OPEN_REFUNDS)),
        ~Exists(Dispute.objects.filter(**of_order, status__in=OPEN_DISPUTES)),
        ~Exists(Operation.objects.filter(**of_order, status__in=OPEN_STATUSES)),
        ~Exists(cases),
        ~Q(state=OrderState.PARTIALLY_REFUNDED)
        | ~Exists(OrderLine.objects.filter(**of_order, units_fulfilled__lt=kept)),
        state__in=CLOSING_STATES,
        paid_at__lt=before,
    )


def disputes_of(order: Order) -> list[Dispute]:
    """This will return the disputes of an order, oldest first; its lock guards them."""
    return list(Dispute.objects.filter(order=order).select_related("attempt__account__channel").order_by("id"))


def lock_attempts(order: Order) -> list[PaymentAttempt]:
    """This will return all attempts of the locked order, oldest first, locked."""
    rows = PaymentAttempt.objects.select_for_update(of=("self",)).select_related("account__channel")
    return list(rows.filter(order=order).order_by("id"))


def lock_operations(order: Order) -> list[Operation]:
    """This will return all operations of the locked order, oldest first, locked."""
    return list(Operation.objects.select_for_update().filter(order=order).order_by("id"))


def lock_operation(public_id: str) -> Operation:
    """This will return one operation locked, for its lease. Raises: NoSuchOperation."""
    row = (
        Operation.objects.select_for_update(of=("self",))
        .select_related("attempt__account__channel", "order")
        .filter(public_id=public_id)
        .first()
    )
    if row is None:
        raise NoSuchOperation
    return row


def find_attempt(*, account: ProviderAccount, provider_reference: str, attempt_id: str) -> PaymentAttempt | None:
    """This will return the attempt of a payment at the provider, by its reference or by ours that was sent along."""
    known = Q(provider_reference=provider_reference) if provider_reference else Q(pk=None)
    if attempt_id:
        known |= Q(public_id=attempt_id)
    return PaymentAttempt.objects.filter(known, account=account).select_related("order").order_by("id").first()


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
    return PaymentAttempt.objects.filter(public_id=public_id).select_related("order").first()


def current_attempts(orders: Sequence[Order]) -> dict[int, PaymentAttempt]:
    """This will return each order's current card attempt, or its latest one when none is current, by the order's row
    id, in one query.
    """
    rows = PaymentAttempt.objects.filter(order__in=orders, tender="card").select_related("account")
    newest = rows.order_by("order_id", "-is_current", "-id").distinct("order_id")
    return {attempt.order_id: attempt for attempt in newest}


def orders_in_doubt(orders: Sequence[Order]) -> set[int]:
    """This will return which of the orders have an operation without an answer, by row id."""
    rows = Operation.objects.filter(order__in=orders, status__in=["created", "sent", "unknown"]).exclude(kind="void")
    return set(rows.values_list("order_id", flat=True))


def orders_giving_back(orders: Sequence[Order]) -> set[int]:
    """This will return from which of the orders money is on its way back, or was asked for, by row id."""
    rows = Operation.objects.filter(order__in=orders, kind="give_back", status__in=OPEN_STATUSES)
    refunds = Refund.objects.filter(order__in=orders, status__in=OPEN_REFUNDS)
    return set(rows.values_list("order_id", flat=True).union(refunds.values_list("order_id", flat=True)))


def attempts_of(order: Order) -> list[PaymentAttempt]:
    """This will return the order's attempts, oldest first."""
    return list(PaymentAttempt.objects.filter(order=order).select_related("account").order_by("id"))


def due_operations(*, now: datetime, limit: int) -> list[str]:
    """This will return operations without the provider's last word whose next look is due and that nobody holds.

    The table itself is the queue, so a lost message hides nothing.
    """
    rows = (
        Operation.objects.select_for_update(skip_locked=True)
        .filter(status__in=OPEN_STATUSES, next_check_at__lte=now)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=now))
    )
    return list(rows.order_by("next_check_at").values_list("public_id", flat=True)[:limit])


def authorizations_until(*, deadline: datetime, limit: int) -> list[PaymentAttempt]:
    """This will return current attempts with held funds whose authorization ends by `deadline`, earliest first."""
    rows = PaymentAttempt.objects.filter(
        status__in=["authorized", "partially_captured"], is_current=True, capture_before__lte=deadline
    )
    return list(rows.select_related("order", "account__channel").order_by("capture_before")[:limit])


def minor_of_truth(amount: int, currency: str) -> int:
    """This will return an amount of the sandbox's truth, which is written as Stripe writes, in minor units."""
    return from_wire(amount, currency)
