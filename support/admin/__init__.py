"""The console: Django's admin on a site of our own. Every admin class of the project stands in this package."""

from support.admin import (
    accounts,
    catalog,
    history,
    ledger,
    ledger_periods,
    market,
    orders,
    oversight,
    payments,
    promotions,
    webhooks,
)
from support.admin.console import site

__all__ = [
    "accounts",
    "catalog",
    "history",
    "ledger",
    "ledger_periods",
    "market",
    "orders",
    "oversight",
    "payments",
    "promotions",
    "site",
    "webhooks",
]
