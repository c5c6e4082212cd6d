"""The order's table of transitions, its frozen snapshot and its append-only history, held by the database."""

from django.db import migrations

from core import guards
from core.machines import load_order_transitions

# What an order is never changes; only its state, its money columns and its requests do.
FROZEN = [
    "public_id", "channel_id", "number", "cart_id", "currency", "total_minor", "snapshot", "snapshot_hash",
    "snapshot_version", "is_livemode", "created_at", "bucket_id",
]  # fmt: skip

# Note [State is history]: at commit, an order's state is the target of its last transition row and its version the number
# of its rows; a state set by hand leaves no row and is refused.
STATE_IS_HISTORY = """
DECLARE last_state text; last_sequence integer; current_order orders_order%ROWTYPE;
BEGIN
    SELECT * INTO current_order FROM orders_order WHERE id = NEW.id;
    SELECT to_state INTO last_state FROM orders_orderevent
        WHERE order_id = NEW.id AND kind = 'transition' ORDER BY sequence DESC LIMIT 1;
    SELECT max(sequence) INTO last_sequence FROM orders_orderevent WHERE order_id = NEW.id;
    IF last_state IS DISTINCT FROM current_order.state OR last_sequence IS DISTINCT FROM current_order.version THEN
        RAISE EXCEPTION 'order % is % at version %, its history says % at %',
            NEW.id, current_order.state, current_order.version, last_state, last_sequence
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
"""
# The other way round: a row of history tells what its order became, which was written just before it.
NO_GAP = """
CREATE OR REPLACE FUNCTION orders_history_no_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last_sequence integer; last_state text; order_version integer; order_state text;
BEGIN
    SELECT version, state INTO order_version, order_state FROM orders_order WHERE id = NEW.order_id;
    IF NEW.sequence IS DISTINCT FROM order_version OR (NEW.kind = 'transition' AND NEW.to_state <> order_state) THEN
        RAISE EXCEPTION 'order % is % at version %, its history cannot say % at %',
            NEW.order_id, order_state, order_version, NEW.to_state, NEW.sequence
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    SELECT max(sequence) INTO last_sequence FROM orders_orderevent WHERE order_id = NEW.order_id;
    IF NEW.sequence <> coalesce(last_sequence, 0) + 1 THEN
        RAISE EXCEPTION 'history of order % continues with %, not %', NEW.order_id, coalesce(last_sequence, 0) + 1, NEW.sequence
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    IF NEW.kind = 'transition' THEN
        SELECT to_state INTO last_state FROM orders_orderevent
            WHERE order_id = NEW.order_id AND kind = 'transition' ORDER BY sequence DESC LIMIT 1;
        IF NEW.from_state <> coalesce(last_state, '') THEN
            RAISE EXCEPTION 'order % does not come from %', NEW.order_id, NEW.from_state
                USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS orders_history_no_gap ON orders_orderevent;
CREATE TRIGGER orders_history_no_gap BEFORE INSERT ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION orders_history_no_gap();
"""

SQL = (
    guards.state_machine(
        "orders_order",
        "state",
        births=["draft"],
        moves={(row["source"], row["target"]) for row in load_order_transitions()},
    )
    + guards.frozen_columns("orders_order", FROZEN)
    + guards.write_once_columns("orders_order", ["cancel_requested_at", "paid_at", "customer_id"])
    + guards.no_delete("orders_order")
    + guards.deferred_check(
        "orders_order", "orders_order_state_is_history", events="INSERT OR UPDATE OF state, version", body=STATE_IS_HISTORY
    )
    + guards.append_only("orders_orderevent")
    + NO_GAP
    + guards.append_only("orders_refusedtransition")
    + guards.append_only("orders_dueadjustment")
    + guards.no_delete("orders_hold")
    + guards.no_delete("orders_orderline")
    + guards.frozen_columns(
        "orders_orderline",
        ["order_id", "position", "sku", "name", "unit_price_minor", "quantity", "total_minor"],
    )
)


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
