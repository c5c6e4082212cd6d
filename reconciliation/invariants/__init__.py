"""The invariants as SQL, in one statement: run by `manage.py verify_invariants` and after each step of the simulation.

Each module lists what it proves about its part. Everything here reads; nothing writes, calls a provider or decides.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import connection

from reconciliation.invariants import keys, ledger, orders, oversight, payments, promotions, refunds, stock, webhooks
from reconciliation.invariants.check import Check, Violation

__all__ = ["ALWAYS", "AT_REST", "CHECKS", "Check", "Violation", "combined", "find_violations"]

CHECKS: tuple[Check, ...] = (
    *orders.CHECKS,
    *payments.CHECKS,
    *refunds.CHECKS,
    *stock.CHECKS,
    *promotions.CHECKS,
    *ledger.CHECKS,
    *webhooks.CHECKS,
    *keys.CHECKS,
    *oversight.CHECKS,
)


def combined(checks: Iterable[Check]) -> str:
    """This will return all checks as one UNION ALL with one parameter, the instant of the check."""
    union = "\nUNION ALL\n".join(check.select for check in checks)
    return f"WITH moment AS MATERIALIZED (SELECT %s::timestamptz AS now)\n{union}"


ALWAYS = combined(check for check in CHECKS if not check.is_liveness)
AT_REST = combined(CHECKS)


def find_violations(statement: str = AT_REST, *, now: datetime) -> Iterator[Violation]:
    """This will run a combined statement (`ALWAYS`, or `AT_REST` with the liveness checks) and yield what it finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [now])
        for row in cursor.fetchall():
            yield Violation(*row)
