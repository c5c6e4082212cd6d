"""Money that is not what we asked for: people are told, and the order waits for them."""

from core.cause import Cause
from core.db import transaction_required
from core.money import Money
from orders import services as orders
from orders.models import HoldReason, Order
from oversight.models import Case, CaseType
from oversight.selectors import was_reported
from oversight.services import Report, open_case
from payments.models import PaymentAttempt
from payments.providers.base import ProviderUpdate


@transaction_required
def hold(order: Order, attempt: PaymentAttempt, update: ProviderUpdate, mismatch: str, *, cause: Cause) -> None:
    """This will hold the locked order and open a case; `mismatch` says in words what does not fit.

    Each payment that is not ours has a case of its own, known by the provider's name for it.
    """
    reference = update.provider_reference
    is_ours = attempt.provider_reference in {None, reference}
    orders.open_hold(order, reason=HoldReason.AMOUNT_MISMATCH, detail=mismatch, cause=cause)
    open_case(
        Report(
            type=CaseType.AMOUNT_MISMATCH,
            subject_id=attempt.public_id if is_ours else reference,
            severity=Case.Severity.HIGH,
            summary=f"The provider's payment is not the one we asked for: {mismatch}.",
            money=Money(update.captured_minor, update.currency) if update.currency == order.currency else None,
            order_public_id=order.public_id,
            evidence={
                "provider_reference": reference,
                "captured_minor": update.captured_minor,
                "currency": update.currency,
                "due_minor": order.due_minor,
            },
        ),
        now=cause.now,
    )


def is_settled(update: ProviderUpdate, *, order: Order) -> bool:
    """This will tell whether people were told of a payment that is not ours and all that it took went back: who did
    that is not asked to look at it anew.
    """
    returned_minor = sum(refund.amount_minor for refund in update.refunds if refund.status == "succeeded")
    return 0 < update.captured_minor <= returned_minor and was_reported(
        type=CaseType.AMOUNT_MISMATCH, subject_id=update.provider_reference, order_public_id=order.public_id
    )
