"""Webhooks: an event takes effect once, none that was not verified takes any, and none is forgotten."""

from reconciliation.invariants.check import Check

CHECKS = (
    Check(
        "I11",
        "event_stored_once",
        "An event key counts once per account.",
        """
        SELECT event_key AS subject, concat(count(*), ' rows for one event') AS detail
        FROM webhooks_event GROUP BY account_id, event_key HAVING count(*) > 1
        """,
    ),
    Check(
        "I11",
        "processed_is_processed",
        "An event is processed or ignored exactly when it says since when, and then nothing is left to try.",
        """
        SELECT public_id AS subject, concat('is ', status, ', processed at ', coalesce(processed_at::text,
            'no time')) AS detail
        FROM webhooks_event
        WHERE (status = 'processed' AND processed_at IS NULL)
            OR (status NOT IN ('processed', 'ignored', 'dead') AND processed_at IS NOT NULL)
        """,
    ),
    Check(
        "I11",
        "event_moves_an_order_once",
        "No event moved an order twice along the same way.",
        """
        SELECT "order".public_id AS subject, concat(history.provider_event_id, ' led to ', history.to_state, ' ',
            count(*),
            ' times') AS detail
        FROM orders_orderevent AS history JOIN orders_order AS "order" ON "order".id = history.order_id
        WHERE history.kind = 'transition' AND history.provider_event_id <> ''
        GROUP BY "order".public_id, history.provider_event_id, history.from_state, history.to_state HAVING count(*) > 1
        """,
    ),
    Check(
        "I11",
        "only_stored_events_have_effect",
        "Whatever a history row says a webhook told us is an event that was verified and stored.",
        """
        SELECT "order".public_id AS subject, concat('#', history.sequence, ' names event ', history.provider_event_id,
            ', which was never stored') AS detail
        FROM orders_orderevent AS history JOIN orders_order AS "order" ON "order".id = history.order_id
        WHERE history.source = 'webhook' AND history.provider_event_id <> ''
            AND NOT EXISTS (SELECT 1 FROM webhooks_event WHERE event_key = history.provider_event_id)
        """,
    ),
    Check(
        "I11",
        "dead_event_has_a_case",
        "An event that could not be processed was given to people.",
        """
        SELECT public_id AS subject, concat(type, ' is dead and nobody was told') AS detail
        FROM webhooks_event AS event WHERE status = 'dead' AND NOT EXISTS (
            SELECT 1 FROM oversight_case WHERE subject_id = event.public_id)
        """,
    ),
    Check(
        "I11",
        "events_are_looked_after",
        "No event is ten minutes past its next try.",
        """
        SELECT event.public_id AS subject, concat(event.type, ' is ', event.status, ', to be tried since ',
            event.next_try_at) AS detail
        FROM webhooks_event AS event, moment
        WHERE event.status IN ('received', 'processing', 'parked', 'failed')
            AND coalesce(event.next_try_at, event.received_at) < moment.now - interval '10 minutes'
        """,
        is_liveness=True,
    ),
)
