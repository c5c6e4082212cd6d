"""Refunds: never more than was captured, sometimes late, sometimes failing after success.

Every function expects the caller's transaction.
"""

from dataclasses import dataclass, replace

from sandbox.cards import CARDS, PENDING_REFUND_SECONDS
from sandbox.engine.charges import get_charge, get_intent
from sandbox.engine.desk import Desk
from sandbox.engine.money import book_refund, book_refund_failure
from sandbox.engine.warnings import settle_warnings
from sandbox.errors import (
    AlreadyRefundedError,
    AmountTooLargeError,
    DisputedError,
    MoveRefusedError,
    NotCapturedError,
    NotFoundError,
    RefundStateError,
    WrongStateError,
)
from sandbox.records import Charge, Dispute, Refund

UNDER_WAY = ("pending", "requires_action")
FAILURE_REASON = "expired_or_canceled_card"
FAILURE_REASONS = (
    "lost_or_stolen_card",
    FAILURE_REASON,
    "charge_for_pending_refund_disputed",
    "insufficient_funds",
    "declined",
    "merchant_request",
    "unknown",
)
# How a refund begins, and what its timer does to it later.
BEHAVIOURS: dict[str, tuple[str, str | None]] = {
    "succeed": ("succeeded", None),
    "pending": ("pending", "settle_refund"),
    "pending_fail": ("pending", "fail_refund"),
    "fail": ("succeeded", "fail_refund"),
    "requires_action": ("requires_action", None),
}


@dataclass(frozen=True)
class RefundRequest:
    """What is asked for; exactly one of `charge_id` and `intent_id` is given. `behaviour` overrides the card's."""

    charge_id: str | None
    intent_id: str | None
    amount: int | None
    reason: str | None
    metadata: dict[str, str]
    behaviour: str | None = None
    seconds: float = PENDING_REFUND_SECONDS


def create_refund(desk: Desk, *, request: RefundRequest) -> Refund:
    """This will give money back.

    Raises `NotFoundError`, `WrongStateError`, `NotCapturedError`, `DisputedError`, `AlreadyRefundedError`,
    `AmountTooLargeError`.
    """
    charge = _charge_to_refund(desk, request)
    if not charge.amount_captured and not charge.released:
        raise NotCapturedError(charge)
    left = refundable(desk, charge)
    amount = left if request.amount is None else request.amount
    if amount > left:
        raise AmountTooLargeError(asked=amount, available=left, currency=charge.currency, parameter="amount")
    status, timer = BEHAVIOURS[request.behaviour or CARDS[charge.card].refund_behaviour]
    refund = Refund(
        id=desk.new_id("re"),
        charge_id=charge.id,
        intent_id=charge.intent_id,
        amount=amount,
        currency=charge.currency,
        status=status,
        pending_reason="processing" if status == "pending" else None,
        created=desk.now(),
        metadata=request.metadata,
        reason=request.reason,
    )
    if status != "requires_action":
        refund = replace(refund, balance_transaction=book_refund(desk, refund=refund))
    desk.store.insert(refund)
    if timer:
        desk.schedule(timer, subject_id=refund.id, seconds=request.seconds)
    charge = replace(charge, amount_refunded=charge.amount_refunded + amount)
    desk.store.update(charge)
    intent = get_intent(desk, charge.intent_id)
    desk.publish("refund.created", subject=refund, intent=intent)
    desk.publish("charge.refunded", subject=charge, intent=intent)
    settle_warnings(desk, charge=charge)
    return refund


def refundable(desk: Desk, charge: Charge) -> int:
    """This will return what can still be given back. Raises `DisputedError`, `AlreadyRefundedError`."""
    left = charge.amount_captured - charge.amount_refunded
    lost: Dispute | None = None
    for dispute in desk.store.select(Dispute, "WHERE charge_id = ? AND is_withdrawn = 1", (charge.id,)):
        if dispute.status != "lost":
            raise DisputedError(charge=charge, dispute=dispute)
        lost = dispute
        left -= dispute.amount
    if left <= 0 and lost:
        raise DisputedError(charge=charge, dispute=lost)
    if left <= 0:
        raise AlreadyRefundedError(charge)
    return left


def get_refund(desk: Desk, refund_id: str) -> Refund:
    """This will return the refund. Raises `NotFoundError`."""
    refund = desk.store.find(Refund, refund_id)
    if refund is None:
        raise NotFoundError(kind="refund", record_id=refund_id)
    return refund


def settle_refund(desk: Desk, *, refund_id: str) -> Refund:
    """This will make a refund under way arrive; any other stays as it is."""
    refund = get_refund(desk, refund_id)
    if refund.status not in UNDER_WAY:
        return refund
    movement_id = refund.balance_transaction or book_refund(desk, refund=refund)
    refund = replace(refund, status="succeeded", pending_reason=None, balance_transaction=movement_id)
    desk.store.update(refund)
    _publish_change(desk, refund)
    return refund


def fail_refund(desk: Desk, *, refund_id: str, reason: str = FAILURE_REASON) -> Refund:
    """This will take back a refund that did not arrive, also after it was called succeeded."""
    refund = get_refund(desk, refund_id)
    if refund.status in {"failed", "canceled"}:
        return refund
    refund = _take_back(desk, replace(refund, status="failed", failure_reason=reason))
    desk.publish("refund.failed", subject=refund, intent=get_intent(desk, refund.intent_id))
    return refund


def cancel_refund(desk: Desk, *, refund_id: str) -> Refund:
    """This will call off a refund that waits for the payer. Raises `NotFoundError`, `RefundStateError`."""
    refund = get_refund(desk, refund_id)
    if refund.status != "requires_action":
        raise RefundStateError(refund=refund, action="canceled")
    return _take_back(desk, replace(refund, status="canceled"))


def move_refund(desk: Desk, *, refund_id: str, status: str, reason: str) -> Refund:
    """This will bring a refund to where the bank wants it. Raises `NotFoundError`, `MoveRefusedError`."""
    refund = get_refund(desk, refund_id)
    if status == "failed" and refund.status in {*UNDER_WAY, "succeeded"}:
        return fail_refund(desk, refund_id=refund_id, reason=reason)
    if status == "succeeded" and refund.status in UNDER_WAY:
        return settle_refund(desk, refund_id=refund_id)
    if status == "pending" and refund.status == "requires_action":
        movement_id = book_refund(desk, refund=refund)
        refund = replace(refund, status="pending", pending_reason="processing", balance_transaction=movement_id)
        desk.store.update(refund)
        _publish_change(desk, refund)
        return refund
    if status == "canceled" and refund.status in UNDER_WAY:
        return _take_back(desk, replace(refund, status="canceled"))
    raise MoveRefusedError(f"{refund.id} is {refund.status}, so it cannot become {status}")


def fail_pending_refunds(desk: Desk, *, charge_id: str, reason: str) -> None:
    """This will fail every refund of the charge that is under way."""
    for refund in desk.store.select(Refund, "WHERE charge_id = ? ORDER BY seq", (charge_id,)):
        if refund.status in UNDER_WAY:
            fail_refund(desk, refund_id=refund.id, reason=reason)


def _take_back(desk: Desk, refund: Refund) -> Refund:
    returned = book_refund_failure(desk, refund=refund) if refund.balance_transaction else None
    refund = replace(refund, pending_reason=None, failure_balance_transaction=returned)
    desk.store.update(refund)
    charge = get_charge(desk, refund.charge_id)
    desk.store.update(replace(charge, amount_refunded=charge.amount_refunded - refund.amount))
    _publish_change(desk, refund)
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
