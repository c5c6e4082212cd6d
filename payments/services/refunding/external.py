"""Refunds that somebody made at the provider, not here: recorded as they are, with a case."""

from core.cause import Cause
from core.db import transaction_required
from core.ids import new_public_id
from core.money import Money
from orders.models import Order
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from payments.models import LOST_DISPUTES, OPEN_REFUNDS, Operation, PaymentAttempt, Refund, RefundStatus
from payments.providers.base import RefundFact
from payments.selectors import disputes_of, refunds_of
from payments.services.refunding.books import post_accepted
from payments.services.refunding.request import insert_shares
from payments.services.refunding.shares import freely, given_of, sold_of


@transaction_required
def record_external(
    order: Order, attempt: PaymentAttempt, operation: Operation, fact: RefundFact, *, cause: Cause
) -> Refund:
    """This will make the refund's row for an `operation` that was just inserted for it, of an order that was paid.

    It takes what nobody owed first, then from the sale; what is beyond what was accepted is a loss with a case of its
    own. Nothing is refused: it happened.
    """
    refunds = refunds_of(order)
    # Of several that are heard of at once, those before this one have taken their share.
    claimed = sum(row.excess_minor for row in refunds if row.attempt_id == attempt.pk and row.status in OPEN_REFUNDS)
    excess = max(0, min(fact.amount_minor, attempt.excess_minor - attempt.excess_returned_minor - claimed))
    sold = sold_of(order)
    disputes = disputes_of(order)
    lost = [dispute for dispute in disputes if dispute.status in LOST_DISPUTES]
    given = given_of(refunds, lost=lost, sold=sold)
    left = max(0, sold.accepted_minor - given.returned_minor)
    amount = fact.amount_minor - excess
    shares = freely(sold, given, amount_minor=amount)
    refund = Refund(
        public_id=new_public_id("ref"),
        order=order,
        attempt=attempt,
        operation=operation,
        origin=Refund.Origin.EXTERNAL,
        status=RefundStatus.SENT,
        amount_minor=fact.amount_minor,
        net_minor=shares.net_minor + excess,
        excess_minor=excess,
        currency=attempt.currency,
        reason_code="external",
        requested_by=f"provider:{attempt.account.provider}",
        trace_id=cause.trace_id,
        requested_at=cause.now,
    )
    refund.save(force_insert=True)
    insert_shares(refund, shares, is_restocked=False)
    post_accepted(order, refund, cause=cause)
    if amount > left:
        _report_beyond(order, refund, beyond_minor=amount - left, cause=cause)
    return refund


def _report_beyond(order: Order, refund: Refund, *, beyond_minor: int, cause: Cause) -> None:
    open_case(
        Report(
            type=CaseType.REFUND_BEYOND_ACCEPTED,
            subject_id=refund.public_id,
            severity=Case.Severity.HIGH,
            summary="More went back at the provider than was ever accepted for this order.",
            evidence={"amount_minor": refund.amount_minor, "beyond_minor": beyond_minor},
            money=Money(beyond_minor, refund.currency),
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )
