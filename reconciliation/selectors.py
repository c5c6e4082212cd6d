"""What the sweeps look for, each with a limit, the longest waiting first.

Every table is its own queue, so a lost message hides nothing. These statements are asked every few seconds for ever and
nearly always find nothing, so they are written once (`core/written.py`).
"""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from core.written import written
from orders.models import Hold, Order, OrderLine, OrderState
from orders.models.money import BEFORE_PAYMENT, PAID_STATES
from orders.selectors import CLOSING_STATES, EXPIRING_STATES
from oversight.models import Approval, Case, CaseType
from payments.models import (
    COUNTED_REFUNDS,
    LOST_DISPUTES,
    OPEN_DISPUTES,
    OPEN_REFUNDS,
    OPEN_STATUSES,
    Dispute,
    Operation,
    PaymentAttempt,
    Refund,
)

ORDER_OF_ROW = {"order": OuterRef("pk")}


@written
def due_operations(*, now: datetime, limit: int) -> QuerySet[Operation, str]:
    """This will return operations without the provider's last word whose next look is due and that nobody holds."""
    rows = (
        Operation.objects.select_for_update(skip_locked=True)
        .filter(status__in=OPEN_STATUSES, next_check_at__lte=now)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=now))
    )
    return rows.order_by("next_check_at").values_list("public_id", flat=True)[:limit]


@written
def due_for_expiry(*, now: datetime, limit: int) -> QuerySet[Order, str]:
    """This will return the public ids of orders before payment whose time is over, oldest first, but for those whose
    payment is being closed. Those with a payment that is looked at later come after all others.
    """
    rows = Order.objects.filter(expires_at__lte=now, state__in=EXPIRING_STATES).exclude(pk__in=_being_closed())
    return rows.order_by(_is_looked_at_later(now), "expires_at").values_list("public_id", flat=True)[:limit]


@written
def open_cancellations(*, now: datetime, limit: int) -> QuerySet[Order, str]:
    """This will return orders whose cancellation was asked for and not yet carried out, oldest first, but for those
    whose payment is being closed. Those with a payment that is looked at later come after all others.
    """
    unpaid = Q(state__in=BEFORE_PAYMENT)
    # Everything went back, but something may be taken yet: it ends when that is known.
    waiting_for_tries = [OrderState.PAID, OrderState.FULFILLMENT_PENDING, OrderState.PARTIALLY_REFUNDED]
    returned = Q(state__in=waiting_for_tries, captured_minor=F("excess_minor") + F("returned_minor"))
    rows = Order.objects.filter(unpaid | returned, cancel_requested_at__isnull=False).exclude(pk__in=_being_closed())
    return rows.order_by(_is_looked_at_later(now), "cancel_requested_at").values_list("public_id", flat=True)[:limit]


def _being_closed() -> QuerySet[Operation, Any]:
    """Orders of which a payment is being closed: whoever closes it hears how it stands."""
    return Operation.objects.filter(kind="void", status__in=OPEN_STATUSES).values("order_id")


def _is_looked_at_later(now: datetime) -> models.Case:
    """Whether nobody knows the end of a payment of the order, and it is looked at later, after a while that grows."""
    rows = Operation.objects.filter(kind="authorize", status__in=["sent", "unknown"], next_check_at__gt=now)
    return models.Case(When(pk__in=rows.values("order_id"), then=1), default=0)


@written
def cancelled_with_rest(*, limit: int) -> QuerySet[Order, str]:
    """This will return paid orders whose cancellation is open and of whose money something is neither with the
    customer nor on its way to them. Those under a hold wait for people, disputed ones for their bank.
    """
    counted = Refund.objects.filter(**ORDER_OF_ROW, status__in=COUNTED_REFUNDS)
    lost = Dispute.objects.filter(**ORDER_OF_ROW, status__in=LOST_DISPUTES)
    rows = Order.objects.filter(
        ~Exists(Hold.objects.filter(**ORDER_OF_ROW, released_at=None)),
        ~Exists(Dispute.objects.filter(**ORDER_OF_ROW, status__in=OPEN_DISPUTES)),
        cancel_requested_at__isnull=False,
        state__in=[OrderState.PAID, OrderState.PARTIALLY_REFUNDED],
        is_fulfillment_requested=False,
        is_capture_reversed=False,
    ).annotate(counted=_sum_of(counted, F("amount_minor") - F("excess_minor")), lost=_sum_of(lost, F("amount_minor")))
    rows = rows.filter(captured_minor__gt=F("excess_minor") + F("counted") + F("lost"))
    return rows.order_by("cancel_requested_at").values_list("public_id", flat=True)[:limit]


def _sum_of(rows: QuerySet[Any], amount: Any) -> Coalesce:
    sums = rows.order_by().values("order").annotate(total=Sum(amount)).values("total")
    return Coalesce(Subquery(sums), Value(0))


@written
def owing_customers(*, limit: int) -> QuerySet[Order, str]:
    """This will return orders on which money was taken that nobody is owed and that has not gone back yet."""
    rows = Order.objects.filter(
        Q(excess_minor__gt=F("excess_returned_minor"))
        | Q(
            Q(cancel_requested_at__isnull=False, state__in=BEFORE_PAYMENT) | Q(state=OrderState.CANCELLED),
            captured_minor__gt=F("returned_minor") + F("excess_returned_minor"),
        ),
        captured_minor__gt=0,
    ).exclude(state__in=[*PAID_STATES, OrderState.CLOSED], excess_minor=0)
    return rows.order_by("id").values_list("public_id", flat=True)[:limit]


@written
def worked_on_since(*, before: datetime, limit: int) -> QuerySet[PaymentAttempt, str]:
    """This will return orders that wait for a payment the provider has worked on since before that time. While it is
    the customer's turn the order's own time decides.
    """
    return _worked_on(before).order_by("created_at").values_list("order__public_id", flat=True)[:limit]


def is_worked_on_since(order: Order, *, before: datetime) -> bool:
    """This will tell whether a locked order still waits for such a payment. One query."""
    return _worked_on(before).filter(order=order).exists()


def _worked_on(before: datetime) -> QuerySet[PaymentAttempt]:
    return PaymentAttempt.objects.filter(
        is_current=True, status__in=["created", "processing"], created_at__lt=before, order__state="payment_pending"
    )


@written
def attempts_to_ask_about(order_id: str) -> QuerySet[PaymentAttempt]:
    """This will return the attempts of an order that could still capture, with their accounts and the order."""
    rows = PaymentAttempt.objects.filter(order__public_id=order_id, dead_at=None).exclude(status="captured")
    return rows.select_related("account__channel", "order")


@written
def authorizations_until(*, deadline: datetime, limit: int) -> QuerySet[PaymentAttempt]:
    """This will return current attempts with held funds whose authorization ends by `deadline`, earliest first."""
    rows = PaymentAttempt.objects.filter(
        status__in=["authorized", "partially_captured"], is_current=True, capture_before__lte=deadline
    )
    return rows.select_related("order", "account__channel").order_by("capture_before")[:limit]


@written
def unapproved_refunds(*, limit: int) -> QuerySet[Refund, str]:
    """This will return refunds that wait for an approval which can no longer be given."""
    open_approvals = Approval.objects.filter(status__in=["requested", "approved"])
    rows = Refund.objects.filter(status="awaiting_approval")
    rows = rows.exclude(approval_id__in=open_approvals.values("public_id"))
    return rows.order_by("id").values_list("public_id", flat=True)[:limit]


@written
def refunds_pending_since(*, before: datetime, limit: int) -> QuerySet[Refund]:
    """This will return refunds that the provider has worked on since before that time and of which people were not
    told yet, with their order.
    """
    rows = Refund.objects.filter(status__in=["sent", "pending", "requires_action", "unknown"], requested_at__lt=before)
    told = Case.objects.filter(type=CaseType.REFUND_PENDING_TOO_LONG, subject_id=OuterRef("public_id"))
    rows = rows.exclude(Exists(told.exclude(status=Case.Status.RESOLVED)))
    return rows.select_related("order").order_by("requested_at")[:limit]


@written
def disputes_unheard_of(*, since: datetime, limit: int) -> QuerySet[Dispute]:
    """This will return open disputes that nothing was heard of since then, with their payments."""
    silent = Dispute.objects.filter(status__in=OPEN_DISPUTES, observed_at__lte=since)
    return silent.select_related("attempt__account__channel", "attempt__order").order_by("observed_at")[:limit]


@written
def closable_orders(*, before: datetime, limit: int) -> QuerySet[Order, str]:
    """This will return orders paid before that time that may end.

    None that somebody still has to do something about: those would keep the others waiting.
    """
    return _closable(before).order_by("paid_at").values_list("public_id", flat=True)[:limit]


def is_closable(order: Order, *, before: datetime) -> bool:
    """This will tell whether a locked order may still end. One query."""
    return _closable(before).filter(pk=order.pk).exists()


def _closable(before: datetime) -> QuerySet[Order]:
    kept = F("quantity") - F("units_cancelled") - F("units_given_back")
    cases = Case.objects.filter(order_public_id=OuterRef("public_id")).exclude(status=Case.Status.RESOLVED)
    return Order.objects.filter(
        ~Exists(Hold.objects.filter(**ORDER_OF_ROW, released_at=None)),
        ~Exists(Refund.objects.filter(**ORDER_OF_ROW, status__in=OPEN_REFUNDS)),
        ~Exists(Dispute.objects.filter(**ORDER_OF_ROW, status__in=OPEN_DISPUTES)),
        ~Exists(Operation.objects.filter(**ORDER_OF_ROW, status__in=OPEN_STATUSES)),
        ~Exists(cases),
        ~Q(state=OrderState.PARTIALLY_REFUNDED)
        | ~Exists(OrderLine.objects.filter(**ORDER_OF_ROW, units_fulfilled__lt=kept)),
        state__in=CLOSING_STATES,
        paid_at__lt=before,
    )
