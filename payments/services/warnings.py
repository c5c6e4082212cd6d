"""Early fraud warnings: an issuer suspects a payment before anybody disputes it."""

from core.cause import Cause
from core.db import transaction_required
from core.money import Money
from orders import services as orders
from orders.models import HoldReason, Reason
from orders.selectors import lock_order
from orders.services.change import Because
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from payments.models import PaymentAttempt
from payments.providers.base import FraudWarning


@transaction_required
def note_fraud_warning(attempt: PaymentAttempt, warning: FraudWarning, *, cause: Cause) -> None:
    """This will hold the order until somebody has looked, and suggest a refund: cheaper than the dispute that follows.

    Nothing is given back by itself. Locks the order; a second delivery changes nothing.
    """
    order = lock_order(attempt.order.public_id)
    detail = f"The card's issuer suspects fraud ({warning.kind or 'no kind given'})."
    hold_is_new = not order.holds.filter(reason=HoldReason.RISK_REVIEW, released_at=None).exists()
    orders.open_hold(order, reason=HoldReason.RISK_REVIEW, detail=detail, cause=cause)
    if hold_is_new:
        facts = {"warning": warning.reference, "kind": warning.kind}
        orders.record_fact(order, Because(Reason.FRAUD_WARNING, cause, attempt.public_id, facts))
    left = order.accepted_minor - order.returned_minor
    open_case(
        Report(
            type=CaseType.EARLY_FRAUD_WARNING,
            subject_id=attempt.public_id,
            severity=Case.Severity.HIGH,
            summary=(
                f"{detail} Refund {Money(left, order.currency).display()} now to avoid a dispute and its fee, or "
                "release the hold."
                if left and warning.is_actionable
                else detail
            ),
            evidence={"warning": warning.reference, "kind": warning.kind, "suggested_refund_minor": left},
            money=Money(left, order.currency),
            order_public_id=order.public_id,
        ),
        now=cause.now,
    )
