"""A SKU never changes, reservations follow their machine, and nothing money refers to is deleted."""

from django.db import migrations

from core import guards
from core.machines import MOVES

# The sweep gives capped units back; a cap that moves earlier would take them from a buyer who was promised more time.
CAP_NEVER_EARLIER = """
CREATE OR REPLACE TRIGGER catalog_reservation_cap_never_earlier BEFORE UPDATE ON catalog_reservation FOR EACH ROW
    WHEN (NEW.cap_at < OLD.cap_at) EXECUTE FUNCTION surety_refuse();
"""
SQL = (
    guards.frozen_columns("catalog_variant", ["sku", "channel_id", "product_id", "public_id"])
    + guards.no_delete("catalog_product")
    + guards.no_delete("catalog_variant")
    + guards.no_delete("catalog_stock")
    + guards.frozen_columns("catalog_stock", ["variant_id"])
    + guards.no_delete("catalog_reservation")
    + guards.frozen_columns("catalog_reservation", ["public_id", "owner_id", "created_at", "policy_version"])
    + guards.write_once_columns("catalog_reservation", ["ended_at"])
    + CAP_NEVER_EARLIER
    + guards.state_machine("catalog_reservation", "status", births=["held"], moves=MOVES["reservation"])
    + guards.append_only("catalog_reservationline")
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
