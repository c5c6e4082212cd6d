"""The engine's records as Stripe's objects.

Source: the resource classes of stripe-python 16 (`stripe/_payment_intent.py`, `_charge.py`).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from sandbox.cards import CARDS
from sandbox.dialects.stripe.render_money import (
    render_balance_transaction,
    render_dispute,
    render_payout,
    render_refund,
    render_warning,
)
from sandbox.records import BalanceTransaction, Charge, Dispute, FraudWarning, Intent, Payout, Refund
from sandbox.store import Store

Rendered = dict[str, Any]


class Renderer:
    """Knows the sandbox's own address, for challenge pages, what is available by now, and what belongs together."""

    def __init__(self, *, public_url: str, now: Callable[[], int], store: Store) -> None:
        self.public_url = public_url.rstrip("/")
        self.now = now
        self._store = store

    def render(self, record: object) -> Rendered:
        """This will return any record as Stripe shows it."""
        match record:
            case Intent():
                return self.intent(record)
            case Charge():
                return render_charge(record)
            case Refund():
                return render_refund(record)
            case BalanceTransaction():
                return render_balance_transaction(record, now=self.now())
            case Dispute():
                return self._dispute(record)
            case FraudWarning():
                return render_warning(record)
            case Payout():
                return render_payout(record)
        raise TypeError(f"no wire format for {type(record).__name__}")

    def intent(self, intent: Intent) -> Rendered:
        """This will return a payment_intent."""
        return {
            "id": intent.id,
            "object": "payment_intent",
            "amount": intent.amount,
            "amount_capturable": intent.amount_capturable,
            "amount_details": {"tip": {}},
            "amount_received": intent.amount_received,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "canceled_at": intent.canceled_at,
            "cancellation_reason": intent.cancellation_reason,
            "capture_method": intent.capture_method,
            "client_secret": intent.client_secret,
            "confirmation_method": "automatic",
            "created": intent.created,
            "currency": intent.currency,
            "customer": None,
            "description": intent.description,
            "last_payment_error": self._last_error(intent),
            "latest_charge": intent.latest_charge,
            "livemode": False,
            "metadata": intent.metadata,
            "next_action": self._next_action(intent),
            "on_behalf_of": None,
            "payment_method": intent.card,
            "payment_method_options": {"card": _card_options(intent)},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": intent.receipt_email,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": intent.statement_descriptor,
            "status": intent.status,
            "transfer_data": None,
            "transfer_group": None,
        }

    def _dispute(self, dispute: Dispute) -> Rendered:
        charge = self._store.find(Charge, dispute.charge_id)
        assert charge is not None
        found = [self._store.find(BalanceTransaction, name) for name in dispute.balance_transactions]
        movements = [movement for movement in found if movement]
        return render_dispute(dispute, charge=charge, movements=movements, now=self.now())

    def challenge_url(self, intent: Intent) -> str:
        """This will return the address of the intent's 3-D Secure page."""
        return f"{self.public_url}/3ds/{intent.id}?client_secret={quote(intent.client_secret)}"

    def _next_action(self, intent: Intent) -> Rendered | None:
        url = self.challenge_url(intent)
        if intent.next_action == "redirect_to_url":
            return {
                "type": "redirect_to_url",
                "redirect_to_url": {"return_url": intent.return_url, "url": url},
            }
        if intent.next_action == "use_stripe_sdk":
            return {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
            }
        return None

    def _last_error(self, intent: Intent) -> Rendered | None:
        error = intent.last_error
        if error is None:
            return None
        rendered: Rendered = {
            "type": "card_error",
            "code": error["code"],
            "message": error["message"],
            "doc_url": f"https://stripe.com/docs/error-codes/{error['code'].replace('_', '-')}",
        }
        for name in ("decline_code", "advice_code", "charge"):
            if error[name]:
                rendered[name] = error[name]
        if error["code"] == "payment_intent_authentication_failure":
            rendered.update({"type": "invalid_request_error"})
            rendered.pop("decline_code", None)
        if error["card"]:
            rendered["payment_method"] = render_payment_method(error["card"], intent.created)
        return rendered


def render_payment_method(token: str, created: int) -> Rendered:
    """This will return a card as a payment_method."""
    return {
        "id": token,
        "object": "payment_method",
        "type": "card",
        "card": _card_details(token),
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "created": created,
        "customer": None,
        "livemode": False,
        "metadata": {},
    }


def render_charge(charge: Charge) -> Rendered:
    """This will return a charge. A released hold is a charge that was not captured; nothing of it is refunded.

    Source: docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow.
    """
    is_paid = charge.status == "succeeded"
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": charge.balance_transaction,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "calculated_statement_descriptor": "SANDBOX",
        "captured": charge.captured,
        "created": charge.created,
        "currency": charge.currency,
        "customer": None,
        "description": charge.description,
        "dispute": charge.dispute_id,
        "disputed": charge.dispute_id is not None,
        "failure_balance_transaction": charge.failure_balance_transaction,
        "failure_code": charge.failure_code,
        "failure_message": charge.failure_message,
        "fraud_details": {},
        "livemode": False,
        "metadata": charge.metadata,
        "on_behalf_of": None,
        "outcome": _outcome(charge),
        "paid": is_paid,
        "payment_intent": charge.intent_id,
        "payment_method": charge.card,
        "payment_method_details": {"type": "card", "card": _charged_card(charge)},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": charge.captured and 0 < charge.amount_captured == charge.amount_refunded,
        "review": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": charge.status,
        "transfer_data": None,
        "transfer_group": None,
    }


def _charged_card(charge: Charge) -> Rendered:
    is_approved = _is_approved(charge)
    details = {
        **_card_details(charge.card),
        "amount_authorized": charge.amount if is_approved else None,
        "authorization_code": "123456" if is_approved else None,
        "multicapture": {"status": "available" if charge.is_multicapture else "unavailable"},
        "network_status": "approved_by_network" if is_approved else "declined_by_network",
        "three_d_secure": charge.three_d_secure,
    }
    if charge.capture_before:
        details["capture_before"] = charge.capture_before
    return details


def _is_approved(charge: Charge) -> bool:
    """What was captured had been approved, also when the bank took it back later."""
    return charge.status == "succeeded" or charge.amount_captured > 0


def _card_details(token: str) -> Rendered:
    card = CARDS[token]
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"sandbox{card.number[-8:]}",
        "funding": "credit",
        "last4": card.number[-4:],
        "network": card.brand,
        "wallet": None,
    }


def _outcome(charge: Charge) -> Rendered:
    score = CARDS[charge.card].risk_score
    level = "highest" if score >= 75 else "elevated" if score >= 65 else "normal"
    is_approved = _is_approved(charge)
    outcome: Rendered = {
        "network_status": "approved_by_network" if is_approved else "declined_by_network",
        "reason": charge.decline_code,
        "risk_level": level,
        "risk_score": score,
        "seller_message": "Payment complete." if is_approved else charge.failure_message,
        "type": "authorized" if is_approved else "issuer_declined",
    }
    if charge.advice_code:
        outcome["advice_code"] = charge.advice_code
    return outcome


def _card_options(intent: Intent) -> Rendered:
    options: Rendered = {"request_three_d_secure": intent.request_three_d_secure}
    if intent.request_multicapture:
        options["request_multicapture"] = intent.request_multicapture
    return options
