"""Cases: one open for a mismatch however often it is reported, with a due time and an end that leaves a trail."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from core import clock, policies
from core.db import TransactionStanceError, transaction
from core.money import Money
from oversight import selectors, services, tasks
from oversight.models import AuditEntry, Case, CaseType
from oversight.tests.factories import NOON, SWEEP, StandingClock, a_member_of_staff, a_report

pytestmark = pytest.mark.usefixtures("database")


def opened(report: services.Report | None = None, *, minutes_later: int = 0) -> Case:
    """This will open a case in a transaction of its own."""
    with transaction("test"):
        return services.open_case(report or a_report(), now=NOON + timedelta(minutes=minutes_later))


class TestOpenCase:
    @pytest.mark.parametrize(
        ("severity", "due_after"),
        [
            (Case.Severity.HIGH, timedelta(hours=1)),
            (Case.Severity.NORMAL, timedelta(days=1)),
            (Case.Severity.LOW, timedelta(days=3)),
        ],
    )
    def test_is_due_by_its_severity(self, severity: Case.Severity, due_after: timedelta) -> None:
        case = opened(a_report(severity=severity))

        assert case.due_at == NOON + due_after
        assert (case.status, case.reports_count) == (Case.Status.OPEN, 1)

    def test_keeps_evidence_money_and_order(self) -> None:
        report = a_report(evidence={"tries": 3}, money=Money(1999, "GBP"), order_public_id="ord_1")

        case = Case.objects.get(pk=opened(report).pk)

        assert case.evidence == {"tries": 3}
        assert (case.amount_minor, case.currency, case.order_public_id) == (1999, "GBP", "ord_1")
        assert case.public_id.startswith("case_")

    def test_a_second_report_counts_and_adds_its_evidence(self) -> None:
        first = opened(a_report(evidence={"tries": 3, "answer": "none"}, money=Money(1999, "GBP")))

        second = opened(a_report(evidence={"tries": 4}), minutes_later=5)

        assert second.pk == first.pk
        assert second.reports_count == 2
        assert second.evidence == {"tries": 4, "answer": "none"}
        assert (second.amount_minor, second.due_at) == (1999, first.due_at)

    def test_a_more_urgent_report_makes_it_due_earlier_and_a_milder_one_changes_nothing(self) -> None:
        opened(a_report(severity=Case.Severity.NORMAL))
        urgent = opened(a_report(severity=Case.Severity.HIGH), minutes_later=5)
        milder = opened(a_report(severity=Case.Severity.LOW), minutes_later=6)

        assert urgent.due_at == NOON + timedelta(minutes=65)
        assert (milder.severity, milder.due_at) == (Case.Severity.HIGH, urgent.due_at)

    def test_another_type_or_subject_is_another_case(self) -> None:
        opened()
        opened(replace(a_report(), type=CaseType.LATE_MONEY))
        opened(replace(a_report(), subject_id="op_2"))

        assert Case.objects.count() == 3

    def test_facts_that_return_after_its_end_open_a_new_one(self) -> None:
        first = opened()
        with transaction("test"):
            services.resolve_case(first.public_id, resolution="found at the provider", cause=SWEEP)

        second = opened()

        assert second.pk != first.pk
        assert Case.objects.get(pk=first.pk).status == Case.Status.RESOLVED

    def test_twenty_parallel_reports_are_one_case(self) -> None:
        start = Barrier(20)
        policies.current("cases")

        def report_once(number: int) -> None:
            start.wait()
            try:
                opened(a_report(evidence={f"from_{number}": True}))
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(report_once, range(20)))

        case = Case.objects.get()
        assert case.reports_count == 20
        assert len(case.evidence) == 20

    def test_is_one_statement(self) -> None:
        policies.current("cases")

        with transaction("test"), CaptureQueriesContext(connection) as statements:
            services.open_case(a_report(), now=NOON)

        assert len(statements) == 1

    def test_needs_its_callers_transaction(self) -> None:
        with pytest.raises(TransactionStanceError):
            services.open_case(a_report(), now=NOON)


class TestResolve:
    def test_closes_with_a_resolution_and_a_trail(self) -> None:
        case = opened()

        with transaction("test"):
            services.resolve_case(case.public_id, resolution="found at the provider", cause=SWEEP)

        case.refresh_from_db()
        assert (case.status, case.resolved_at, case.resolution) == ("resolved", NOON, "found at the provider")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.subject_id, entry.actor) == ("case.resolved", case.public_id, "system:sweep")
        assert (entry.before, entry.after["status"]) == ({"status": "open"}, "resolved")

    def test_refuses_a_case_that_is_resolved(self) -> None:
        case = opened()
        with transaction("test"):
            services.resolve_case(case.public_id, resolution="done", cause=SWEEP)

        with pytest.raises(services.CaseIsResolved), transaction("test"):
            services.resolve_case(case.public_id, resolution="done again", cause=SWEEP)

    def test_refuses_a_case_that_is_not_there(self) -> None:
        with pytest.raises(selectors.NoSuchCase), transaction("test"):
            services.resolve_case("case_none", resolution="done", cause=SWEEP)

    def test_facts_that_are_gone_close_their_case(self) -> None:
        case = opened()

        with transaction("test"):
            closed = services.resolve_open(
                type=CaseType.PAYMENT_IN_DOUBT, subject_id="op_1", resolution="the provider answered", cause=SWEEP
            )
            closed_again = services.resolve_open(
                type=CaseType.PAYMENT_IN_DOUBT, subject_id="op_1", resolution="the provider answered", cause=SWEEP
            )

        assert (closed, closed_again) == (True, False)
        assert not selectors.has_open_case(type=case.type, subject_id="op_1")
        assert AuditEntry.objects.count() == 1


class TestAssign:
    def test_gives_it_an_owner_and_leaves_a_trail(self) -> None:
        case, ada = opened(), a_member_of_staff()

        with transaction("test"):
            services.assign_case(case.public_id, owner=ada, cause=SWEEP)

        case.refresh_from_db()
        assert (case.status, case.owner) == (Case.Status.ASSIGNED, ada)
        assert AuditEntry.objects.get().after == {"status": "assigned", "owner": ada.public_id}

    def test_refuses_a_case_that_is_resolved(self) -> None:
        case, ada = opened(), a_member_of_staff()
        with transaction("test"):
            services.resolve_case(case.public_id, resolution="done", cause=SWEEP)

        with pytest.raises(services.CaseIsResolved), transaction("test"):
            services.assign_case(case.public_id, owner=ada, cause=SWEEP)


class TestEscalate:
    def test_escalates_what_is_overdue_and_only_that(self) -> None:
        overdue = opened(a_report(severity=Case.Severity.NORMAL, order_public_id="ord_1"))
        in_time = opened(replace(a_report(severity=Case.Severity.LOW, order_public_id="ord_1"), subject_id="op_2"))

        with clock.use(StandingClock(NOON + timedelta(days=2))):
            tasks.escalate()
            tasks.escalate()

        overdue.refresh_from_db()
        in_time.refresh_from_db()
        assert (overdue.status, in_time.status) == (Case.Status.ESCALATED, Case.Status.OPEN)
        assert AuditEntry.objects.filter(action="case.escalated").count() == 1
        assert selectors.open_cases_of_order("ord_1") == [overdue, in_time]

    def test_an_escalated_case_can_be_taken(self) -> None:
        case, ada = opened(), a_member_of_staff()
        with transaction("test"):
            services.escalate_overdue(limit=10, cause=replace(SWEEP, now=NOON + timedelta(days=2)))

        with transaction("test"):
            taken = services.assign_case(case.public_id, owner=ada, cause=SWEEP)

        assert taken.status == Case.Status.ASSIGNED


class TestGuards:
    def test_a_case_never_takes_a_way_its_machine_lacks(self) -> None:
        case = opened()
        with transaction("test"):
            services.escalate_overdue(limit=10, cause=replace(SWEEP, now=NOON + timedelta(days=2)))

        with pytest.raises(IntegrityError, match="cannot go from"):
            Case.objects.filter(pk=case.pk).update(status=Case.Status.OPEN)
        with pytest.raises(IntegrityError):
            Case.objects.all().delete()

    def test_the_audit_trail_is_append_only(self) -> None:
        with transaction("test"):
            services.record_audit(action="case.read", subject_id="case_1", cause=SWEEP, reason="curiosity")

        with pytest.raises(IntegrityError):
            AuditEntry.objects.update(reason="")
        with pytest.raises(IntegrityError):
            AuditEntry.objects.all().delete()
