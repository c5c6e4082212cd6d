"""Refunds and disputes follow their machines; what a refund is made of never changes; no refund of ours goes beyond
what was accepted, whoever inserts it.
"""

from django.db import migrations

from core import guards
from core.machines import MOVES

REFUND_FROZEN = [
    "public_id", "order_id", "attempt_id", "origin", "amount_minor", "net_minor", "excess_minor", "currency",
    "is_goodwill", "is_during_dispute", "reason_code", "note", "requested_by", "bank", "trace_id", "requested_at",
]  # fmt: skip
DISPUTE_FROZEN = ["public_id", "order_id", "attempt_id", "account_id", "provider_reference", "currency", "opened_at"]
# What is ordered now, was ordered and may still arrive, went back, or was lost to disputes: at most what was accepted.
# What the provider reports (external) is a fact and refused by nobody.
WITHIN_ACCEPTED = """
CREATE OR REPLACE FUNCTION payments_refund_within_accepted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE accepted bigint; counted bigint;
BEGIN
    IF NEW.origin = 'external' THEN
        RETURN NEW;
    END IF;
    SELECT captured_minor - excess_minor INTO accepted FROM orders_order WHERE id = NEW.order_id;
    SELECT coalesce(sum(amount_minor - excess_minor), 0) INTO counted FROM payments_refund
        WHERE order_id = NEW.order_id AND id IS DISTINCT FROM NEW.id AND status IN
            ('requested', 'awaiting_approval', 'sent', 'pending', 'requires_action', 'unknown', 'succeeded');
    counted := counted + (SELECT coalesce(sum(amount_minor), 0) FROM payments_dispute
        WHERE order_id = NEW.order_id AND status IN ('lost', 'accepted'));
    IF counted + NEW.amount_minor > accepted THEN
        RAISE EXCEPTION 'order % gives back more than was accepted', NEW.order_id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS payments_refund_within_accepted ON payments_refund;
CREATE TRIGGER payments_refund_within_accepted BEFORE INSERT ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION payments_refund_within_accepted();
"""

SQL = (
    guards.state_machine("payments_refund", "status", births=["requested", "sent"], moves=MOVES["refund"])
    + guards.frozen_columns("payments_refund", REFUND_FROZEN)
    + guards.no_delete("payments_refund")
    + guards.append_only("payments_refundpart")
    + guards.append_only("payments_refundtax")
    + WITHIN_ACCEPTED
    + guards.state_machine(
        "payments_dispute",
        "status",
        births=sorted({state for move in MOVES["dispute"] for state in move}),
        moves=MOVES["dispute"],
    )
    + guards.frozen_columns("payments_dispute", DISPUTE_FROZEN)
    + guards.no_delete("payments_dispute")
)


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_refunds_and_disputes"), ("core", "0002_guards"), ("orders", "0007_recognised_sales")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
