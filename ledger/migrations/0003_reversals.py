"""A posting may take another one back, exactly and once."""

from django.db import migrations, models

from core import guards

# A reversal and what it reverses leave nothing on any account, for any order and attempt.
EXACT = """
DECLARE original ledger_posting%ROWTYPE;
BEGIN
    SELECT * INTO original FROM ledger_posting WHERE public_id = NEW.reverses;
    IF original.id IS NULL OR original.id >= NEW.id OR original.reverses IS NOT NULL THEN
        RAISE EXCEPTION 'posting % does not reverse an earlier posting', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_entry WHERE posting_id IN (original.id, NEW.id)
               GROUP BY account_id, currency, order_public_id, attempt_public_id HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'posting % is not the exact reversal of %', NEW.id, original.id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
"""

SQL = guards.deferred_check(
    "ledger_posting",
    "ledger_posting_reversal_exact",
    events="INSERT",
    body=EXACT,
    condition="NEW.reverses IS NOT NULL",
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards")]

    operations = [
        migrations.AddField(
            model_name="posting",
            name="reverses",
            field=models.CharField(help_text="Public id of the posting this one takes back.", max_length=40, null=True),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reverses__isnull", False)),
                fields=("reverses",),
                name="ledger_posting_reversed_once",
            ),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
