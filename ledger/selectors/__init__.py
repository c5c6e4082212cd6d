"""Reads of the books. Balances are debit positive, credit negative, in minor units of their currency."""

from ledger.selectors.balances import Balance, balance, clearing_balance, order_balance, trial_balance
from ledger.selectors.postings import NoSuchPosting, entries_of, find_posting, lock_chart, posting_of, reversal_of
from ledger.selectors.totals import DayTotal, EventTotal, totals_by_day, totals_by_event, totals_by_order

__all__ = [
    "Balance",
    "DayTotal",
    "EventTotal",
    "NoSuchPosting",
    "balance",
    "clearing_balance",
    "entries_of",
    "find_posting",
    "lock_chart",
    "order_balance",
    "posting_of",
    "reversal_of",
    "totals_by_day",
    "totals_by_event",
    "totals_by_order",
    "trial_balance",
]
