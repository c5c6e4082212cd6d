"""Payments: one current attempt, captures within what is due, excess going back, sums that follow from operations."""

# ruff: noqa: S608 - what is put into the SQL here are constants of these modules.
from reconciliation.invariants.check import Check
from reconciliation.invariants.orders import CANCELLED, EXPLAINED, PAID

OPEN = "('created', 'sent', 'pending', 'unknown')"
LIVE = "('created', 'requires_action', 'awaiting_funds', 'partially_funded', 'processing', 'authorized')"
# The provider said something else than we asked for; people were told, whether or not they are done with it.
REPORTED = """EXISTS (SELECT 1 FROM oversight_case AS reported WHERE reported.order_public_id = "order".public_id
    AND reported.type IN ('amount_mismatch', 'currency_mismatch', 'capture_reversed', 'external_refund',
        'refund_beyond_accepted'))"""

CHECKS = (
    Check(
        "I1",
        "one_current_attempt_per_tender",
        "An order has at most one current attempt per tender, in its own currency.",
        """
        SELECT "order".public_id AS subject, concat(count(*), ' current attempts by ', attempt.tender) AS detail
        FROM payments_paymentattempt AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        WHERE attempt.is_current GROUP BY "order".public_id, attempt.tender HAVING count(*) > 1
        """,
    ),
    Check(
        "I1",
        "attempt_is_in_the_orders_currency",
        "Attempts and operations are in the currency of their order.",
        """
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' is in ', attempt.currency, ', not ',
            "order".currency) AS detail
        FROM payments_paymentattempt AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        WHERE attempt.currency <> "order".currency OR EXISTS (SELECT 1 FROM payments_operation AS operation
            WHERE operation.attempt_id = attempt.id
            AND (operation.currency <> attempt.currency OR operation.order_id <> attempt.order_id))
        """,
    ),
    Check(
        "I1",
        "none_current_after_paid",
        "No attempt was started for an order that was paid already, unless the provider had taken its money back.",
        f"""
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' is current and began after payment') AS detail
        FROM payments_paymentattempt AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        WHERE attempt.is_current AND "order".state IN {PAID} AND attempt.created_at > "order".paid_at
            AND NOT EXISTS (SELECT 1 FROM orders_orderevent AS lost WHERE lost.order_id = "order".id
                AND lost.to_state = 'capture_failed' AND lost.recorded_at <= attempt.created_at)
        """,
    ),
    Check(
        "I1",
        "ordered_captures_within_due",
        "What was accepted, what open captures ask for and what a living attempt may still take never exceed what is "
        "due.",
        f"""
        SELECT "order".public_id AS subject, concat(accepted, ' accepted, ', ordered, ' more ordered, ', due_minor,
            ' due')
            AS detail
        FROM (
            SELECT "order".*, captured_minor - excess_minor AS accepted, (
                SELECT coalesce(sum(CASE WHEN attempt.capture_method = 'automatic' THEN
                        CASE WHEN attempt.status IN {LIVE} AND attempt.dead_at IS NULL THEN attempt.amount_minor
                            ELSE 0 END
                    ELSE (SELECT coalesce(sum(operation.amount_minor), 0) FROM payments_operation AS operation
                        WHERE operation.attempt_id = attempt.id AND operation.kind = 'capture' AND operation.status
                            IN {OPEN})
                    END), 0)
                FROM payments_paymentattempt AS attempt
                WHERE attempt.order_id = "order".id AND attempt.is_current AND NOT EXISTS (
                    SELECT 1 FROM payments_operation AS operation
                    WHERE operation.attempt_id = attempt.id AND operation.kind = 'void')
                    -- What the provider has not named cannot be closed; it is looked for and not sent again.
                    AND NOT (attempt.provider_reference IS NULL
                        AND ("order".state IN {PAID} OR "order".cancel_requested_at IS NOT NULL))) AS ordered
            FROM orders_order AS "order"
        ) AS "order" WHERE accepted + ordered > due_minor AND NOT {EXPLAINED}
        """,
    ),
    Check(
        "I1",
        "excess_is_going_back",
        "Money beyond what is due was given back, or an open give-back, hold or case sees to it.",
        f"""
        SELECT public_id AS subject, concat(excess_minor - excess_returned_minor,
            ' taken that nobody owes, nothing under way')
            AS detail
        FROM orders_order AS "order" WHERE excess_minor > excess_returned_minor AND NOT {EXPLAINED}
        """,
    ),
    Check(
        "I1",
        "ended_order_cannot_capture",
        "No attempt of an order that was cancelled or has expired can still capture without having been told to close.",
        f"""
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' may still capture for an order that is ',
            "order".state) AS detail
        FROM payments_paymentattempt AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        WHERE "order".state IN ('cancelled', 'cancelled_with_refund', 'expired') AND attempt.dead_at IS NULL
            AND (attempt.status IN {LIVE} OR attempt.status = 'failed') AND NOT EXISTS (
                SELECT 1 FROM payments_operation AS operation
                WHERE operation.attempt_id = attempt.id AND operation.kind = 'void') AND NOT {EXPLAINED}
        """,
    ),
    Check(
        "I4",
        "nothing_captured_under_a_hold",
        "No capture of held funds was ordered while somebody had said that the order has to wait.",
        """
        SELECT "order".public_id AS subject, concat(operation.public_id, ' was ordered under a hold for ', hold.reason)
            AS detail
        FROM payments_operation AS operation JOIN orders_order AS "order" ON "order".id = operation.order_id
        JOIN orders_hold AS hold ON hold.order_id = "order".id AND hold.opened_at < operation.created_at
            AND (hold.released_at IS NULL OR hold.released_at > operation.created_at)
        WHERE operation.kind = 'capture' AND NOT starts_with(operation.provider_key, 'external:')
        """,
    ),
    Check(
        "I6",
        "captured_follows_from_operations",
        "What an attempt captured is what its succeeded operations asked for, unless people were told of a difference.",
        f"""
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' captured ', attempt.captured_minor,
            ', its operations say ', attempt.asked) AS detail
        FROM (
            SELECT attempt.*, (SELECT coalesce(sum(operation.amount_minor), 0) FROM payments_operation AS operation
                WHERE operation.attempt_id = attempt.id AND operation.status = 'succeeded' AND operation.kind =
                    CASE WHEN attempt.capture_method = 'automatic' THEN 'authorize' ELSE 'capture' END) AS asked
            FROM payments_paymentattempt AS attempt
        ) AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        WHERE attempt.captured_minor - attempt.kept_minor <> attempt.asked AND NOT {REPORTED}
            AND (attempt.captured_minor <> 0 OR attempt.status IN ('captured', 'partially_captured'))
        """,
    ),
    Check(
        "I6",
        "captured_is_what_was_asked_for",
        "An attempt that is captured took what we asked for or all of it, whoever did it, unless people were told.",
        """
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' captured ', attempt.captured_minor, ' of ',
            attempt.asked, ' that we asked for') AS detail
        FROM (
            SELECT attempt.*, coalesce((SELECT sum(operation.amount_minor) FROM payments_operation AS operation
                WHERE operation.attempt_id = attempt.id AND operation.kind = 'capture'
                AND operation.status NOT IN ('declined', 'failed', 'reversed')
                AND NOT starts_with(operation.provider_key, 'external:')), attempt.amount_minor) AS asked
            FROM payments_paymentattempt AS attempt WHERE attempt.status = 'captured'
        ) AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        WHERE attempt.captured_minor - attempt.kept_minor NOT IN (attempt.asked, attempt.amount_minor) AND NOT EXISTS (
            SELECT 1 FROM oversight_case AS reported WHERE reported.order_public_id = "order".public_id
                AND reported.type IN ('amount_mismatch', 'capture_reversed'))
        """,
    ),
    Check(
        "I6",
        "returned_follows_from_operations",
        "What an attempt gave back is the sum of its succeeded refunds and give-backs, of what was given back beside "
        "its provider, and of the disputes it lost.",
        f"""
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' returned ', attempt.returned, ', should be ',
            attempt.by_provider + attempt.beside + attempt.lost) AS detail
        FROM (
            SELECT attempt.*, attempt.returned_minor + attempt.excess_returned_minor + attempt.beyond_minor AS returned,
                (SELECT coalesce(sum(operation.amount_minor), 0) FROM payments_operation AS operation
                WHERE operation.attempt_id = attempt.id AND operation.status = 'succeeded'
                AND operation.kind IN ('refund', 'give_back')) AS by_provider,
                (SELECT coalesce(sum(refund.amount_minor), 0) FROM payments_refund AS refund
                WHERE refund.attempt_id = attempt.id AND refund.status = 'succeeded'
                AND refund.origin IN ('offline', 'credit')) AS beside,
                (SELECT coalesce(sum(dispute.amount_minor), 0) FROM payments_dispute AS dispute
                WHERE dispute.attempt_id = attempt.id AND dispute.status IN ('lost', 'accepted')) AS lost
            FROM payments_paymentattempt AS attempt
        ) AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        WHERE attempt.returned <> attempt.by_provider + attempt.beside + attempt.lost AND NOT {REPORTED}
        """,
    ),
    Check(
        "I10",
        "returns_within_captured",
        "Refunds and give-backs that succeeded or are under way never exceed what the attempt captured, unless "
        "reported; one under way may find that the provider took the capture back before it.",
        f"""
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' captured ', attempt.captured_minor,
            ', asked to give back ', sum(operation.amount_minor)) AS detail
        FROM payments_paymentattempt AS attempt JOIN orders_order AS "order" ON "order".id = attempt.order_id
        JOIN payments_operation AS operation ON operation.attempt_id = attempt.id
        WHERE operation.kind IN ('refund', 'give_back') AND (operation.status = 'succeeded'
            OR operation.status IN {OPEN} AND attempt.reversals_count = 0)
        GROUP BY "order".id, attempt.id HAVING sum(operation.amount_minor) > attempt.captured_minor AND NOT {REPORTED}
        """,
    ),
    Check(
        "I10",
        "only_nobodys_money_goes_back",
        "Unless it was cancelled, an order's give-backs return no more than what was taken beyond the amount due; one "
        "under way may find that the provider took the capture back before it.",
        f"""
        SELECT "order".public_id AS subject, concat(sum(operation.amount_minor), ' given back, ', "order".excess_minor,
            ' were nobody''s') AS detail
        FROM orders_order AS "order" JOIN payments_operation AS operation ON operation.order_id = "order".id
        JOIN payments_paymentattempt AS attempt ON attempt.id = operation.attempt_id
        WHERE operation.kind = 'give_back' AND (operation.status = 'succeeded'
            OR operation.status IN {OPEN} AND attempt.reversals_count = 0)
            AND "order".cancel_requested_at IS NULL AND "order".state NOT IN {CANCELLED}
        GROUP BY "order".id HAVING sum(operation.amount_minor) > "order".excess_minor
        """,
    ),
    Check(
        "I12",
        "no_attempt_beside_unknown",
        "While an outcome of an earlier operation is missing, no newer attempt of the order is current.",
        """
        SELECT "order".public_id AS subject, concat(attempt.public_id, ' is current while ', operation.public_id,
            ' of ',
            'another attempt is ', operation.status) AS detail
        FROM payments_operation AS operation
        JOIN payments_paymentattempt AS attempt ON attempt.order_id = operation.order_id AND attempt.is_current
            AND attempt.id <> operation.attempt_id AND attempt.created_at >= operation.created_at
        JOIN payments_paymentattempt AS earlier ON earlier.id = operation.attempt_id AND earlier.tender = attempt.tender
        JOIN orders_order AS "order" ON "order".id = operation.order_id
        WHERE operation.status IN ('sent', 'unknown')
        """,
    ),
    Check(
        "I12",
        "failed_by_evidence_only",
        "An operation that was sent ends as failed or declined by an answer, a payment's state or spaced negative "
        "look-ups.",
        """
        SELECT "order".public_id AS subject, concat(operation.public_id, ' is ', operation.status,
            ' without evidence') AS detail
        FROM payments_operation AS operation JOIN orders_order AS "order" ON "order".id = operation.order_id
        WHERE operation.status IN ('declined', 'failed') AND (operation.settled_at IS NULL
            OR (operation.sends_count > 0 AND operation.answer IS NULL AND operation.error_code = ''
                AND operation.provider_reference = '' AND operation.not_found_count < 2))
        """,
    ),
    Check(
        "I14",
        "operations_are_looked_after",
        "No open operation is ten minutes past its next look: a sweep finds whatever a lost wake-up left.",
        f"""
        SELECT "order".public_id AS subject, concat(operation.public_id, ' is ', operation.status,
            ', to be looked at since ',
            operation.next_check_at) AS detail
        FROM payments_operation AS operation JOIN orders_order AS "order" ON "order".id = operation.order_id, moment
        WHERE operation.status IN {OPEN} AND operation.next_check_at < moment.now - interval '10 minutes'
        """,
        is_liveness=True,
    ),
)
