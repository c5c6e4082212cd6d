"""Stripe's POST operations on money that was taken: refunds and disputes."""

from dataclasses import replace

from sandbox.cards import PENDING_REFUND_SECONDS
from sandbox.dialects.stripe.aftermath_words import EVIDENCE, EVIDENCE_MAX
from sandbox.dialects.stripe.errors import InvalidParametersError
from sandbox.dialects.stripe.forms import (
    Form,
    read_boolean,
    read_choice,
    read_metadata,
    read_positive,
    read_text,
    refuse_unknown,
)
from sandbox.dialects.stripe.operations import Act
from sandbox.dialects.stripe.render import Rendered, Renderer
from sandbox.engine.desk import Desk
from sandbox.engine.disputes import accept_dispute, answer_dispute
from sandbox.engine.refunds import RefundRequest, cancel_refund, create_refund, get_refund
from sandbox.faults import REFUND_KINDS, FaultRule
from sandbox.words import words

REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
REFUND = words("amount charge expand metadata payment_intent reason")
UPDATE = frozenset({"expand", "metadata"})
DISPUTE = words("evidence expand metadata submit")


class AftermathOperations:
    """Each method reads a form and returns what is to be done with it."""

    def __init__(self, desk: Desk, *, renderer: Renderer) -> None:
        self._desk = desk
        self._renderer = renderer

    def create_refund(self, _subject_id: str, form: Form) -> Act:
        """This will read `POST /v1/refunds`."""
        refuse_unknown(form, known=REFUND)
        charge_id, intent_id = read_text(form, "charge"), read_text(form, "payment_intent")
        if not charge_id and not intent_id:
            raise InvalidParametersError(
                "One of the following params should be provided for this request: payment_intent or charge.",
                parameter=None,
                code="parameter_missing",
            )
        request = RefundRequest(
            charge_id=charge_id,
            intent_id=intent_id,
            amount=read_positive(form, "amount"),
            reason=read_choice(form, "reason", choices=REFUND_REASONS),
            metadata=read_metadata(form),
        )

        def act(fault: FaultRule | None) -> Rendered:
            behaviour = REFUND_KINDS.get(fault.kind) if fault else None
            seconds = fault.seconds if fault and behaviour else PENDING_REFUND_SECONDS
            wanted = replace(request, behaviour=behaviour, seconds=seconds)
            return self._renderer.render(create_refund(self._desk, request=wanted))

        return act

    def update_refund(self, refund_id: str, form: Form) -> Act:
        """This will read `POST /v1/refunds/{id}`."""
        refuse_unknown(form, known=UPDATE)
        metadata = read_metadata(form)

        def act(_fault: FaultRule | None) -> Rendered:
            refund = get_refund(self._desk, refund_id)
            refund = replace(refund, metadata={**refund.metadata, **metadata})
            self._desk.store.update(refund)
            return self._renderer.render(refund)

        return act

    def cancel_refund(self, refund_id: str, form: Form) -> Act:
        """This will read `POST /v1/refunds/{id}/cancel`."""
        refuse_unknown(form, known=frozenset({"expand"}))

        def act(_fault: FaultRule | None) -> Rendered:
            return self._renderer.render(cancel_refund(self._desk, refund_id=refund_id))

        return act

    def update_dispute(self, dispute_id: str, form: Form) -> Act:
        """This will read `POST /v1/disputes/{id}`. Evidence is submitted unless `submit` is false."""
        refuse_unknown(form, known=DISPUTE)
        evidence = _read_evidence(form)
        metadata = read_metadata(form)
        is_submitted = read_boolean(form, "submit", default=bool(evidence))

        def act(_fault: FaultRule | None) -> Rendered:
            dispute = answer_dispute(
                self._desk,
                dispute_id=dispute_id,
                evidence=evidence,
                metadata=metadata,
                is_submitted=is_submitted,
            )
            return self._renderer.render(dispute)

        return act

    def close_dispute(self, dispute_id: str, form: Form) -> Act:
        """This will read `POST /v1/disputes/{id}/close`."""
        refuse_unknown(form, known=frozenset({"expand"}))

        def act(_fault: FaultRule | None) -> Rendered:
            return self._renderer.render(accept_dispute(self._desk, dispute_id=dispute_id))

        return act


def _read_evidence(form: Form) -> dict[str, str]:
    evidence = form.get("evidence", {})
    if not isinstance(evidence, dict):
        raise InvalidParametersError("Invalid object", parameter="evidence")
    for name, text in evidence.items():
        if name not in EVIDENCE:
            raise InvalidParametersError(
                f"Received unknown parameter: evidence[{name}]",
                parameter=f"evidence[{name}]",
                code="parameter_unknown",
            )
        if isinstance(text, dict):
            raise InvalidParametersError("Invalid string", parameter=f"evidence[{name}]")
    if sum(len(text) for text in evidence.values()) > EVIDENCE_MAX:
        raise InvalidParametersError(f"Evidence can have up to {EVIDENCE_MAX} characters in all.", parameter="evidence")
    return {name: str(text) for name, text in evidence.items()}
