"""Version 1 of the policy `throttles`, where migration 0003 ran before it existed."""

from datetime import UTC, datetime

from django.db import migrations

from core.policies import DEFAULTS


def write_throttles(apps, schema_editor):
    Policy = apps.get_model("core", "Policy")
    if not Policy.objects.filter(name="throttles").exists():
        Policy.objects.create(
            name="throttles",
            version=1,
            values=DEFAULTS["throttles"],
            reason="default",
            created_at=datetime(2026, 11, 23, tzinfo=UTC),
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0004_free_account")]
    operations = [migrations.RunPython(write_throttles, migrations.RunPython.noop)]
