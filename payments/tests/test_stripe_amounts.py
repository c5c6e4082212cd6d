"""Amounts as Stripe writes them, in literals: most are minor units, some currencies without decimals are not."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

import httpx2
import pytest

from payments.providers.base import CaptureRequest, OutcomeUnknown
from payments.providers.stripe import StripeAdapter
from payments.providers.stripe_wire import OddAmount, read_intent, read_refund
from payments.tests.factories import INTENT
from payments.tests.test_stripe_adapter import REFUND, REQUEST, SEEN, adapter

# Source: docs.stripe.com/currencies, #zero-decimal, #three-decimal, #special-cases.
WIRE = [
    ("GBP", 1999, 1999), ("EUR", 5, 5), ("JPY", 500, 500), ("KRW", 500, 500), ("CLP", 500, 500), ("VND", 500, 500),
    ("ISK", 500, 50_000), ("UGX", 5, 500), ("HUF", 1045, 1045), ("TWD", 1045, 1045), ("KWD", 5120, 5120),
    ("BHD", 5130, 5130), ("JOD", 10, 10), ("OMR", 12_340, 12_340), ("TND", 1000, 1000),
]  # fmt: skip
REFUND_MADE = {"id": "re_1", "object": "refund", "status": "succeeded", "amount": 1999, "currency": "gbp"}


@pytest.mark.pains("H1")
@pytest.mark.parametrize(("currency", "minor", "wire"), WIRE, ids=[currency for currency, _, _ in WIRE])
class TestAmounts:
    def sent(self, ask: Callable[[StripeAdapter], object]) -> dict[str, str]:
        forms: list[dict[str, str]] = []

        def handler(asked: httpx2.Request) -> httpx2.Response:
            forms.append(dict(parse_qsl(asked.content.decode())))
            return httpx2.Response(200, json=REFUND_MADE if asked.url.path == "/v1/refunds" else INTENT)

        ask(adapter(handler))
        return forms[0]

    def test_are_asked_for(self, currency: str, minor: int, wire: int) -> None:
        request = replace(REQUEST, amount_minor=minor, currency=currency)

        form = self.sent(lambda one: one.create(request, key="v1:shop:1"))

        assert (form["amount"], form["currency"]) == (str(wire), currency.lower())

    def test_are_captured(self, currency: str, minor: int, wire: int) -> None:
        form = self.sent(lambda one: one.capture(CaptureRequest("pi_1", minor, currency), key="v1:shop:1"))

        assert form["amount_to_capture"] == str(wire)

    def test_are_given_back(self, currency: str, minor: int, wire: int) -> None:
        request = replace(REFUND, amount_minor=minor, currency=currency)

        form = self.sent(lambda one: one.refund(request, key="v1:shop:1"))

        assert form["amount"] == str(wire)

    def test_are_read_in_payments(self, currency: str, minor: int, wire: int) -> None:
        amounts = {"amount": wire, "amount_capturable": wire, "amount_received": wire}

        update = read_intent(INTENT | {"currency": currency.lower(), **amounts}, seen=SEEN)

        assert update.currency == currency
        assert (update.amount_minor, update.authorized_minor, update.captured_minor) == (minor, minor, minor)

    def test_are_read_in_refunds(self, currency: str, minor: int, wire: int) -> None:
        assert read_refund(REFUND_MADE | {"currency": currency.lower(), "amount": wire}).amount_minor == minor


class TestParts:
    @pytest.mark.parametrize("currency", ["isk", "ugx"])
    def test_of_what_has_none_are_concluded_nothing_from(self, currency: str) -> None:
        with pytest.raises(OddAmount, match="odd_amount"):
            read_intent(INTENT | {"currency": currency, "amount": 50_050}, seen=SEEN)
        with pytest.raises(OutcomeUnknown):
            read_refund(REFUND_MADE | {"currency": currency, "amount": 50})
