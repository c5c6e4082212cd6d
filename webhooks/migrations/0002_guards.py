"""Deliveries are append-only, an event's identity never changes, and the door's role can do one thing: store."""

from django.db import migrations

from core import guards

# Every try goes through `processing`, where the lease and its fencing token are. What ended may be received again: that is
# a replay by a person; effects stay single because the funnel compares with the facts.
MOVES = {
    ("received", "processing"),
    ("parked", "processing"),
    ("failed", "processing"),
    ("processing", "processed"),
    ("processing", "ignored"),
    ("processing", "parked"),
    ("processing", "failed"),
    ("processing", "dead"),
    ("processed", "received"),
    ("ignored", "received"),
    ("parked", "received"),
    ("failed", "received"),
    ("dead", "received"),
}

# Note [One call to store]: insert once and count deliveries in a single statement from the door. Events already known are
# linked, not stored again; bytes are kept only when they brought something new. Runs as its owner, because the door's role
# may not touch the tables. Keys are taken in order, so that two deliveries of the same batch cannot deadlock; a delivery
# that meets the same key in flight waits for the other's commit and then finds its row. A new event is due for the sweep
# only after five seconds: by then the wake-up that follows the commit has either reached a worker or is lost.
STORE = """
CREATE OR REPLACE FUNCTION webhooks_store(
    p_account_id bigint, p_headers jsonb, p_body bytea, p_body_sha256 text, p_received_at timestamptz, p_trace_id text,
    p_events jsonb, OUT all_ids bigint[], OUT new_ids bigint[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE incoming record; known_id bigint;
BEGIN
    all_ids := '{}';
    new_ids := '{}';
    FOR incoming IN SELECT * FROM jsonb_to_recordset(p_events)
        AS e(public_id text, event_key text, type text, object_id text, occurred_at timestamptz) ORDER BY event_key
    LOOP
        INSERT INTO webhooks_event (public_id, account_id, event_key, type, object_id, occurred_at, received_at, status,
            status_reason, order_public_id, tries_count, next_try_at, fencing_token, trace_id)
        VALUES (incoming.public_id, p_account_id, incoming.event_key, incoming.type, incoming.object_id,
            incoming.occurred_at, p_received_at, 'received', '', '', 0, p_received_at + interval '5 seconds', 0,
            p_trace_id)
        ON CONFLICT (account_id, event_key) DO NOTHING RETURNING id INTO known_id;
        IF known_id IS NOT NULL THEN
            new_ids := new_ids || known_id;
        ELSE
            SELECT id INTO STRICT known_id FROM webhooks_event
                WHERE account_id = p_account_id AND event_key = incoming.event_key;
        END IF;
        all_ids := all_ids || known_id;
    END LOOP;
    INSERT INTO webhooks_delivery (account_id, received_at, headers, body, body_sha256, event_ids, trace_id)
    VALUES (p_account_id, p_received_at, p_headers, CASE WHEN cardinality(new_ids) > 0 THEN p_body END, p_body_sha256,
        all_ids, p_trace_id);
END $$;
REVOKE ALL ON FUNCTION webhooks_store(bigint, jsonb, bytea, text, timestamptz, text, jsonb) FROM PUBLIC;
CREATE OR REPLACE VIEW webhooks_active_secret AS
    SELECT secret.id, account.id AS account_id, account.provider, account.slug, account.is_livemode, secret.reference,
           secret.active_from, secret.active_until
    FROM core_webhooksecret AS secret JOIN core_provideraccount AS account ON account.id = secret.account_id
    WHERE account.archived_at IS NULL;
"""

SQL = (
    guards.append_only("webhooks_delivery")
    + guards.no_delete("webhooks_event")
    + guards.frozen_columns(
        "webhooks_event",
        ["public_id", "account_id", "event_key", "type", "object_id", "occurred_at", "received_at", "trace_id"],
    )
    + guards.state_machine("webhooks_event", "status", births=["received"], moves=MOVES)
    + STORE
)


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
