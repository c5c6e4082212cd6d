"""What the sandbox remembers. Every amount is in the provider's minor units of its currency."""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Record:
    """A row: field names are column names; `json_fields` and `bool_fields` say how to store them."""

    table: ClassVar[str]
    json_fields: ClassVar[frozenset[str]] = frozenset()
    bool_fields: ClassVar[frozenset[str]] = frozenset()

    id: str


@dataclass(frozen=True)
class Intent(Record):
    """One payment somebody means to make."""

    table: ClassVar[str] = "intents"
    json_fields: ClassVar[frozenset[str]] = frozenset({"metadata", "last_error"})
    bool_fields: ClassVar[frozenset[str]] = frozenset({"off_session"})

    dialect: str
    amount: int
    currency: str
    capture_method: str
    status: str
    client_secret: str
    created: int
    metadata: dict[str, str]
    amount_capturable: int = 0
    amount_received: int = 0
    card: str | None = None
    return_url: str | None = None
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    latest_charge: str | None = None
    next_action: str | None = None
    last_error: dict[str, Any] | None = None
    cancellation_reason: str | None = None
    canceled_at: int | None = None
    off_session: bool = False
    request_three_d_secure: str = "automatic"
    request_multicapture: str | None = None


@dataclass(frozen=True)
class Charge(Record):
    """One try to take an intent's money from a card."""

    table: ClassVar[str] = "charges"
    json_fields: ClassVar[frozenset[str]] = frozenset({"metadata", "three_d_secure"})
    bool_fields: ClassVar[frozenset[str]] = frozenset({"captured", "released", "hold_is_over", "is_multicapture"})

    intent_id: str
    amount: int
    currency: str
    status: str
    card: str
    created: int
    metadata: dict[str, str]
    captured: bool = False
    released: bool = False
    amount_captured: int = 0
    amount_refunded: int = 0
    capture_before: int | None = None
    balance_transaction: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    three_d_secure: dict[str, Any] | None = None
    description: str | None = None
    is_multicapture: bool = False
    hold_is_over: bool = False
    failure_balance_transaction: str | None = None
    dispute_id: str | None = None


@dataclass(frozen=True)
class Capture(Record):
    """Money taken from a hold, or at once; a charge with several captures has several of these."""

    table: ClassVar[str] = "captures"
    bool_fields: ClassVar[frozenset[str]] = frozenset({"is_final"})

    charge_id: str
    intent_id: str
    amount: int
    currency: str
    status: str
    is_final: bool
    created: int
    balance_transaction: str


@dataclass(frozen=True)
class Refund(Record):
    """Money given back from one charge."""

    table: ClassVar[str] = "refunds"
    json_fields: ClassVar[frozenset[str]] = frozenset({"metadata"})

    charge_id: str
    intent_id: str
    amount: int
    currency: str
    status: str
    created: int
    metadata: dict[str, str]
    reason: str | None = None
    failure_reason: str | None = None
    pending_reason: str | None = None
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None


@dataclass(frozen=True)
class BalanceTransaction(Record):
    """One movement of the merchant's balance; a refund's amount is negative. `payout` is what paid it out."""

    table: ClassVar[str] = "balance_transactions"

    kind: str
    reporting_category: str
    amount: int
    fee: int
    currency: str
    source: str
    created: int
    available_on: int
    intent_id: str | None = None
    payout: str | None = None


@dataclass(frozen=True)
class Dispute(Record):
    """A payer's objection at their bank; `is_withdrawn` says that the provider has taken the money back for now."""

    table: ClassVar[str] = "disputes"
    json_fields: ClassVar[frozenset[str]] = frozenset({"metadata", "evidence", "balance_transactions"})
    bool_fields: ClassVar[frozenset[str]] = frozenset({"is_withdrawn"})

    charge_id: str
    intent_id: str
    amount: int
    currency: str
    reason: str
    status: str
    created: int
    due_by: int
    metadata: dict[str, str]
    evidence: dict[str, str]
    balance_transactions: list[str]
    fee: int = 0
    is_withdrawn: bool = False
    submission_count: int = 0


@dataclass(frozen=True)
class FraudWarning(Record):
    """The card network's early word that a payment was made by a thief."""

    table: ClassVar[str] = "fraud_warnings"
    bool_fields: ClassVar[frozenset[str]] = frozenset({"is_actionable"})

    charge_id: str
    intent_id: str
    fraud_type: str
    is_actionable: bool
    created: int


@dataclass(frozen=True)
class Payout(Record):
    """Money on its way from the provider to the merchant's bank; an automatic one names what it consists of."""

    table: ClassVar[str] = "payouts"
    bool_fields: ClassVar[frozenset[str]] = frozenset({"is_automatic"})

    amount: int
    currency: str
    status: str
    is_automatic: bool
    created: int
    arrival_date: int
    balance_transaction: str
    failure_balance_transaction: str | None = None
    failure_code: str | None = None


@dataclass(frozen=True)
class Event(Record):
    """Something that happened, with the rendered body as it is sent and listed."""

    table: ClassVar[str] = "events"
    bool_fields: ClassVar[frozenset[str]] = frozenset({"is_delivered"})

    dialect: str
    kind: str
    subject_id: str
    created: int
    body: str
    is_delivered: bool = False


@dataclass(frozen=True)
class Delivery(Record):
    """One sending of one event to one address, with all its retries."""

    table: ClassVar[str] = "deliveries"
    bool_fields: ClassVar[frozenset[str]] = frozenset({"is_held"})

    event_id: str
    dialect: str
    url: str
    position: int
    due_at: float
    state: str = "pending"
    attempts: int = 0
    last_status: int | None = None
    is_held: bool = False
    fault: str | None = None
