"""What waits: events about payments nobody knows yet, and events a sweep must find."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from core.cause import system
from core.db import transaction
from core.models import ProviderAccount
from core.tests.factories import NOW
from oversight.models import Case, CaseType
from oversight.services import resolve_open
from payments.models import PaymentAttempt
from payments.services import apply_update
from webhooks import services
from webhooks.models import Event
from webhooks.services import processing
from webhooks.tests.conftest import Wakes
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


class TestParked:
    def early(self, account: ProviderAccount, attempt: PaymentAttempt) -> Event:
        """An event about a payment that is ours but not yet to be found: its attempt is another one for now."""
        metadata = {"order_id": attempt.order.public_id, "attempt_id": "payatt_unknown"}
        return an_event(account, event_body(about=paid_intent(attempt, metadata=metadata)))

    @pytest.mark.pains("B1")
    def test_waits_for_its_payment_and_is_processed_when_it_turns_up(
        self, account: ProviderAccount, attempt: PaymentAttempt
    ) -> None:
        event = self.early(account, attempt)
        services.process(event.pk, now=NOW)
        assert status_of(event) == "parked"

        attempt.provider_reference = "pi_1"
        attempt.save(update_fields=["provider_reference"])
        services.process(event.pk, now=NOW + timedelta(seconds=10))

        assert status_of(event) == "processed"
        assert event.order_public_id == attempt.order.public_id

    def test_is_looked_at_soon_then_seldom(self, account: ProviderAccount, attempt: PaymentAttempt) -> None:
        event = self.early(account, attempt)
        waits = []

        for age in (timedelta(0), timedelta(minutes=2), timedelta(hours=2), DAY, 9 * DAY):
            services.process(event.pk, now=NOW + age)
            event.refresh_from_db()
            assert event.next_try_at is not None
            waits.append((event.next_try_at - NOW - age).total_seconds())

        assert all(0.75 * most <= wait <= most for wait, most in zip(waits, [10, 120, 300, 3600, 3600], strict=True))

    def test_never_dies_of_waiting_but_asks_people_once_after_a_day(
        self, account: ProviderAccount, attempt: PaymentAttempt
    ) -> None:
        event = self.early(account, attempt)
        for hours in range(24):
            services.process(event.pk, now=NOW + timedelta(hours=hours))
        assert (status_of(event), Case.objects.count()) == ("parked", 0)

        services.process(event.pk, now=NOW + DAY)
        with transaction("test"):
            cause = system("test", now=NOW)
            resolve_open(
                type=CaseType.UNMATCHED_WEBHOOK, subject_id=event.public_id, resolution="another shop's", cause=cause
            )
        services.process(event.pk, now=NOW + 2 * DAY)

        assert status_of(event) == "parked"
        case = Case.objects.get()
        assert (case.type, case.subject_id, case.status) == ("unmatched_webhook", event.public_id, "resolved")

    def test_closes_its_case_when_the_payment_turns_up(self, account: ProviderAccount, attempt: PaymentAttempt) -> None:
        event = self.early(account, attempt)
        services.process(event.pk, now=NOW + DAY)
        assert Case.objects.get().status == "open"

        attempt.provider_reference = "pi_1"
        attempt.save(update_fields=["provider_reference"])
        services.process(event.pk, now=NOW + 2 * DAY)

        assert status_of(event) == "processed"
        assert Case.objects.get(type="unmatched_webhook").status == "resolved"


class TestSweep:
    def test_wakes_a_worker_for_what_nobody_picked_up(self, paid_event: Event, wakes: Wakes) -> None:
        wakes.clear()

        assert services.sweep(now=NOW + 4 * SECOND) == 0
        assert services.sweep(now=NOW + 5 * SECOND) == 1
        assert wakes == [("webhooks.process", {"event_id": paid_event.pk})]

    def test_does_not_repeat_itself_within_a_lease(self, paid_event: Event) -> None:
        counts = [services.sweep(now=NOW + timedelta(seconds=seconds)) for seconds in (5, 20, 64, 65, 80)]

        assert counts == [1, 0, 0, 1, 0]
        services.process(paid_event.pk, now=NOW + 81 * SECOND)
        assert status_of(paid_event) == "processed"

    def test_finds_a_lapsed_lease_which_a_worker_may_then_take(
        self, paid_event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        die_processing(paid_event, now=NOW)

        assert services.sweep(now=NOW + LEASE - SECOND) == 0
        assert services.sweep(now=NOW + LEASE) == 1
        services.process(paid_event.pk, now=NOW + LEASE)

        assert status_of(paid_event) == "processed"

    def test_finds_failed_and_parked_events_when_their_time_has_come(
        self, account: ProviderAccount, attempt: PaymentAttempt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failed = an_event(account, event_body("evt_1", about=paid_intent(attempt)))
        parked = an_event(account, event_body("evt_2", about=paid_intent(attempt, id="pi_2", metadata={})))
        with monkeypatch.context() as patch:
            patch.setattr(processing, "apply_update", breaking(apply_update, BrokenError()))
            services.process(failed.pk, now=NOW)
        services.process(parked.pk, now=NOW)
        assert (status_of(failed), status_of(parked)) == ("failed", "parked")

        assert services.sweep(now=NOW + 7 * SECOND) == 0
        assert services.sweep(now=NOW + 10 * SECOND) == 2

    def test_leaves_what_has_ended_alone(self, paid_event: Event) -> None:
        services.process(paid_event.pk, now=NOW)

        assert services.sweep(now=NOW + 365 * DAY) == 0

    def test_two_at_once_wake_different_events(self, account: ProviderAccount, wakes: Wakes) -> None:
        for number in range(40):
            an_event(account, event_body(f"evt_{number}"))
        wakes.clear()

        def work() -> None:
            services.sweep(now=NOW + DAY, limit=10)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        woken = [ids["event_id"] for _, ids in wakes]
        assert len(woken) == len(set(woken))
        assert services.sweep(now=NOW + DAY, limit=100) == 40 - len(woken)

    def test_reads_the_partial_index(self, paid_event: Event) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = %s::regclass",
                ["webhooks_event_due"],
            )
            (condition,) = cursor.fetchone()

        for status in ("received", "processing", "parked", "failed"):
            assert f"'{status}'" in condition


class TestIngest:
    def test_takes_what_reconciliation_found_as_if_it_had_been_delivered(
        self, account: ProviderAccount, attempt: PaymentAttempt, wakes: Wakes
    ) -> None:
        body = event_body(about=paid_intent(attempt))

        first = an_event(account, body)
        again = an_event(account, body, now=NOW + SECOND)

        assert first.pk == again.pk
        assert [ids["event_id"] for _, ids in wakes if "event_id" in ids] == [first.pk]
