"""Stock: units held and committed are those of reservations, and reservations agree with the state of their order."""

# ruff: noqa: S608 - what is put into the SQL here are constants of these modules.
from reconciliation.invariants.check import Check
from reconciliation.invariants.orders import BEFORE_PAYMENT, CANCELLED

CHECKS = (
    Check(
        "I8",
        "stock_is_sum_of_reservations",
        "For every SKU held and committed are the sums over reservations, and none of the three figures is negative.",
        """
        SELECT variant.sku AS subject, concat('held ', stock.held, ' (reserved ', units.held, '), committed ',
            stock.committed,
            ' (reserved ', units.committed, ') of ', stock.received, ' received') AS detail
        FROM catalog_stock AS stock JOIN catalog_variant AS variant ON variant.id = stock.variant_id CROSS JOIN
            LATERAL (
            SELECT coalesce(sum(line.quantity - line.units_restocked) FILTER (WHERE reservation.status = 'held'), 0)
                    AS held,
                coalesce(sum(line.quantity - line.units_restocked) FILTER (WHERE reservation.status = 'committed'), 0)
                    AS committed
            FROM catalog_reservationline AS line JOIN catalog_reservation AS reservation ON reservation.id =
                line.reservation_id
            WHERE line.stock_id = stock.id) AS units
        WHERE stock.held <> units.held OR stock.committed <> units.committed OR stock.held < 0 OR stock.committed < 0
            OR stock.received < stock.held + stock.committed
        """,
    ),
    Check(
        "I8",
        "one_live_reservation",
        "An order keeps its units once.",
        """
        SELECT owner_id AS subject, concat(count(*), ' live reservations') AS detail
        FROM catalog_reservation WHERE status IN ('held', 'committed') GROUP BY owner_id HAVING count(*) > 1
        """,
    ),
    Check(
        "I8",
        "held_for_a_living_order",
        "Units are held only for an order that exists, is not paid yet and has not ended.",
        f"""
        SELECT reservation.owner_id AS subject, concat('units held by ', reservation.public_id,
            ' for an order that is ',
            coalesce("order".state, 'missing')) AS detail
        FROM catalog_reservation AS reservation LEFT JOIN orders_order AS "order" ON "order".public_id =
            reservation.owner_id
        WHERE reservation.status = 'held' AND ("order".state IS NULL OR "order".state NOT IN {BEFORE_PAYMENT}
            OR "order".state = 'expired')
        """,
    ),
    Check(
        "I8",
        "committed_for_a_paid_order",
        "Units are committed only for an order that was paid and did not end without a sale.",
        f"""
        SELECT reservation.owner_id AS subject, concat('units committed by ', reservation.public_id,
            ' for an order that is ',
            coalesce("order".state, 'missing')) AS detail
        FROM catalog_reservation AS reservation LEFT JOIN orders_order AS "order" ON "order".public_id =
            reservation.owner_id
        WHERE reservation.status = 'committed' AND ("order".state IS NULL OR "order".paid_at IS NULL
            OR "order".state IN {BEFORE_PAYMENT} OR "order".state IN {CANCELLED})
        """,
    ),
    Check(
        "I8",
        "paid_order_has_its_units",
        "A paid order that waits for its goods has them committed, or an open stock_review says that they are missing.",
        """
        SELECT "order".public_id AS subject, concat(sum(line.quantity - line.units_cancelled - line.units_given_back),
            ' units of ', line.sku, ' paid, ', coalesce(max(kept.quantity), 0), ' committed') AS detail
        FROM orders_order AS "order" JOIN orders_orderline AS line ON line.order_id = "order".id
        JOIN catalog_variant AS variant ON variant.channel_id = "order".channel_id AND variant.sku = line.sku
        JOIN catalog_stock AS stock ON stock.variant_id = variant.id
        LEFT JOIN (
            SELECT reservation.owner_id, line.stock_id, line.quantity - line.units_restocked AS quantity
            FROM catalog_reservation AS reservation
            JOIN catalog_reservationline AS line ON line.reservation_id = reservation.id WHERE reservation.status =
                'committed'
        ) AS kept ON kept.owner_id = "order".public_id AND kept.stock_id = stock.id
        WHERE "order".state IN ('paid', 'fulfillment_pending', 'partially_fulfilled', 'fulfilled') AND NOT EXISTS (
            SELECT 1 FROM orders_hold WHERE order_id = "order".id AND reason = 'stock_review' AND released_at IS NULL)
        GROUP BY "order".public_id, line.sku
        HAVING coalesce(max(kept.quantity), 0) < sum(line.quantity - line.units_cancelled - line.units_given_back)
            OR coalesce(max(kept.quantity), 0) > sum(line.quantity)
        """,
    ),
    Check(
        "I8",
        "living_order_keeps_its_units",
        "An order that waits for its payment keeps its units until its time or its reservation's cap is over.",
        """
        SELECT "order".public_id AS subject, concat('is ', "order".state, ', its units were ', last.status, ' before ',
            last.cap_at) AS detail
        FROM orders_order AS "order" JOIN LATERAL (
            SELECT status, ended_at, cap_at FROM catalog_reservation WHERE owner_id = "order".public_id
            ORDER BY id DESC LIMIT 1) AS last ON true
        WHERE "order".state IN ('draft', 'payment_pending', 'payment_authorized', 'payment_failed')
            AND last.status NOT IN ('held', 'committed') AND last.ended_at < last.cap_at
        """,
    ),
)
