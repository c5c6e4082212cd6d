"""Deliveries are append-only, an event's identity never changes, and the door's role can do one thing: store."""

from django.db import migrations

from core import guards

# Note [One call to store]: insert once and count deliveries in a single statement from the door. Events already known are
# linked, not stored again; bytes are kept only when they brought something new. Runs as its owner, because the door's role
# may not touch the tables.
STORE = """
CREATE OR REPLACE FUNCTION webhooks_store(
    p_account_id bigint, p_headers jsonb, p_body bytea, p_body_sha256 text, p_received_at timestamptz, p_trace_id text,
    p_events jsonb
) RETURNS bigint[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE incoming record; event_id bigint; all_ids bigint[] := '{}'; new_ids bigint[] := '{}';
BEGIN
    FOR incoming IN SELECT * FROM jsonb_to_recordset(p_events)
        AS e(public_id text, event_key text, type text, object_id text, occurred_at timestamptz) ORDER BY event_key
    LOOP
        INSERT INTO webhooks_event (public_id, account_id, event_key, type, object_id, occurred_at, received_at, status,
            status_reason, order_public_id, tries_count, next_try_at, fencing_token, trace_id)
        VALUES (incoming.public_id, p_account_id, incoming.event_key, incoming.type, incoming.object_id,
            incoming.occurred_at, p_received_at, 'received', '', '', 0, p_received_at, 0, p_trace_id)
        ON CONFLICT (account_id, event_key) DO NOTHING RETURNING id INTO event_id;
        IF event_id IS NOT NULL THEN
            new_ids := new_ids || event_id;
        ELSE
            SELECT id INTO event_id FROM webhooks_event
                WHERE account_id = p_account_id AND event_key = incoming.event_key;
        END IF;
        all_ids := all_ids || event_id;
    END LOOP;
    INSERT INTO webhooks_delivery (account_id, received_at, headers, body, body_sha256, event_ids, trace_id)
    VALUES (p_account_id, p_received_at, p_headers, CASE WHEN cardinality(new_ids) > 0 THEN p_body END, p_body_sha256,
        all_ids, p_trace_id);
    RETURN new_ids;
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
        ["public_id", "account_id", "event_key", "type", "object_id", "occurred_at", "received_at"],
    )
    + STORE
)


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
