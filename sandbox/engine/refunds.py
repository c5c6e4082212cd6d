"""Refunds: never more than was captured, sometimes late, sometimes failing after success.

Every function expects the caller's transaction.
"""

from dataclasses import dataclass, replace

from sandbox.cards import CARDS, PENDING_REFUND_SECONDS
from sandbox.engine.desk import Desk
from sandbox.engine.intents import get_charge, get_intent
from sandbox.engine.money import book_refund, book_refund_failure
from sandbox.errors import AlreadyRefundedError, AmountTooLargeError, NotCapturedError, NotFoundError, WrongStateError
from sandbox.records import Charge, Refund


@dataclass(frozen=True)
class RefundRequest:
    """What is asked for; exactly one of `charge_id` and `intent_id` is given."""

    charge_id: str | None
    intent_id: str | None
    amount: int | None
    reason: str | None
    metadata: dict[str, str]


def create_refund(desk: Desk, *, request: RefundRequest) -> Refund:
    """This will give money back.

    Raises `NotFoundError`, `WrongStateError`, `NotCapturedError`, `AlreadyRefundedError`, `AmountTooLargeError`.
    """
    charge = _charge_to_refund(desk, request)
    left = charge.amount_captured - charge.amount_refunded
    if not charge.captured and not charge.released:
        raise NotCapturedError(charge)
    if left <= 0:
        raise AlreadyRefundedError(charge)
    amount = left if request.amount is None else request.amount
    if amount > left:
        raise AmountTooLargeError(asked=amount, available=left, currency=charge.currency, parameter="amount")
    behaviour = CARDS[charge.card].refund_behaviour
    refund = Refund(
        id=desk.new_id("re"),
        charge_id=charge.id,
        intent_id=charge.intent_id,
        amount=amount,
        currency=charge.currency,
        status="pending" if behaviour == "pending" else "succeeded",
        pending_reason="processing" if behaviour == "pending" else None,
        created=desk.now(),
        metadata=request.metadata,
        reason=request.reason,
    )
    refund = replace(refund, balance_transaction=book_refund(desk, refund=refund))
    desk.store.insert(refund)
    if behaviour == "pending":
        desk.schedule("settle_refund", subject_id=refund.id, seconds=PENDING_REFUND_SECONDS)
    if behaviour == "fail":
        desk.schedule("fail_refund", subject_id=refund.id, seconds=PENDING_REFUND_SECONDS)
    charge = replace(charge, amount_refunded=charge.amount_refunded + amount)
    desk.store.update(charge)
    intent = get_intent(desk, charge.intent_id)
    desk.publish("refund.created", subject=refund, intent=intent)
    desk.publish("charge.refunded", subject=charge, intent=intent)
    return refund


def get_refund(desk: Desk, refund_id: str) -> Refund:
    """This will return the refund. Raises `NotFoundError`."""
    refund = desk.store.find(Refund, refund_id)
    if refund is None:
        raise NotFoundError(kind="refund", record_id=refund_id)
    return refund


def settle_refund(desk: Desk, *, refund_id: str) -> Refund:
    """This will make a pending refund arrive."""
    refund = get_refund(desk, refund_id)
    if refund.status != "pending":
        return refund
    refund = replace(refund, status="succeeded", pending_reason=None)
    desk.store.update(refund)
    _publish_change(desk, refund)
    return refund


def fail_refund(desk: Desk, *, refund_id: str) -> Refund:
    """This will take back a refund that did not arrive, also after it was called succeeded."""
    refund = get_refund(desk, refund_id)
    if refund.status == "failed":
        return refund
    refund = replace(
        refund,
        status="failed",
        pending_reason=None,
        failure_reason="expired_or_canceled_card",
        failure_balance_transaction=book_refund_failure(desk, refund=refund),
    )
    desk.store.update(refund)
    charge = get_charge(desk, refund.charge_id)
    desk.store.update(replace(charge, amount_refunded=charge.amount_refunded - refund.amount))
    _publish_change(desk, refund)
    desk.publish("refund.failed", subject=refund, intent=get_intent(desk, refund.intent_id))
    return refund


def _publish_change(desk: Desk, refund: Refund) -> None:
    intent = get_intent(desk, refund.intent_id)
    desk.publish("refund.updated", subject=refund, intent=intent)
    desk.publish("charge.refund.updated", subject=refund, intent=intent)


def _charge_to_refund(desk: Desk, request: RefundRequest) -> Charge:
    if request.charge_id:
        charge = get_charge(desk, request.charge_id)
        if charge.status == "succeeded":
            return charge
        raise WrongStateError(intent=get_intent(desk, charge.intent_id), action="refunded", allowed=("succeeded",))
    intent = get_intent(desk, request.intent_id or "")
    if intent.status not in {"succeeded", "requires_capture"} or intent.latest_charge is None:
        raise WrongStateError(intent=intent, action="refunded", allowed=("succeeded",))
    return get_charge(desk, intent.latest_charge)
