"""What stands on accounts: the last checkpoint and the entries after it. Debit positive, credit negative, in minor
units of the account's currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet, Sum

from ledger.models import Entry

# One row per account and mode that has an entry. The entries after a checkpoint are found by (account, id).
_BALANCES = """
SELECT account.code, account.currency,
    sum(coalesce(last.balance_minor, 0) + coalesce(since.added_minor, 0))::bigint AS balance_minor
FROM ledger_account AS account CROSS JOIN (VALUES (true), (false)) AS mode (is_livemode)
LEFT JOIN LATERAL (
    SELECT up_to_entry_id, balance_minor, entries_count FROM ledger_checkpoint
    WHERE account_id = account.id AND is_livemode = mode.is_livemode ORDER BY up_to_entry_id DESC LIMIT 1
) AS last ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS added_count, sum(entry.amount_minor) AS added_minor
    FROM ledger_entry AS entry JOIN ledger_posting AS posting ON posting.id = entry.posting_id
    WHERE entry.account_id = account.id AND entry.id > coalesce(last.up_to_entry_id, 0)
        AND posting.is_livemode = mode.is_livemode
) AS since
WHERE {condition} AND coalesce(last.entries_count, 0) + since.added_count > 0
GROUP BY account.code, account.currency ORDER BY account.currency, account.code
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands on one account."""

    code: str
    currency: str
    amount_minor: int


def balance(*, legal_entity: str, code: str, currency: str) -> int:
    """This will return what stands on one account, real and test money; 0 for an account nothing was posted to."""
    condition = "account.legal_entity = %s AND account.code = %s AND account.currency = %s"
    return _sum(_since_checkpoint(condition, [legal_entity, code, currency]))


def clearing_balance(*, provider: str, currency: str) -> int:
    """This will return what all our accounts at a provider owe us in one currency."""
    condition = "starts_with(account.code, %s) AND account.currency = %s"
    return _sum(_since_checkpoint(condition, [f"asset:clearing:{provider}:", currency]))


def trial_balance(*, legal_entity: str, is_livemode: bool) -> list[Balance]:
    """This will return every account of real or of test money as it stands now, by currency and code; each currency
    sums to zero.
    """
    return _since_checkpoint("account.legal_entity = %s AND mode.is_livemode = %s", [legal_entity, is_livemode])


def order_balance(order_public_id: str) -> list[Balance]:
    """This will return what an order's postings left on each account, by currency and code."""
    return _balances(Entry.objects.filter(order_public_id=order_public_id))


def _balances(entries: QuerySet[Entry]) -> list[Balance]:
    rows = (
        entries.values_list("account__code", "account__currency")
        .annotate(total=Sum("amount_minor"))
        .order_by("account__currency", "account__code")
    )
    return [Balance(code, currency, int(total)) for code, currency, total in rows]


def _since_checkpoint(condition: str, values: Sequence[str | bool]) -> list[Balance]:
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES.format(condition=condition), values)
        return [Balance(*row) for row in cursor.fetchall()]


def _sum(balances: Sequence[Balance]) -> int:
    return sum(balance.amount_minor for balance in balances)
