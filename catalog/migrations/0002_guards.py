"""A SKU never changes, reservations follow their machine, and nothing money refers to is deleted."""

from django.db import migrations

from core import guards
from core.machines import MOVES

SQL = (
    guards.frozen_columns("catalog_variant", ["sku", "channel_id", "public_id"])
    + guards.no_delete("catalog_variant")
    + guards.no_delete("catalog_stock")
    + guards.no_delete("catalog_reservation")
    + guards.frozen_columns("catalog_reservation", ["public_id", "owner_id", "cap_at", "created_at"])
    + guards.state_machine("catalog_reservation", "status", births=["held"], moves=MOVES["reservation"])
    + guards.append_only("catalog_reservationline")
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
