"""Where an account's hosted payment pages are, and the policy of the pay step."""

from datetime import UTC, datetime

from django.db import migrations, models

PAY_STEP = {"return_state_seconds": 86_400, "ask_again_seconds": 2, "payment_link_seconds": 3600}


def name_the_pages(apps, schema_editor):
    accounts = apps.get_model("core", "ProviderAccount").objects
    accounts.filter(provider="stripe", api_base_ref="STRIPE_API_BASE").update(hosted_pages_ref="STRIPE_HOSTED_PAGES")


def write_policy(apps, schema_editor):
    # A new database has it from 0003, which writes every policy the code knows.
    policies = apps.get_model("core", "Policy").objects
    if not policies.filter(name="pay_step").exists():
        policies.create(
            name="pay_step", version=1, values=PAY_STEP, reason="default", created_at=datetime(2026, 11, 24, tzinfo=UTC)
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0007_policies_of_customers")]
    operations = [
        migrations.AddField(
            model_name="provideraccount",
            name="hosted_pages_ref",
            field=models.CharField(
                blank=True, default="", help_text="Where customers find its payment pages.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.RunPython(name_the_pages, migrations.RunPython.noop),
        migrations.RunPython(write_policy, migrations.RunPython.noop),
    ]
