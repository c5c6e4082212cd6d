"""Every write to attempts and operations, the funnel that alone makes orders paid, and the recovery ladder."""

from payments.providers.base import InvalidWebhook, ParsedEvent, ProviderUpdate, WebhookNotice
from payments.services.asking import ask_provider
from payments.services.attempts import (
    NewAttempt,
    NotFree,
    NothingToPay,
    PaymentBeingVerified,
    go_on,
    open_attempt,
    retire_attempt,
)
from payments.services.capture import (
    AuthorizationLapsed,
    BeyondAuthorized,
    NotCapturable,
    NotTheWhole,
    request_capture,
    warn_of_deadline,
)
from payments.services.events import (
    EventReading,
    InvalidSignature,
    ProviderUnavailable,
    read_event,
    verify_webhook,
)
from payments.services.funnel import AppliedUpdate, UnknownPayment, apply_update
from payments.services.operations import Answer, carry_out, record_answer, submit, take_over
from payments.services.recover import recover
from payments.services.refunding import (
    Destination,
    NotRefundable,
    RefundDecided,
    RefundLocked,
    RefundsChanged,
    RefundWish,
    UnknownReason,
    approve_refund,
    cancel_unapproved,
    reject_refund,
    request_refund,
    withdraw_refund,
)
from payments.services.return_state import NoSuchReturn
from payments.services.returning import customer_action, note_return
from payments.services.settle import close_expired, close_for_replacement, settle_order
from payments.services.tokens import PaymentTokenExpired, PaymentTokenInvalid, check_token, has_lost_token
from payments.services.warnings import note_fraud_warning

__all__ = [
    "Answer",
    "AppliedUpdate",
    "AuthorizationLapsed",
    "BeyondAuthorized",
    "Destination",
    "EventReading",
    "InvalidSignature",
    "InvalidWebhook",
    "NewAttempt",
    "NoSuchReturn",
    "NotCapturable",
    "NotFree",
    "NotRefundable",
    "NotTheWhole",
    "NothingToPay",
    "ParsedEvent",
    "PaymentBeingVerified",
    "PaymentTokenExpired",
    "PaymentTokenInvalid",
    "ProviderUnavailable",
    "ProviderUpdate",
    "RefundDecided",
    "RefundLocked",
    "RefundWish",
    "RefundsChanged",
    "UnknownPayment",
    "UnknownReason",
    "WebhookNotice",
    "apply_update",
    "approve_refund",
    "ask_provider",
    "cancel_unapproved",
    "carry_out",
    "check_token",
    "close_expired",
    "close_for_replacement",
    "customer_action",
    "go_on",
    "has_lost_token",
    "note_fraud_warning",
    "note_return",
    "open_attempt",
    "read_event",
    "record_answer",
    "recover",
    "reject_refund",
    "request_capture",
    "request_refund",
    "retire_attempt",
    "settle_order",
    "submit",
    "take_over",
    "verify_webhook",
    "warn_of_deadline",
    "withdraw_refund",
]
