"""Corrections: an exact reversal that names what it takes back, and seals that hold from before it was possible."""

import pytest
from django.db import IntegrityError, connection

from core.db import transaction
from core.models import ProviderAccount
from ledger import selectors, services
from ledger.models import Entry, Posting
from ledger.tests.factories import NOON, a_cause, a_channel, a_movement, a_refund, an_account, posted, sides
from oversight import services as oversight
from oversight.chains import LEDGER
from oversight.models import AuditEntry
from oversight.selectors import verify_chain
from oversight.tests.factories import tampering

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def account(database: str) -> ProviderAccount:
    """The shop's account at the provider, read with its channel."""
    return an_account(a_channel())


@pytest.fixture
def wrong(account: ProviderAccount) -> Posting:
    """A capture that never was."""
    return posted(services.post_capture, a_movement(account))


def run(*statements: str) -> None:
    """This will run raw SQL as the application in one transaction."""
    with transaction("test"), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


class TestReverse:
    def test_takes_back_exactly_and_names_the_original(self, wrong: Posting) -> None:
        reversal = posted(services.reverse, wrong.public_id, reason="typed twice")

        assert sides(reversal) == {code: -amount for code, amount in sides(wrong).items()}
        assert (reversal.reverses, reversal.event, reversal.source_id) == (wrong.public_id, "reversal", wrong.public_id)
        assert set(Entry.objects.filter(posting=reversal).values_list("order_public_id", "attempt_public_id")) == {
            ("ord_1", "payatt_1")
        }

    def test_is_in_the_audit_trail_with_its_reason(self, wrong: Posting) -> None:
        posted(services.reverse, wrong.public_id, reason="typed twice")

        noted = AuditEntry.objects.get(action="ledger.posting_reversed")
        assert (noted.subject_id, noted.reason) == (wrong.public_id, "typed twice")

    def test_asked_again_is_the_same(self, wrong: Posting) -> None:
        first = posted(services.reverse, wrong.public_id, reason="typed twice")
        again = posted(services.reverse, wrong.public_id, reason="typed twice")

        assert again == first
        assert AuditEntry.objects.count() == 1

    def test_refuses_to_take_back_a_reversal(self, wrong: Posting) -> None:
        reversal = posted(services.reverse, wrong.public_id, reason="typed twice")

        with pytest.raises(services.AlreadyReversed):
            posted(services.reverse, reversal.public_id, reason="after all")

    def test_refuses_what_was_dropped(self, account: ProviderAccount) -> None:
        accepted = posted(services.post_refund_accepted, a_refund(account))
        posted(services.post_refund_dropped, a_refund(account))

        with pytest.raises(services.AlreadyReversed):
            posted(services.reverse, accepted.public_id, reason="again")

    def test_knows_no_such_posting(self, account: ProviderAccount) -> None:
        with pytest.raises(selectors.NoSuchPosting):
            posted(services.reverse, "pst_none", reason="why not")


class TestBySql:
    FORGED = """
        INSERT INTO ledger_posting (public_id, channel_id, source_kind, source_id, event, order_public_id, is_livemode,
            business_on, occurred_at, recorded_at, trace_id, schema_version, reverses)
        SELECT 'pst_forged', channel_id, 'posting', public_id, 'reversal', '', false, business_on, occurred_at,
            recorded_at, '', 1, {reverses} FROM ledger_posting
    """
    ENTRIES = """
        INSERT INTO ledger_entry (posting_id, account_id, currency, amount_minor, order_public_id, attempt_public_id,
            recorded_at)
        SELECT (SELECT max(id) FROM ledger_posting), account_id, currency, {amount}, order_public_id,
            attempt_public_id, recorded_at FROM ledger_entry
    """

    @pytest.mark.parametrize(
        ("reverses", "amount"),
        [("public_id", "- amount_minor / 2"), ("public_id", "amount_minor"), ("'pst_none'", "- amount_minor")],
        ids=["half of it", "twice", "of nothing"],
    )
    def test_refuses_a_reversal_that_is_not_exact(self, wrong: Posting, reverses: str, amount: str) -> None:
        with pytest.raises(IntegrityError, match="revers"):
            run(self.FORGED.format(reverses=reverses), self.ENTRIES.format(amount=amount))

        assert Posting.objects.count() == 1


class TestSeals:
    # What a row was written down as before postings could name what they take back.
    FIRST_ROW_TEXT = LEDGER.row_columns

    def test_from_before_hold_and_notice_a_reference_added_later(self, wrong: Posting) -> None:
        with transaction("test"), connection.cursor() as cursor:
            cursor.execute(f"SELECT json_build_array({', '.join(self.FIRST_ROW_TEXT)})::text FROM {LEDGER.row_source}")
            before = cursor.fetchall()
            cursor.execute(f"SELECT {LEDGER.row_text} FROM {LEDGER.row_source}")
            now = cursor.fetchall()
        oversight.seal_closed_batches(now=NOON)
        untouched = verify_chain(LEDGER)
        with tampering() as tamperer:
            tamperer.execute("UPDATE ledger_posting SET reverses = 'pst_other'")

        assert before == now
        assert untouched == []
        assert verify_chain(LEDGER)

    def test_cover_the_reference_of_a_reversal(self, wrong: Posting) -> None:
        posted(services.reverse, wrong.public_id, reason="typed twice", cause=a_cause())
        oversight.seal_closed_batches(now=NOON)
        with tampering() as tamperer:
            tamperer.execute("UPDATE ledger_posting SET reverses = NULL")

        assert verify_chain(LEDGER)
