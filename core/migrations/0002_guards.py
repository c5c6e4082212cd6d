"""The refusing function every guard calls, and policies that are never rewritten."""

from django.db import migrations

from core import guards


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [
        migrations.RunSQL(guards.REFUSE_FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(guards.append_only("core_policy"), migrations.RunSQL.noop),
        migrations.RunSQL(
            guards.frozen_columns("core_idempotencykey", ["principal", "operation", "key_sha256", "fingerprint"])
            + guards.write_once_columns("core_idempotencykey", ["answer_status", "answer_sealed"]),
            migrations.RunSQL.noop,
        ),
    ]
