"""Reading Stripe's objects: payment intents and refunds as dictionaries into our updates. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from payments.providers.base import (
    ActionType,
    DisputeFact,
    DisputeStage,
    Failure,
    FraudWarning,
    OutcomeUnknown,
    ProviderUpdate,
    RefundFact,
    RefundStatus,
    UpdateStatus,
)

# Without decimals, and nevertheless written with two that are always 00. The forint and the Taiwan dollar are whole in
# payouts alone; charges have their two decimals. Source: docs.stripe.com/currencies#special-cases.
WIRE_FACTORS = {"ISK": 100, "UGX": 100}
# Source: stripe-python _payment_intent.py. requires_payment_method is a failure only when a try has failed.
STATUSES: dict[str, UpdateStatus] = {
    "requires_payment_method": "requires_action",
    "requires_confirmation": "requires_action",
    "requires_action": "requires_action",
    "processing": "processing",
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "voided",
}
# Nothing is under way: what became of the last charge is what became of the payment.
AT_REST = ("requires_payment_method", "canceled")
REFUND_STATUSES: dict[str, RefundStatus] = {
    "pending": "pending",
    "requires_action": "requires_action",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "cancelled",
}
# Source: stripe-python _dispute.py. An inquiry that closes took nothing.
DISPUTE_STAGES: dict[str, DisputeStage] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "under_review",
    "warning_closed": "withdrawn",
    "needs_response": "needs_response",
    "under_review": "under_review",
    "won": "won",
    "lost": "lost",
    "prevented": "prevented",
}
# Source: docs.stripe.com/declines/codes, authentication_required. A challenge that was failed has a code of its own.
SOFT = {"authentication_required"}
NEVER_AGAIN = {"do_not_try_again"}
STOLEN = {"lost_card", "stolen_card", "pickup_card", "fraudulent"}


class UnknownStatus(OutcomeUnknown):
    """The provider used a word we do not know: nothing is concluded from it."""

    def __init__(self, word: str) -> None:
        """Keep the word for the people who must teach it to us."""
        super().__init__("unknown_status", word[:80])


class OddAmount(OutcomeUnknown):
    """The provider names a part of a krona or a shilling, which nobody can have paid: nothing is concluded from it."""

    def __init__(self, amount: int, currency: str) -> None:
        """Keep the figure for the people who must look at it."""
        super().__init__("odd_amount", f"{amount} {currency}")


def to_wire(amount_minor: int, currency: str) -> int:
    """This will return minor units as the provider writes them."""
    return amount_minor * WIRE_FACTORS.get(currency.upper(), 1)


def from_wire(amount: int, currency: str) -> int:
    """This will return what the provider writes in minor units. Raises: OddAmount."""
    amount_minor, rest = divmod(int(amount), WIRE_FACTORS.get(currency.upper(), 1))
    if rest:
        raise OddAmount(amount, currency)
    return amount_minor


@dataclass(frozen=True, slots=True)
class Seen:
    """Between which instants of our clock the provider was in the state it shows; see ProviderUpdate."""

    observed_at: datetime | None
    answered_at: datetime
    # Whether we asked for all there is to know, not for one write.
    is_look: bool = False


def read_intent(
    intent: dict[str, Any], *, seen: Seen, refunds: Sequence[RefundFact] = (), occurred_at: datetime | None = None
) -> ProviderUpdate:
    """This will return the intent as an update. `occurred_at` defaults to the intent's creation. Raises:
    UnknownStatus, OddAmount.
    """
    word = str(intent["status"])
    if word not in STATUSES:
        raise UnknownStatus(word)
    metadata, currency = intent.get("metadata") or {}, str(intent["currency"]).upper()
    charge = last_charge(intent)
    reversed_minor = _taken_back(charge, currency) if word in AT_REST and seen.is_look else 0
    failure = _failure(intent.get("last_payment_error")) if word == "requires_payment_method" else None
    received = charge.get("amount_captured") if reversed_minor else intent.get("amount_received")
    captured_minor = from_wire(received or 0, currency) - reversed_minor
    details = (charge.get("payment_method_details") or {}).get("card") or {}
    return ProviderUpdate(
        provider_reference=str(intent["id"]),
        attempt_id=str(metadata.get("attempt_id", "")),
        order_id=str(metadata.get("order_id", "")),
        status=_status(word, failure, captured_minor=captured_minor, reversed_minor=reversed_minor),
        provider_status=word,
        amount_minor=from_wire(intent["amount"], currency),
        currency=currency,
        authorized_minor=from_wire(intent.get("amount_capturable") or 0, currency),
        captured_minor=captured_minor,
        is_livemode=bool(intent.get("livemode")),
        occurred_at=occurred_at or datetime.fromtimestamp(int(intent["created"]), UTC),
        observed_at=seen.observed_at,
        answered_at=seen.answered_at,
        is_look=seen.is_look,
        can_still_capture=word not in {"succeeded", "canceled"},
        client_secret=str(intent.get("client_secret") or ""),
        next_action=_next_action(intent.get("next_action")),
        capture_before=_instant(details.get("capture_before")),
        failure=failure,
        three_d_secure=_picked(details.get("three_d_secure"), ("result", "authentication_flow", "version")),
        risk=_picked(charge.get("outcome"), ("risk_score", "risk_level", "network_status", "type")),
        card_fingerprint=str((details or _declined_card(intent)).get("fingerprint") or ""),
        refunds=tuple(refunds),
        reversed_minor=reversed_minor,
    )


def present_charge(intent: dict[str, Any]) -> str:
    """This will return the id of the charge that the intent's status speaks of, or "". A new try has none at first: the
    last charge is of the one before then, and if that was taken back, it is an earlier one.
    """
    charge = last_charge(intent)
    is_earlier = intent["status"] not in AT_REST and _taken_back(charge, str(intent["currency"]).upper()) > 0
    return "" if is_earlier else str(charge.get("id") or "")


def last_charge(intent: dict[str, Any]) -> dict[str, Any]:
    """This will return the charge the intent shows; empty where it has none or names it only."""
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, dict) else {}


def _status(word: str, failure: Failure | None, *, captured_minor: int, reversed_minor: int) -> UpdateStatus:
    if reversed_minor:
        return "reversed"
    if failure:
        return "failed"
    return "partially_captured" if word == "requires_capture" and captured_minor else STATUSES[word]


def read_kept(charge: dict[str, Any]) -> int:
    """This will return what a charge left with us, also when it was taken back. Raises: OddAmount."""
    currency = str(charge["currency"]).upper()
    if not charge.get("captured"):
        return 0
    return from_wire(int(charge.get("amount_captured") or 0), currency) - _taken_back(charge, currency)


def _taken_back(charge: dict[str, Any], currency: str) -> int:
    """What was captured and taken back: the charge failed after it had been captured, which no declined one ever was.

    What had been refunded by then is not taken back again: it counts as captured, and as returned. Should that refund
    fail later, what it would have given back is ours again; only the charge's own movement says how much was taken.
    """
    if charge.get("status") != "failed" or not charge.get("captured"):
        return 0
    movement = charge.get("failure_balance_transaction")
    if isinstance(movement, dict):
        return from_wire(-int(movement["amount"]), currency)
    return from_wire(int(charge.get("amount_captured") or 0) - int(charge.get("amount_refunded") or 0), currency)


def read_dispute(dispute: dict[str, Any]) -> DisputeFact:
    """This will return a dispute as a fact; what its balance transactions moved says what is withdrawn now.

    Raises: UnknownStatus, OddAmount.
    """
    word, currency = str(dispute["status"]), str(dispute["currency"])
    if word not in DISPUTE_STAGES:
        raise UnknownStatus(word)
    moved = [each for each in dispute.get("balance_transactions") or [] if isinstance(each, dict)]
    details = dispute.get("evidence_details") or {}
    amount_minor = from_wire(dispute["amount"], currency)
    withdrawn = -sum(int(each["amount"]) for each in moved)
    return DisputeFact(
        reference=str(dispute["id"]),
        status=DISPUTE_STAGES[word],
        provider_status=word,
        reason=str(dispute.get("reason") or "")[:64],
        amount_minor=amount_minor,
        withdrawn_minor=min(amount_minor, from_wire(max(0, withdrawn), currency)),
        fee_minor=from_wire(max(0, sum(int(each.get("fee") or 0) for each in moved)), currency),
        opened_at=datetime.fromtimestamp(int(dispute["created"]), UTC),
        respond_by=_instant(details.get("due_by")),
        is_refundable=bool(dispute.get("is_charge_refundable")),
        has_evidence=bool(details.get("has_evidence")),
    )


def read_fraud_warning(warning: dict[str, Any]) -> FraudWarning:
    """This will return an early fraud warning."""
    return FraudWarning(
        reference=str(warning["id"]),
        provider_reference=str(warning.get("payment_intent") or ""),
        kind=str(warning.get("fraud_type") or "")[:64],
        is_actionable=bool(warning.get("actionable")),
    )


def read_refund(refund: dict[str, Any]) -> RefundFact:
    """This will return a refund as a fact. Raises: UnknownStatus, OddAmount."""
    word = str(refund["status"])
    if word not in REFUND_STATUSES:
        raise UnknownStatus(word)
    metadata = refund.get("metadata") or {}
    return RefundFact(
        reference=str(refund["id"]),
        status=REFUND_STATUSES[word],
        amount_minor=from_wire(refund["amount"], str(refund["currency"])),
        operation_id=str(metadata.get("operation_id", "")),
        failure_code=str(refund.get("failure_reason") or ""),
    )


def _failure(error: dict[str, Any] | None) -> Failure | None:
    if not error:
        return None
    code = str(error.get("decline_code") or error.get("code") or "card_declined")
    may_retry = error.get("advice_code") not in NEVER_AGAIN and code not in STOLEN
    # The issuer's reason is for staff; a customer with a stolen card must not be told so.
    message = "The bank declined this card." if code in STOLEN else str(error.get("message") or "")[:300]
    return Failure(code=code, message=message, may_retry=may_retry, is_soft=code in SOFT)


def _declined_card(intent: dict[str, Any]) -> dict[str, Any]:
    method = (intent.get("last_payment_error") or {}).get("payment_method") or {}
    return dict(method.get("card") or {})


def _next_action(action: dict[str, Any] | None) -> dict[str, Any] | None:
    if not action:
        return None
    if action.get("type") == "redirect_to_url":
        return {"type": str(ActionType.REDIRECT), "url": str(action["redirect_to_url"]["url"])}
    if action.get("type") == "use_stripe_sdk":
        return {"type": str(ActionType.CHALLENGE), "sdk": "stripe"}
    return {"type": str(ActionType.WAIT)}


def _instant(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def _picked(facts: dict[str, Any] | None, names: Sequence[str]) -> dict[str, Any] | None:
    return {name: facts.get(name) for name in names} if facts else None
