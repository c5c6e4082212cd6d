"""Attempts and operations follow their machines; what was agreed with the provider never changes; nothing is deleted."""

from django.db import migrations

from core import guards
from core.machines import MOVES

ATTEMPT_FROZEN = [
    "public_id", "order_id", "account_id", "tender", "method", "amount_minor", "currency", "capture_method",
    "confirmed_by", "metadata_hash", "created_at",
]  # fmt: skip
OPERATION_FROZEN = [
    "public_id", "order_id", "attempt_id", "kind", "amount_minor", "currency", "provider_key", "request",
    "request_digest", "created_at",
]  # fmt: skip
# An attempt may not become current once what is due was accepted, nor once the order is past payment.
NONE_AFTER_PAID = """
CREATE OR REPLACE FUNCTION payments_attempt_none_after_paid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_current AND (TG_OP = 'INSERT' OR NOT OLD.is_current) AND EXISTS (
        SELECT 1 FROM orders_order WHERE id = NEW.order_id AND (
            state NOT IN ('draft', 'payment_pending', 'payment_failed', 'capture_failed', 'expired')
            OR (due_minor > 0 AND captured_minor - excess_minor >= due_minor))
    ) THEN
        RAISE EXCEPTION 'order % takes no further attempt', NEW.order_id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS payments_attempt_none_after_paid ON payments_paymentattempt;
CREATE TRIGGER payments_attempt_none_after_paid BEFORE INSERT OR UPDATE OF is_current ON payments_paymentattempt
    FOR EACH ROW EXECUTE FUNCTION payments_attempt_none_after_paid();
"""

SQL = (
    guards.state_machine("payments_paymentattempt", "status", births=["created"], moves=MOVES["attempt"])
    + guards.frozen_columns("payments_paymentattempt", ATTEMPT_FROZEN)
    + guards.write_once_columns("payments_paymentattempt", ["provider_reference", "acknowledged_at"])
    + guards.no_delete("payments_paymentattempt")
    + NONE_AFTER_PAID
    + guards.state_machine("payments_operation", "status", births=["created", "sent"], moves=MOVES["operation"])
    + guards.frozen_columns("payments_operation", OPERATION_FROZEN)
    + guards.no_delete("payments_operation")
)


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("core", "0002_guards"), ("orders", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
