"""The Stripe adapter at its wire: what each answer means for the money, and whose deliveries are believed."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from core.db import TransactionStanceError, transaction
from core.http import MissingOperationKeyError, provider_client
from core.money import payable_step
from payments.providers.base import (
    AdapterError,
    CaptureRequest,
    Declined,
    OutcomeUnknown,
    PaymentRequest,
    RefundRequest,
    Refused,
    Unavailable,
)
from payments.providers.registry import ADAPTERS
from payments.providers.stripe import StripeAdapter
from payments.providers.stripe_wire import STATUSES, Seen, UnknownStatus, read_intent, read_refund
from payments.tests.factories import CONFIG, INTENT, NOW

SEEN = Seen(observed_at=NOW, answered_at=NOW)
REQUEST = PaymentRequest(
    order_id="ord_1",
    attempt_id="payatt_1",
    amount_minor=1999,
    currency="GBP",
    capture_method="automatic",
    description="Order 1",
    payment_token="pm_card_visa",
)
REFUND = RefundRequest(
    provider_reference="pi_1", operation_id="op_1", order_id="ord_1", amount_minor=1999, currency="GBP"
)
GIVEN_BACK = {"id": "re_1", "status": "pending", "amount": 5, "currency": "gbp", "metadata": None}
Handler = Callable[[httpx2.Request], httpx2.Response]


def adapter(handler: Handler) -> StripeAdapter:
    """This will return an adapter whose network is a function."""
    return StripeAdapter(CONFIG, inner=httpx2.MockTransport(handler))


def answering(status: int, content: Any) -> StripeAdapter:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return adapter(lambda _: httpx2.Response(status, content=body, headers={"request-id": "req_1"}))


def failing(error: type[httpx2.TransportError]) -> StripeAdapter:
    def handler(request: httpx2.Request) -> httpx2.Response:
        raise error("broken", request=request)

    return adapter(handler)


def error_body(**error: Any) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "message": "no", **error}}


WRITES: dict[str, Callable[[StripeAdapter], object]] = {
    "create": lambda one: one.create(REQUEST, key="v1:shop:1"),
    "capture": lambda one: one.capture(CaptureRequest("pi_1", 1999, "GBP"), key="v1:shop:1"),
    "void": lambda one: one.void("pi_1", key="v1:shop:1"),
    "refund": lambda one: one.refund(REFUND, key="v1:shop:1"),
}
READS: dict[str, Callable[[StripeAdapter], object]] = {
    "retrieve": lambda one: one.retrieve("pi_1"),
    "find": lambda one: one.find_by_reference(attempt_id="payatt_1", created_after=NOW),
}


class TestOddDinars:
    @pytest.mark.pains("H1")
    @pytest.mark.parametrize("currency", ["BHD", "JOD", "KWD", "OMR", "TND"])
    def test_are_refused_before_any_call(self, currency: str) -> None:
        def unreached(request: httpx2.Request) -> httpx2.Response:
            raise AssertionError(request.url)

        one = adapter(unreached)
        payment = replace(REQUEST, amount_minor=2253, currency=currency)
        refund = replace(REFUND, amount_minor=2253, currency=currency)
        calls: list[Callable[[], object]] = [
            lambda: one.create(payment, key="v1:shop:1"),
            lambda: one.refund(refund, key="v1:shop:1"),
        ]

        for call in calls:
            with pytest.raises(Refused, match="amount_not_payable"):
                call()

    def test_the_shop_asks_for_nothing_a_provider_cannot_take(self) -> None:
        for build in ADAPTERS.values():
            for currency, step in build(CONFIG).capabilities.amount_steps.items():
                assert payable_step(currency) % step == 0


class TestWhatIsSent:
    def sent(self, request: PaymentRequest) -> dict[str, str]:
        forms: list[dict[str, str]] = []

        def handler(asked: httpx2.Request) -> httpx2.Response:
            forms.append(dict(parse_qsl(asked.content.decode())))
            return httpx2.Response(200, json=INTENT)

        adapter(handler).create(request, key="v1:shop:1")
        return forms[0]

    def test_of_a_request_stored_before_exemptions_is_what_was_sent_then(self) -> None:
        stored = {
            name: value for name, value in asdict(REQUEST).items() if name not in {"exemption", "wants_challenge"}
        }

        form = self.sent(PaymentRequest(**stored))

        assert form == self.sent(REQUEST)
        assert not {name for name in form if "off_session" in name or "payment_method_options" in name}

    @pytest.mark.parametrize("exemption", ["mit", "recurring"])
    def test_says_that_nobody_is_there_only_with_a_token(self, exemption: str) -> None:
        assert self.sent(replace(REQUEST, exemption=exemption))["off_session"] == "true"
        assert "off_session" not in self.sent(replace(REQUEST, exemption=exemption, payment_token=""))

    @pytest.mark.parametrize("token", ["pm_card_visa", ""])
    def test_asks_for_a_challenge_whoever_confirms(self, token: str) -> None:
        form = self.sent(replace(REQUEST, payment_token=token, wants_challenge=True))

        assert form["payment_method_options[card][request_three_d_secure]"] == "challenge"


class TestWhatAnAnswerMeans:
    @pytest.mark.parametrize("call", WRITES)
    @pytest.mark.parametrize(
        ("error", "meaning"),
        [
            (httpx2.ConnectTimeout, Unavailable),
            (httpx2.ConnectError, Unavailable),
            (httpx2.PoolTimeout, Unavailable),
            (httpx2.ReadTimeout, OutcomeUnknown),
            (httpx2.ReadError, OutcomeUnknown),
            (httpx2.WriteTimeout, OutcomeUnknown),
            (httpx2.WriteError, OutcomeUnknown),
            (httpx2.RemoteProtocolError, OutcomeUnknown),
        ],
    )
    def test_a_write_that_was_not_sent_is_not_one_without_an_answer(
        self, call: str, error: type[httpx2.TransportError], meaning: type[AdapterError]
    ) -> None:
        with pytest.raises(AdapterError) as ending:
            WRITES[call](failing(error))

        assert type(ending.value) is meaning

    @pytest.mark.parametrize("call", READS)
    @pytest.mark.parametrize("error", [httpx2.ConnectTimeout, httpx2.ReadTimeout, httpx2.ReadError])
    def test_a_read_without_an_answer_changed_nothing(self, call: str, error: type[httpx2.TransportError]) -> None:
        with pytest.raises(Unavailable):
            READS[call](failing(error))

    @pytest.mark.parametrize("call", WRITES)
    @pytest.mark.parametrize(
        ("status", "content", "meaning"),
        [
            (500, error_body(type="api_error"), OutcomeUnknown),
            (502, b"<html>bad gateway</html>", OutcomeUnknown),
            (503, b"", OutcomeUnknown),
            (200, b"<html>a proxy's page</html>", OutcomeUnknown),
            (408, b"", OutcomeUnknown),
            (409, error_body(code="idempotency_key_in_use"), OutcomeUnknown),
            (409, error_body(code="lock_timeout"), OutcomeUnknown),
            (400, error_body(type="idempotency_error"), OutcomeUnknown),
            (429, error_body(code="rate_limit"), Unavailable),
            (400, error_body(code="parameter_missing"), Refused),
            (401, error_body(), Refused),
            (403, error_body(), Refused),
            (404, error_body(code="resource_missing", param="intent"), Refused),
            (402, error_body(type="card_error", code="card_declined", decline_code="insufficient_funds"), Declined),
        ],
        ids=str,
    )
    def test_only_a_clear_refusal_is_one(
        self, call: str, status: int, content: Any, meaning: type[AdapterError]
    ) -> None:
        with pytest.raises(AdapterError) as ending:
            WRITES[call](answering(status, content))

        assert type(ending.value) is meaning, ending.value

    def test_a_decline_carries_its_reason_and_the_payment(self) -> None:
        declined = INTENT | {"status": "requires_payment_method", "amount_received": 0}
        body = error_body(
            type="card_error",
            code="card_declined",
            decline_code="lost_card",
            payment_intent=declined | {"last_payment_error": {"decline_code": "lost_card", "message": "lost!"}},
        )

        with pytest.raises(Declined) as ending:
            answering(402, body).create(REQUEST, key="k")

        update = ending.value.update
        assert (ending.value.code, update and update.status) == ("lost_card", "failed")
        assert update is not None
        assert update.failure is not None
        assert (update.failure.may_retry, update.failure.message) == (False, "The bank declined this card.")

    def test_a_payment_in_another_state_tells_which(self) -> None:
        body = error_body(code="payment_intent_unexpected_state", payment_intent=INTENT)

        with pytest.raises(Declined) as ending:
            answering(400, body).void("pi_1", key="k")

        assert ending.value.update is not None
        assert ending.value.update.status == "captured"

    def test_a_token_that_is_gone_is_told_apart(self) -> None:
        with pytest.raises(Refused) as ending:
            answering(404, error_body(code="resource_missing", param="payment_method")).create(REQUEST, key="k")

        assert ending.value.code == "payment_token_expired"

    @pytest.mark.parametrize("call", ["create", "capture", "void", "retrieve"])
    def test_a_status_nobody_knows_concludes_nothing(self, call: str) -> None:
        with pytest.raises(OutcomeUnknown) as ending:
            (WRITES | READS)[call](answering(200, INTENT | {"status": "pondering", "amount_received": 0}))

        assert (ending.value.code, ending.value.detail) == ("unknown_status", "pondering")


class TestReading:
    @pytest.mark.parametrize(("word", "status"), STATUSES.items())
    def test_every_status_has_its_meaning(self, word: str, status: str) -> None:
        received = 1999 if word == "succeeded" else 0
        update = read_intent(INTENT | {"status": word, "amount_received": received}, seen=SEEN)

        assert (update.status, update.provider_status) == (status, word)
        assert update.can_still_capture is (word not in {"succeeded", "canceled"})

    def test_waiting_for_a_card_after_a_decline_is_a_failure(self) -> None:
        error = {"code": "card_declined", "message": "no"}

        assert read_intent(INTENT | {"status": "requires_payment_method"}, seen=SEEN).status == "requires_action"
        assert (
            read_intent(INTENT | {"status": "requires_payment_method", "last_payment_error": error}, seen=SEEN).status
            == "failed"
        )

    @pytest.mark.parametrize("word", ["", "Succeeded", "requires_source", "partially_funded"])
    def test_unknown_words_are_refused(self, word: str) -> None:
        with pytest.raises(UnknownStatus):
            read_intent(INTENT | {"status": word}, seen=SEEN)
        with pytest.raises(UnknownStatus):
            read_refund({"id": "re_1", "status": word, "amount": 1, "metadata": {}})

    def test_a_refund_says_which_operation_it_was(self) -> None:
        refund = read_refund(GIVEN_BACK | {"status": "failed", "metadata": {"operation_id": "op_1"}})

        assert (refund.reference, refund.status, refund.amount_minor, refund.operation_id) == (
            "re_1",
            "failed",
            5,
            "op_1",
        )
        assert read_refund(GIVEN_BACK).operation_id == ""

    def test_a_list_longer_than_we_read_proves_no_absence(self) -> None:
        page = {"object": "list", "has_more": True, "data": [INTENT | {"metadata": {}}], "url": "/v1/payment_intents"}

        with pytest.raises(Unavailable):
            answering(200, page).find_by_reference(attempt_id="payatt_2", created_after=NOW)

    def test_a_payment_is_found_by_our_reference(self) -> None:
        page = {"object": "list", "has_more": False, "data": [INTENT], "url": "/v1/payment_intents"}
        refunds = {"object": "list", "has_more": False, "data": [], "url": "/v1/refunds"}

        def handler(request: httpx2.Request) -> httpx2.Response:
            content = {"/v1/payment_intents": page, "/v1/refunds": refunds}.get(request.url.path, INTENT)
            return httpx2.Response(200, json=content)

        found = adapter(handler).find_by_reference(attempt_id="payatt_1", created_after=NOW)

        assert found is not None
        assert found.provider_reference == "pi_1"
        assert adapter(handler).find_by_reference(attempt_id="payatt_2", created_after=NOW) is None


class TestTheWire:
    def test_every_write_carries_the_operation_s_key_and_our_version_and_is_sent_once(self) -> None:
        seen: list[httpx2.Request] = []

        def handler(request: httpx2.Request) -> httpx2.Response:
            seen.append(request)
            return httpx2.Response(500, json=error_body(type="api_error"))

        for call in WRITES.values():
            with pytest.raises(OutcomeUnknown):
                call(adapter(handler))

        assert [request.headers["idempotency-key"] for request in seen] == ["v1:shop:1"] * 4
        assert {request.headers["stripe-version"] for request in seen} == {"2026-10-28.endive"}

    @pytest.mark.pains("B6")
    @pytest.mark.parametrize("call", [*WRITES, *READS])
    @pytest.mark.usefixtures("database")
    def test_no_call_runs_inside_a_transaction(self, call: str) -> None:
        def handler(request: httpx2.Request) -> httpx2.Response:
            raise AssertionError(f"{request.url} was called inside a transaction")

        with pytest.raises(TransactionStanceError), transaction("test"):
            (WRITES | READS)[call](adapter(handler))

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.usefixtures("database")
    def test_no_write_goes_out_without_a_key(self, method: str) -> None:
        inner = httpx2.MockTransport(lambda _: httpx2.Response(200))
        client = provider_client(key_header="Idempotency-Key", inner=inner)

        with pytest.raises(MissingOperationKeyError):
            client.request(method, "https://api.stripe.com/v1/refunds")
        with pytest.raises(MissingOperationKeyError):
            client.request(method, "https://api.stripe.com/v1/refunds", headers={"Idempotency-Key": ""})
        assert client.get("https://api.stripe.com/v1/refunds").status_code == 200
