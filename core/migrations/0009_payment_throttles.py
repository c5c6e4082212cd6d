"""How often somebody may try to pay, where the policy `throttles` was written before it knew."""

from datetime import UTC, datetime

from django.db import migrations

ADDED = {
    "payments_seconds": 600,
    "payments_cart_max": 100,
    "payments_order_max": 100,
    "payments_principal_max": 100,
    "payments_address_max": 1200,
}


def write_missing(apps, schema_editor):
    policies = apps.get_model("core", "Policy").objects
    before = policies.filter(name="throttles").order_by("-version").first()
    missing = {name: value for name, value in ADDED.items() if name not in before.values}
    if missing:
        policies.create(
            name="throttles",
            version=before.version + 1,
            values={**before.values, **missing},
            reason="default",
            created_at=datetime(2026, 11, 24, tzinfo=UTC),
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0008_pay_step")]
    operations = [migrations.RunPython(write_missing, migrations.RunPython.noop)]
