"""Stripe's error bodies.

Source: docs.stripe.com/api/errors and the codes in stripe-python `stripe/_payment_intent.py`.
"""

from typing import Any

from sandbox.errors import (
    AlreadyRefundedError,
    AmountTooLargeError,
    CaptureRefusedError,
    DisputedError,
    DisputeStateError,
    EngineError,
    HoldOverError,
    NotCapturedError,
    NotFoundError,
    NothingCapturedError,
    NotMulticaptureError,
    RefundStateError,
    WrongStateError,
)


class StripeError(Exception):
    """An answer that is not a success, in Stripe's shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        parameter: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"type": kind, "message": message}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if parameter:
            self.error["param"] = parameter
        self.error.update(extra or {})

    def content(self, *, request_id: str) -> dict[str, Any]:
        """This will return the body."""
        url = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": {**self.error, "request_log_url": url}}


class InvalidParametersError(StripeError):
    """Refused before execution began, so nothing is saved under the idempotency key."""

    def __init__(self, message: str, *, parameter: str | None, code: str | None = None) -> None:
        super().__init__(400, message, code=code, parameter=parameter)


class CardDeclinedError(StripeError):
    """The bank said no. Unlike any other refusal it leaves an effect, so nothing is undone."""


def translate(error: EngineError, *, render_intent: Any) -> StripeError:
    """This will say the engine's refusal in Stripe's words."""
    match error:
        case NotFoundError():
            return StripeError(404, str(error), code="resource_missing", parameter=error.parameter)
        case WrongStateError():
            allowed = ", ".join(error.allowed)
            message = (
                f"This PaymentIntent could not be {error.action} because it has a status of "
                f"{error.intent.status}. Only a PaymentIntent with one of the following statuses "
                f"may be {error.action}: {allowed}."
            )
            return StripeError(
                400,
                message,
                code="payment_intent_unexpected_state",
                extra={"payment_intent": render_intent(error.intent)},
            )
        case CaptureRefusedError():
            return StripeError(
                402,
                str(error),
                kind="card_error",
                code="card_declined",
                extra={"decline_code": "generic_decline", "payment_intent": render_intent(error.intent)},
            )
        case AmountTooLargeError(parameter="amount_to_capture"):
            return StripeError(
                400,
                f"The payment could not be captured because the requested capture amount "
                f"({error.asked}) is greater than the amount you can capture ({error.available}) "
                f"for this charge.",
                code="amount_too_large",
                parameter="amount_to_capture",
            )
        case AmountTooLargeError():
            return StripeError(
                400,
                f"Refund amount ({error.asked} {error.currency}) is greater than unrefunded "
                f"amount on charge ({error.available} {error.currency})",
                parameter="amount",
            )
        case HoldOverError() | NotMulticaptureError() | NothingCapturedError():
            return _translate_capture(error, render_intent=render_intent)
    return _translate_aftermath(error)


def _translate_capture(
    error: HoldOverError | NotMulticaptureError | NothingCapturedError, *, render_intent: Any
) -> StripeError:
    match error:
        case HoldOverError():
            return StripeError(
                400,
                "The charge cannot be captured as the authorization has expired.",
                code="charge_expired_for_capture",
                extra={"payment_intent": render_intent(error.intent)},
            )
        case NotMulticaptureError():
            return StripeError(
                400,
                "This PaymentIntent cannot be captured with `final_capture=false`: multicapture is not available for "
                "it. Request it with `payment_method_options[card][request_multicapture]=if_available`.",
                parameter="final_capture",
            )
        case NothingCapturedError():
            return StripeError(
                400,
                "This value must be greater than or equal to 1.",
                code="parameter_invalid_integer",
                parameter="amount_to_capture",
            )


def _translate_aftermath(error: EngineError) -> StripeError:
    match error:
        case AlreadyRefundedError():
            return StripeError(400, str(error), code="charge_already_refunded")
        case NotCapturedError():
            return StripeError(
                400,
                "This uncaptured Charge was created by a PaymentIntent "
                f"({error.charge.intent_id}). You must cancel the PaymentIntent to reverse the "
                "authorization instead of refunding the Charge directly.",
                code="charge_not_refundable",
            )
        case DisputedError(dispute=dispute) if dispute.status == "lost":
            message = f"Charge {error.charge.id} has been charged back; cannot issue a refund."
            return StripeError(400, message, code="charge_disputed")
        case DisputedError():
            message = f"Charge {error.charge.id} is disputed; cannot issue a refund while the dispute is open."
            return StripeError(400, message, code="refund_disputed_payment")
        case RefundStateError():
            message = (
                f"This Refund could not be {error.action} because it has a status of {error.refund.status}. "
                "Only a Refund with a status of requires_action may be canceled."
            )
            return StripeError(400, message)
        case DisputeStateError():
            return StripeError(400, _closed_or_sent(error))
    raise TypeError(f"no words for {error!r}")


def _closed_or_sent(error: DisputeStateError) -> str:
    if error.dispute.status in {"won", "lost", "warning_closed", "prevented"}:
        return "This dispute is already closed."
    if error.action == "closed":
        return f"This dispute cannot be closed because it has a status of {error.dispute.status}."
    return "The evidence of this dispute was submitted already and can no longer be changed."


def card_error(last_error: dict[str, Any], *, intent: dict[str, Any]) -> CardDeclinedError:
    """This will return the 402 that a refused confirmation answers, with the intent in it."""
    extra = {name: last_error[name] for name in ("decline_code", "advice_code", "charge") if last_error[name]}
    embedded = {"payment_intent": intent}
    payment_error = intent["last_payment_error"]
    if payment_error and payment_error.get("payment_method"):
        embedded["payment_method"] = payment_error["payment_method"]
    return CardDeclinedError(
        402,
        last_error["message"],
        kind="card_error",
        code=last_error["code"],
        extra={**extra, **embedded},
    )
