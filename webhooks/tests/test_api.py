"""The door, served as its own database role: what it takes in, what it refuses, and what that costs."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError as BrokerAway
from structlog.testing import capture_logs

from core import clock
from core.models import ProviderAccount
from webhooks import selectors, services
from webhooks.models import Delivery, Event
from webhooks.tests.conftest import Door, Wakes, reconnect
from webhooks.tests.factories import (
    ADDRESS,
    SECRET,
    add_secret,
    assert_problem,
    deliver,
    event_body,
    make_account,
    signature,
)

pytestmark = pytest.mark.usefixtures("database")


def rows_count() -> int:
    """Everything the inbox holds."""
    return Event.objects.count() + Delivery.objects.count()


@pytest.mark.usefixtures("account")
class TestReceive:
    def test_stores_a_delivery_and_wakes_a_worker(self, door: Door, wakes: Wakes) -> None:
        body = event_body("evt_1")

        with door() as client:
            response = deliver(client, body)

        assert (response.status_code, response.content) == (200, b'{"received": true}')
        event = Event.objects.get()
        assert (event.event_key, event.type, event.object_id) == ("evt_1", "payment_intent.succeeded", "pi_1")
        assert (event.status, event.trace_id) == ("received", response["X-Trace-Id"])
        assert selectors.body_of(event.pk) == body
        assert wakes == [("webhooks.process", {"event_id": event.pk})]

    def test_keeps_the_bytes_once_and_counts_a_thousand_deliveries(self, door: Door, wakes: Wakes) -> None:
        body = event_body("evt_1")
        signed = signature(body)

        with door() as client:
            statuses = {deliver(client, body, signed=signed).status_code for _ in range(1000)}

        assert statuses == {200}
        event = Event.objects.get()
        assert selectors.count_deliveries(event.pk) == 1000
        assert Delivery.objects.filter(body__isnull=False).count() == 1
        assert len(wakes) == 1

    def test_takes_the_same_event_once_from_many_threads(self, door: Door, wakes: Wakes) -> None:
        body = event_body("evt_1")
        statuses: list[int] = []

        def deliver_often() -> None:
            client = Client()
            statuses.extend(deliver(client, body).status_code for _ in range(20))
            connection.close()

        with door():
            threads = [threading.Thread(target=deliver_often) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert statuses == [200] * 160
        assert Event.objects.count() == 1
        assert Delivery.objects.filter(body__isnull=False).count() == 1
        assert len(wakes) == 1

    def test_keeps_a_repeated_event_of_other_bytes_without_them(self, door: Door) -> None:
        first, repeated = event_body("evt_1", pending_webhooks=1), event_body("evt_1", pending_webhooks=0)

        with door() as client:
            deliver(client, first)
            deliver(client, repeated)

        event = Event.objects.get()
        assert selectors.body_of(event.pk) == first
        assert selectors.count_deliveries(event.pk) == 2
        assert Delivery.objects.values("body_sha256").distinct().count() == 2

    def test_keeps_the_headers_on_the_list_and_no_others(self, door: Door) -> None:
        body = event_body()
        signed = signature(body)

        with door() as client:
            deliver(
                client,
                body,
                signed=signed,
                **{"Cookie": "session=1", "Authorization": "Bearer 1", "User-Agent": "Stripe/1.0", "X-Request-Id": "7"},
            )

        assert Delivery.objects.get().headers == {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0",
            "x-request-id": "7",
            "stripe-signature": signed,
        }

    def test_takes_one_statement_when_the_addresses_are_known(self, door: Door) -> None:
        with door() as client:
            deliver(client, event_body("evt_1"))
            with CaptureQueriesContext(connection) as queries:
                deliver(client, event_body("evt_2"))

        assert [query["sql"].split("(")[0] for query in queries] == ["SELECT all_ids, new_ids FROM webhooks_store"]

    def test_forgives_a_broker_that_is_away(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: Any, **__: Any) -> None:
            raise BrokerAway

        monkeypatch.setattr("core.jobs.current_app.send_task", away)

        with door() as client:
            response = deliver(client, event_body())

        assert response.status_code == 200
        assert Event.objects.get().next_try_at is not None

    def test_keeps_what_no_database_text_can_hold_only_as_bytes(self, door: Door) -> None:
        body = event_body("evt_1", type="odd\x00type\ud800")

        with door() as client:
            response = deliver(client, body)

        assert response.status_code == 200
        event = Event.objects.get()
        assert event.type == "odd\ufffdtype\ufffd"
        assert selectors.body_of(event.pk) == body


@pytest.mark.pains("C8")
@pytest.mark.usefixtures("account")
class TestRefuse:
    def refuse(self, door: Door, body: bytes, *, signed: str | None, code: str = "invalid_signature") -> None:
        """Deliver and check that nothing but a 400, a count and a log line came of it."""
        refused_before = services.refusals().get(code, 0)

        with door() as client, capture_logs() as logs:
            response = deliver(client, body, signed=signed)

        assert_problem(response, status=400, code=code)
        assert services.refusals()[code] == refused_before + 1
        assert [line["code"] for line in logs if line["event"] == "webhook_refused"] == [code]
        assert rows_count() == 0

    def test_without_a_signature(self, door: Door) -> None:
        self.refuse(door, event_body(), signed="")

    @pytest.mark.parametrize("signed", ["t=,v1=", "t=now,v1=00", "v1=00", "\x00", "t=1,v0=00", "é", "t=1" * 5000])
    def test_with_a_malformed_signature(self, door: Door, signed: str) -> None:
        self.refuse(door, event_body(), signed=signed)

    def test_signed_with_another_secret(self, door: Door) -> None:
        body = event_body()

        self.refuse(door, body, signed=signature(body, secrets=["whsec_of_somebody_else"]))

    def test_with_one_byte_changed(self, door: Door) -> None:
        body = event_body()

        self.refuse(door, body.replace(b"evt_1", b"evt_2"), signed=signature(body))

    def test_signed_too_long_ago(self, door: Door) -> None:
        body = event_body()

        self.refuse(door, body, signed=signature(body, age_seconds=301))

    def test_signed_tomorrow_though_the_sdk_believes_it(self, door: Door) -> None:
        body = event_body()
        signed = signature(body, age_seconds=-24 * 60 * 60)

        assert stripe.Webhook.construct_event(body, signed, SECRET).id == "evt_1"
        self.refuse(door, body, signed=signed)

    @pytest.mark.parametrize("body", [b"\xff\xfe\x00{", b"\x00" * 100, b"", b"[]", b"null", b'{"id": "evt_1"}'])
    def test_signed_bytes_that_are_no_event(self, door: Door, body: bytes) -> None:
        self.refuse(door, body, signed=None)

    def test_of_a_live_event_on_a_test_account(self, door: Door) -> None:
        self.refuse(door, event_body(is_livemode=True), signed=None, code="webhook_mode_mismatch")

    @pytest.mark.parametrize("event_key", ["evt_" + "1" * 300, "evt_\x00", "evt_\ud800"])
    def test_of_an_event_whose_key_cannot_be_stored(self, door: Door, event_key: str) -> None:
        self.refuse(door, event_body(event_key), signed=None, code="webhook_event_unusable")

    def test_costs_no_statement_once_the_addresses_are_known(self, door: Door) -> None:
        with door() as client:
            deliver(client, event_body(), signed="")
            with CaptureQueriesContext(connection) as queries:
                deliver(client, event_body(), signed="")
                deliver(client, event_body(), address="/webhooks/stripe/nobody")

        assert len(queries) == 0

    def test_of_a_test_event_on_a_live_account(self, door: Door) -> None:
        add_secret(make_account(slug="live", is_livemode=True))

        with door() as client:
            response = deliver(client, event_body(), address="/webhooks/stripe/live")

        assert_problem(response, status=400, code="webhook_mode_mismatch")


@pytest.mark.pains("C8")
class TestSecrets:
    @pytest.mark.parametrize("secret", ["whsec_old", "whsec_new"])
    def test_either_signs_during_a_rotation(
        self, door: Door, account: ProviderAccount, monkeypatch: pytest.MonkeyPatch, secret: str
    ) -> None:
        monkeypatch.setenv("TEST_WEBHOOK_SECRETS", "whsec_old, whsec_new")
        body = event_body()

        with door() as client:
            response = deliver(client, body, signed=signature(body, secrets=[secret]))

        assert response.status_code == 200

    def test_a_delivery_signed_with_both_is_taken(self, door: Door, account: ProviderAccount) -> None:
        body = event_body()

        with door() as client:
            response = deliver(client, body, signed=signature(body, secrets=["whsec_unknown_here", SECRET]))

        assert response.status_code == 200

    def test_a_retired_one_signs_no_longer(
        self, door: Door, account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TEST_WEBHOOK_OLD", "whsec_old")
        add_secret(account, reference="TEST_WEBHOOK_OLD", active_until=clock.now() - timedelta(seconds=1))
        body = event_body()

        with door() as client:
            old = deliver(client, body, signed=signature(body, secrets=["whsec_old"]))
            current = deliver(client, body)

        assert (old.status_code, current.status_code) == (400, 200)

    def test_one_that_is_not_set_does_not_stop_the_other(self, door: Door, account: ProviderAccount) -> None:
        add_secret(account, reference="TEST_WEBHOOK_NEVER_SET")

        with door() as client:
            response = deliver(client, event_body())

        assert response.status_code == 200

    def test_without_any_nothing_is_believed(
        self, door: Door, account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TEST_WEBHOOK_SECRETS", " , ")
        body = event_body()

        with door() as client:
            response = deliver(client, body, signed=signature(body, secrets=[""]))

        assert_problem(response, status=503, code="webhook_secret_missing")
        assert response["Retry-After"] == "60"
        assert rows_count() == 0


@pytest.mark.usefixtures("account")
class TestAddress:
    @pytest.mark.parametrize(
        "address", ["/webhooks/stripe/other", "/webhooks/adyen/main", "/webhooks/stripe/%00%C3%A9"]
    )
    def test_unknown_is_nothing_here(self, door: Door, address: str) -> None:
        with door() as client:
            response = deliver(client, event_body(), address=address)

        assert_problem(response, status=404, code="no_such_webhook_address")

    @pytest.mark.parametrize("address", ["/", "/console/", "/api/v1/carts", "/webhooks/stripe/main/"])
    def test_the_door_has_no_other_pages(self, door: Door, address: str) -> None:
        with door() as client:
            response = client.get(address)

        assert_problem(response, status=404, code="not_found")

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
    def test_takes_post_alone(self, door: Door, method: str) -> None:
        with door() as client:
            response = client.generic(method, ADDRESS)

        assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.usefixtures("account")
class TestStoreAway:
    def test_answers_503_and_the_same_delivery_works_later(self, door: Door) -> None:
        body = event_body()
        home = connection.settings_dict["HOST"]

        with door() as client:
            deliver(client, body, signed="")
            reconnect(host="/nowhere")
            try:
                refused = deliver(client, body)
                unready = client.get("/readyz")
            finally:
                reconnect(host=home)
            taken = deliver(client, body)

        assert_problem(refused, status=503, code="temporarily_unavailable")
        assert int(refused["Retry-After"]) > 0
        assert unready.status_code == 503
        assert taken.status_code == 200
        assert Event.objects.count() == 1

    def test_an_unread_address_book_is_503_too(self, door: Door) -> None:
        home = connection.settings_dict["HOST"]

        with door() as client:
            reconnect(host="/nowhere")
            try:
                response = deliver(client, event_body(), address="/webhooks/stripe/nobody")
            finally:
                reconnect(host=home)

        assert_problem(response, status=503, code="temporarily_unavailable")


class TestHealth:
    @pytest.mark.parametrize(("address", "status"), [("/healthz", "up"), ("/readyz", "ready")])
    def test_answers(self, door: Door, address: str, status: str) -> None:
        with door() as client:
            response = client.get(address)

        assert (response.status_code, response.json()) == (200, {"status": status})
