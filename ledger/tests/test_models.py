"""What the database itself refuses, for the application's own role and with any setting on."""

from collections.abc import Sequence

import pytest
from django.db import DatabaseError, IntegrityError, connection

from core.db import transaction
from core.models import ProviderAccount
from ledger import services
from ledger.models import Account, Entry, Posting
from ledger.tests.factories import NOON, a_cause, a_channel, a_movement, an_account

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def account(database: str) -> ProviderAccount:
    """A shop with one capture in its books."""
    account = an_account(a_channel())
    with transaction("test"):
        services.post_capture(a_movement(account), cause=a_cause())
    return account


Statement = tuple[str, Sequence[str | int]]


def run(*statements: Statement) -> None:
    """This will run raw SQL as the application in one transaction, so that deferred checks fire at its end."""
    with transaction("test"), connection.cursor() as cursor:
        for statement, parameters in statements:
            cursor.execute(statement, parameters)


def copy_in(table_and_columns: str, row: tuple[object, ...]) -> None:
    """This will COPY one row in as the application."""
    statement = f"COPY {table_and_columns} FROM STDIN"
    with transaction("test"), connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row(row)


ANOTHER_POSTING = """
    INSERT INTO ledger_posting (public_id, channel_id, source_kind, source_id, event, order_public_id, is_livemode,
        business_on, occurred_at, recorded_at, trace_id, schema_version)
    SELECT 'pst_2', channel_id, source_kind, 'op_2', event, '', false, business_on, occurred_at, recorded_at, '', 1
    FROM ledger_posting
"""
ANOTHER_ENTRY = """
    INSERT INTO ledger_entry (posting_id, account_id, currency, amount_minor, order_public_id, attempt_public_id,
        recorded_at)
    SELECT posting_id, account_id, %s, %s, '', '', recorded_at FROM ledger_entry ORDER BY id LIMIT 1
"""


class TestBalance:
    @pytest.mark.parametrize(
        ("entries", "why"),
        [
            ([("GBP", 1)], "does not balance"),
            ([("GBP", -5), ("EUR", 5)], "does not balance"),
            ([("EUR", 5), ("EUR", -5)], "currency of its account"),
            ([("GBP", 0)], "ledger_entry_not_zero"),
        ],
        ids=["one side only", "balanced across currencies", "not in the account's currency", "an entry of nothing"],
    )
    def test_refuses_at_commit(self, account: ProviderAccount, entries: list[tuple[str, int]], why: str) -> None:
        with pytest.raises(IntegrityError, match=why):
            run(*[(ANOTHER_ENTRY, entry) for entry in entries])

        assert Entry.objects.count() == 2

    def test_refuses_a_posting_without_entries(self, account: ProviderAccount) -> None:
        with pytest.raises(IntegrityError, match="has no entries"):
            run((ANOTHER_POSTING, []))

    def test_refuses_an_unbalanced_copy(self, account: ProviderAccount) -> None:
        posting, entry = Posting.objects.get(), Entry.objects.all()[0]
        columns = "(posting_id, account_id, currency, amount_minor, order_public_id, attempt_public_id, recorded_at)"
        row = (posting.pk, entry.account_id, "GBP", 7, "", "", NOON)

        with pytest.raises(IntegrityError, match="does not balance"):
            copy_in(f"ledger_entry {columns}", row)

        assert Entry.objects.count() == 2


class TestAppendOnly:
    @pytest.mark.parametrize("table", ["ledger_posting", "ledger_entry", "ledger_account"])
    @pytest.mark.parametrize("command", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
    def test_refuses_any_change_by_sql(self, account: ProviderAccount, table: str, command: str) -> None:
        with pytest.raises(DatabaseError):
            run((command.format(table), []))

        assert (Posting.objects.count(), Entry.objects.count(), Account.objects.count()) == (1, 2, 2)

    def test_refuses_any_change_by_the_orm(self, account: ProviderAccount) -> None:
        with pytest.raises(IntegrityError):
            Posting.objects.update(event="sale")
        with pytest.raises(IntegrityError):
            Entry.objects.update(amount_minor=1)
        with pytest.raises(IntegrityError):
            Account.objects.update(code="income:sales")

    def test_the_application_cannot_switch_triggers_off(self, account: ProviderAccount) -> None:
        with pytest.raises(DatabaseError, match="permission denied"):
            run(
                ("SELECT set_config('session_replication_role', 'replica', true)", []), ("DELETE FROM ledger_entry", [])
            )

        assert Entry.objects.count() == 2

    def test_a_fact_is_posted_once_also_by_sql(self, account: ProviderAccount) -> None:
        with pytest.raises(IntegrityError, match="ledger_posting_once"):
            run((ANOTHER_POSTING.replace("'op_2'", "'op_1'"), []))
