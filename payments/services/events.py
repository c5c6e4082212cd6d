"""What the webhook inbox asks of payments: is it genuine, and what does it mean?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.db import outside_transaction
from core.errors import Invalid, NotFound, Unavailable
from core.models import ProviderAccount
from payments.models import PaymentAttempt
from payments.providers.base import (
    AdapterError,
    FraudWarning,
    InvalidWebhook,
    ParsedEvent,
    ProviderUpdate,
    Refused,
    WebhookNotice,
)
from payments.providers.registry import UnknownProvider, adapter_for, verifier_for
from payments.selectors import find_attempt
from payments.services.taken_back import hides_money, is_contradicted, refuse_too_early

# A held-funds copy is evidence only for an attempt that has surely not gone further. A failed one may have failed
# because just these funds were withdrawn.
BEFORE_AUTHORIZED = {"created", "requires_action", "processing", "awaiting_funds"}


class InvalidSignature(Invalid):
    """The delivery is not the provider's, is too old, comes from the future, or is not an event."""

    code = "invalid_signature"
    title = "The signature of this delivery is not valid."


class NoSuchProvider(NotFound):
    """Nobody registered an adapter under this name."""

    code = "no_such_provider"
    title = "There is no such provider."


class ProviderUnavailable(Unavailable):
    """The provider could not be asked; the event stays and is tried again."""

    code = "provider_unavailable"
    title = "The payment provider cannot be reached right now."


@dataclass(frozen=True, slots=True)
class EventReading:
    """What one stored event means for us. `updates` go into the funnel in the transaction that marks the event
    processed.
    """

    outcome: Literal["relevant", "ignored", "unknown_payment"]
    reason: str = ""
    updates: tuple[ProviderUpdate, ...] = ()
    warning: tuple[PaymentAttempt, FraudWarning] | None = None


def verify_webhook(
    provider: str, *, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
) -> list[WebhookNotice]:
    """This will return the events of a genuine delivery; touches no database.

    Raises: InvalidSignature, NoSuchProvider.
    """
    try:
        return verifier_for(provider).verify_webhook(body=body, headers=headers, secrets=secrets, now=now)
    except UnknownProvider as error:
        raise NoSuchProvider from error
    except InvalidWebhook as error:
        raise InvalidSignature(detail=f"The delivery was refused: {error}.") from error


@outside_transaction
def read_event(account: ProviderAccount, *, body: bytes, event_key: str) -> EventReading:
    """This will say what an event means, asking the provider where the event's own copy is not evidence.

    Note [Hints and facts]: success and cancellation are final at the provider, so their signed copy is enough.
    Everything else may be older than what we know, so it only makes us ask. Raises: InvalidSignature,
    ProviderUnavailable, LookedMeanwhile.
    """
    adapter = adapter_for(account)
    try:
        parsed = adapter.parse_webhook(body=body, event_key=event_key)
        if not parsed.is_relevant:
            return EventReading(outcome="ignored", reason=parsed.reason)
        attempt = _attempt_of(account, parsed)
        if parsed.warning is not None:
            return _warned(parsed.warning, attempt)
        if _teaches_nothing(parsed, attempt):
            return EventReading(outcome="relevant", reason="known already")
        update = parsed.update
        if update is None or _needs_asking(update, attempt):
            update = adapter.retrieve(
                parsed.provider_reference,
                has_taken=attempt is not None and attempt.has_taken,
                has_earlier=parsed.is_dispute or (attempt is not None and attempt.has_earlier),
            )
            update = refuse_too_early(attempt, update)
    except InvalidWebhook as error:
        raise InvalidSignature(detail=f"The stored delivery cannot be read: {error}.") from error
    except Refused as error:
        return EventReading(outcome="unknown_payment", reason=f"the provider does not show it ({error.code})")
    except AdapterError as error:
        raise ProviderUnavailable(detail=f"The provider did not answer ({error.code}).") from error
    if attempt is None:
        attempt = find_attempt(account=account, provider_reference="", attempt_id=update.attempt_id)
    if attempt is None:
        return EventReading(outcome="unknown_payment", reason="no attempt of ours", updates=(update,))
    return EventReading(outcome="relevant", updates=(update,))


def _attempt_of(account: ProviderAccount, parsed: ParsedEvent) -> PaymentAttempt | None:
    attempt_id = parsed.update.attempt_id if parsed.update else ""
    return find_attempt(account=account, provider_reference=parsed.provider_reference, attempt_id=attempt_id)


def _needs_asking(update: ProviderUpdate, attempt: PaymentAttempt | None) -> bool:
    """Whether the event's copy may be older than what is known: of held funds unless nothing went further, and of a
    success once a capture was taken back or a look did not show it; of a cancelled payment while more is known.
    """
    if update.status in {"authorized", "partially_captured"}:
        return attempt is None or attempt.status not in BEFORE_AUTHORIZED
    if attempt is None:
        return False
    if update.status == "captured":
        return attempt.reversals_count > 0 or attempt.reversed_minor > 0 or is_contradicted(attempt, update)
    return hides_money(attempt, update)


def _warned(warning: FraudWarning, attempt: PaymentAttempt | None) -> EventReading:
    if attempt is None:
        return EventReading(outcome="unknown_payment", reason="no attempt of ours")
    return EventReading(outcome="relevant", warning=(attempt, warning))


def _teaches_nothing(parsed: ParsedEvent, attempt: PaymentAttempt | None) -> bool:
    """A birth notice of a payment whose birth we know: asking the provider would cost a call and teach nothing."""
    return parsed.is_birth and attempt is not None and attempt.acknowledged_at is not None
