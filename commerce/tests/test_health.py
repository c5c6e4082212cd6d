"""Health answers say what is wrong, and cost no session."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from commerce import health
from core import clock
from core.ids import new_public_id
from core.models import Heartbeat, ProviderAccount, SalesChannel
from orders.models import Order
from orders.tests.factories import an_order_in
from payments.models import Operation
from reconciliation.selectors import due_for_expiry
from webhooks.models import Event
from webhooks.tests.factories import KEY_REFERENCE, an_open_payment, make_account

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def unknown_migrations() -> None:
    """Each test looks for itself."""
    health.forget_migrations()


def beat(*, seconds_ago: int = 0, queues: tuple[str, ...] = health.QUEUES) -> None:
    """Workers that completed their heartbeat task a while ago."""
    for queue in queues:
        Heartbeat.objects.create(queue=queue, completed_at=clock.now() - timedelta(seconds=seconds_ago))


def due_event(*, seconds_ago: int) -> None:
    """A webhook event nobody has processed although it was due a while ago."""
    now = clock.now()
    channel = SalesChannel.objects.create(
        slug="lantern-and-lark", name="Lantern & Lark", legal_entity="Lantern & Lark Ltd", time_zone="Europe/London",
        default_locale="en-GB", default_currency="GBP", currencies=["GBP"], countries=["GB"], tax_entry="gross",
        order_series="L", invoice_series="L", mail_from="shop@lantern-and-lark.example", terms_version="1",
        is_livemode=False, created_at=now,
    )  # fmt: skip
    account = ProviderAccount.objects.create(
        public_id=new_public_id("acc"), channel=channel, slug="demo", provider="stripe", legal_entity="L",
        currencies=["GBP"], is_livemode=False, api_key_ref="STRIPE_SECRET_KEY", created_at=now,
    )  # fmt: skip
    Event.objects.create(
        public_id=new_public_id("evt"), account=account, event_key="evt_1", type="payment_intent.succeeded",
        object_id="pi_1", occurred_at=now, received_at=now, status=Event.Status.RECEIVED,
        next_try_at=now - timedelta(seconds=seconds_ago), trace_id="",
    )  # fmt: skip


def ask(path: str) -> Any:
    """A probe's answer."""
    return Client().get(path)


def refuse(*_: object, **__: object) -> None:
    """A database that is away."""
    raise OperationalError("connection refused")


class TestProcess:
    def test_answers_without_the_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", refuse)

        answer = ask("/healthz")

        assert answer.status_code == 200
        assert not answer.cookies

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/healthz/work"])
    def test_is_to_be_asked_not_told(self, path: str) -> None:
        assert Client().post(path).status_code == 405

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/healthz/work"])
    def test_is_never_cached(self, path: str) -> None:
        assert ask(path).headers["Cache-Control"] == "no-store"


class TestReady:
    def test_is_ready_with_the_database_migrated(self) -> None:
        assert ask("/readyz").json() == {"status": "ready"}

    def test_names_what_is_not_migrated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "unapplied_migrations", lambda: ["orders.0009_later"])

        answer = ask("/readyz")

        assert answer.status_code == 503
        assert answer.json() == {"status": "migrations_missing", "migrations": ["orders.0009_later"]}

    def test_looks_for_migrations_once_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looks: list[int] = []
        monkeypatch.setattr(health, "unapplied_migrations", lambda: looks.append(1))

        for _ in range(3):
            ask("/readyz")

        assert len(looks) == 1

    def test_says_that_the_database_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "ping", refuse)

        answer = ask("/readyz")

        assert (answer.status_code, answer.json()) == (503, {"status": "database_away"})


class TestWork:
    def test_is_working_while_hearts_beat_and_nothing_waits(self) -> None:
        beat(seconds_ago=20)

        answer = ask("/healthz/work")

        assert answer.status_code == 200
        assert answer.json()["status"] == "working"
        assert answer.json()["last_heartbeat"]["urgent"]["age_seconds"] in {20, 21}

    @pytest.mark.pains("J3")
    def test_is_stalled_when_one_queue_went_silent(self) -> None:
        beat(seconds_ago=20, queues=("urgent", "default"))
        beat(seconds_ago=90, queues=("bulk",))

        body = ask("/healthz/work").json()

        assert body["status"] == "stalled"
        assert [name for name, queue in body["last_heartbeat"].items() if queue["is_late"]] == ["bulk"]

    @pytest.mark.pains("J3")
    def test_is_stalled_before_the_first_heartbeat(self) -> None:
        assert ask("/healthz/work").status_code == 503

    @pytest.mark.pains("J3")
    def test_is_stalled_while_an_event_waits_too_long(self) -> None:
        beat()
        due_event(seconds_ago=90)

        answer = ask("/healthz/work")

        assert answer.status_code == 503
        assert answer.json()["oldest_due"]["webhook_events"]["is_late"] is True

    @pytest.mark.pains("J3")
    @pytest.mark.parametrize(("seconds_ago", "status"), [(60, 200), (180, 503)])
    def test_is_stalled_while_an_operation_waits_too_long(
        self, seconds_ago: int, status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        beat()
        monkeypatch.setenv(KEY_REFERENCE, "sk_test_of_the_tests")
        an_open_payment(make_account())
        Order.objects.update(expires_at=clock.now() + timedelta(minutes=15))
        Operation.objects.update(next_check_at=clock.now() - timedelta(seconds=seconds_ago))

        answer = ask("/healthz/work")

        assert (answer.status_code, answer.json()["oldest_due"]["operations"]["is_late"]) == (status, status == 503)

    @pytest.mark.pains("J3")
    @pytest.mark.parametrize(
        "state", ["draft", "payment_pending", "payment_failed", "payment_authorized", "capture_failed"]
    )
    def test_is_stalled_while_an_order_waits_for_its_end_for_too_long(self, state: str) -> None:
        beat()
        order = an_order_in(state)
        Order.objects.update(expires_at=clock.now() - timedelta(minutes=10))

        answer = ask("/healthz/work")

        assert due_for_expiry(now=clock.now(), limit=10) == [order.public_id]
        assert answer.status_code == 503
        assert answer.json()["oldest_due"]["orders"]["is_late"] is True

    def test_a_short_wait_is_no_alarm(self) -> None:
        beat()
        due_event(seconds_ago=20)

        assert ask("/healthz/work").status_code == 200

    def test_what_is_settled_does_not_wait(self) -> None:
        beat()
        due_event(seconds_ago=90)
        Event.objects.update(status=Event.Status.PROCESSING, lease_expires_at=clock.now())
        Event.objects.update(status=Event.Status.IGNORED, lease_expires_at=None)

        assert ask("/healthz/work").status_code == 200

    def test_says_that_the_database_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "heartbeats", refuse)

        answer = ask("/healthz/work")

        assert (answer.status_code, answer.json()) == (503, {"status": "database_away"})


class TestPlainHttp:
    def test_probes_are_not_redirected_to_https(self, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True

        assert ask("/healthz").status_code == 200
        assert ask("/readyz").status_code == 200
        assert ask("/").status_code == 301
