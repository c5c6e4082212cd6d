"""What each role of staff may do, and how long an approval counts: what older databases lack."""

from datetime import UTC, datetime

from django.db import migrations

from core.policies import DEFAULTS


def write_missing(apps, schema_editor):
    # A new database has them from 0003, which writes every policy the code knows.
    policies = apps.get_model("core", "Policy").objects
    for name in ("limits", "approvals"):
        if not policies.filter(name=name).exists():
            policies.create(
                name=name,
                version=1,
                values=DEFAULTS[name],
                reason="default",
                created_at=datetime(2026, 11, 28, tzinfo=UTC),
            )


class Migration(migrations.Migration):
    dependencies = [("core", "0012_home_country")]
    operations = [migrations.RunPython(write_missing, migrations.RunPython.noop)]
