"""What this start placed, in a temporary table beside the orders: every total is summed where the rows are.

The table belongs to this connection and is gone with it. All amounts are minor units of the replay's currency.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import connection

from commerce.retail.replaying import Placed
from ledger import chart
from orders.models import OrderEvent, OrderState
from payments.models import OPEN_STATUSES

CREATE = """
DROP TABLE IF EXISTS pg_temp.retail_placed;
CREATE TEMPORARY TABLE retail_placed (
    file text NOT NULL, key text NOT NULL, country_label text NOT NULL,
    lines_count bigint NOT NULL, units bigint NOT NULL, gross_minor bigint NOT NULL,
    order_id text NOT NULL, start_seconds double precision, problem text NOT NULL
)
"""

REMEMBER = """
INSERT INTO retail_placed
SELECT * FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::text[], %s::double precision[], %s::text[]
)
"""

# An order counts when it is paid; its figures are those of its snapshot.
COUNTED = """
counted AS (
    SELECT placed.file, placed.key, orders.snapshot ->> 'country_label' AS country_label,
        (orders.snapshot ->> 'total_minor')::bigint AS total_minor, orders.returned_minor, lines.lines_count,
        lines.units
    FROM retail_placed placed
    JOIN orders_order orders ON orders.public_id = placed.order_id AND orders.paid_at IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines_count, coalesce(sum((line ->> 'quantity')::bigint), 0) AS units
        FROM jsonb_array_elements(orders.snapshot -> 'lines') line
    ) lines
)
"""

BOOKED = """
booked AS (
    SELECT placed.file, placed.key,
        coalesce(-sum(entry.amount_minor) FILTER (WHERE account.code = %s::text), 0) AS sales_minor,
        coalesce(sum(entry.amount_minor) FILTER (WHERE starts_with(account.code, %s::text)), 0) AS clearing_minor,
        coalesce(sum(entry.amount_minor) FILTER (WHERE account.code = %s::text), 0) AS refunds_minor
    FROM retail_placed placed
    JOIN ledger_entry entry ON entry.order_public_id = placed.order_id
    JOIN ledger_account account ON account.id = entry.account_id
    GROUP BY placed.file, placed.key
)
"""

BOOKED_CODES = [chart.SALES, chart.CLEARING_PREFIX, chart.REFUNDS]

TOTALS = f"""
WITH {COUNTED}
SELECT file, count(*), sum(lines_count)::bigint, sum(units)::bigint, sum(total_minor)::bigint,
    sum(returned_minor)::bigint
FROM counted GROUP BY file
"""  # noqa: S608 - made of constants

TOTALS_BY_COUNTRY = f"""
WITH {COUNTED}
SELECT file, country_label, sum(total_minor)::bigint FROM counted GROUP BY file, country_label
ORDER BY file, country_label
"""  # noqa: S608 - made of constants

LEDGER_TOTALS = f"""
WITH {BOOKED}
SELECT file, sum(sales_minor)::bigint, sum(clearing_minor)::bigint FROM booked GROUP BY file
"""  # noqa: S608 - made of constants

DIFFERENCES = f"""
WITH {COUNTED}, {BOOKED}, facts AS (
    SELECT placed.file, placed.key, fact.subject, fact.wanted, fact.found
    FROM retail_placed placed
    JOIN counted USING (file, key)
    LEFT JOIN booked USING (file, key)
    CROSS JOIN LATERAL (VALUES
        ('lines in the snapshot', placed.lines_count::text, counted.lines_count::text),
        ('units in the snapshot', placed.units::text, counted.units::text),
        ('total in the snapshot', placed.gross_minor::text, counted.total_minor::text),
        ('country in the snapshot', placed.country_label, counted.country_label),
        ('sales in the ledger', placed.gross_minor::text, booked.sales_minor::text),
        ('clearing in the ledger', (placed.gross_minor - counted.returned_minor)::text, booked.clearing_minor::text),
        ('refunds in the ledger', counted.returned_minor::text, booked.refunds_minor::text)
    ) AS fact (subject, wanted, found)
    UNION ALL
    SELECT placed.file, placed.key, 'state', 'paid',
        CASE WHEN placed.problem <> '' THEN placed.problem ELSE coalesce(orders.state, 'no order') END
    FROM retail_placed placed
    LEFT JOIN orders_order orders ON orders.public_id = placed.order_id
    WHERE orders.paid_at IS NULL
    UNION ALL
    SELECT placed.file, placed.key, 'operation ' || operation.public_id, 'settled', operation.status
    FROM retail_placed placed
    JOIN orders_order orders ON orders.public_id = placed.order_id
    JOIN payments_operation operation ON operation.order_id = orders.id AND operation.status = ANY(%s::text[])
)
SELECT file, key, subject, wanted, found FROM facts WHERE wanted IS DISTINCT FROM found ORDER BY file, key, subject
"""  # noqa: S608 - made of constants

# Not paid, or the provider's last word on something we asked is missing.
IN_DOUBT = """
SELECT count(*) FROM retail_placed placed JOIN orders_order orders ON orders.public_id = placed.order_id
WHERE orders.paid_at IS NULL OR EXISTS (
    SELECT 1 FROM payments_operation operation
    WHERE operation.order_id = orders.id AND operation.status = ANY(%s::text[])
)
"""

PAID_BY = """
SELECT event.source, count(DISTINCT event.order_id)
FROM retail_placed placed
JOIN orders_order orders ON orders.public_id = placed.order_id
JOIN orders_orderevent event ON event.order_id = orders.id AND event.kind = %s AND event.to_state = %s
GROUP BY event.source ORDER BY event.source
"""

START_TIMES = """
SELECT count(start_seconds),
    coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY start_seconds), 0),
    coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY start_seconds), 0)
FROM retail_placed
"""


@dataclass(slots=True)
class FileTotals:
    """What the orders of one file came to: counts and amounts from snapshots, what went back of them, two amounts from
    the ledger.
    """

    orders: int = 0
    order_lines: int = 0
    units: int = 0
    gross_minor: int = 0
    returned_minor: int = 0
    sales_minor: int = 0
    clearing_minor: int = 0
    gross_minor_by_country: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """An order that is not what its invoice says."""

    file: str
    key: str
    subject: str
    wanted: str
    found: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.file} {self.key}: {self.subject} is {self.found or 'nothing'}, the invoice says {self.wanted}"


@dataclass(frozen=True, slots=True)
class StartTimes:
    """How long checkout/start took, as the customer saw it, for orders that this start placed."""

    count: int
    p50_seconds: float
    p99_seconds: float


def forget_placed() -> None:
    """This will begin an empty table on this connection."""
    with connection.cursor() as cursor:
        for statement in CREATE.split(";"):
            cursor.execute(statement)


def remember_placed(placed: Iterable[Placed]) -> None:
    """This will add orders to the table, in one statement."""
    rows = [
        (
            each.file,
            each.order.key,
            each.order.country_label,
            len(each.order.quantities),
            each.order.units,
            each.order.gross_minor,
            each.order_id,
            each.start_seconds,
            each.problem,
        )
        for each in placed
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(REMEMBER, [list(column) for column in zip(*rows, strict=True)])


def count_in_doubt() -> int:
    """This will count the orders of the table that still wait for their payment or for the provider's last word."""
    with connection.cursor() as cursor:
        cursor.execute(IN_DOUBT, [list(OPEN_STATUSES)])
        return int(cursor.fetchone()[0])


def totals_by_file() -> dict[str, FileTotals]:
    """This will sum up the paid orders of each file, from their snapshots and from the ledger."""
    totals: dict[str, FileTotals] = defaultdict(FileTotals)
    with connection.cursor() as cursor:
        cursor.execute(TOTALS)
        for file, *facts in cursor.fetchall():
            totals[file] = FileTotals(*facts)
        cursor.execute(TOTALS_BY_COUNTRY)
        for file, country_label, gross_minor in cursor.fetchall():
            totals[file].gross_minor_by_country[country_label] = gross_minor
        cursor.execute(LEDGER_TOTALS, BOOKED_CODES)
        for file, sales_minor, clearing_minor in cursor.fetchall():
            totals[file].sales_minor, totals[file].clearing_minor = sales_minor, clearing_minor
    return dict(totals)


def differences() -> Iterator[Difference]:
    """This will stream what differs between the invoices and the shop's snapshots and ledger, order by order."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES, [*BOOKED_CODES, list(OPEN_STATUSES)])
        for row in cursor:
            yield Difference(*row)


def counts_by_source() -> dict[str, int]:
    """This will tell through whom the orders became paid: a webhook, a sweep, the answer of checkout…"""
    with connection.cursor() as cursor:
        cursor.execute(PAID_BY, [OrderEvent.Kind.TRANSITION, OrderState.PAID])
        return dict(cursor.fetchall())


def start_times() -> StartTimes:
    """This will return how long checkout/start took."""
    with connection.cursor() as cursor:
        cursor.execute(START_TIMES)
        return StartTimes(*cursor.fetchone())
