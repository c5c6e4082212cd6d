"""Up to what amount of one order a rule gives back by itself: what older databases lack."""

from datetime import UTC, datetime

from django.db import migrations

from core.policies import DEFAULTS


def write_missing(apps, schema_editor):
    # A new database has it from 0003, which writes every policy the code knows.
    policies = apps.get_model("core", "Policy").objects
    before = policies.filter(name="refunds").order_by("-version").first()
    if "by_rule_up_to_major" not in before.values:
        policies.create(
            name="refunds",
            version=before.version + 1,
            values={**before.values, "by_rule_up_to_major": DEFAULTS["refunds"]["by_rule_up_to_major"]},
            reason="default",
            created_at=datetime(2026, 11, 28, tzinfo=UTC),
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0013_limits")]
    operations = [migrations.RunPython(write_missing, migrations.RunPython.noop)]
