"""Orders: one per cart, paid when and only when what is due was accepted, and equal to their history and snapshot."""

# ruff: noqa: S608 - what is put into the SQL here are constants of these modules.
from core.machines import load_order_transitions
from payments.services.settle import REST_OVERDUE
from reconciliation.invariants.check import Check

BEFORE_PAYMENT = "('draft', 'payment_pending', 'payment_authorized', 'payment_failed', 'expired', 'capture_failed')"
PAID = "('paid', 'fulfillment_pending', 'partially_fulfilled', 'fulfilled', 'partially_refunded', 'refunded')"
CANCELLED = "('cancelled', 'cancelled_with_refund')"
# Something tells people or machines why money and state of "order" do not agree yet.
EXPLAINED = """(
    EXISTS (SELECT 1 FROM orders_hold AS hold WHERE hold.order_id = "order".id AND hold.released_at IS NULL)
    OR EXISTS (SELECT 1 FROM payments_operation AS operation
        WHERE operation.order_id = "order".id AND operation.kind IN ('give_back', 'refund')
        AND operation.status IN ('created', 'sent', 'pending', 'unknown'))
    OR EXISTS (SELECT 1 FROM oversight_case AS open_case
        WHERE open_case.order_public_id = "order".public_id AND open_case.status <> 'resolved')
)"""
# A payment of "order" can be taken yet, or may have been without our knowing.
MAY_TAKE_MONEY = """(
    EXISTS (SELECT 1 FROM payments_paymentattempt AS attempt
        WHERE attempt.order_id = "order".id AND attempt.dead_at IS NULL
        AND attempt.status NOT IN ('captured', 'reversed'))
    OR EXISTS (SELECT 1 FROM payments_operation AS operation
        WHERE operation.order_id = "order".id AND operation.kind = 'authorize'
        AND operation.status IN ('sent', 'unknown'))
)"""
_WAYS = ", ".join(f"('{row['source']}', '{row['target']}')" for row in load_order_transitions())

CHECKS = (
    Check(
        "I2",
        "one_live_order_per_cart",
        "A cart has at most one order that is not cancelled.",
        f"""
        SELECT cart_id AS subject, concat(count(*), ' live orders: ', string_agg(public_id, ', ')) AS detail
        FROM orders_order WHERE state NOT IN {CANCELLED} GROUP BY channel_id, cart_id HAVING count(*) > 1
        """,
    ),
    Check(
        "I2",
        "cart_knows_its_order",
        "A cart that names an order is the cart this order was made from.",
        """
        SELECT cart.public_id AS subject, concat('names order ', cart.order_public_id,
            ', which is not made from it') AS detail
        FROM checkout_cart AS cart WHERE cart.order_public_id <> '' AND NOT EXISTS (
            SELECT 1 FROM orders_order WHERE public_id = cart.order_public_id AND cart_id = cart.public_id)
        """,
    ),
    Check(
        "I4",
        "paid_means_accepted_is_due",
        "In every paid state accepted = due, or an open case says that the provider took a capture back.",
        f"""
        SELECT public_id AS subject, concat(state, ' with ', captured_minor - excess_minor, ' accepted of ',
            due_minor) AS detail
        FROM orders_order AS "order"
        WHERE state IN {PAID} AND captured_minor - excess_minor <> due_minor AND NOT (is_capture_reversed AND EXISTS (
            SELECT 1 FROM oversight_case WHERE type = 'capture_reversed' AND order_public_id = "order".public_id
            AND status <> 'resolved'))
        """,
    ),
    Check(
        "I4",
        "accepted_is_due_means_paid",
        "When what is due was accepted the order is paid or later, or a give-back, hold or case says why not.",
        f"""
        SELECT public_id AS subject, concat(state, ' though all ', due_minor, ' due was accepted') AS detail
        FROM orders_order AS "order"
        WHERE due_minor > 0 AND captured_minor - excess_minor = due_minor AND returned_minor = 0
            AND state IN ('cancelled', 'draft', 'payment_pending', 'payment_authorized', 'payment_failed', 'expired',
                'capture_failed') AND NOT {EXPLAINED}
        """,
    ),
    Check(
        "I4",
        "ended_without_keeping_money",
        "A cancelled or expired order keeps no money unless a give-back, hold or case says why.",
        f"""
        SELECT public_id AS subject, concat(state, ' and keeps ',
            captured_minor - excess_returned_minor - returned_minor) AS detail
        FROM orders_order AS "order"
        WHERE state IN ('cancelled', 'cancelled_with_refund', 'expired')
            AND captured_minor - excess_returned_minor - returned_minor <> 0 AND NOT {EXPLAINED}
        """,
    ),
    Check(
        "I4",
        "part_of_the_money_is_explained",
        "An order of which only a part was taken, and of which nothing more can be, was given to people, or is ended "
        "when its customer's time to pay the rest is over.",
        f"""
        SELECT public_id AS subject, concat(state, ' with ', captured_minor, ' of ', due_minor,
            ' taken, and nobody was told') AS detail
        FROM orders_order AS "order"
        WHERE (state IN ('payment_pending', 'payment_authorized') OR (state = 'payment_failed' AND expires_at IS NULL))
            AND captured_minor > 0 AND captured_minor < due_minor AND NOT {EXPLAINED} AND NOT EXISTS (
                SELECT 1 FROM payments_paymentattempt AS attempt
                WHERE attempt.order_id = "order".id AND attempt.dead_at IS NULL AND attempt.status <> 'captured')
        """,
    ),
    Check(
        "I4",
        "rest_was_asked_for",
        "No order ends because the rest of its money came too late, unless its customer was asked for the rest or "
        "people were told that its payment is not the one we asked for.",
        f"""
        SELECT public_id AS subject, concat(state, ' with ', captured_minor, ' of ', due_minor,
            ' taken, and nobody was asked for the rest') AS detail
        FROM orders_order AS "order"
        WHERE cancel_reason = '{REST_OVERDUE}' AND NOT EXISTS (
            SELECT 1 FROM orders_orderevent WHERE order_id = "order".id AND kind = 'transition'
                AND to_state IN ('payment_failed', 'capture_failed')) AND NOT EXISTS (
            SELECT 1 FROM oversight_case WHERE type = 'amount_mismatch' AND order_public_id = "order".public_id)
        """,
    ),
    Check(
        "I4",
        "paid_at_is_history",
        "An order has a time of payment if and only if its history says it became paid.",
        """
        SELECT public_id AS subject, concat('paid_at is ', coalesce(paid_at::text, 'empty'),
            ' against its history') AS detail
        FROM orders_order AS "order"
        WHERE (paid_at IS NOT NULL) <> EXISTS (
            SELECT 1 FROM orders_orderevent WHERE order_id = "order".id AND kind = 'transition' AND to_state = 'paid')
        """,
    ),
    Check(
        "I4",
        "nothing_fulfilled_unpaid",
        "No unit left the house for an order that was never paid.",
        """
        SELECT "order".public_id AS subject, concat(sum(line.units_fulfilled), ' units fulfilled, never paid') AS detail
        FROM orders_order AS "order" JOIN orders_orderline AS line ON line.order_id = "order".id
        WHERE "order".paid_at IS NULL AND line.units_fulfilled > 0 GROUP BY "order".public_id
        """,
    ),
    Check(
        "I4",
        "state_is_function_of_facts",
        "After payment the state follows from what went back and what was fulfilled, whatever the order of events was.",
        f"""
        SELECT public_id AS subject, concat('is ', state, ', its facts say ', expected) AS detail
        FROM (
            SELECT "order".public_id, "order".state, CASE
                WHEN returned_minor > 0 AND returned_minor = captured_minor - excess_minor THEN
                    CASE WHEN cancel_requested_at IS NOT NULL AND units.fulfilled = 0 THEN
                        CASE WHEN (excess_returned_minor < excess_minor OR {MAY_TAKE_MONEY})
                            AND state IN ('paid', 'fulfillment_pending', 'partially_refunded') THEN state
                            ELSE 'cancelled_with_refund' END
                        ELSE 'refunded' END
                WHEN returned_minor > 0 THEN 'partially_refunded'
                WHEN units.fulfilled = 0 THEN
                    CASE WHEN is_fulfillment_requested THEN 'fulfillment_pending' ELSE 'paid' END
                WHEN units.is_complete THEN 'fulfilled'
                ELSE 'partially_fulfilled' END AS expected
            FROM orders_order AS "order" CROSS JOIN LATERAL (
                SELECT coalesce(sum(units_fulfilled), 0) AS fulfilled,
                    coalesce(bool_and(units_fulfilled >= quantity - units_cancelled - units_given_back), false) AS
                        is_complete
                FROM orders_orderline WHERE order_id = "order".id) AS units
            WHERE "order".state IN {PAID} AND NOT "order".is_capture_reversed
        ) AS judged WHERE state <> expected
        """,
    ),
    Check(
        "I5",
        "snapshot_is_total",
        "The snapshot's total and currency are the order's, and its lines, shipping and fees make that total.",
        """
        SELECT public_id AS subject, concat('total ', total_minor, ' ', currency, ', snapshot ', snapshot ->>
            'total_minor', ' ',
            snapshot ->> 'currency', ', its parts ', parts) AS detail
        FROM (
            SELECT public_id, total_minor, currency, snapshot,
                (SELECT sum((line ->> 'total_minor')::bigint) FROM jsonb_array_elements(snapshot -> 'lines') AS line)
                + coalesce((snapshot #>> '{shipping_method,total_minor}')::bigint,
                    (snapshot ->> 'shipping_minor')::bigint)
                + coalesce((SELECT sum((fee ->> 'total_minor')::bigint)
                    FROM jsonb_array_elements(snapshot -> 'fee_lines') AS fee), (snapshot ->> 'fees_minor')::bigint)
                    AS parts
            FROM orders_order
        ) AS summed
        WHERE (snapshot ->> 'total_minor')::bigint IS DISTINCT FROM total_minor
            OR snapshot ->> 'currency' IS DISTINCT FROM currency OR parts IS DISTINCT FROM total_minor
        """,
    ),
    Check(
        "I5",
        "lines_are_snapshot",
        "The order's line rows say what the snapshot's lines say: SKU, quantity, unit price, total.",
        """
        SELECT coalesce("order".public_id, (SELECT public_id FROM orders_order WHERE id = row_line.order_id),
            'no order') AS subject, concat('line ', coalesce(row_line.position, snapshot_line.position),
            ' differs from the snapshot') AS detail
        FROM orders_order AS "order" CROSS JOIN LATERAL (
            SELECT position, line ->> 'sku' AS sku, (line ->> 'quantity')::bigint AS quantity,
                (line ->> 'unit_price_minor')::bigint AS unit_price_minor, (line ->> 'total_minor')::bigint AS
                    total_minor
            FROM jsonb_array_elements("order".snapshot -> 'lines') WITH ORDINALITY AS listed (line, position)
        ) AS snapshot_line
        FULL JOIN orders_orderline AS row_line
            ON row_line.order_id = "order".id AND row_line.position = snapshot_line.position
        WHERE (row_line.sku, row_line.quantity, row_line.unit_price_minor, row_line.total_minor)
            IS DISTINCT FROM (snapshot_line.sku, snapshot_line.quantity, snapshot_line.unit_price_minor,
                snapshot_line.total_minor)
        """,
    ),
    Check(
        "I6",
        "state_is_last_transition",
        "An order's state is the target of its last transition, and its version the number of its history rows.",
        """
        SELECT public_id AS subject, concat('is ', state, ' at version ', version, ', its history says ',
            coalesce(last_state, 'nothing'), ' at ', coalesce(last_sequence, 0), ' with ', rows_count, ' rows') AS
                detail
        FROM orders_order AS "order" CROSS JOIN LATERAL (
            SELECT max(sequence) AS last_sequence, count(*) AS rows_count,
                (array_agg(to_state ORDER BY sequence DESC) FILTER (WHERE kind = 'transition'))[1] AS last_state
            FROM orders_orderevent WHERE order_id = "order".id) AS history
        WHERE state IS DISTINCT FROM last_state OR version IS DISTINCT FROM last_sequence OR version <> rows_count
        """,
    ),
    Check(
        "I6",
        "money_is_sum_of_attempts",
        "The money columns of an order are the sums over its attempts, and what is due is the total and its "
        "adjustments.",
        """
        SELECT public_id AS subject, concat('columns ', concat_ws('/', authorized_minor, captured_minor, excess_minor,
            excess_returned_minor, returned_minor, due_minor), ', re-computed ', concat_ws('/', authorized,
                captured, excess,
            excess_returned, returned, total_minor + adjusted)) AS detail
        FROM orders_order AS "order" CROSS JOIN LATERAL (
            SELECT coalesce(sum(attempt.authorized_minor), 0) AS authorized, coalesce(sum(attempt.captured_minor),
                0) AS captured,
                coalesce(sum(attempt.excess_minor), 0) AS excess, coalesce(sum(attempt.returned_minor), 0) AS returned,
                coalesce(sum(attempt.excess_returned_minor), 0) AS excess_returned
            FROM payments_paymentattempt AS attempt WHERE attempt.order_id = "order".id) AS attempts
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_minor), 0) AS adjusted FROM orders_dueadjustment WHERE order_id = "order".id)
                AS due
        WHERE (authorized_minor, captured_minor, excess_minor, excess_returned_minor, returned_minor, due_minor)
            IS DISTINCT FROM (authorized, captured, excess, excess_returned, returned, total_minor + adjusted)
        """,
    ),
    Check(
        "I7",
        "only_known_transitions",
        "Every transition in the history is in the order's table, the first is the birth as draft, and each "
        "continues the last.",
        f"""
        SELECT "order".public_id AS subject, concat('#', sequence, ' went from ', coalesce(nullif(from_state, ''),
            'nothing'),
            ' to ', to_state, ' after ', coalesce(nullif(previous_state, ''), 'nothing')) AS detail
        FROM (
            SELECT order_id, sequence, from_state, to_state,
                lag(to_state, 1, '') OVER (PARTITION BY order_id ORDER BY sequence) AS previous_state
            FROM orders_orderevent WHERE kind = 'transition'
        ) AS step JOIN orders_order AS "order" ON "order".id = step.order_id
        WHERE from_state <> previous_state OR ((from_state, to_state) NOT IN (VALUES ('', 'draft'), {_WAYS}))
        """,
    ),
)
