"""Processing: one effect per event, whatever breaks, repeats or arrives too early."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from structlog.testing import capture_logs

from core import policies
from core.cause import system
from core.models import ProviderAccount
from core.tests.factories import NOW
from ledger.models import Posting
from orders.models import Order, OrderEvent, RefusedTransition
from orders.services import TransitionRefused
from oversight.models import Case
from payments.models import PaymentAttempt
from payments.services import EventReading, ProviderUnavailable, apply_update, read_event
from webhooks import selectors, services
from webhooks.models import Event
from webhooks.services import processing
from webhooks.tests.factories import (
    BrokenError,
    an_event,
    breaking,
    die_processing,
    event_body,
    paid_intent,
    status_of,
)

pytestmark = pytest.mark.usefixtures("database")

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LEASE = timedelta(seconds=60)


def money_facts() -> tuple[list[str], int, int]:
    """What must happen once: the order's states in history, and how much was posted."""
    states = OrderEvent.objects.filter(kind="transition").order_by("id").values_list("to_state", flat=True)
    return list(states), Posting.objects.count(), Order.objects.get().captured_minor


class TestProcess:
    def test_makes_the_order_paid_and_says_which(self, paid_event: Event, attempt: PaymentAttempt) -> None:
        services.process(paid_event.pk, now=NOW)

        paid_event.refresh_from_db()
        assert (paid_event.status, paid_event.order_public_id) == ("processed", attempt.order.public_id)
        assert (paid_event.processed_at, paid_event.next_try_at, paid_event.lease_expires_at) == (NOW, None, None)
        assert Order.objects.get().state == "paid"
        last = OrderEvent.objects.filter(kind="transition").latest("id")
        assert (last.actor, last.provider_event_id, last.trace_id) == (
            "system:webhook",
            paid_event.event_key,
            paid_event.trace_id,
        )

    def test_of_an_event_that_ended_does_nothing(self, paid_event: Event) -> None:
        services.process(paid_event.pk, now=NOW)
        before = money_facts()

        services.process(paid_event.pk, now=NOW + DAY)

        assert money_facts() == before
        paid_event.refresh_from_db()
        assert (paid_event.fencing_token, paid_event.processed_at) == (1, NOW)

    @pytest.mark.pains("C2")
    def test_ten_times_at_once_has_one_effect(self, paid_event: Event) -> None:
        def work() -> None:
            services.process(paid_event.pk, now=NOW)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert status_of(paid_event) == "processed"
        states, _, captured_minor = money_facts()
        assert states == ["draft", "payment_pending", "paid"]
        assert captured_minor == 1999

    @pytest.mark.pains("C1")
    def test_ignores_a_type_nobody_uses_and_says_so(self, account: ProviderAccount) -> None:
        event = an_event(account, event_body(type="customer.created"))

        services.process(event.pk, now=NOW)

        assert status_of(event) == "ignored"
        assert "customer.created" in event.status_reason

    def test_of_an_event_that_is_not_there_does_nothing(self) -> None:
        services.process(1, now=NOW)

        assert not Event.objects.exists()


class TestFailure:
    @pytest.mark.pains("C1")
    def test_at_two_deliveries_is_made_good_by_the_third_and_not_repeated_by_the_fourth(
        self, account: ProviderAccount, attempt: PaymentAttempt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = BrokenError("jane@example.com could not be read")
        monkeypatch.setattr(processing, "apply_update", breaking(apply_update, error, error))
        body = event_body(about=paid_intent(attempt))
        seen = []

        for minutes in range(4):
            event = an_event(account, body, now=NOW + timedelta(minutes=minutes))
            services.process(event.pk, now=NOW + timedelta(minutes=minutes))
            seen.append((status_of(event), event.status_reason, Order.objects.get().state))

        assert seen == [
            ("failed", "BrokenError", "draft"),
            ("failed", "BrokenError", "draft"),
            ("processed", "", "paid"),
            ("processed", "", "paid"),
        ]
        assert (Event.objects.count(), selectors.count_deliveries(event.pk)) == (1, 4)
        states, _, captured_minor = money_facts()
        assert (states, captured_minor) == (["draft", "payment_pending", "paid"], 1999)

    @pytest.mark.pains("C1")
    def test_is_not_swallowed_as_a_duplicate(
        self, account: ProviderAccount, attempt: PaymentAttempt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processing, "apply_update", breaking(apply_update, BrokenError()))
        body = event_body(about=paid_intent(attempt))
        event = an_event(account, body)
        services.process(event.pk, now=NOW)

        an_event(account, body, now=NOW + SECOND)

        assert status_of(event) == "failed"
        assert event.next_try_at is not None
        services.process(event.pk, now=event.next_try_at)
        assert status_of(event) == "processed"

    def test_backs_off_longer_each_time_and_never_beyond_an_hour(
        self, paid_event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processing, "read_event", breaking(read_event, *[BrokenError()] * 11))
        waits, now = [], NOW

        for _ in range(11):
            services.process(paid_event.pk, now=now)
            paid_event.refresh_from_db()
            assert paid_event.next_try_at is not None
            waits.append((paid_event.next_try_at - now).total_seconds())
            now = paid_event.next_try_at

        ladder = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        assert all(0.75 * step <= wait <= step for wait, step in zip(waits, ladder, strict=True))

    def test_ends_dead_with_a_case_after_the_last_try(self, paid_event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
        tries_max = policies.current("webhooks")["tries_max"]
        monkeypatch.setattr(processing, "apply_update", breaking(apply_update, *[BrokenError()] * tries_max))

        for hours in range(tries_max):
            assert status_of(paid_event) != "dead"
            services.process(paid_event.pk, now=NOW + timedelta(hours=hours))

        assert (status_of(paid_event), paid_event.next_try_at) == ("dead", None)
        case = Case.objects.get()
        assert (case.type, case.subject_id, case.severity) == ("webhook_dead", paid_event.public_id, "high")
        assert Order.objects.get().state == "draft"
        services.process(paid_event.pk, now=NOW + DAY)
        assert status_of(paid_event) == "dead"

    def test_of_the_provider_does_not_kill_the_event_within_a_day(
        self, paid_event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processing, "read_event", breaking(read_event, *[ProviderUnavailable()] * 46))

        for half_hours in range(40):
            services.process(paid_event.pk, now=NOW + timedelta(minutes=30 * half_hours))
            assert (status_of(paid_event), paid_event.status_reason) == ("failed", "provider_unavailable")
        assert paid_event.tries_count == policies.current("webhooks")["tries_max"] // 2
        for hours in range(6):
            services.process(paid_event.pk, now=NOW + DAY + timedelta(hours=hours))

        assert status_of(paid_event) == "dead"

    def test_of_bytes_that_are_no_event_is_kept(self, account: ProviderAccount) -> None:
        event = an_event(account, event_body(about={"id": "pi_1", "object": "payment_intent", "status": "new_word"}))

        services.process(event.pk, now=NOW)

        assert status_of(event) == "failed"

    def test_by_a_transition_the_order_refuses_leaves_the_refusal_on_record(
        self, paid_event: Event, attempt: PaymentAttempt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refusal = TransitionRefused(
            order=attempt.order, transition="payment_captured", cause=system("webhook", now=NOW), reason="test"
        )
        monkeypatch.setattr(processing, "apply_update", breaking(apply_update, refusal))

        services.process(paid_event.pk, now=NOW)

        assert (status_of(paid_event), paid_event.status_reason) == ("failed", "transition_refused")
        assert RefusedTransition.objects.get().actor == "system:webhook"

    def test_logs_once_with_the_traceback(self, paid_event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processing, "apply_update", breaking(apply_update, BrokenError()))

        with capture_logs() as logs:
            services.process(paid_event.pk, now=NOW)

        failures = [line for line in logs if line["event"] == "webhook_failed"]
        assert [(line["event_id"], line["exc_info"]) for line in failures] == [(paid_event.public_id, True)]


class TestLease:
    def test_of_a_living_worker_is_respected(self, paid_event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
        def meanwhile(*args: Any, **kwargs: Any) -> EventReading:
            monkeypatch.setattr(processing, "read_event", read_event)
            services.process(paid_event.pk, now=NOW + LEASE - SECOND)
            assert (status_of(paid_event), paid_event.fencing_token) == ("processing", 1)
            return read_event(*args, **kwargs)

        monkeypatch.setattr(processing, "read_event", meanwhile)

        services.process(paid_event.pk, now=NOW)

        assert (status_of(paid_event), paid_event.fencing_token) == ("processed", 1)

    @pytest.mark.parametrize("outcome", ["relevant", "unknown_payment", "broken"])
    def test_once_taken_over_the_first_worker_has_no_effect(
        self, paid_event: Event, monkeypatch: pytest.MonkeyPatch, outcome: str
    ) -> None:
        """The successor ends the event `ignored`; whatever the first worker brings home must not change that."""

        def meanwhile(*args: Any, **kwargs: Any) -> EventReading:
            successor = EventReading(outcome="ignored", reason="the successor was here")
            monkeypatch.setattr(processing, "read_event", lambda *_, **__: successor)
            services.process(paid_event.pk, now=NOW + LEASE)
            if outcome == "broken":
                raise BrokenError
            reading = read_event(*args, **kwargs)
            return reading if outcome == "relevant" else EventReading(outcome="unknown_payment")

        monkeypatch.setattr(processing, "read_event", meanwhile)
        before = money_facts()

        with capture_logs() as logs:
            services.process(paid_event.pk, now=NOW)

        assert (status_of(paid_event), paid_event.status_reason) == ("ignored", "the successor was here")
        assert money_facts() == before
        assert [line["fencing_token"] for line in logs if line["event"] == "webhook_lease_lost"] == [1]

    def test_cannot_be_taken_over_while_its_effects_are_written(
        self, paid_event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def take_over(*args: Any, **kwargs: Any) -> Any:
            thread = threading.Thread(target=self.successor, args=[paid_event.pk])
            thread.start()
            thread.join()
            return apply_update(*args, **kwargs)

        monkeypatch.setattr(processing, "apply_update", take_over)

        services.process(paid_event.pk, now=NOW)

        assert (status_of(paid_event), paid_event.fencing_token) == ("processed", 1)

    def successor(self, event_id: int) -> None:
        """Another worker that comes after the lease."""
        services.process(event_id, now=NOW + LEASE)
        connection.close()

    def test_of_a_worker_that_died_lapses(self, paid_event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
        die_processing(paid_event, now=NOW)
        assert status_of(paid_event) == "processing"

        services.process(paid_event.pk, now=NOW + LEASE)

        assert (status_of(paid_event), paid_event.fencing_token) == ("processed", 2)

    def test_of_an_event_that_kills_every_worker_ends_dead(
        self, paid_event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries_max = policies.current("webhooks")["tries_max"]
        for number in range(tries_max):
            die_processing(paid_event, now=NOW + number * LEASE)

        services.process(paid_event.pk, now=NOW + tries_max * LEASE)

        assert (status_of(paid_event), paid_event.status_reason) == ("dead", "worker_died")
        assert Case.objects.get().type == "webhook_dead"
