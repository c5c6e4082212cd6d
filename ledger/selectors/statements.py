"""What the books said at the end of a business day, and what an account did between two of them.

Both begin at the last closed day and read the open ones after it, so they stay cheap however old the books are. Several
statements: exact for closed days; for open ones ask inside one REPEATABLE READ transaction.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Sum

from ledger.models import Entry, PeriodTotal
from ledger.selectors.balances import Balance
from ledger.selectors.periods import last_closed_day

LINES_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Ledger:
    """One account in one mode: which money a statement is about."""

    legal_entity: str
    code: str
    currency: str
    is_livemode: bool


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry, and what stood on the account after it. `late_for` is the day it belongs to, when that was closed."""

    entry_id: int
    posting_public_id: str
    event: str
    source_id: str
    order_public_id: str
    business_on: date
    late_for: date | None
    occurred_at: datetime
    recorded_at: datetime
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """What stood on an account before the first day and after the last; `lines` are read as they are asked for."""

    opening_minor: int
    closing_minor: int
    lines: Iterator[StatementLine]


def trial_balance_on(*, legal_entity: str, is_livemode: bool, business_on: date) -> list[Balance]:
    """This will return every account of real or of test money at the end of a business day, by currency and code; each
    currency sums to zero.
    """
    closed = last_closed_day(legal_entity, until=business_on)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT account.code, account.currency, sum(part.minor)::bigint FROM (
                SELECT account_id, closing_minor AS minor FROM ledger_periodtotal
                WHERE period_id = %s AND is_livemode = %s
                UNION ALL
                SELECT entry.account_id, entry.amount_minor FROM ledger_posting AS posting
                JOIN ledger_entry AS entry ON entry.posting_id = posting.id
                WHERE posting.business_on > %s AND posting.business_on <= %s AND posting.is_livemode = %s
            ) AS part JOIN ledger_account AS account ON account.id = part.account_id
            WHERE account.legal_entity = %s
            GROUP BY account.code, account.currency ORDER BY account.currency, account.code
            """,
            [
                closed.pk if closed else 0, is_livemode,
                closed.ends_on if closed else date.min, business_on, is_livemode,
                legal_entity,
            ],
        )  # fmt: skip
        return [Balance(*row) for row in cursor.fetchall()]


def account_statement(ledger: Ledger, *, first_on: date, last_on: date) -> AccountStatement:
    """This will return the account's balance before `first_on`, its entries through `last_on` in the order of their
    business days, streamed, and its balance after them.
    """
    opening_minor = _balance_on(ledger, first_on - timedelta(days=1))
    return AccountStatement(
        opening_minor=opening_minor,
        closing_minor=_balance_on(ledger, last_on),
        lines=_lines(ledger, first_on=first_on, last_on=last_on, opening_minor=opening_minor),
    )


def _balance_on(ledger: Ledger, business_on: date) -> int:
    closed = last_closed_day(ledger.legal_entity, until=business_on)
    kept = PeriodTotal.objects.filter(
        period=closed,
        account__legal_entity=ledger.legal_entity,
        account__code=ledger.code,
        account__currency=ledger.currency,
        is_livemode=ledger.is_livemode,
    ).first()
    since = Entry.objects.filter(
        account__legal_entity=ledger.legal_entity,
        account__code=ledger.code,
        account__currency=ledger.currency,
        posting__is_livemode=ledger.is_livemode,
        posting__business_on__gt=closed.ends_on if closed else date.min,
        posting__business_on__lte=business_on,
    )
    return (kept.closing_minor if kept and closed else 0) + int(
        since.aggregate(total=Sum("amount_minor"))["total"] or 0
    )


def _lines(ledger: Ledger, *, first_on: date, last_on: date, opening_minor: int) -> Iterator[StatementLine]:
    entries = (
        Entry.objects.filter(
            account__legal_entity=ledger.legal_entity,
            account__code=ledger.code,
            account__currency=ledger.currency,
            posting__is_livemode=ledger.is_livemode,
            posting__business_on__range=(first_on, last_on),
        )
        .order_by("posting__business_on", "id")
        .values_list(
            "id",
            "posting__public_id",
            "posting__event",
            "posting__source_id",
            "order_public_id",
            "posting__business_on",
            "posting__late_for",
            "posting__occurred_at",
            "recorded_at",
            "amount_minor",
        )
    )
    balance_minor = opening_minor
    for row in entries.iterator(chunk_size=LINES_AT_ONCE):
        balance_minor += row[-1]
        yield StatementLine(*row, balance_minor)
