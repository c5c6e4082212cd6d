"""Closed days and months take nothing any more, whoever writes and whenever they began; late facts are booked later."""

from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread

import pytest
from django.db import IntegrityError, connection
from psycopg.errors import CheckViolation

from core.db import transaction
from core.models import ProviderAccount
from ledger import chart, services
from ledger.models import Entry, Period, PeriodTotal, Posting
from ledger.tests.factories import (
    DAY,
    ENTITY,
    NEXT,
    NOON,
    TWO_DAYS_LATER,
    a_cause,
    a_channel,
    a_movement,
    a_sale,
    an_account,
    close,
    posted,
)
from oversight.models import AuditEntry

pytestmark = pytest.mark.usefixtures("database")

CLEARING = "asset:clearing:stripe:main"


@pytest.fixture
def account(database: str) -> ProviderAccount:
    """A shop that sold one thing on the 15th of June and was paid for it."""
    account = an_account(a_channel())
    posted(services.post_sale, a_sale(account.channel))
    posted(services.post_capture, a_movement(account))
    return account


def close_month(day: date, *, now: datetime) -> Period:
    """This will close the month of a day."""
    return services.close_period(legal_entity=ENTITY, kind=Period.Kind.MONTH, on=day, cause=a_cause(now=now))


class TestCloseDay:
    def test_keeps_what_each_account_did_and_where_it_stood(self, account: ProviderAccount) -> None:
        period = close()

        totals = {
            code: figures
            for code, *figures in PeriodTotal.objects.filter(period=period).values_list(
                "account__code", "entries_count", "debit_minor", "credit_minor", "closing_minor"
            )
        }
        assert totals[chart.RECEIVABLE] == [2, 1200, 1200, 0]
        assert totals[CLEARING] == [1, 1200, 0, 1200]
        assert totals[chart.SALES] == [1, 0, 1000, -1000]

    def test_carries_balances_over_a_day_without_movement(self, account: ProviderAccount) -> None:
        close()
        period = close(NEXT)

        total = PeriodTotal.objects.get(period=period, account__code=CLEARING)
        assert (total.entries_count, total.closing_minor) == (0, 1200)

    def test_is_in_the_audit_trail_with_its_hash(self, account: ProviderAccount) -> None:
        period = close()

        noted = AuditEntry.objects.get(action="ledger.period_closed")
        assert (noted.subject_id, noted.after["totals_sha256"]) == (period.public_id, period.totals_sha256)

    def test_again_is_the_same(self, account: ProviderAccount) -> None:
        assert close() == close(now=TWO_DAYS_LATER + timedelta(days=1))

    def test_waits_for_the_end_of_the_day_in_every_shop(self, account: ProviderAccount) -> None:
        midnight_in_london = datetime(2026, 6, 15, 23, 0, tzinfo=UTC)

        with pytest.raises(services.PeriodIsNotOver):
            close(now=midnight_in_london - timedelta(seconds=1))

        assert close(now=midnight_in_london).starts_on == DAY

    @pytest.mark.parametrize("day", [NEXT, DAY + timedelta(days=3)], ids=["the first", "with a gap"])
    def test_goes_in_order(self, account: ProviderAccount, day: date) -> None:
        if day != NEXT:
            close()

        with pytest.raises(services.PeriodOutOfOrder):
            close(day, now=NOON + timedelta(days=30))

    def test_knows_no_such_legal_entity(self, account: ProviderAccount) -> None:
        with pytest.raises(services.NoSuchLegalEntity):
            services.close_period(legal_entity="Nobody", kind=Period.Kind.DAY, on=DAY, cause=a_cause())

    def test_another_legal_entity_goes_on(self, account: ProviderAccount) -> None:
        other = an_account_of_another_entity()
        close()

        posting = posted(services.post_capture, a_movement(other, source_id="op_2"))

        assert (posting.business_on, posting.late_for) == (DAY, None)


def an_account_of_another_entity() -> ProviderAccount:
    """This will insert the shop of somebody else, with an account of its own."""
    channel = a_channel("other")
    channel.legal_entity = "Other Ltd"
    channel.save()
    return an_account(channel, slug="other")


class TestCloseMonth:
    def test_closes_its_open_days_and_adds_them_up(self, account: ProviderAccount) -> None:
        close_month(date(2026, 6, 1), now=NOON + timedelta(days=30))

        month = Period.objects.get(kind="month")
        total = PeriodTotal.objects.get(period=month, account__code=CLEARING)
        assert (month.starts_on, month.ends_on) == (date(2026, 6, 1), date(2026, 6, 30))
        assert Period.objects.filter(kind="day").count() == 30
        assert (total.entries_count, total.debit_minor, total.closing_minor) == (1, 1200, 1200)

    def test_begins_with_what_was_there(self, account: ProviderAccount) -> None:
        close_month(DAY, now=NOON + timedelta(days=30))
        posted(
            services.post_capture,
            a_movement(account, source_id="op_2"),
            cause=a_cause(now=datetime(2026, 7, 3, tzinfo=UTC)),
        )
        close_month(date(2026, 7, 31), now=datetime(2026, 8, 1, 12, tzinfo=UTC))

        total = PeriodTotal.objects.get(
            period__starts_on=date(2026, 7, 1), period__kind="month", account__code=CLEARING
        )
        assert (total.debit_minor, total.closing_minor) == (1200, 2400)

    def test_is_not_over_before_its_last_day(self, account: ProviderAccount) -> None:
        with pytest.raises(services.PeriodIsNotOver):
            close_month(DAY, now=datetime(2026, 6, 30, 12, tzinfo=UTC))

        assert not Period.objects.exists()

    def test_refuses_a_month_before_which_days_are_open(self, account: ProviderAccount) -> None:
        close()

        with pytest.raises(services.PeriodOutOfOrder):
            close_month(date(2026, 7, 1), now=NOON + timedelta(days=60))


class TestLateFacts:
    def test_are_booked_on_the_first_open_day_and_say_when_they_happened(self, account: ProviderAccount) -> None:
        close()
        close(NEXT)
        late = a_cause(now=TWO_DAYS_LATER, occurred_at=NOON)

        posting = posted(services.post_capture, a_movement(account, source_id="op_2"), cause=late)

        assert (posting.business_on, posting.late_for) == (date(2026, 6, 17), DAY)
        assert (posting.occurred_at, posting.recorded_at) == (NOON, TWO_DAYS_LATER)

    def test_that_were_posted_in_time_are_returned_as_they_stand(self, account: ProviderAccount) -> None:
        close()

        posting = posted(services.post_capture, a_movement(account))

        assert (posting.business_on, posting.late_for) == (DAY, None)

    def test_are_in_no_hurry_while_nothing_is_closed(self, account: ProviderAccount) -> None:
        late = a_cause(now=NOON + timedelta(days=300), occurred_at=NOON)

        posting = posted(services.post_capture, a_movement(account, source_id="op_2"), cause=late)

        assert (posting.business_on, posting.late_for) == (DAY, None)


INSERT_POSTING = """
    INSERT INTO ledger_posting (public_id, channel_id, source_kind, source_id, event, order_public_id, is_livemode,
        business_on, occurred_at, recorded_at, trace_id, schema_version)
    SELECT 'pst_2', channel_id, source_kind, 'op_2', event, '', false, {day}, occurred_at, recorded_at, '', 1
    FROM ledger_posting WHERE event = 'capture'
"""
INSERT_ENTRIES = """
    INSERT INTO ledger_entry (posting_id, account_id, currency, amount_minor, order_public_id, attempt_public_id,
        recorded_at)
    SELECT {posting}, account_id, currency, amount_minor * side.sign, '', '', recorded_at
    FROM (SELECT * FROM ledger_entry ORDER BY id LIMIT 1) AS entry, (VALUES (1), (-1)) AS side (sign)
"""
INSERT_PERIOD = """
    INSERT INTO ledger_period (public_id, legal_entity, kind, starts_on, ends_on, previous_sha256, totals_sha256,
        closed_at, closed_by, schema_version)
    VALUES ('per_2', 'Surety Ltd', '{kind}', '{starts_on}', '{ends_on}', '', '', now(), '', 1)
"""


def run(*statements: str) -> None:
    """This will run raw SQL as the application in one transaction."""
    with transaction("test"), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def copy_in(row: tuple[object, ...]) -> None:
    """This will COPY one posting in as the application."""
    columns = """public_id, channel_id, source_kind, source_id, event, order_public_id, is_livemode, business_on,
        occurred_at, recorded_at, trace_id, schema_version"""
    copying = f"COPY ledger_posting ({columns}) FROM STDIN"
    with transaction("test"), connection.cursor() as cursor, cursor.copy(copying) as copy:
        copy.write_row(row)


class TestBySql:
    @pytest.mark.parametrize("day", ["business_on", "business_on - 100"], ids=["the day", "long before it"])
    def test_a_closed_day_takes_no_posting(self, account: ProviderAccount, day: str) -> None:
        close()

        with pytest.raises(IntegrityError, match="are closed on"):
            run(INSERT_POSTING.format(day=day), INSERT_ENTRIES.format(posting="(SELECT max(id) FROM ledger_posting)"))

        assert Posting.objects.count() == 2

    def test_a_closed_day_takes_no_entry_in_a_posting_that_is_there(self, account: ProviderAccount) -> None:
        close()

        with pytest.raises(IntegrityError, match="whose day is closed"):
            run(INSERT_ENTRIES.format(posting="(SELECT max(id) FROM ledger_posting)"))

        assert Entry.objects.count() == 5

    def test_a_closed_day_takes_no_copy(self, account: ProviderAccount) -> None:
        close()
        channel_id = Posting.objects.all()[0].channel_id
        row = ("pst_2", channel_id, "operation", "op_2", "capture", "", False, DAY, NOON, NOON, "", 1)

        with pytest.raises(CheckViolation, match="are closed on"):
            copy_in(row)

    def test_an_open_day_takes_both(self, account: ProviderAccount) -> None:
        close()

        run(
            INSERT_POSTING.format(day="business_on + 1"),
            INSERT_ENTRIES.format(posting="(SELECT max(id) FROM ledger_posting)"),
        )

        assert Posting.objects.filter(business_on=NEXT).count() == 1

    def test_a_snapshot_that_may_be_older_than_a_close_is_refused(self, account: ProviderAccount) -> None:
        with pytest.raises(IntegrityError, match="READ COMMITTED"):
            run(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                INSERT_POSTING.format(day="business_on + 1"),
            )

    @pytest.mark.parametrize(
        ("kind", "starts_on", "ends_on", "why"),
        [
            ("day", "2026-06-18", "2026-06-18", "days close in order"),
            ("day", "2026-06-15", "2026-06-15", "days close in order"),
            ("day", "2026-06-16", "2026-06-20", "ledger_period_day_is_one_day"),
            ("month", "2026-06-01", "2026-06-30", "closes after its days"),
            ("month", "2026-06-01", "2026-06-15", "is no month"),
        ],
        ids=["a gap", "twice", "several days", "an open month", "half a month"],
    )
    def test_periods_close_in_order(
        self, account: ProviderAccount, kind: str, starts_on: str, ends_on: str, why: str
    ) -> None:
        close()

        with pytest.raises(IntegrityError, match=why):
            run(INSERT_PERIOD.format(kind=kind, starts_on=starts_on, ends_on=ends_on))

    def test_the_first_close_leaves_no_posting_behind(self, account: ProviderAccount) -> None:
        with pytest.raises(IntegrityError, match="days close in order"):
            run(INSERT_PERIOD.format(kind="day", starts_on="2026-06-16", ends_on="2026-06-16"))

    @pytest.mark.parametrize("table", ["ledger_period", "ledger_periodtotal"])
    @pytest.mark.parametrize("command", ["UPDATE {} SET id = id", "DELETE FROM {}"])
    def test_is_never_opened_again(self, account: ProviderAccount, table: str, command: str) -> None:
        close()

        with pytest.raises(IntegrityError, match="is refused"):
            run(command.format(table))


class TestRace:
    def test_a_close_waits_for_a_posting_under_way_and_counts_it(self, account: ProviderAccount) -> None:
        is_posted, may_commit = Event(), Event()

        def post_slowly() -> None:
            with transaction("test.slow"):
                services.post_capture(a_movement(account, source_id="op_2"), cause=a_cause())
                is_posted.set()
                may_commit.wait(timeout=10)
            connection.close()

        periods: list[Period] = []

        def close_meanwhile() -> None:
            periods.append(close())
            connection.close()

        slow, closer = Thread(target=post_slowly), Thread(target=close_meanwhile)
        slow.start()
        is_posted.wait(timeout=10)
        closer.start()
        closer.join(timeout=0.5)
        is_waiting = closer.is_alive()
        may_commit.set()
        slow.join()
        closer.join()

        assert is_waiting
        assert PeriodTotal.objects.get(period=periods[0], account__code=CLEARING).closing_minor == 2400

    @pytest.mark.parametrize("is_first", [True, False], ids=["the first close", "a later close"])
    def test_a_posting_waits_for_a_close_under_way_and_goes_to_the_next_day(
        self, account: ProviderAccount, is_first: bool
    ) -> None:
        day = DAY if is_first else NEXT
        if not is_first:
            close()
        is_closing, may_commit = Event(), Event()

        def close_slowly() -> None:
            with transaction("test.slow"):
                services.close_day(legal_entity=ENTITY, business_on=day, cause=a_cause(now=TWO_DAYS_LATER))
                is_closing.set()
                may_commit.wait(timeout=10)
            connection.close()

        late = a_cause(now=TWO_DAYS_LATER, occurred_at=NOON + (day - DAY))
        postings: list[Posting] = []

        def post_meanwhile() -> None:
            postings.append(posted(services.post_capture, a_movement(account, source_id="op_2"), cause=late))
            connection.close()

        closer, poster = Thread(target=close_slowly), Thread(target=post_meanwhile)
        closer.start()
        is_closing.wait(timeout=10)
        poster.start()
        poster.join(timeout=0.5)
        is_waiting = poster.is_alive()
        may_commit.set()
        closer.join()
        poster.join()

        assert is_waiting
        assert (postings[0].business_on, postings[0].late_for) == (day + timedelta(days=1), day)

    def test_a_close_keeps_nobody_waiting_who_posts_to_another_day(self, account: ProviderAccount) -> None:
        close()
        is_closing, may_commit = Event(), Event()

        def close_slowly() -> None:
            with transaction("test.slow"):
                services.close_day(legal_entity=ENTITY, business_on=NEXT, cause=a_cause(now=TWO_DAYS_LATER))
                is_closing.set()
                may_commit.wait(timeout=10)
            connection.close()

        closer = Thread(target=close_slowly)
        closer.start()
        is_closing.wait(timeout=10)
        posting = posted(
            services.post_capture, a_movement(account, source_id="op_2"), cause=a_cause(now=TWO_DAYS_LATER)
        )
        may_commit.set()
        closer.join()

        assert posting.business_on == date(2026, 6, 17)
