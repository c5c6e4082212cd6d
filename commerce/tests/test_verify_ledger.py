"""The command finds what a superuser altered behind every trigger, and nothing in sound books."""

from datetime import date, timedelta

import pytest
from django.core.management import call_command

from core.db import transaction
from ledger import services
from ledger.models import Period
from ledger.tests.factories import (
    ENTITY,
    NOON,
    TWO_DAYS_LATER,
    a_cause,
    a_channel,
    a_dispute,
    a_movement,
    a_refund,
    a_sale,
    an_account,
    close,
    posted,
)
from oversight import services as oversight
from oversight.tests.factories import tampering

pytestmark = pytest.mark.usefixtures("database")

LATER = NOON + timedelta(days=40)


@pytest.fixture
def books(database: str) -> None:
    """Sealed books of three days and a month, with a reversal, a late fact, checkpoints and an open day."""
    account = an_account(a_channel())
    posted(services.post_sale, a_sale(account.channel))
    wrong = posted(services.post_capture, a_movement(account, source_id="op_wrong"))
    posted(services.post_capture, a_movement(account))
    posted(services.post_refund_accepted, a_refund(account))
    posted(services.post_refund_succeeded, a_refund(account), round=1)
    close()
    late = a_cause(now=TWO_DAYS_LATER, occurred_at=NOON)
    posted(services.reverse, wrong.public_id, reason="twice", cause=a_cause(now=NOON + timedelta(days=1)))
    posted(services.post_dispute_opened, a_dispute(account, fee_minor=1500), cause=late)
    services.close_period(legal_entity=ENTITY, kind=Period.Kind.DAY, on=date(2026, 6, 16), cause=a_cause(now=LATER))
    services.close_period(legal_entity=ENTITY, kind=Period.Kind.DAY, on=date(2026, 6, 17), cause=a_cause(now=LATER))
    services.close_period(legal_entity=ENTITY, kind=Period.Kind.MONTH, on=date(2026, 6, 30), cause=a_cause(now=LATER))
    oversight.seal_closed_batches(now=LATER)
    with transaction("test"):
        services.make_checkpoints(cause=a_cause(now=LATER), entries_min=1)
    posted(services.post_dispute_won, a_dispute(account), cause=a_cause(now=LATER))


def verified(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """This will run the command and return its exit code and its lines."""
    code = 0
    try:
        call_command("verify_ledger")
    except SystemExit as end:
        code = int(end.code or 0)
    return code, capsys.readouterr().out.splitlines()


class TestVerifyLedger:
    def test_finds_nothing_in_empty_books(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert verified(capsys) == (0, ["0 problems"])

    def test_finds_nothing_in_sound_books(self, books: None, capsys: pytest.CaptureFixture[str]) -> None:
        assert verified(capsys) == (0, ["0 problems"])

    @pytest.mark.parametrize(
        ("statement", "kinds"),
        [
            (
                "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE id = (SELECT min(id) FROM ledger_entry)",
                {"seal", "balance", "checkpoint", "closed", "period"},
            ),
            (
                """UPDATE ledger_entry SET amount_minor = - amount_minor
                    WHERE posting_id = (SELECT min(id) FROM ledger_posting)""",
                {"seal", "checkpoint", "closed", "period"},
            ),
            ("DELETE FROM ledger_posting WHERE event = 'sale'", {"seal", "entries", "checkpoint", "closed", "period"}),
            ("UPDATE ledger_account SET code = 'asset:bank:mine' WHERE code = 'contra:refunds'", {"seal", "period"}),
            ("UPDATE ledger_posting SET reverses = 'pst_none' WHERE event = 'reversal'", {"seal", "reversal"}),
            ("UPDATE ledger_posting SET late_for = NULL WHERE late_for IS NOT NULL", {"seal"}),
            (
                "UPDATE ledger_posting SET business_on = business_on - 1 WHERE event = 'sale'",
                {"seal", "closed", "period"},
            ),
            ("UPDATE ledger_checkpoint SET balance_minor = balance_minor + 1 WHERE NOT is_livemode", {"checkpoint"}),
            ("DELETE FROM ledger_checkpoint WHERE is_livemode", {"checkpoint"}),
            ("UPDATE ledger_periodtotal SET closing_minor = 0 WHERE closing_minor = 1800", {"period"}),
            ("UPDATE ledger_period SET totals_sha256 = repeat('0', 64) WHERE kind = 'month'", {"period"}),
            ("DELETE FROM ledger_period WHERE starts_on = '2026-06-16'", {"period"}),
            ("DELETE FROM ledger_period WHERE kind = 'month'", {"period"}),
        ],
        ids=[
            "an amount", "the sides of a posting", "a posting", "an account's name", "what it reverses",
            "that it is late", "its day", "a checkpoint", "half a checkpoint", "a total", "a hash", "a closed day",
            "a closed month",
        ],
    )  # fmt: skip
    def test_finds_what_was_altered(
        self, books: None, capsys: pytest.CaptureFixture[str], statement: str, kinds: set[str]
    ) -> None:
        with tampering() as tamperer:
            assert tamperer.execute(statement).rowcount

        code, lines = verified(capsys)

        assert (code, {line.split()[0] for line in lines[:-1]}) == (1, kinds)
        assert lines[-1] == f"{len(lines) - 1} problem{'' if len(lines) == 2 else 's'}"

    def test_finds_an_entry_slipped_into_a_closed_day(self, books: None, capsys: pytest.CaptureFixture[str]) -> None:
        with tampering() as tamperer:
            tamperer.execute("""
                INSERT INTO ledger_entry (posting_id, account_id, currency, amount_minor, order_public_id,
                    attempt_public_id, recorded_at)
                SELECT posting_id, account_id, currency, amount_minor * side.sign, order_public_id, attempt_public_id,
                    recorded_at
                FROM (SELECT * FROM ledger_entry ORDER BY id LIMIT 1) AS entry, (VALUES (1), (-1)) AS side (sign)
            """)

        code, lines = verified(capsys)

        assert (code, {line.split()[0] for line in lines[:-1]}) == (1, {"closed", "period"})
