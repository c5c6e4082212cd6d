"""How long customers stay signed in, how many addresses and open carts they keep: what older databases lack."""

from datetime import UTC, datetime

from django.db import migrations

from core.policies import DEFAULTS

ADDED = {"sessions": ["customer_days"], "addresses": ["per_customer_max"], "carts": ["open_max"]}


def write_missing(apps, schema_editor):
    Policy = apps.get_model("core", "Policy")
    for name, values in ADDED.items():
        before = Policy.objects.filter(name=name).order_by("-version").first()
        kept = before.values if before else {}
        missing = {value: DEFAULTS[name][value] for value in values if value not in kept}
        if missing:
            Policy.objects.create(
                name=name,
                version=before.version + 1 if before else 1,
                values={**kept, **missing},
                reason="default",
                created_at=datetime(2026, 11, 23, tzinfo=UTC),
            )


class Migration(migrations.Migration):
    dependencies = [("core", "0006_locales")]
    operations = [migrations.RunPython(write_missing, migrations.RunPython.noop)]
