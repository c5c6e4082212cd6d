"""Sold units that come back and can be sold again, and those of them that turn out to be sold after all."""

# ruff: noqa: S608 - what is put together here are constants of this module.
from collections.abc import Mapping

from django.db import connection

from catalog.selectors import lock_latest_reservation
from core.db import transaction_required

# Stock rows are locked by id, as everywhere (Note [One lock order] in reservations): the last locks of all.
_LOCKED = """
WITH wanted AS (
    SELECT * FROM unnest(%s::text[], %s::bigint[]) AS wanted (sku, units)
), locked AS (
    SELECT stock.id, variant.sku, line.id AS line_id, wanted.units
    FROM catalog_reservationline line
    JOIN catalog_stock stock ON stock.id = line.stock_id
    JOIN catalog_variant variant ON variant.id = stock.variant_id
    JOIN wanted ON wanted.sku = variant.sku
    WHERE line.reservation_id = %s::bigint
    ORDER BY stock.id
    FOR UPDATE OF stock
)"""
RESTOCK = (
    _LOCKED
    + """, moved AS (
    UPDATE catalog_stock stock SET committed = stock.committed - locked.units FROM locked WHERE stock.id = locked.id
    RETURNING stock.id
)
UPDATE catalog_reservationline line SET units_restocked = line.units_restocked + locked.units
FROM locked WHERE line.id = locked.line_id RETURNING locked.sku
"""
)
SELL_AGAIN = (
    _LOCKED
    + """, moved AS (
    UPDATE catalog_stock stock SET committed = stock.committed + locked.units FROM locked
    WHERE stock.id = locked.id AND stock.received - stock.held - stock.committed >= locked.units
    RETURNING stock.id
)
UPDATE catalog_reservationline line SET units_restocked = line.units_restocked - locked.units
FROM locked JOIN moved ON moved.id = locked.id WHERE line.id = locked.line_id RETURNING locked.sku
"""
)


@transaction_required
def restock(*, owner_id: str, units: Mapping[str, int]) -> list[str]:
    """This will put sold units of an order, by SKU, back into what can be sold. Returns the SKUs it did.

    None where the order's units are not committed, because it never got them. Needs its caller's transaction; stock
    rows are its last locks.
    """
    return _move(RESTOCK, owner_id=owner_id, units=units)


@transaction_required
def sell_again(*, owner_id: str, units: Mapping[str, int]) -> list[str]:
    """This will take restocked units out of stock for the order again, because what gave them back was undone.

    Returns the SKUs of which there were enough. Needs its caller's transaction.
    """
    return _move(SELL_AGAIN, owner_id=owner_id, units=units)


def _move(statement: str, *, owner_id: str, units: Mapping[str, int]) -> list[str]:
    moved = {sku: count for sku, count in sorted(units.items()) if count}
    reservation = lock_latest_reservation(owner_id) if moved else None
    if reservation is None or reservation.status != reservation.Status.COMMITTED:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(moved), list(moved.values()), reservation.pk])
        return [str(sku) for (sku,) in cursor.fetchall()]
