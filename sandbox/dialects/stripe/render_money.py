"""What happens to money that was taken, as Stripe's objects: refunds, disputes, warnings, movements, payouts.

Source: the resource classes of stripe-python 16 (`stripe/_refund.py`, `_dispute.py`, `_payout.py`,
`_balance_transaction.py`, `radar/_early_fraud_warning.py`).
"""

from typing import Any

from sandbox.cards import CARDS
from sandbox.dialects.stripe.aftermath_words import CASE_TYPES, EVIDENCE, NETWORK_REASONS, PAYOUT_FAILURES
from sandbox.records import BalanceTransaction, Charge, Dispute, FraudWarning, Payout, Refund

Rendered = dict[str, Any]


def render_refund(refund: Refund) -> Rendered:
    """This will return a refund."""
    rendered: Rendered = {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.balance_transaction,
        "charge": refund.charge_id,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": {"type": "card", "card": {"type": "refund"}},
        "metadata": refund.metadata,
        "payment_intent": refund.intent_id,
        "reason": refund.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": refund.status,
        "transfer_reversal": None,
    }
    for name in ("failure_reason", "pending_reason", "failure_balance_transaction"):
        if getattr(refund, name):
            rendered[name] = getattr(refund, name)
    return rendered


def render_dispute(dispute: Dispute, *, charge: Charge, movements: list[BalanceTransaction], now: int) -> Rendered:
    """This will return a dispute with its movements, oldest first: more than two only after it was opened again."""
    is_refundable = not dispute.is_withdrawn and charge.amount_refunded < charge.amount_captured
    network_reason = NETWORK_REASONS.get(dispute.reason, "13.3")
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [render_balance_transaction(movement, now=now) for movement in movements],
        "charge": dispute.charge_id,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": {name: dispute.evidence.get(name) for name in sorted(EVIDENCE)},
        "evidence_details": {
            "due_by": dispute.due_by,
            "enhanced_eligibility": {},
            "has_evidence": bool(dispute.evidence),
            "past_due": False,
            "submission_count": dispute.submission_count,
            "submission_method": "manual" if dispute.submission_count else "not_submitted",
        },
        "is_charge_refundable": is_refundable,
        "livemode": False,
        "metadata": dispute.metadata,
        "network_reason_code": network_reason,
        "payment_intent": dispute.intent_id,
        "payment_method_details": {
            "card": {
                "brand": CARDS[charge.card].brand,
                "case_type": CASE_TYPES.get(dispute.status, "chargeback"),
                "network_reason_code": network_reason,
            },
            "type": "card",
        },
        "reason": dispute.reason,
        "status": dispute.status,
    }


def render_warning(warning: FraudWarning) -> Rendered:
    """This will return an early_fraud_warning."""
    return {
        "id": warning.id,
        "object": "radar.early_fraud_warning",
        "actionable": warning.is_actionable,
        "charge": warning.charge_id,
        "created": warning.created,
        "fraud_type": warning.fraud_type,
        "livemode": False,
        "payment_intent": warning.intent_id,
    }


def render_payout(payout: Payout) -> Rendered:
    """This will return a payout. Only an automatic one can be reconciled by its movements."""
    is_complete = payout.status in {"paid", "failed"}
    automatic = "completed" if is_complete else "in_progress"
    return {
        "id": payout.id,
        "object": "payout",
        "amount": payout.amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": payout.arrival_date,
        "automatic": payout.is_automatic,
        "balance_transaction": payout.balance_transaction,
        "created": payout.created,
        "currency": payout.currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_sandbox",
        "failure_balance_transaction": payout.failure_balance_transaction,
        "failure_code": payout.failure_code,
        "failure_message": PAYOUT_FAILURES.get(payout.failure_code or ""),
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": automatic if payout.is_automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": payout.status,
        "trace_id": None,
        "type": "bank_account",
    }


def render_balance_transaction(movement: BalanceTransaction, *, now: int) -> Rendered:
    """This will return a balance_transaction."""
    return {
        "id": movement.id,
        "object": "balance_transaction",
        "amount": movement.amount,
        "available_on": movement.available_on,
        "balance_type": "payments",
        "created": movement.created,
        "currency": movement.currency,
        "description": None,
        "exchange_rate": None,
        "fee": movement.fee,
        "fee_details": _fee_details(movement),
        "net": movement.amount - movement.fee,
        "reporting_category": movement.reporting_category,
        "source": movement.source,
        "status": "available" if movement.available_on <= now else "pending",
        "type": movement.kind,
    }


def _fee_details(movement: BalanceTransaction) -> list[Rendered]:
    if not movement.fee:
        return []
    description = "Dispute fee" if movement.kind == "adjustment" else "Stripe processing fees"
    return [
        {
            "amount": movement.fee,
            "application": None,
            "currency": movement.currency,
            "description": description,
            "type": "stripe_fee",
        }
    ]
