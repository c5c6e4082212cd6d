"""Intents: from somebody's wish to pay to money taken, held or refused.

Every function expects the caller's transaction, so that an idempotency key and its effect are
stored together or not at all.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from sandbox.cards import AUTHENTICATION_FAILURE, AUTHENTICATION_REQUIRED, CARDS, Card, Decline, behaviour_for
from sandbox.engine.captures import take_money
from sandbox.engine.charges import change_intent, get_intent
from sandbox.engine.desk import Desk
from sandbox.errors import MoveRefusedError, WrongStateError
from sandbox.records import Charge, Intent

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


@dataclass(frozen=True)
class Wish:
    """What a new intent is created from."""

    dialect: str
    amount: int
    currency: str
    capture_method: str
    metadata: dict[str, str]
    card: str | None = None
    return_url: str | None = None
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    request_three_d_secure: str = "automatic"
    request_multicapture: str | None = None


def create_intent(desk: Desk, *, wish: Wish) -> Intent:
    """This will remember a wish to pay; nothing is charged yet."""
    intent_id = desk.new_id("pi")
    intent = Intent(
        id=intent_id,
        client_secret=f"{intent_id}_{desk.new_id('secret', length=25)}",
        status="requires_confirmation" if wish.card else "requires_payment_method",
        created=desk.now(),
        **vars(wish),
    )
    desk.store.insert(intent)
    desk.publish("payment_intent.created", subject=intent, intent=intent)
    return intent


def confirm_intent(
    desk: Desk,
    *,
    intent_id: str,
    card: str | None = None,
    return_url: str | None = None,
    off_session: bool = False,
    verdict: Card | None = None,
) -> Intent:
    """This will try to charge the card; `off_session` says that nobody is there to be asked.

    A refusal by the bank is not an exception: it is an effect, so the intent comes back with
    `last_error` set and status requires_payment_method. `verdict` overrides what the card does.
    Raises `NotFoundError`; `WrongStateError` when the intent is past confirming.
    """
    intent = get_intent(desk, intent_id)
    token = card or intent.card
    if intent.status not in CONFIRMABLE or token is None:
        raise WrongStateError(intent=intent, action="confirmed", allowed=CONFIRMABLE)
    intent = change_intent(
        desk,
        intent,
        card=token,
        return_url=return_url or intent.return_url,
        off_session=off_session,
        last_error=None,
        next_action=None,
    )
    behaved = verdict or behaviour_for(CARDS[token], amount=intent.amount)
    if behaved.behaviour == "challenge" and off_session and intent.request_three_d_secure != "challenge":
        return decline_intent(desk, intent=intent, decline=AUTHENTICATION_REQUIRED)
    if behaved.behaviour == "challenge":
        return _ask_for_challenge(desk, intent)
    if behaved.behaviour in {"late_success", "processing_failed"}:
        return _start_processing(desk, intent, behaved)
    if behaved.behaviour == "decline":
        return decline_intent(desk, intent=intent, decline=behaved.decline)
    return approve_intent(desk, intent=intent)


def answer_challenge(desk: Desk, *, intent_id: str, is_authenticated: bool) -> Intent:
    """This will finish a 3-D Secure challenge. Raises `WrongStateError` when none is open."""
    intent = get_intent(desk, intent_id)
    if intent.status != "requires_action" or intent.card is None:
        raise WrongStateError(intent=intent, action="authenticated", allowed=("requires_action",))
    card = behaviour_for(CARDS[intent.card], amount=intent.amount)
    result = "authenticated" if is_authenticated else "failed"
    three_d_secure = {"authentication_flow": "challenge", "result": result, "version": "2.2.0"}
    if not is_authenticated:
        return decline_intent(desk, intent=intent, decline=AUTHENTICATION_FAILURE, has_charge=False)
    if card.decline:
        return decline_intent(desk, intent=intent, decline=card.decline, three_d_secure=three_d_secure)
    return approve_intent(desk, intent=intent, three_d_secure=three_d_secure)


def approve_intent(desk: Desk, *, intent: Intent, three_d_secure: dict[str, Any] | None = None) -> Intent:
    """This will take the money, or hold it where capture is manual."""
    charge = _charge_for(desk, intent, status="succeeded", three_d_secure=three_d_secure)
    if intent.capture_method == "manual":
        return _hold(desk, intent, charge)
    charge = take_money(desk, charge=charge, amount=intent.amount, is_final=True)
    intent = change_intent(
        desk,
        intent,
        status="succeeded",
        amount_received=intent.amount,
        latest_charge=charge.id,
        next_action=None,
    )
    desk.publish("charge.succeeded", subject=charge, intent=intent)
    desk.publish("payment_intent.succeeded", subject=intent, intent=intent)
    return intent


def charge_again(desk: Desk, *, intent_id: str) -> Intent:
    """This will make the mistake that keys are there to prevent: the same payment once more, its money taken at once.

    It has an id of its own and the metadata of the first, as if one request had been carried out twice. Raises
    `NotFoundError`; `MoveRefusedError` when the payment has taken no money.
    """
    first = get_intent(desk, intent_id)
    if first.status != "succeeded":
        raise MoveRefusedError(f"{first.id} is {first.status}, so nothing was charged that could be charged again")
    wish = Wish(**{field.name: getattr(first, field.name) for field in fields(Wish)})
    return approve_intent(desk, intent=create_intent(desk, wish=replace(wish, capture_method="automatic")))


def decline_intent(
    desk: Desk,
    *,
    intent: Intent,
    decline: Decline | None,
    three_d_secure: dict[str, Any] | None = None,
    has_charge: bool = True,
) -> Intent:
    """This will refuse the try; the intent waits for another payment method."""
    assert decline is not None
    last_error: dict[str, Any] = {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "advice_code": decline.advice_code,
        "card": intent.card,
        "charge": None,
    }
    changes: dict[str, Any] = {"status": "requires_payment_method", "card": None}
    if has_charge:
        charge = _charge_for(desk, intent, status="failed", three_d_secure=three_d_secure, decline=decline)
        last_error["charge"] = changes["latest_charge"] = charge.id
    intent = change_intent(desk, intent, last_error=last_error, next_action=None, **changes)
    if has_charge:
        desk.publish("charge.failed", subject=charge, intent=intent)
    desk.publish("payment_intent.payment_failed", subject=intent, intent=intent)
    return intent


def finish_processing(desk: Desk, *, intent_id: str, decline: Decline | None) -> Intent:
    """This will bring a processing intent to its late end; any other stays as it is."""
    intent = get_intent(desk, intent_id)
    if intent.status != "processing":
        return intent
    if decline:
        return decline_intent(desk, intent=intent, decline=decline)
    return approve_intent(desk, intent=intent)


def _ask_for_challenge(desk: Desk, intent: Intent) -> Intent:
    kind = "redirect_to_url" if intent.return_url else "use_stripe_sdk"
    intent = change_intent(desk, intent, status="requires_action", next_action=kind)
    desk.publish("payment_intent.requires_action", subject=intent, intent=intent)
    return intent


def _start_processing(desk: Desk, intent: Intent, card: Card) -> Intent:
    intent = change_intent(desk, intent, status="processing")
    kind = "finish" if card.behaviour == "late_success" else "fail"
    desk.schedule(kind, subject_id=intent.id, seconds=card.late_seconds)
    desk.publish("payment_intent.processing", subject=intent, intent=intent)
    return intent


def _hold(desk: Desk, intent: Intent, charge: Charge) -> Intent:
    hold_seconds = desk.account.hold_seconds
    is_multicapture = intent.request_multicapture == "if_available" and CARDS[charge.card].has_multicapture
    charge = replace(charge, capture_before=desk.now() + int(hold_seconds), is_multicapture=is_multicapture)
    desk.store.update(charge)
    intent = change_intent(
        desk,
        intent,
        status="requires_capture",
        amount_capturable=intent.amount,
        latest_charge=charge.id,
        next_action=None,
    )
    desk.schedule("expire", subject_id=intent.id, seconds=hold_seconds)
    desk.publish("charge.succeeded", subject=charge, intent=intent)
    desk.publish("payment_intent.amount_capturable_updated", subject=intent, intent=intent)
    return intent


def _charge_for(
    desk: Desk,
    intent: Intent,
    *,
    status: str,
    three_d_secure: dict[str, Any] | None,
    decline: Decline | None = None,
) -> Charge:
    assert intent.card is not None
    charge = Charge(
        id=desk.new_id("ch"),
        intent_id=intent.id,
        amount=intent.amount,
        currency=intent.currency,
        status=status,
        card=intent.card,
        created=desk.now(),
        metadata=intent.metadata,
        failure_code=decline.code if decline else None,
        failure_message=decline.message if decline else None,
        decline_code=decline.decline_code if decline else None,
        advice_code=decline.advice_code if decline else None,
        three_d_secure=three_d_secure,
        description=intent.description,
    )
    desk.store.insert(charge)
    return charge
