"""Captures: held money taken in one or several parts, let go, run out, or taken back by the bank.

Every function expects the caller's transaction.
"""

from dataclasses import dataclass, replace

from sandbox.cards import CARDS
from sandbox.engine.charges import change_intent, get_charge, get_intent
from sandbox.engine.desk import Desk
from sandbox.engine.money import book_capture, book_reversal
from sandbox.engine.refunds import fail_pending_refunds
from sandbox.errors import (
    AmountTooLargeError,
    CaptureRefusedError,
    HoldOverError,
    MoveRefusedError,
    NothingCapturedError,
    NotMulticaptureError,
    WrongStateError,
)
from sandbox.records import Capture, Charge, Dispute, Intent

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
)
REVERSED_CODE = "charge_reversed"
REVERSED_MESSAGE = "The bank took back a payment that had succeeded."


@dataclass(frozen=True)
class CaptureRequest:
    """What is asked for. `amount` None means all that is left; `is_final` lets go what is left then."""

    intent_id: str
    amount: int | None = None
    is_final: bool = True
    is_refused: bool = False


def take_money(desk: Desk, *, charge: Charge, amount: int, is_final: bool) -> Charge:
    """This will book one capture and return the charge with it; `captured` says that none can follow."""
    is_pair = desk.account.partial_capture_pair and is_final and not charge.amount_captured
    taken = desk.store.rows("SELECT COUNT(*) FROM captures WHERE charge_id = ?", (charge.id,))[0][0]
    capture = Capture(
        # No id of its own random stream, so that one seed gives the ids it gave before captures were rows.
        id=f"cap_{charge.id.partition('_')[2]}_{taken + 1}",
        charge_id=charge.id,
        intent_id=charge.intent_id,
        amount=amount,
        currency=charge.currency,
        status="succeeded",
        is_final=is_final,
        created=desk.now(),
        balance_transaction=book_capture(desk, charge=charge, amount=amount, is_pair=is_pair),
    )
    desk.store.insert(capture)
    charge = replace(
        charge,
        captured=is_final,
        amount_captured=charge.amount_captured + amount,
        balance_transaction=capture.balance_transaction,
    )
    desk.store.update(charge)
    if is_final:
        _foresee(desk, charge)
    return charge


def capture_intent(desk: Desk, *, request: CaptureRequest) -> Intent:
    """This will take held money: all of it, or a part that is the last one or is followed by others.

    Raises `NotFoundError`, `WrongStateError`, `HoldOverError`, `AmountTooLargeError`, `NotMulticaptureError`,
    `NothingCapturedError`, `CaptureRefusedError`.
    """
    intent = get_intent(desk, request.intent_id)
    if intent.status != "requires_capture" or intent.latest_charge is None:
        raise WrongStateError(intent=intent, action="captured", allowed=("requires_capture",))
    charge = get_charge(desk, intent.latest_charge)
    if charge.hold_is_over:
        raise HoldOverError(intent)
    left = intent.amount_capturable
    amount = left if request.amount is None else request.amount
    if amount > left:
        raise AmountTooLargeError(asked=amount, available=left, currency=intent.currency, parameter="amount_to_capture")
    if not request.is_final and not charge.is_multicapture:
        raise NotMulticaptureError(intent)
    if amount == 0:
        if not request.is_final or not charge.amount_captured:
            raise NothingCapturedError(intent)
        return finish_hold(desk, intent)
    if request.is_refused or CARDS[charge.card].refuses_capture:
        raise CaptureRefusedError(intent)
    is_final = request.is_final or amount == left
    charge = take_money(desk, charge=charge, amount=amount, is_final=is_final)
    intent = change_intent(
        desk,
        intent,
        status="succeeded" if is_final else "requires_capture",
        amount_capturable=0 if is_final else left - amount,
        amount_received=intent.amount_received + amount,
    )
    if is_final:
        desk.publish("charge.captured", subject=charge, intent=intent)
        desk.publish("payment_intent.succeeded", subject=intent, intent=intent)
    else:
        desk.publish("charge.updated", subject=charge, intent=intent)
        desk.publish("payment_intent.amount_capturable_updated", subject=intent, intent=intent)
    return intent


def cancel_intent(desk: Desk, *, intent_id: str, reason: str | None) -> Intent:
    """This will end the intent and release what it holds; one that was captured in part succeeds with that part.

    Raises `NotFoundError`, `WrongStateError`.
    """
    intent = get_intent(desk, intent_id)
    if intent.status not in CANCELABLE:
        raise WrongStateError(intent=intent, action="canceled", allowed=CANCELABLE)
    if intent.status == "requires_capture" and intent.amount_received:
        return finish_hold(desk, intent)
    return _end(desk, intent, reason=reason, is_expired=False)


def expire_hold(desk: Desk, *, intent_id: str) -> Intent:
    """This will end a hold whose days are over; any other intent stays as it is.

    Where the account has a lag, captures are refused from now on and the intent is canceled after it.
    """
    intent = get_intent(desk, intent_id)
    if intent.status != "requires_capture" or intent.latest_charge is None:
        return intent
    lag_seconds = desk.account.hold_lag_seconds
    if not lag_seconds:
        return end_hold(desk, intent_id=intent_id)
    desk.store.update(replace(get_charge(desk, intent.latest_charge), hold_is_over=True))
    desk.schedule("end_hold", subject_id=intent.id, seconds=lag_seconds)
    return intent


def end_hold(desk: Desk, *, intent_id: str) -> Intent:
    """This will release what is still held; any other intent stays as it is."""
    intent = get_intent(desk, intent_id)
    if intent.status != "requires_capture":
        return intent
    if intent.amount_received:
        return finish_hold(desk, intent)
    return _end(desk, intent, reason="expired", is_expired=True)


def finish_hold(desk: Desk, intent: Intent) -> Intent:
    """This will let go what is left of a hold that was captured in part; the intent succeeds with what was taken."""
    assert intent.latest_charge is not None
    charge = replace(get_charge(desk, intent.latest_charge), captured=True)
    desk.store.update(charge)
    _foresee(desk, charge)
    intent = change_intent(desk, intent, status="succeeded", amount_capturable=0)
    desk.publish("charge.captured", subject=charge, intent=intent)
    desk.publish("payment_intent.succeeded", subject=intent, intent=intent)
    return intent


def reverse_capture(desk: Desk, *, charge_id: str) -> Charge:
    """This will take back captured money, less what was given back already. Refunds under way fail first.

    Raises `NotFoundError`; `MoveRefusedError` where nothing is left to take, or a dispute has it.
    """
    charge = get_charge(desk, charge_id)
    if charge.status != "succeeded" or not charge.captured:
        raise MoveRefusedError(f"{charge.id} is not a captured charge that succeeded")
    lost = desk.store.select(Dispute, "WHERE charge_id = ? AND is_withdrawn = 1", (charge.id,))
    if lost:
        raise MoveRefusedError(f"dispute {lost[0].id} has the money of {charge.id}")
    fail_pending_refunds(desk, charge_id=charge.id, reason="unknown")
    charge = get_charge(desk, charge_id)
    left = charge.amount_captured - charge.amount_refunded
    if left <= 0:
        raise MoveRefusedError(f"{charge.id} was given back already")
    charge = replace(
        charge,
        status="failed",
        failure_code=REVERSED_CODE,
        failure_message=REVERSED_MESSAGE,
        failure_balance_transaction=book_reversal(desk, charge=charge, amount=left),
    )
    desk.store.update(charge)
    desk.store.execute("UPDATE captures SET status = 'reversed' WHERE charge_id = ?", (charge.id,))
    intent = get_intent(desk, charge.intent_id)
    last_error = {
        "code": REVERSED_CODE,
        "decline_code": None,
        "message": REVERSED_MESSAGE,
        "advice_code": None,
        "card": charge.card,
        "charge": charge.id,
    }
    intent = change_intent(
        desk, intent, status="requires_payment_method", amount_received=0, card=None, last_error=last_error
    )
    desk.publish("charge.failed", subject=charge, intent=intent)
    desk.publish("payment_intent.payment_failed", subject=intent, intent=intent)
    return charge


def _foresee(desk: Desk, charge: Charge) -> None:
    """What the test card does to money that was taken, a little later."""
    if CARDS[charge.card].aftermath:
        desk.schedule("aftermath", subject_id=charge.id, seconds=desk.account.late_seconds)


def _end(desk: Desk, intent: Intent, *, reason: str | None, is_expired: bool) -> Intent:
    is_holding = intent.status == "requires_capture"
    intent = change_intent(
        desk,
        intent,
        status="canceled",
        amount_capturable=0,
        next_action=None,
        cancellation_reason=reason,
        canceled_at=desk.now(),
    )
    if is_holding and intent.latest_charge:
        charge = replace(get_charge(desk, intent.latest_charge), released=True)
        desk.store.update(charge)
        if is_expired:
            desk.publish("charge.expired", subject=charge, intent=intent)
    desk.publish("payment_intent.canceled", subject=intent, intent=intent)
    return intent
