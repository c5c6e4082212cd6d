"""Balances at a place in the books, and the index that reads what came after."""

import django.db.models.deletion
from django.db import migrations, models

from core import guards

SQL = guards.append_only("ledger_checkpoint")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_periods"), ("core", "0002_guards")]

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_livemode", models.BooleanField()),
                ("up_to_entry_id", models.BigIntegerField()),
                ("balance_minor", models.BigIntegerField()),
                ("entries_count", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "is_livemode", "up_to_entry_id"), name="ledger_checkpoint_once"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["account", "id"], name="ledger_entry_of_account"),
        ),
        migrations.AlterField(
            model_name="entry",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="ledger.account",
            ),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
