"""Reads of the books. Balances are debit positive, credit negative, in minor units of their currency."""

from ledger.selectors.balances import Balance, balance, clearing_balance, order_balance, trial_balance
from ledger.selectors.periods import (
    closed_through,
    closing_of,
    find_period,
    last_period,
    lock_for_closing,
    moved_in_days,
    moved_on,
    names_of_accounts,
    time_zones,
)
from ledger.selectors.postings import (
    NoSuchPosting,
    count_postings,
    entries_of,
    find_posting,
    lock_chart,
    posting_of,
    reversal_of,
)
from ledger.selectors.statements import AccountStatement, Ledger, StatementLine, account_statement, trial_balance_on
from ledger.selectors.totals import DayTotal, EventTotal, totals_by_day, totals_by_event, totals_by_order
from ledger.selectors.verification import Problem, find_problems

__all__ = [
    "AccountStatement",
    "Balance",
    "DayTotal",
    "EventTotal",
    "Ledger",
    "NoSuchPosting",
    "Problem",
    "StatementLine",
    "account_statement",
    "balance",
    "clearing_balance",
    "closed_through",
    "closing_of",
    "count_postings",
    "entries_of",
    "find_period",
    "find_posting",
    "find_problems",
    "last_period",
    "lock_chart",
    "lock_for_closing",
    "moved_in_days",
    "moved_on",
    "names_of_accounts",
    "order_balance",
    "posting_of",
    "reversal_of",
    "time_zones",
    "totals_by_day",
    "totals_by_event",
    "totals_by_order",
    "trial_balance",
    "trial_balance_on",
]
