"""What this start gave back, in a temporary table beside the orders. See `placed`; pence of the replay's currency."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import connection

from commerce.retail.placed import Difference
from commerce.retail.refunding import Returned
from payments.models import OPEN_REFUNDS

CREATE = """
DROP TABLE IF EXISTS pg_temp.retail_returned;
CREATE TEMPORARY TABLE retail_returned (
    file text NOT NULL, key text NOT NULL, order_key text NOT NULL, claim_id text NOT NULL,
    units bigint NOT NULL, amount_minor bigint NOT NULL, problem text NOT NULL
)
"""

REMEMBER = """
INSERT INTO retail_returned
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[])
"""

ORDER_IDS = "SELECT key, order_id FROM retail_placed WHERE key = ANY(%s::text[]) AND order_id <> ''"

# What arrived, by return: the provider said so, and the books know it.
ARRIVED = """
arrived AS (
    SELECT returned.file, returned.key, returned.order_key, returned.problem, returned.units, returned.amount_minor,
        coalesce(sum(refund.amount_minor), 0)::bigint AS found_minor,
        coalesce(sum(parts.units), 0)::bigint AS found_units
    FROM retail_returned returned
    LEFT JOIN payments_refundclaim claim ON claim.public_id = returned.claim_id
    LEFT JOIN payments_refund refund ON refund.claim_id = claim.id AND refund.status = 'succeeded'
    LEFT JOIN LATERAL (
        SELECT sum(part.units) AS units FROM payments_refundpart part WHERE part.refund_id = refund.id
    ) parts ON true
    GROUP BY returned.file, returned.key, returned.order_key, returned.problem, returned.units, returned.amount_minor
)
"""

TOTALS = f"WITH {ARRIVED} SELECT file, sum(found_units)::bigint, sum(found_minor)::bigint FROM arrived GROUP BY file"  # noqa: S608 - made of constants

DIFFERENCES = f"""
WITH {ARRIVED}
SELECT arrived.file, concat(arrived.key, ' of ', arrived.order_key), fact.subject, fact.wanted, fact.found
FROM arrived CROSS JOIN LATERAL (VALUES
    ('refund', '', arrived.problem),
    ('units given back', arrived.units::text, arrived.found_units::text),
    ('amount given back', arrived.amount_minor::text, arrived.found_minor::text)
) AS fact (subject, wanted, found)
WHERE fact.wanted IS DISTINCT FROM fact.found ORDER BY 1, 2, 3
"""  # noqa: S608 - made of constants

UNDER_WAY = """
SELECT count(DISTINCT refund.id) FROM retail_returned returned
JOIN payments_refundclaim claim ON claim.public_id = returned.claim_id
JOIN payments_refund refund ON refund.claim_id = claim.id AND refund.status = ANY(%s::text[])
"""

DECIDED_BY = """
SELECT CASE WHEN claim.decided_by = 'system:rules' THEN 'rules' WHEN refund.approval_id <> '' THEN 'two people'
    ELSE 'one person' END AS who, count(DISTINCT claim.id)
FROM retail_returned returned
JOIN payments_refundclaim claim ON claim.public_id = returned.claim_id
LEFT JOIN payments_refund refund ON refund.claim_id = claim.id
GROUP BY who ORDER BY who
"""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Units and pence that arrived, for the cancelled invoices of one file."""

    units: int = 0
    amount_minor: int = 0


def forget_returned() -> None:
    """This will begin an empty table on this connection."""
    with connection.cursor() as cursor:
        for statement in CREATE.split(";"):
            cursor.execute(statement)


def remember_returned(returned: Iterable[Returned]) -> None:
    """This will add returns to the table, in one statement."""
    rows = [
        (
            each.of.file, each.of.invoice_no, each.of.order_key, each.claim_id, sum(each.of.units.values()),
            each.of.amount_minor, each.problem,
        )
        for each in returned
    ]  # fmt: skip
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(REMEMBER, [list(column) for column in zip(*rows, strict=True)])


def order_ids(keys: Iterable[str]) -> Mapping[str, str]:
    """This will return the ids of the placed orders with these keys, by key."""
    with connection.cursor() as cursor:
        cursor.execute(ORDER_IDS, [list(keys)])
        return dict(cursor.fetchall())


def count_under_way() -> int:
    """This will count the refunds of which nobody knows yet whether they arrive."""
    with connection.cursor() as cursor:
        cursor.execute(UNDER_WAY, [list(OPEN_REFUNDS)])
        return int(cursor.fetchone()[0])


def given_back_by_file() -> dict[str, GivenBack]:
    """This will sum up what arrived, by the file of the cancelled invoices."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS)
        return {file: GivenBack(units, amount_minor) for file, units, amount_minor in cursor.fetchall()}


def differences() -> Iterator[Difference]:
    """This will stream what differs between the cancelled invoices and the refunds that arrived."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES)
        for row in cursor:
            yield Difference(*row)


def counts_by_decision() -> dict[str, int]:
    """This will tell who decided: rules, one person, or two."""
    with connection.cursor() as cursor:
        cursor.execute(DECIDED_BY)
        return dict(cursor.fetchall())
