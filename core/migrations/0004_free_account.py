"""Every shop gets the account its free orders are paid with; every other account keeps a key."""

from django.db import migrations, models

from core.ids import new_public_id


def add_accounts(apps, schema_editor):
    SalesChannel = apps.get_model("core", "SalesChannel")
    ProviderAccount = apps.get_model("core", "ProviderAccount")
    for channel in SalesChannel.objects.exclude(provider_accounts__provider="free").order_by("id"):
        ProviderAccount.objects.create(
            public_id=new_public_id("acct"),
            channel=channel,
            slug=channel.slug,
            provider="free",
            legal_entity=channel.legal_entity,
            currencies=channel.currencies,
            is_livemode=channel.is_livemode,
            created_at=channel.created_at,
            archived_at=channel.archived_at,
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0003_default_policies")]
    operations = [
        migrations.AlterField(
            model_name="provideraccount",
            name="api_key_ref",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddConstraint(
            model_name="provideraccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("provider", "free"), models.Q(("api_key_ref", ""), _negated=True), _connector="OR"),
                name="core_account_key_unless_free",
            ),
        ),
        migrations.RunPython(add_accounts, migrations.RunPython.noop),
    ]
