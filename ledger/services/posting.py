"""How a fact comes into the books: once, balanced, two statements."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.db import connection

from core.cause import Cause
from core.db import transaction_required
from core.errors import Invalid
from core.ids import new_public_id
from core.models import SalesChannel
from ledger import chart, selectors
from ledger.models import Account, Posting


class DoesNotBalance(Invalid):
    """The sides of a posting do not sum to zero, or there is nothing to post: the database would refuse it too."""

    code = "posting_does_not_balance"
    title = "The figures do not add up, so nothing was posted."


@dataclass(frozen=True, slots=True)
class Line:
    """One side: debit positive, credit negative, in the fact's currency unless it says another. A line of zero is left
    out.

    Note [Whose clearing]: on clearing, hold and bank accounts the attempt stands on the customer's money alone, so that
    these entries sum to what an attempt took less what went back. A fee is between the provider and us: its attempt
    stands on the expense.
    """

    code: str
    amount_minor: int
    attempt_public_id: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened, once: `source_kind`, `source_id` and `event` together name it for ever."""

    source_kind: str
    source_id: str
    event: str
    channel: SalesChannel
    currency: str
    is_livemode: bool
    lines: Sequence[Line]
    order_public_id: str = ""
    reverses: str | None = None


def event_of_round(event: str, number: int) -> str:
    """This will name what may happen again to the same source: `refund_succeeded`, then `refund_succeeded_2`…"""
    assert number >= 1, f"round {number} of {event}"
    return event if number == 1 else f"{event}_{number}"


@transaction_required
def post(fact: Fact, *, cause: Cause) -> Posting:
    """This will write a posting and its entries once; a fact already posted is returned as it stands.

    Two statements, whatever the number of lines; more only when one of the accounts is used for the first time. The
    business day is the day in the channel's zone when it happened or, when that is closed, the first open day after
    it; `late_for` then says which it was. Raises: DoesNotBalance.
    """
    lines = [replace(line, currency=line.currency or fact.currency) for line in fact.lines if line.amount_minor]
    total_minor = _off_by_minor(lines)
    if total_minor or not lines:
        raise DoesNotBalance(source_id=fact.source_id, event=fact.event, off_by_minor=total_minor)
    posting = _insert_posting(fact, cause=cause)
    if posting is None:
        return selectors.find_posting(source_kind=fact.source_kind, source_id=fact.source_id, event=fact.event)
    missing = _insert_entries(posting, replace(fact, lines=lines))
    if missing:
        _create_accounts(missing, fact=fact, cause=cause)
        later = [line for line in lines if (line.code, line.currency) in missing]
        still_missing = _insert_entries(posting, replace(fact, lines=later))
        assert not still_missing, f"accounts {still_missing} were just created"
    return posting


def _off_by_minor(lines: Sequence[Line]) -> int:
    totals = Counter[str]()
    for line in lines:
        totals[line.currency] += line.amount_minor
    return next((total for total in totals.values() if total), 0)


def _insert_posting(fact: Fact, *, cause: Cause) -> Posting | None:
    # A parallel posting of the same fact makes this wait until the other transaction ended, so that what is not
    # inserted here can be read by the next statement. The open day is found in the same statement and kept open until
    # this transaction ends: see Note [Closing day by day] in the migration of periods.
    happened_on = cause.happened_at.astimezone(ZoneInfo(fact.channel.time_zone)).date()
    inserted = Posting.objects.raw(
        """
        INSERT INTO ledger_posting (public_id, channel_id, source_kind, source_id, event, order_public_id, is_livemode,
            business_on, late_for, reverses, occurred_at, recorded_at, trace_id, schema_version)
        SELECT %s, %s, %s, %s, %s, %s, %s, opened.day, CASE WHEN opened.day > happened.day THEN happened.day END, %s,
            %s, %s, %s, 1
        FROM (SELECT %s::date AS day) AS happened, LATERAL ledger_open_day(%s, happened.day) AS opened (day)
        ON CONFLICT (source_kind, source_id, event) DO NOTHING
        RETURNING *
        """,
        [
            new_public_id("pst"), fact.channel.pk, fact.source_kind, fact.source_id, fact.event, fact.order_public_id,
            fact.is_livemode, fact.reverses, cause.happened_at, cause.now, cause.trace_id,
            happened_on, fact.channel.legal_entity,
        ],
    )  # fmt: skip
    return next(iter(inserted), None)


# Note [No cache of accounts]: the entries find their accounts by code in the statement that inserts them. That costs
# a look into a small index and nothing else, while ids remembered by a process would outlive a rolled-back first use.
def _insert_entries(posting: Posting, fact: Fact) -> set[tuple[str, str]]:
    """Insert the lines whose account exists; return code and currency of the others."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH line AS (
                SELECT line.*, account.id AS account_id
                FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[]) WITH ORDINALITY
                    AS line (code, amount_minor, attempt_public_id, currency, position)
                LEFT JOIN ledger_account AS account
                    ON account.legal_entity = %s AND account.code = line.code AND account.currency = line.currency
            ), inserted AS (
                INSERT INTO ledger_entry (posting_id, account_id, currency, amount_minor, order_public_id,
                    attempt_public_id, recorded_at)
                SELECT %s::bigint, account_id, currency, amount_minor, %s, attempt_public_id, %s
                FROM line WHERE account_id IS NOT NULL ORDER BY position
            )
            SELECT code, currency FROM line WHERE account_id IS NULL
            """,
            [
                [line.code for line in fact.lines],
                [line.amount_minor for line in fact.lines],
                [line.attempt_public_id for line in fact.lines],
                [line.currency for line in fact.lines],
                fact.channel.legal_entity,
                posting.pk, fact.order_public_id, posting.recorded_at,
            ],
        )  # fmt: skip
        return set(cursor.fetchall())


def _create_accounts(missing: set[tuple[str, str]], *, fact: Fact, cause: Cause) -> None:
    # One creator at a time, until its transaction ends: two that need the same accounts in another order would
    # otherwise wait for each other's unique index entries.
    selectors.lock_chart()
    Account.objects.bulk_create(
        [
            Account(
                legal_entity=fact.channel.legal_entity,
                code=code,
                currency=currency,
                nature=chart.nature(code),
                created_at=cause.now,
            )
            for code, currency in sorted(missing)
        ],
        ignore_conflicts=True,
    )
