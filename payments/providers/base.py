"""What every adapter speaks: requests in, frozen updates out, four errors, a table of capabilities.

Amounts are minor units of `currency`, as ISO 4217 counts them; an adapter converts at its own wire if it must.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

UpdateStatus = Literal[
    "created",
    "requires_action",
    "processing",
    "authorized",
    "partially_captured",
    "captured",
    "failed",
    "voided",
    "expired",
    "reversed",
]
DisputeStage = Literal["inquiry", "needs_response", "under_review", "won", "lost", "accepted", "withdrawn", "prevented"]
RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "cancelled"]


class ActionType(StrEnum):
    """What a customer must do at the provider; the `type` of a next action."""

    REDIRECT = "redirect"
    CHALLENGE = "challenge"
    APP_SWITCH = "app_switch"
    VOUCHER = "voucher"
    BANK_TRANSFER_INSTRUCTIONS = "bank_transfer_instructions"
    WAIT = "wait"


class AdapterError(Exception):
    """One of the four ways a call can end without the answer we wanted."""

    def __init__(self, code: str, detail: str = "", *, update: "ProviderUpdate | None" = None) -> None:
        """Keep the provider's code, a sentence without personal data, and what the provider said of the payment."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.update = update


class Declined(AdapterError):
    """Final: the provider said no."""


class Unavailable(AdapterError):
    """Surely not executed: the same key may be sent again."""


class OutcomeUnknown(AdapterError):
    """Maybe executed: find out; never a new key."""


class Refused(AdapterError):
    """Our configuration, credentials or request is wrong: surely not executed, never by repetition."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How a provider behaves where recovery depends on it, and where its customers type their card.

    `hosted` is a page of the provider's that the customer goes to; `embedded` a form in our page, whose frames come
    from `frame_origins`. `takes_zero`: it takes a total of zero and no other. `amount_steps`: what amounts of a
    currency must be multiples of, where that is not 1. `settlement_days`: how long after a capture its money is
    expected in a payout at the latest.
    """

    key_lifetime_seconds: int | None
    can_retrieve: bool
    dead_by: Literal["confirm", "deadline", "never"]
    client_mode: Literal["embedded", "hosted"]
    frame_origins: tuple[str, ...]
    find_lag_seconds: int
    label: str = ""
    takes_zero: bool = False
    amount_steps: Mapping[str, int] = field(default_factory=dict)
    settlement_days: int = 7

    def takes(self, amount_minor: int, currency: str) -> bool:
        """This will tell whether the provider can take the amount to its last minor unit."""
        return amount_minor % self.amount_steps.get(currency, 1) == 0


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """Where and as whom to call. `secret_key` never leaves the adapter; `hosted_pages` is "" without such pages."""

    account_id: str
    secret_key: str
    publishable_key: str
    api_base: str
    is_livemode: bool
    hosted_pages: str = ""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What is stored with the operation and sent to open a payment: a replay of it is the same request, byte for
    byte. Fields that came later have defaults that send nothing.

    `exemption`: why no strong authentication should be needed. `wants_challenge`: the bank shall ask its customer.
    """

    order_id: str
    attempt_id: str
    amount_minor: int
    currency: str
    capture_method: Literal["automatic", "manual"]
    description: str
    payment_token: str = ""
    return_url: str = ""
    exemption: str = ""
    wants_challenge: bool = False
    wants_several_captures: bool = False


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What is sent to take held funds. Of one that is not final the rest stays held, where the provider can do that."""

    provider_reference: str
    amount_minor: int
    currency: str
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What is sent to give money back: our operation's public id lets us find it again."""

    provider_reference: str
    operation_id: str
    order_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a payment failed, in our words; `may_retry` is False when the issuer said never again with this card.

    `is_soft`: the issuer wants its customer authenticated and may say yes then.
    """

    code: str
    message: str
    may_retry: bool = True
    is_soft: bool = False


@dataclass(frozen=True, slots=True)
class RefundFact:
    """One refund as the provider sees it. `operation_id` is ours when we ordered it, "" otherwise."""

    reference: str
    status: RefundStatus
    amount_minor: int
    operation_id: str = ""
    failure_code: str = ""


@dataclass(frozen=True, slots=True)
class DisputeFact:
    """One dispute of a payment as the provider sees it. Amounts in minor units of the payment's currency.

    `withdrawn_minor` is what of the amount is taken from us now; `fee_minor` what the provider keeps for it all in all.
    """

    reference: str
    status: DisputeStage
    provider_status: str
    reason: str
    amount_minor: int
    withdrawn_minor: int
    fee_minor: int
    opened_at: datetime
    respond_by: datetime | None = None
    is_refundable: bool = False
    has_evidence: bool = False


@dataclass(frozen=True, slots=True)
class FraudWarning:
    """What an issuer says of a payment before anybody disputes it."""

    reference: str
    provider_reference: str
    kind: str
    is_actionable: bool


@dataclass(frozen=True, slots=True)
class ProviderUpdate:
    """The state of one payment at the provider, normalised. Totals, never increments.

    On our clock the state is no older than `observed_at` (when the question was asked; None when nothing of ours says
    so) and no younger than `answered_at`. `occurred_at` is the provider's clock, told to people and compared only where
    the worst that follows is one question more. `is_look`: we asked for all there is to know, refunds and disputes
    included; the answer of a write and the copy in an event show less. `captured_minor` is of the payment's last try;
    `earlier_minor` is what earlier ones left with us, though they were taken back: what had been refunded of them.
    """

    provider_reference: str
    attempt_id: str
    order_id: str
    status: UpdateStatus
    provider_status: str
    amount_minor: int
    currency: str
    authorized_minor: int
    captured_minor: int
    is_livemode: bool
    occurred_at: datetime
    observed_at: datetime | None
    answered_at: datetime
    can_still_capture: bool
    is_look: bool = False
    client_secret: str = ""
    next_action: dict[str, Any] | None = None
    next_action_expires_at: datetime | None = None
    capture_before: datetime | None = None
    failure: Failure | None = None
    three_d_secure: dict[str, Any] | None = None
    risk: dict[str, Any] | None = None
    card_fingerprint: str = ""
    refunds: tuple[RefundFact, ...] = field(default=())
    reversed_minor: int = 0
    earlier_minor: int = 0
    disputes: tuple[DisputeFact, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class WebhookNotice:
    """One event of a verified delivery, as far as the inbox needs it."""

    event_key: str
    type: str
    object_id: str
    occurred_at: datetime
    is_livemode: bool


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """What an event is about. `update` is evidence by itself; without it the provider must be asked for
    `provider_reference`.

    `is_birth` marks the notice that a payment was opened, which says nothing about money; `is_dispute` one of a
    dispute, which may be of an earlier charge of its payment.
    """

    is_relevant: bool
    is_birth: bool = False
    is_dispute: bool = False
    reason: str = ""
    provider_reference: str = ""
    update: ProviderUpdate | None = None
    warning: FraudWarning | None = None


class InvalidWebhook(Exception):
    """The signature is missing, wrong, too old or from the future, or the body is not an event."""


class Adapter(Protocol):
    """One provider. Every write takes the operation's stable `key`; all calls may raise the four errors."""

    capabilities: Capabilities

    def is_token(self, text: str) -> bool:
        """This will tell whether the text could be a payment token of this provider. Calls nobody."""
        ...

    def create(self, request: PaymentRequest, *, key: str) -> ProviderUpdate:
        """This will open the payment and, with a token, confirm it."""
        ...

    def capture(self, request: CaptureRequest, *, key: str) -> ProviderUpdate:
        """This will take held funds, all or a part; what a final capture leaves is released."""
        ...

    def void(self, reference: str, *, key: str) -> ProviderUpdate:
        """This will release held funds, or close a payment that nobody finished."""
        ...

    def refund(self, request: RefundRequest, *, key: str) -> RefundFact:
        """This will give money back."""
        ...

    def retrieve(self, reference: str, *, has_taken: bool = False, has_earlier: bool = False) -> ProviderUpdate:
        """This will ask for the payment's present state, refunds and disputes included.

        `has_taken`: it took money once, so these are read though its present try may have taken none. `has_earlier`:
        what it took was taken back once, or we are told of a dispute, which may be of a charge before the last.
        """
        ...

    def find_by_reference(self, *, attempt_id: str, created_after: datetime) -> ProviderUpdate | None:
        """This will look for a payment by our reference; None means not found, which is not yet proof."""
        ...

    def hosted_page(self, *, reference: str, client_secret: str, return_url: str) -> str:
        """This will name the provider's page where the customer pays, "" where the form is embedded. Calls nobody."""
        ...

    def verify_webhook(
        self, *, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
    ) -> list[WebhookNotice]:
        """This will check the signature over the raw bytes and return the delivery's events. Raises: InvalidWebhook."""
        ...

    def parse_webhook(self, *, body: bytes, event_key: str) -> ParsedEvent:
        """This will return what one stored event means."""
        ...
