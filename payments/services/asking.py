"""Asking the provider how a payment stands, whoever wants to know."""

from core.cause import Cause
from core.db import outside_transaction
from orders import services as orders
from payments.models import PaymentAttempt
from payments.providers.base import AdapterError
from payments.providers.registry import adapter_for
from payments.services.funnel import apply_update


@outside_transaction
def ask_provider(attempt: PaymentAttempt, *, cause: Cause) -> bool:
    """This will retrieve an attempt's payment and put the answer through the funnel. Returns whether the provider
    answered.
    """
    if not attempt.provider_reference:
        return False
    try:
        update = adapter_for(attempt.account).retrieve(
            attempt.provider_reference, has_taken=attempt.has_taken, has_earlier=attempt.has_earlier
        )
    except AdapterError:
        return False
    with orders.order_transaction("payments.ask"):
        apply_update(update, account=attempt.account, cause=cause)
    return True
