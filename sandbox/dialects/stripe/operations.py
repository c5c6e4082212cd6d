"""Stripe's POST operations: first read and check the form, then act.

Reading raises `InvalidParametersError`, which is never saved under an idempotency key; what acting
raises is saved, as execution had begun.
"""

from collections.abc import Callable
from dataclasses import replace

from sandbox.cards import CARDS, GENERIC_DECLINE, Card, token_for
from sandbox.dialects.stripe.errors import InvalidParametersError, StripeError, card_error
from sandbox.dialects.stripe.forms import (
    Form,
    read_boolean,
    read_choice,
    read_integer,
    read_metadata,
    read_money,
    read_positive,
    read_required,
    read_text,
    read_url,
    refuse_unknown,
)
from sandbox.dialects.stripe.render import Rendered, Renderer
from sandbox.engine.captures import CaptureRequest, cancel_intent, capture_intent
from sandbox.engine.charges import change_intent, get_intent
from sandbox.engine.desk import Desk
from sandbox.engine.intents import Wish, confirm_intent, create_intent
from sandbox.faults import FaultRule
from sandbox.records import Intent
from sandbox.words import words

CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
THREE_D_SECURE = ("any", "automatic", "challenge")
MULTICAPTURE = ("if_available", "never")
CANCEL_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
PAYMENT_METHOD = frozenset({"payment_method", "payment_method_data", "payment_method_types"})
CONFIRM = PAYMENT_METHOD | words(
    "client_secret error_on_requires_action expand mandate_data off_session payment_method_options"
    " receipt_email return_url setup_future_usage shipping use_stripe_sdk capture_method"
)
CREATE = CONFIRM | words(
    "amount automatic_payment_methods confirm confirmation_method currency customer description"
    " metadata statement_descriptor statement_descriptor_suffix transfer_group"
)
CAPTURE = words("amount_to_capture expand final_capture metadata statement_descriptor statement_descriptor_suffix")
CANCEL = frozenset({"cancellation_reason", "client_secret", "expand"})
UPDATE = words(
    "amount description expand metadata receipt_email payment_method payment_method_data statement_descriptor_suffix"
)

Act = Callable[[FaultRule | None], Rendered]


class Operations:
    """Each method reads a form and returns what is to be done with it."""

    def __init__(self, desk: Desk, *, renderer: Renderer) -> None:
        self._desk = desk
        self._renderer = renderer

    def create_intent(self, _subject_id: str, form: Form) -> Act:
        """This will read `POST /v1/payment_intents`."""
        refuse_unknown(form, known=CREATE)
        amount, currency = read_money(form)
        is_confirmed = read_boolean(form, "confirm")
        return_url = read_url(form, "return_url")
        off_session = read_boolean(form, "off_session")
        for name in ("return_url", "off_session"):
            if read_text(form, name) and not is_confirmed:
                raise InvalidParametersError(f"You may only specify `{name}` when `confirm` is true.", parameter=name)
        wish = Wish(
            dialect="stripe",
            amount=amount,
            currency=currency,
            capture_method=read_choice(form, "capture_method", choices=CAPTURE_METHODS) or "automatic_async",
            metadata=read_metadata(form),
            card=None,
            return_url=return_url,
            description=read_text(form, "description"),
            receipt_email=read_text(form, "receipt_email"),
            statement_descriptor=read_text(form, "statement_descriptor_suffix"),
            request_three_d_secure=read_card_option(form, "request_three_d_secure", THREE_D_SECURE) or "automatic",
            request_multicapture=read_card_option(form, "request_multicapture", MULTICAPTURE),
        )
        reference = self._read_payment_method(form)

        def act(fault: FaultRule | None) -> Rendered:
            card = self._card_for(reference)
            intent = create_intent(self._desk, wish=replace(wish, card=card))
            if not is_confirmed:
                return self._renderer.intent(intent)
            if card is None:
                raise StripeError(
                    400,
                    "You cannot confirm this PaymentIntent because it's missing a payment method.",
                    code="payment_intent_unexpected_state",
                )
            return self._confirm(intent, card=card, return_url=return_url, off_session=off_session, fault=fault)

        return act

    def confirm_intent(self, intent_id: str, form: Form) -> Act:
        """This will read `POST /v1/payment_intents/{id}/confirm`."""
        refuse_unknown(form, known=CONFIRM)
        return_url = read_url(form, "return_url")
        off_session = read_boolean(form, "off_session")
        three_d_secure = read_card_option(form, "request_three_d_secure", THREE_D_SECURE)
        multicapture = read_card_option(form, "request_multicapture", MULTICAPTURE)
        reference = self._read_payment_method(form)

        def act(fault: FaultRule | None) -> Rendered:
            intent = get_intent(self._desk, intent_id)
            card = self._card_for(reference) or intent.card
            if card is None and intent.status == "requires_payment_method":
                raise StripeError(
                    400,
                    "You cannot confirm this PaymentIntent because it's missing a payment method.",
                    code="payment_intent_unexpected_state",
                    extra={"payment_intent": self._renderer.intent(intent)},
                )
            intent = change_intent(
                self._desk,
                intent,
                request_three_d_secure=three_d_secure or intent.request_three_d_secure,
                request_multicapture=multicapture or intent.request_multicapture,
            )
            return self._confirm(intent, card=card, return_url=return_url, off_session=off_session, fault=fault)

        return act

    def capture_intent(self, intent_id: str, form: Form) -> Act:
        """This will read `POST /v1/payment_intents/{id}/capture`."""
        refuse_unknown(form, known=CAPTURE)
        amount = read_integer(form, "amount_to_capture")
        if amount is not None and amount < 0:
            raise InvalidParametersError(
                "This value must be greater than or equal to 0.",
                parameter="amount_to_capture",
                code="parameter_invalid_integer",
            )
        is_final = read_boolean(form, "final_capture", default=True)
        metadata = read_metadata(form)

        def act(fault: FaultRule | None) -> Rendered:
            self._merge_metadata(intent_id, metadata)
            is_refused = fault is not None and fault.kind == "decline"
            request = CaptureRequest(intent_id, amount=amount, is_final=is_final, is_refused=is_refused)
            return self._renderer.intent(capture_intent(self._desk, request=request))

        return act

    def cancel_intent(self, intent_id: str, form: Form) -> Act:
        """This will read `POST /v1/payment_intents/{id}/cancel`."""
        refuse_unknown(form, known=CANCEL)
        reason = read_choice(form, "cancellation_reason", choices=CANCEL_REASONS)

        def act(_fault: FaultRule | None) -> Rendered:
            return self._renderer.intent(cancel_intent(self._desk, intent_id=intent_id, reason=reason))

        return act

    def update_intent(self, intent_id: str, form: Form) -> Act:
        """This will read `POST /v1/payment_intents/{id}`."""
        refuse_unknown(form, known=UPDATE)
        amount = read_positive(form, "amount")
        description = read_text(form, "description")
        metadata = read_metadata(form)
        reference = self._read_payment_method(form)

        def act(_fault: FaultRule | None) -> Rendered:
            intent = self._merge_metadata(intent_id, metadata)
            if amount is not None and intent.status not in {
                "requires_payment_method",
                "requires_confirmation",
            }:
                raise StripeError(
                    400,
                    f"This PaymentIntent's amount could not be updated because it has a status of {intent.status}.",
                    code="payment_intent_unexpected_state",
                    extra={"payment_intent": self._renderer.intent(intent)},
                )
            card = self._card_for(reference)
            is_chosen = card and intent.status == "requires_payment_method"
            intent = change_intent(
                self._desk,
                intent,
                amount=amount or intent.amount,
                description=description or intent.description,
                card=card or intent.card,
                status="requires_confirmation" if is_chosen else intent.status,
            )
            return self._renderer.intent(intent)

        return act

    def _confirm(
        self, intent: Intent, *, card: str | None, return_url: str | None, off_session: bool, fault: FaultRule | None
    ) -> Rendered:
        intent = confirm_intent(
            self._desk,
            intent_id=intent.id,
            card=card,
            return_url=return_url,
            off_session=off_session,
            verdict=verdict_for(fault, card=card),
        )
        rendered = self._renderer.intent(intent)
        if intent.last_error:
            raise card_error(intent.last_error, intent=rendered)
        return rendered

    def _merge_metadata(self, intent_id: str, metadata: dict[str, str]) -> Intent:
        intent = get_intent(self._desk, intent_id)
        if not metadata:
            return intent
        return change_intent(self._desk, intent, metadata={**intent.metadata, **metadata})

    def _read_payment_method(self, form: Form) -> str | None:
        described = form.get("payment_method_data")
        if described is None:
            return read_text(form, "payment_method")
        if not isinstance(described, dict):
            raise InvalidParametersError("Invalid object", parameter="payment_method_data")
        if read_choice(described, "type", choices=("card",)) is None:
            raise InvalidParametersError(
                "Missing required param: payment_method_data[type].",
                parameter="payment_method_data[type]",
                code="parameter_missing",
            )
        card = described.get("card")
        if not isinstance(card, dict):
            raise InvalidParametersError(
                "Missing required param: payment_method_data[card].",
                parameter="payment_method_data[card]",
                code="parameter_missing",
            )
        return read_required(card, "token")

    def _card_for(self, reference: str | None) -> str | None:
        if reference is None:
            return None
        token = token_for(reference)
        if token is None:
            raise StripeError(
                404,
                f"No such PaymentMethod: '{reference}'",
                code="resource_missing",
                parameter="payment_method",
            )
        return token


def verdict_for(fault: FaultRule | None, *, card: str | None) -> Card | None:
    """This will return what the bank must say because of a fault, None to let the card decide."""
    if fault is None or card is None:
        return None
    if fault.kind == "decline":
        return replace(CARDS[card], behaviour="decline", decline=GENERIC_DECLINE)
    if fault.kind == "late_success":
        return replace(CARDS[card], behaviour="late_success", late_seconds=fault.seconds)
    return None


def read_card_option(form: Form, name: str, choices: tuple[str, ...]) -> str | None:
    """This will return `payment_method_options[card][name]`, None when absent."""
    options = form.get("payment_method_options", {})
    card = options.get("card", {}) if isinstance(options, dict) else None
    if not isinstance(card, dict):
        raise InvalidParametersError("Invalid object", parameter="payment_method_options")
    return read_choice(card, name, choices=choices)


def read_since(form: Form) -> list[tuple[str, int]]:
    """This will return the `created` filter as (SQL comparison, seconds) pairs."""
    created = form.get("created")
    if created is None:
        return []
    if not isinstance(created, dict):
        exact = read_integer(form, "created")
        return [] if exact is None else [("=", exact)]
    comparisons = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    refuse_unknown(created, known=frozenset(comparisons))
    return [(comparisons[name], read_integer(created, name) or 0) for name in created]
