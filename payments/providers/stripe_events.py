"""What Stripe delivers to our door: whose signature it bears, and which of its events say what.

Source: https://docs.stripe.com/webhooks/signatures.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core import clock
from payments.providers.base import InvalidWebhook, ParsedEvent, WebhookNotice
from payments.providers.stripe_wire import Seen, read_fraud_warning, read_intent

# The end of the year 9999, which is as far as an instant goes.
SECONDS_MAX = 253_402_300_800
TOLERANCE_SECONDS = 300
# Facts that nothing later takes back, so the event's own copy of the payment is evidence. Everything else is a hint
# to ask.
FINAL_EVENTS = {"payment_intent.succeeded", "payment_intent.amount_capturable_updated", "payment_intent.canceled"}
FRAUD_WARNING = "radar.early_fraud_warning.created"
HINT_EVENTS = {
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.partially_funded",
    "charge.expired",
    "charge.failed",
    "charge.updated",
    "charge.captured",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
}


def verify_delivery(
    *, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
) -> list[WebhookNotice]:
    """This will check every v1 signature against every secret; the timestamp may be 300 s off either way.

    Our own, because the SDK accepts a timestamp from the future. Raises: InvalidWebhook.
    """
    header = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
    pairs = [part.partition("=")[::2] for part in header.split(",")]
    timestamps = [value for name, value in pairs if name.strip() == "t"]
    signatures = [value.strip() for name, value in pairs if name.strip() == "v1"]
    if len(timestamps) != 1 or not timestamps[0].isdecimal() or not signatures or len(timestamps[0]) > 12:
        raise InvalidWebhook("signature header missing or malformed")
    if abs(now.timestamp() - int(timestamps[0])) > TOLERANCE_SECONDS:
        raise InvalidWebhook("timestamp too far from now")
    signed = timestamps[0].encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    if not any(hmac.compare_digest(theirs.encode(), ours.encode()) for theirs in signatures for ours in expected):
        raise InvalidWebhook("signature does not match")
    event = _load_event(body)
    return [
        WebhookNotice(
            event_key=str(event["id"]),
            type=str(event["type"]),
            object_id=_object_reference(event),
            occurred_at=datetime.fromtimestamp(int(event["created"]), UTC),
            is_livemode=bool(event.get("livemode")),
        )
    ]


def parse_event(*, body: bytes, event_key: str) -> ParsedEvent:
    """This will read one stored event. Raises: InvalidWebhook when the bytes are not that event."""
    event = _load_event(body)
    if event["id"] != event_key:
        raise InvalidWebhook("the delivery holds another event")
    if event["type"] in FINAL_EVENTS:
        # The event's own time is the provider's clock, in whole seconds: beside times of ours it says nothing.
        update = read_intent(
            event["data"]["object"],
            seen=Seen(None, clock.now()),
            occurred_at=datetime.fromtimestamp(int(event["created"]), UTC),
        )
        return ParsedEvent(is_relevant=True, provider_reference=update.provider_reference, update=update)
    if event["type"] == FRAUD_WARNING:
        warning = read_fraud_warning(event["data"]["object"])
        is_ours = bool(warning.provider_reference)
        return ParsedEvent(is_relevant=is_ours, provider_reference=warning.provider_reference, warning=warning)
    if event["type"] in HINT_EVENTS:
        return ParsedEvent(
            is_relevant=True,
            is_birth=event["type"] == "payment_intent.created",
            is_dispute=event["type"].startswith("charge.dispute."),
            provider_reference=_object_reference(event),
        )
    return ParsedEvent(is_relevant=False, reason=f"{event['type']} does not concern us")


def _load_event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body.decode("utf-8"))
        complete = event["object"] == "event" and 0 < int(event["created"]) < SECONDS_MAX
        complete = complete and isinstance(event["data"]["object"], dict)
        complete = complete and all(isinstance(event[name], str) and event[name] for name in ("id", "type"))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidWebhook("the body is not an event") from error
    if not complete:
        raise InvalidWebhook("the body is not an event")
    return dict(event)


def _object_reference(event: dict[str, Any]) -> str:
    subject = event["data"]["object"]
    reference = subject["id"] if subject.get("object") == "payment_intent" else subject.get("payment_intent")
    return str(reference or subject.get("id") or "")
