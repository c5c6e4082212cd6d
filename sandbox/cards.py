"""Test cards and test amounts: what the invented bank does with each."""

from dataclasses import dataclass, replace

LATE_SECONDS = 5.0
PENDING_REFUND_SECONDS = 5.0


@dataclass(frozen=True)
class Decline:
    """Why the bank said no, in Stripe's words (other dialects translate)."""

    code: str
    decline_code: str
    message: str
    advice_code: str | None = None


@dataclass(frozen=True)
class Card:
    """One test card. `behaviour`: approve, decline, challenge, late_success, processing_failed.

    `aftermath`: what happens to money that was taken: reversal, dispute, dispute_not_received, inquiry, fraud_warning.
    """

    token: str
    number: str
    label: str
    brand: str = "visa"
    behaviour: str = "approve"
    decline: Decline | None = None
    refund_behaviour: str = "succeed"
    risk_score: int = 20
    late_seconds: float = LATE_SECONDS
    refuses_capture: bool = False
    has_multicapture: bool = True
    aftermath: str | None = None


GENERIC_DECLINE = Decline("card_declined", "generic_decline", "Your card was declined.", "try_again_later")
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds.", "try_again_later"
)
EXPIRED_CARD = Decline("expired_card", "expired_card", "Your card has expired.", "confirm_card_data")
LOST_CARD = Decline("card_declined", "lost_card", "Your card was declined.", "do_not_try_again")
STOLEN_CARD = Decline("card_declined", "stolen_card", "Your card was declined.", "do_not_try_again")
FRAUDULENT = Decline("card_declined", "fraudulent", "Your card was declined.", "do_not_try_again")
INCORRECT_CVC = Decline(
    "incorrect_cvc",
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    "confirm_card_data",
)
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "try_again_later",
)
AUTHENTICATION_FAILURE = Decline(
    "payment_intent_authentication_failure",
    "authentication_required",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)

AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)

_DECLINED = "pm_card_chargeDeclined"
CARDS: dict[str, Card] = {
    card.token: card
    for card in (
        Card("pm_card_visa", "4242424242424242", "Visa, approved"),
        Card("pm_card_mastercard", "5555555555554444", "Mastercard, approved", "mastercard"),
        Card("pm_card_amex", "378282246310005", "American Express, approved", "amex"),
        Card(_DECLINED, "4000000000000002", "Declined", "visa", "decline", GENERIC_DECLINE),
        Card(
            f"{_DECLINED}InsufficientFunds",
            "4000000000009995",
            "Declined: insufficient funds",
            "visa",
            "decline",
            INSUFFICIENT_FUNDS,
        ),
        Card(
            f"{_DECLINED}ExpiredCard",
            "4000000000000069",
            "Declined: expired card",
            "visa",
            "decline",
            EXPIRED_CARD,
        ),
        Card(
            f"{_DECLINED}LostCard",
            "4000000000009987",
            "Declined: lost card, do not try again",
            "visa",
            "decline",
            LOST_CARD,
        ),
        Card(
            f"{_DECLINED}StolenCard",
            "4000000000009979",
            "Declined: stolen card, do not try again",
            "visa",
            "decline",
            STOLEN_CARD,
        ),
        Card(
            f"{_DECLINED}Fraudulent",
            "4100000000000019",
            "Declined: fraudulent",
            "visa",
            "decline",
            FRAUDULENT,
            risk_score=92,
        ),
        Card(
            f"{_DECLINED}IncorrectCvc",
            "4000000000000127",
            "Declined: wrong security code",
            "visa",
            "decline",
            INCORRECT_CVC,
        ),
        Card(
            f"{_DECLINED}ProcessingError",
            "4000000000000119",
            "Declined: processing error",
            "visa",
            "decline",
            PROCESSING_ERROR,
        ),
        Card(
            "pm_card_authenticationRequired",
            "4000002760003184",
            "Asks for 3-D Secure",
            "visa",
            "challenge",
        ),
        Card(
            "pm_card_threeDSecure2Required",
            "4000000000003220",
            "Asks for 3-D Secure 2",
            "visa",
            "challenge",
        ),
        Card(
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "4000008260003178",
            "3-D Secure, then insufficient funds",
            "visa",
            "challenge",
            INSUFFICIENT_FUNDS,
        ),
        Card("pm_card_lateSuccess", "4000000000000101", "Answers late", "visa", "late_success"),
        Card(
            "pm_card_processingFailed",
            "4000000000000341",
            "Fails late",
            "visa",
            "processing_failed",
            GENERIC_DECLINE,
        ),
        Card(
            "pm_card_pendingRefund",
            "4000000000007726",
            "Approved, refunds are pending first",
            refund_behaviour="pending",
        ),
        Card(
            "pm_card_refundFail",
            "4000000000005126",
            "Approved, refunds fail later",
            refund_behaviour="fail",
        ),
        Card("pm_card_captureFail", "4000000000007775", "Holds, and refuses to be captured", refuses_capture=True),
        Card(
            "pm_card_riskLevelElevated",
            "4000000000009235",
            "Approved, elevated risk",
            risk_score=70,
        ),
        Card(
            "pm_card_refundPendingFail",
            "4000000000007734",
            "Approved, refunds are pending and then fail",
            refund_behaviour="pending_fail",
        ),
        Card(
            "pm_card_refundRequiresAction",
            "4000000000007742",
            "Approved, refunds wait for the payer",
            refund_behaviour="requires_action",
        ),
        Card(
            "pm_card_multicaptureUnavailable",
            "4000000000007783",
            "Approved, one capture only",
            has_multicapture=False,
        ),
        Card(
            "pm_card_captureReversed",
            "4000000000007791",
            "Approved, the bank takes it back later",
            aftermath="reversal",
        ),
        Card("pm_card_createDispute", "4000000000000259", "Approved, then disputed as fraud", aftermath="dispute"),
        Card(
            "pm_card_createDisputeProductNotReceived",
            "4000000000002685",
            "Approved, then disputed as not received",
            aftermath="dispute_not_received",
        ),
        Card("pm_card_createDisputeInquiry", "4000000000001976", "Approved, then inquired", aftermath="inquiry"),
        Card(
            "pm_card_createIssuerFraudRecord",
            "4000000000005423",
            "Approved, then an early fraud warning",
            aftermath="fraud_warning",
        ),
    )
}
BY_NUMBER = {card.number: card for card in CARDS.values()}

# Amounts high enough that no replayed order meets them by accident, whatever the card.
AMOUNTS: dict[int, tuple[str, Decline | None]] = {
    99_999_001: ("decline", GENERIC_DECLINE),
    99_999_002: ("decline", INSUFFICIENT_FUNDS),
    99_999_003: ("challenge", None),
    99_999_004: ("late_success", None),
    99_999_005: ("processing_failed", GENERIC_DECLINE),
}


def behaviour_for(card: Card, *, amount: int) -> Card:
    """This will return the card as it behaves for that amount."""
    if amount not in AMOUNTS:
        return card
    behaviour, decline = AMOUNTS[amount]
    return replace(card, behaviour=behaviour, decline=decline)


def token_for(reference: str) -> str | None:
    """This will return the card token that a payment method id or a `tok_…` stands for."""
    token = f"pm_card_{reference[4:]}" if reference.startswith("tok_") else reference
    return token if token in CARDS else None
