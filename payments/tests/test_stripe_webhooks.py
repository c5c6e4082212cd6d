"""Whose deliveries are believed, and what an event means."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from payments.providers.base import InvalidWebhook
from payments.providers.stripe import StripeAdapter
from payments.tests.factories import CONFIG, INTENT, NOW

EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": int(NOW.timestamp()),
    "livemode": False,
    "data": {"object": INTENT},
}
BODY = json.dumps(EVENT, indent=2).encode()
SECRET, OLD = "whsec_new", "whsec_old"


def sign(body: bytes = BODY, *, secret: str = SECRET, at: datetime = NOW) -> str:
    """This will return one `v1` signature, lower-case hex over the time and the raw bytes."""
    return hmac.new(secret.encode(), f"{int(at.timestamp())}.".encode() + body, hashlib.sha256).hexdigest()


def header(*signatures: str, at: datetime = NOW) -> dict[str, str]:
    return {"Stripe-Signature": ",".join([f"t={int(at.timestamp())}", *(f"v1={one}" for one in signatures)])}


def verify(headers: dict[str, str], *, body: bytes = BODY, secrets: list[str] | None = None) -> list[str]:
    chosen = [SECRET] if secrets is None else secrets
    notices = StripeAdapter(CONFIG).verify_webhook(body=body, headers=headers, secrets=chosen, now=NOW)
    return [notice.event_key for notice in notices]


class TestSignatures:
    def test_what_the_sdk_signs_and_accepts_we_accept(self) -> None:
        assert verify(header(sign())) == ["evt_1"]
        assert stripe.Webhook.construct_event(
            BODY, header(sign(at=datetime.now(UTC)), at=datetime.now(UTC))["Stripe-Signature"], SECRET
        )

    def test_during_a_rotation_both_secrets_count_and_one_of_several_signatures_is_enough(self) -> None:
        assert verify(header(sign(secret=OLD)), secrets=[SECRET, OLD])
        assert verify(header(sign(secret="whsec_unknown"), sign()), secrets=[OLD, SECRET])
        with pytest.raises(InvalidWebhook):
            verify(header(sign(secret=OLD)), secrets=[SECRET])

    @pytest.mark.parametrize(
        "off", [timedelta(seconds=301), timedelta(hours=24), -timedelta(seconds=301), -timedelta(days=9)]
    )
    def test_neither_old_nor_future_ones_count(self, off: timedelta) -> None:
        with pytest.raises(InvalidWebhook, match="timestamp"):
            verify(header(sign(at=NOW + off), at=NOW + off))

    def test_the_sdk_would_have_accepted_tomorrow_s(self) -> None:
        tomorrow = datetime.now(UTC) + timedelta(hours=24)

        assert stripe.Webhook.construct_event(BODY, header(sign(at=tomorrow), at=tomorrow)["Stripe-Signature"], SECRET)

    @pytest.mark.parametrize("off", [timedelta(seconds=299), -timedelta(seconds=299)])
    def test_within_five_minutes_either_way_they_count(self, off: timedelta) -> None:
        assert verify(header(sign(at=NOW + off), at=NOW + off))

    def test_the_header_s_case_does_not_matter(self) -> None:
        assert verify({"stripe-signature": header(sign())["Stripe-Signature"]})

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Stripe-Signature": ""},
            {"Stripe-Signature": "t=1"},
            {"Stripe-Signature": f"v1={sign()}"},
            {"Stripe-Signature": f"t={int(NOW.timestamp())},v0={sign()}"},
            {"Stripe-Signature": f"t={int(NOW.timestamp())},t=1,v1={sign()}"},
            {"Stripe-Signature": f"t=-{int(NOW.timestamp())},v1={sign()}"},
            {"Stripe-Signature": f"t=²{int(NOW.timestamp())},v1={sign()}"},
            {"Stripe-Signature": f"t={'9' * 40},v1={sign()}"},
            {"Stripe-Signature": f"t={int(NOW.timestamp())},v1="},
            {"Stripe-Signature": f"t={int(NOW.timestamp())},v1={sign().upper()}"},
            {"Stripe-Signature": f"t={int(NOW.timestamp())},v1=é"},
            {"Stripe-Signature": f"t={int(NOW.timestamp())},v1={sign(b'other')}"},
        ],
        ids=range(13),
    )
    def test_anything_else_is_refused(self, headers: dict[str, str]) -> None:
        with pytest.raises(InvalidWebhook):
            verify(headers)

    def test_one_altered_byte_is_refused(self) -> None:
        with pytest.raises(InvalidWebhook):
            verify(header(sign()), body=BODY.replace(b"1999", b"1998"))

    def test_without_a_secret_nothing_is_believed(self) -> None:
        with pytest.raises(InvalidWebhook):
            verify(header(sign()), secrets=[])

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"[]", b"null", b"\xff", b'{"object":"event"}', BODY.replace(b'"event"', b'"account"')]
    )
    def test_signed_bytes_that_are_no_event_are_refused(self, body: bytes) -> None:
        with pytest.raises(InvalidWebhook):
            verify(header(sign(body)), body=body)


class TestParsing:
    def test_success_is_evidence_by_itself(self) -> None:
        parsed = StripeAdapter(CONFIG).parse_webhook(body=BODY, event_key="evt_1")

        assert parsed.update is not None
        assert (parsed.update.status, parsed.update.attempt_id) == ("captured", "payatt_1")

    def test_what_may_be_older_than_what_we_know_only_makes_us_ask(self) -> None:
        for kind in ("payment_intent.processing", "payment_intent.payment_failed", "charge.refunded", "refund.failed"):
            body = json.dumps(EVENT | {"type": kind}).encode()
            parsed = StripeAdapter(CONFIG).parse_webhook(body=body, event_key="evt_1")
            assert (parsed.is_relevant, parsed.update, parsed.provider_reference) == (True, None, "pi_1")

    def test_other_types_do_not_concern_us(self) -> None:
        body = json.dumps(EVENT | {"type": "customer.created"}).encode()

        assert not StripeAdapter(CONFIG).parse_webhook(body=body, event_key="evt_1").is_relevant

    def test_bytes_of_another_event_are_refused(self) -> None:
        with pytest.raises(InvalidWebhook):
            StripeAdapter(CONFIG).parse_webhook(body=BODY, event_key="evt_2")
