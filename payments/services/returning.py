"""The way to the provider's page and back: where the customer is sent, and what is done when they return."""

from datetime import datetime, timedelta
from typing import Any

from core import clock, policies
from core.cause import Cause, system
from core.db import outside_transaction, transaction_required
from core.wire import instant_json
from orders import services as orders
from orders.models import Reason
from orders.selectors import lock_order
from orders.services.change import Because
from payments.models import AttemptStatus, PaymentAttempt
from payments.providers.base import ActionType
from payments.providers.registry import adapter_for
from payments.selectors import find_own_attempt, lock_attempts
from payments.services.asking import ask_provider
from payments.services.return_state import NoSuchReturn, attempt_of_state

# Nothing more is learned by asking about these.
KNOWN = {AttemptStatus.CAPTURED, AttemptStatus.VOIDED, AttemptStatus.EXPIRED, AttemptStatus.REVERSED}


def customer_action(attempt: PaymentAttempt, *, expires_at: datetime | None) -> dict[str, Any] | None:
    """This will say what the customer must do at the provider to go on with a living attempt, and until when.

    `expires_at` is the order's own time, where the provider names none. The bank's question comes before the page
    where the account has one; a question only an SDK can show is asked by that page instead.
    """
    may_try_again = attempt.status == AttemptStatus.FAILED and attempt.confirmed_by == "client"
    if attempt.dead_at is not None or not (attempt.status == AttemptStatus.REQUIRES_ACTION or may_try_again):
        return None
    action = attempt.next_action
    if action is None or action["type"] == ActionType.CHALLENGE:
        page = adapter_for(attempt.account).hosted_page(
            reference=attempt.provider_reference or "",
            client_secret=attempt.client_secret,
            return_url=attempt.return_url,
        )
        action = {"type": str(ActionType.REDIRECT), "url": page} if page else action
    until = attempt.next_action_expires_at or expires_at
    return None if action is None else {**action, "expires_at": instant_json(until)}


@outside_transaction
def note_return(state: str, *, cause: Cause) -> str:
    """This will write down that the customer finished at the provider, ask where the outcome is not known, and return
    the order's public id.

    What the browser says about success is not read. Asks at most every few seconds, however often the page is loaded;
    after a decline each time, because the customer may have tried again. Opens its own transactions. Raises:
    NoSuchReturn.
    """
    attempt_id = attempt_of_state(state, now=cause.now)
    with orders.order_transaction("payments.return"):
        attempt = _note_finished(attempt_id, cause=cause)
    if _is_worth_asking(attempt, now=cause.now):
        ask_provider(attempt, cause=system("checkout", now=clock.now()))
    return attempt.order.public_id


@transaction_required
def _note_finished(attempt_id: str, *, cause: Cause) -> PaymentAttempt:
    known = find_own_attempt(attempt_id)
    if known is None:
        raise NoSuchReturn
    order = lock_order(known.order.public_id)
    attempt = next(row for row in lock_attempts(order) if row.pk == known.pk)
    attempt.order = order
    if attempt.customer_finished_at is not None and not _may_have_tried_again(attempt):
        return attempt
    is_told = attempt.is_behind_customer
    attempt.customer_finished_at = cause.now
    attempt.save(update_fields=["customer_finished_at"])
    if not is_told and not _is_known(attempt):
        facts = {"status": attempt.status, "customer_finished": True}
        orders.record_fact(order, Because(Reason.ATTEMPT_CHANGED, cause, attempt.public_id, facts))
    return attempt


def _may_have_tried_again(attempt: PaymentAttempt) -> bool:
    """Whether this may be the return from another try with the same payment: what is known of it is of the one before.

    Who only loads the page again cannot be told from them; their number is limited where they come in.
    """
    return attempt.status == AttemptStatus.FAILED and attempt.dead_at is None


def _is_known(attempt: PaymentAttempt) -> bool:
    return attempt.status in KNOWN or attempt.dead_at is not None


def _is_worth_asking(attempt: PaymentAttempt, *, now: datetime) -> bool:
    if _is_known(attempt) or attempt.customer_finished_at is None:
        return False
    if attempt.observed_at is None or attempt.observed_at <= attempt.customer_finished_at:
        return True  # What we know is older than what the customer did.
    return attempt.observed_at + timedelta(seconds=policies.current("pay_step")["ask_again_seconds"]) <= now
