"""The sandbox's own truth: every record's facts, whatever a dialect makes of them on its wire."""

from typing import Any

from sandbox.records import (
    BalanceTransaction,
    Capture,
    Charge,
    Dispute,
    Event,
    FraudWarning,
    Intent,
    Payout,
    Record,
    Refund,
)

# In the order in which they are told: what is referred to comes before what refers to it.
KINDS: dict[str, type[Record]] = {
    "intent": Intent,
    "charge": Charge,
    "capture": Capture,
    "refund": Refund,
    "dispute": Dispute,
    "fraud_warning": FraudWarning,
    "payout": Payout,
    "balance_transaction": BalanceTransaction,
    "event": Event,
}
NAMES = {
    "intent": (
        "id amount currency status amount_capturable amount_received capture_method"
        " latest_charge cancellation_reason metadata created off_session request_three_d_secure"
    ),
    "charge": "id amount currency status captured released amount_captured amount_refunded created",
    "capture": "id amount currency status is_final created balance_transaction",
    "refund": "id amount currency status reason failure_reason metadata created",
    "dispute": "id amount currency status reason fee is_withdrawn due_by submission_count metadata created",
    "fraud_warning": "id fraud_type is_actionable created",
    "payout": "id amount currency status is_automatic failure_code created arrival_date",
    "balance_transaction": "id reporting_category amount fee currency source payout created available_on",
    "event": "id is_delivered created",
}


def truth_of(record: Record) -> dict[str, Any]:
    """This will return a record's facts, with real refunds only (a released hold is none)."""
    kind = _kind_of(record)
    facts = {"kind": kind, **{name: getattr(record, name) for name in NAMES[kind].split()}}
    match record:
        case Charge():
            facts |= {"intent": record.intent_id, "dispute": record.dispute_id}
        case Capture() | Refund() | Dispute() | FraudWarning():
            facts |= {"intent": record.intent_id, "charge": record.charge_id}
        case BalanceTransaction():
            facts |= {"type": record.kind, "intent": record.intent_id}
        case Event():
            facts |= {"type": record.kind, "subject": record.subject_id}
    return facts


def _kind_of(record: Record) -> str:
    for kind, record_type in KINDS.items():
        if type(record) is record_type:
            return kind
    raise TypeError(f"no truth for {type(record).__name__}")
