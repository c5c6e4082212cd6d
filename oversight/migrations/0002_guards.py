"""Audit rows and seals are append-only; a case follows its machine and is never deleted."""

from django.db import migrations

from core import guards
from core.machines import MOVES

SQL = (
    guards.append_only("oversight_auditentry")
    + guards.append_only("oversight_seal")
    + guards.no_delete("oversight_case")
    + guards.state_machine("oversight_case", "status", births=["open"], moves=MOVES["case"])
)


class Migration(migrations.Migration):
    dependencies = [("oversight", "0001_initial"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
