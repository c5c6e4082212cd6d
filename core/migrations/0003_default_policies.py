"""Version 1 of every policy."""

from datetime import UTC, datetime

from django.db import migrations

from core.policies import DEFAULTS


def write_defaults(apps, schema_editor):
    Policy = apps.get_model("core", "Policy")
    Policy.objects.bulk_create(
        Policy(name=name, version=1, values=values, reason="default", created_at=datetime(2026, 11, 21, tzinfo=UTC))
        for name, values in DEFAULTS.items()
    )


class Migration(migrations.Migration):
    dependencies = [("core", "0002_guards")]
    operations = [migrations.RunPython(write_defaults, migrations.RunPython.noop)]
