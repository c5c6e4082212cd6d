"""Books are append-only and every posting balances per currency when it commits."""

from django.db import migrations

from core import guards

# Note [Balance at commit]: each entry asks once, at commit, whether its posting sums to zero in every currency; an entry's
# currency is its account's. A posting without entries moved nothing and is refused too.
BALANCED = """
DECLARE wrong text;
BEGIN
    SELECT string_agg(currency || ' ' || total, ', ') INTO wrong
    FROM (SELECT currency, sum(amount_minor) AS total FROM ledger_entry
          WHERE posting_id = NEW.posting_id GROUP BY currency HAVING sum(amount_minor) <> 0) AS unbalanced;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'posting % does not balance: %', NEW.posting_id, wrong
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM ledger_account WHERE id = NEW.account_id AND currency = NEW.currency) THEN
        RAISE EXCEPTION 'entry % is not in the currency of its account', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
"""
HAS_ENTRIES = """
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_entry WHERE posting_id = NEW.id) THEN
        RAISE EXCEPTION 'posting % has no entries', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
"""

SQL = (
    guards.append_only("ledger_posting")
    + guards.append_only("ledger_entry")
    + guards.append_only("ledger_account")
    + guards.deferred_check("ledger_entry", "ledger_entry_balanced", events="INSERT", body=BALANCED)
    + guards.deferred_check("ledger_posting", "ledger_posting_has_entries", events="INSERT", body=HAS_ENTRIES)
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("core", "0002_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
