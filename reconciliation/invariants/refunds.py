"""Refunds: what was granted goes back, and of a cancelled sale everything does."""

from reconciliation.invariants.check import Check

CHECKS = (
    Check(
        "I10",
        "requests_have_their_refunds",
        "A refund request that was granted has a refund, one that waits or was refused has none.",
        """
        SELECT "order".public_id AS subject, concat(claim.public_id, ' is ', claim.status, ' and has ',
            count(refund.id), ' refunds') AS detail
        FROM payments_refundclaim AS claim JOIN orders_order AS "order" ON "order".id = claim.order_id
        LEFT JOIN payments_refund AS refund ON refund.claim_id = claim.id
        GROUP BY "order".id, claim.id HAVING (claim.status = 'granted') <> (count(refund.id) > 0)
        """,
    ),
    Check(
        "I10",
        "cancelled_sales_go_back",
        "A paid order whose cancellation is open has nothing left that is neither with the customer nor on its way to "
        "them, unless it is held or disputed: then a person or a bank decides.",
        """
        SELECT "order".public_id AS subject, concat('cancellation open, ',
            "order".captured_minor - "order".excess_minor, ' accepted, ',
            coalesce(sum(refund.amount_minor - refund.excess_minor), 0), ' goes back') AS detail
        FROM orders_order AS "order"
        LEFT JOIN payments_refund AS refund ON refund.order_id = "order".id AND refund.status NOT IN
            ('failed', 'cancelled', 'rejected', 'reversed')
        WHERE "order".cancel_requested_at IS NOT NULL AND "order".state IN ('paid', 'partially_refunded')
            AND NOT "order".is_capture_reversed AND NOT "order".is_fulfillment_requested
            AND NOT EXISTS (SELECT 1 FROM orders_hold AS hold
                WHERE hold.order_id = "order".id AND hold.released_at IS NULL)
            AND NOT EXISTS (SELECT 1 FROM payments_dispute AS dispute WHERE dispute.order_id = "order".id
                AND dispute.status IN ('inquiry', 'needs_response', 'under_review'))
        GROUP BY "order".id HAVING coalesce(sum(refund.amount_minor - refund.excess_minor), 0)
            + (SELECT coalesce(sum(dispute.amount_minor), 0) FROM payments_dispute AS dispute
                WHERE dispute.order_id = "order".id AND dispute.status IN ('lost', 'accepted'))
            < "order".captured_minor - "order".excess_minor
        """,
        is_liveness=True,
    ),
)
