"""How often carts are opened, links made and cards declined; tries to pay as wide as fifty repeats ask for."""

from datetime import UTC, datetime

from django.db import migrations

ADDED = {
    "carts_seconds": 600,
    "carts_device_max": 200,
    "carts_address_max": 2400,
    "returns_seconds": 600,
    "returns_address_max": 2400,
    "payment_links_seconds": 600,
    "payment_links_order_max": 60,
    "payment_links_address_max": 600,
    "declines_seconds": 600,
    "declines_cart_max": 20,
    "declines_order_max": 20,
    "declines_principal_max": 30,
    "declines_address_max": 200,
    "declines_token_max": 40,
    "declines_card_max": 40,
}
NARROW = {"payments_cart_max": 100, "payments_order_max": 100, "payments_principal_max": 100}
WIDE = 300


def write_missing(apps, schema_editor):
    policies = apps.get_model("core", "Policy").objects
    newest = policies.filter(name="throttles").order_by("-version").first()
    before = newest.values
    missing = {name: value for name, value in ADDED.items() if name not in before}
    # What somebody chose stays.
    widened = {name: WIDE for name, value in NARROW.items() if before.get(name) == value}
    if missing or widened:
        policies.create(
            name="throttles",
            version=newest.version + 1,
            values={**before, **missing, **widened},
            reason="default",
            created_at=datetime(2026, 11, 24, tzinfo=UTC),
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0010_rounding")]
    operations = [migrations.RunPython(write_missing, migrations.RunPython.noop)]
