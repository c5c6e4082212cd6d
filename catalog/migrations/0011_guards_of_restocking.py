"""What a reservation keeps never changes; how much of it was sold and came back may, and only that."""

from django.db import migrations

from core import guards

SQL = (
    """
DROP TRIGGER IF EXISTS catalog_reservationline_append_only ON catalog_reservationline;
"""
    + guards.frozen_columns("catalog_reservationline", ["reservation_id", "stock_id", "quantity"])
    + guards.no_delete("catalog_reservationline")
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0010_restocking"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
