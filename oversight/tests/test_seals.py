"""Seals: what a superuser changes behind every trigger is found, and no row is ever left out of its batch."""

from threading import Event, Thread

import pytest
from django.db import IntegrityError, connection

from core import clock
from core.db import transaction
from oversight import selectors, services, tasks
from oversight.chains import AUDIT, LEDGER, Chain
from oversight.models import AuditEntry, Seal
from oversight.tests.factories import NOON, SWEEP, StandingClock, tampering

pytestmark = pytest.mark.usefixtures("database")


def audited(count: int) -> list[AuditEntry]:
    """This will write some audit rows, each in a transaction of its own."""
    entries = []
    for number in range(count):
        with transaction("test"):
            entries.append(services.record_audit(action="case.read", subject_id=f"case_{number}", cause=SWEEP))
    return entries


def tampered(statement: str) -> None:
    """This will run SQL as a superuser with triggers off."""
    with tampering() as tamperer:
        tamperer.execute(statement)


class TestSeal:
    def test_covers_every_row_once_and_continues_the_chain(self) -> None:
        audited(3)
        first = services.seal_closed_batches(now=NOON)
        audited(2)
        second = services.seal_closed_batches(now=NOON)

        assert [(seal.chain, seal.sequence, seal.rows_count) for seal in first + second] == [
            ("audit", 1, 3),
            ("audit", 2, 2),
        ]
        assert second[0].previous_sha256 == first[0].sha256
        assert selectors.verify_chain(AUDIT) == []

    def test_makes_no_seal_over_nothing(self) -> None:
        audited(1)
        services.seal_closed_batches(now=NOON)

        assert services.seal_closed_batches(now=NOON) == []

    def test_long_backlogs_become_several_seals(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "SEAL_ROWS_MAX", 2)
        audited(5)

        tasks.seal()

        assert [seal.rows_count for seal in Seal.objects.order_by("sequence")] == [2, 2, 1]
        assert selectors.verify_chain(AUDIT) == []

    def test_does_not_depend_on_the_time_zone_of_a_session(self) -> None:
        audited(2)
        services.seal_closed_batches(now=NOON)

        with transaction("test"), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('TimeZone', 'Asia/Tokyo', true)")
            violations = selectors.verify_chain(AUDIT)

        assert violations == []

    def test_is_append_only(self) -> None:
        audited(1)
        services.seal_closed_batches(now=NOON)

        with pytest.raises(IntegrityError):
            Seal.objects.update(sha256="0" * 64)
        with pytest.raises(IntegrityError):
            Seal.objects.all().delete()


class TestTampering:
    @pytest.fixture
    def sealed(self, database: str) -> list[AuditEntry]:
        """Two sealed batches of two rows, with a gap between the second and the third row."""
        first = audited(2)
        services.seal_closed_batches(now=NOON)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('oversight_auditentry', 'id'))")
        second = audited(2)
        services.seal_closed_batches(now=NOON)
        return first + second

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE oversight_auditentry SET reason = 'nothing to see' WHERE id = {0}",
            "UPDATE oversight_auditentry SET recorded_at = recorded_at - interval '1 microsecond' WHERE id = {0}",
            """UPDATE oversight_auditentry SET after = '{{"amount_minor": 1}}' WHERE id = {0}""",
            "DELETE FROM oversight_auditentry WHERE id = {0}",
            "DELETE FROM oversight_auditentry WHERE id IN ({2}, {3})",
            """INSERT INTO oversight_auditentry (id, recorded_at, actor, action, subject_id, reason, before, after,
                trace_id, schema_version) SELECT id + 1, recorded_at, actor, action, subject_id, reason, before, after,
                trace_id, schema_version FROM oversight_auditentry WHERE id = {1}""",
            "UPDATE oversight_seal SET sha256 = repeat('0', 64) WHERE sequence = 1",
            "DELETE FROM oversight_seal WHERE sequence = 1",
            """UPDATE oversight_auditentry SET id = CASE WHEN id = {0} THEN 0 - {1} ELSE id END""",
        ],
        ids=["reason", "time", "facts", "one row", "a batch", "a row in a gap", "a seal", "no seal", "order"],
    )
    def test_is_found(self, sealed: list[AuditEntry], statement: str) -> None:
        tampered(statement.format(*[entry.pk for entry in sealed]))

        assert selectors.verify_chain(AUDIT)

    def test_says_which_seal_is_broken(self, sealed: list[AuditEntry]) -> None:
        tampered(f"DELETE FROM oversight_auditentry WHERE id = {sealed[3].pk}")

        (violation,) = selectors.verify_chain(AUDIT)

        assert violation.startswith("seal #2 over ids")
        assert "sealed 2 rows, found 1" in violation

    def test_a_seal_made_up_again_after_a_change_breaks_the_next_one(self, sealed: list[AuditEntry]) -> None:
        tampered(f"UPDATE oversight_auditentry SET reason = 'forged' WHERE id = {sealed[0].pk}")
        forged = selectors.read_batch(
            AUDIT,
            after_id=0,
            last_id=sealed[1].pk,
            rows_max=9,
            previous_sha256=Seal.objects.get(sequence=1).previous_sha256,
        )
        assert forged is not None
        tampered(f"UPDATE oversight_seal SET sha256 = '{forged.sha256}' WHERE sequence = 1")

        assert selectors.verify_chain(AUDIT) == ["seal #2 does not continue the one before"]


class TestInFlight:
    """Another connection takes the lower id first and commits after the higher one."""

    def test_waits_for_a_transaction_that_may_still_add_a_lower_row(self) -> None:
        has_lower_id, may_commit = Event(), Event()

        def write_slowly() -> None:
            with transaction("test.slow"):
                services.record_audit(action="case.read", subject_id="case_slow", cause=SWEEP)
                has_lower_id.set()
                may_commit.wait(timeout=10)
            connection.close()

        slow = Thread(target=write_slowly)
        slow.start()
        has_lower_id.wait(timeout=10)
        audited(1)

        impatient = StandingClock()
        with clock.use(impatient):
            too_early = services.seal_closed_batches(now=NOON)
        may_commit.set()
        slow.join()
        sealed = services.seal_closed_batches(now=NOON)

        assert (too_early, impatient.waits) == ([], services.WRITERS_LOOKS)
        assert [seal.rows_count for seal in sealed] == [2]
        assert selectors.verify_chain(AUDIT) == []

    def test_sees_a_writer_that_has_an_id_but_no_transaction_id_yet(self) -> None:
        # The instant between evaluating the sequence and writing the row: only the table's lock tells of it.
        holds_lock, may_end = Event(), Event()

        def hold() -> None:
            with transaction("test.slow"), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE oversight_auditentry IN ROW EXCLUSIVE MODE")
                holds_lock.set()
                may_end.wait(timeout=10)
            connection.close()

        writer = Thread(target=hold)
        writer.start()
        holds_lock.wait(timeout=10)
        horizon = selectors.look_at_horizon(AUDIT)
        is_writing = selectors.are_writing(AUDIT, writers=horizon.writers)
        may_end.set()
        writer.join()

        assert len(horizon.writers) == 1
        assert is_writing
        assert not selectors.are_writing(AUDIT, writers=horizon.writers)

    def test_a_later_writer_does_not_hold_a_batch_up(self) -> None:
        audited(1)
        horizon = selectors.look_at_horizon(AUDIT)
        is_in, may_end = Event(), Event()

        def write_later() -> None:
            with transaction("test.later"):
                services.record_audit(action="case.read", subject_id="case_later", cause=SWEEP)
                is_in.set()
                may_end.wait(timeout=10)
            connection.close()

        later = Thread(target=write_later)
        later.start()
        is_in.wait(timeout=10)
        is_blocked = selectors.are_writing(AUDIT, writers=horizon.writers)
        may_end.set()
        later.join()

        assert not is_blocked

    def test_a_writer_elsewhere_does_not_hold_a_chain_up(self) -> None:
        with transaction("test"):
            services.record_audit(action="case.read", subject_id="case_1", cause=SWEEP)

            assert selectors.look_at_horizon(LEDGER).writers == frozenset()
            assert len(selectors.look_at_horizon(AUDIT).writers) == 1


def test_every_chain_covers_its_whole_table() -> None:
    """A column added to a sealed table without a decision about its seal is noticed here."""

    def columns(table: str) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
            return {name for (name,) in cursor.fetchall()}

    def hashed(chain: Chain, alias: str) -> set[str]:
        every = (*chain.row_columns, *chain.later_columns)
        return {column.split()[0].removeprefix(f"{alias}.") for column in every if column.startswith(alias)}

    assert hashed(AUDIT, "entry") == columns("oversight_auditentry")
    assert hashed(LEDGER, "entry") | {"posting_id", "account_id"} == columns("ledger_entry")
    assert hashed(LEDGER, "posting") | {"id"} == columns("ledger_posting")
