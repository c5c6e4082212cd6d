"""Processing: one effect per event, whatever breaks, repeats or arrives too early."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from structlog.testing import capture_logs

from core import policies
from core.cause import system
from core.db import transaction
from core.models import ProviderAccount
from core.tests.factories import NOW
from ledger.models import Posting
from orders.models import Order, OrderEvent, RefusedTransition
from orders.services import TransitionRefused
from oversight.models import Case, CaseType
from oversight.services import resolve_open
from payments.models import PaymentAttempt
from payments.services import EventReading, ProviderUnavailable, apply_update, read_event
from webhooks import services
from webhooks.models import Event
from webhooks.services import processing
from webhooks.tests.conftest import Wakes
from webhooks.tests.factories import an_event, an_open_payment, event_body, paid_intent

pytestmark = pytest.mark.usefixtures("database")

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LEASE = timedelta(seconds=60)


class BrokenError(Exception):
    """A bug nobody foresaw, with something private in its message."""


@pytest.fixture
def attempt(account: ProviderAccount) -> PaymentAttempt:
    """An order's payment that Stripe has yet to decide."""
    return an_open_payment(account)


@pytest.fixture
def paid_event(account: ProviderAccount, attempt: PaymentAttempt) -> Event:
    """The event that tells that the payment succeeded, stored and not yet processed."""
    return an_event(account, event_body(about=paid_intent(attempt)))


def breaking(function: Callable[..., Any], *errors: Exception | None) -> Callable[..., Any]:
    """This will raise one error after the other, each after `function` has done its work, and then let it be."""
    left = list(errors)

    def broken(*args: Any, **kwargs: Any) -> Any:
        outcome = function(*args, **kwargs)
        error = left.pop(0) if left else None
        if error is not None:
            raise error
        return outcome

    return broken


def money_facts() -> tuple[list[str], int, int]:
    """What must happen once: the order's states in history, and how much was posted."""
    states = OrderEvent.objects.filter(kind="transition").order_by("id").values_list("to_state", flat=True)
    return list(states), Posting.objects.count(), Order.objects.get().captured_minor


def status_of(event: Event) -> str:
    """The event's status as it stands in the database."""
    event.refresh_from_db()
    return event.status


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
    def test_fails_fails_and_is_processed(self, paid_event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
        error = BrokenError("jane@example.com could not be read")
        monkeypatch.setattr(processing, "apply_update", breaking(apply_update, error, error))
        seen = []

        for minutes in (0, 1, 2):
            services.process(paid_event.pk, now=NOW + timedelta(minutes=minutes))
            seen.append((status_of(paid_event), paid_event.status_reason, Order.objects.get().state))

        assert seen == [
            ("failed", "BrokenError", "draft"),
            ("failed", "BrokenError", "draft"),
            ("processed", "", "paid"),
        ]
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
        monkeypatch.setattr(processing, "read_event", breaking(read_event, *[ProviderUnavailable()] * 41))

        for half_hours in range(40):
            services.process(paid_event.pk, now=NOW + timedelta(minutes=30 * half_hours))
            assert (status_of(paid_event), paid_event.status_reason) == ("failed", "provider_unavailable")
        services.process(paid_event.pk, now=NOW + DAY)

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
        self.die(paid_event, monkeypatch, now=NOW)
        assert status_of(paid_event) == "processing"

        services.process(paid_event.pk, now=NOW + LEASE)

        assert (status_of(paid_event), paid_event.fencing_token) == ("processed", 2)

    def test_of_an_event_that_kills_every_worker_ends_dead(
        self, paid_event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries_max = policies.current("webhooks")["tries_max"]
        for number in range(tries_max):
            self.die(paid_event, monkeypatch, now=NOW + number * LEASE)

        services.process(paid_event.pk, now=NOW + tries_max * LEASE)

        assert (status_of(paid_event), paid_event.status_reason) == ("dead", "worker_died")
        assert Case.objects.get().type == "webhook_dead"

    def die(self, event: Event, monkeypatch: pytest.MonkeyPatch, *, now: Any) -> None:
        """Take the event and end as a killed process does: nothing is caught, nothing cleaned up."""

        def killed(*_: Any, **__: Any) -> EventReading:
            raise SystemExit(137)

        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(processing, "read_event", killed)
            services.process(event.pk, now=now)


class TestParked:
    def early(self, account: ProviderAccount, attempt: PaymentAttempt) -> Event:
        """An event about a payment that is ours but not yet to be found: its attempt is another one for now."""
        metadata = {"order_id": attempt.order.public_id, "attempt_id": "payatt_unknown"}
        return an_event(account, event_body(about=paid_intent(attempt, metadata=metadata)))

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
        TestLease().die(paid_event, monkeypatch, now=NOW)

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
