"""Days and months close, in order and for ever; a closed one takes no entry, whoever writes."""

import django.db.models.deletion
from django.db import migrations, models

from core import guards

# Note [Closing day by day]: whoever posts holds two locks until the transaction ends, shared: the legal entity and the
# day it is booked on. Whoever closes a day takes that day for itself alone, so it waits for the postings under way and
# keeps new ones waiting while it counts; nobody who posts to another day waits. The first close of an entity takes the
# entity as well, because it closes every day before it too. What is closed is read after the locks, in a statement of
# its own that sees what others committed: that needs READ COMMITTED, hence the guard of postings asks for it.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION ledger_open_day(entity text, day date) RETURNS date LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    closed_through date;
    candidate date := day;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('ledger.entity'), hashtext(entity));
    LOOP
        PERFORM pg_advisory_xact_lock_shared(
            hashtext('ledger.day'), hashtext(entity) # (candidate - DATE '2000-01-01'));
        SELECT max(ends_on) INTO closed_through FROM ledger_period WHERE legal_entity = entity;
        EXIT WHEN closed_through IS NULL OR candidate > closed_through;
        candidate := closed_through + 1;
    END LOOP;
    RETURN candidate;
END $$;

CREATE OR REPLACE FUNCTION ledger_lock_for_closing(entity text, day date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_period WHERE legal_entity = entity) THEN
        PERFORM pg_advisory_xact_lock(hashtext('ledger.entity'), hashtext(entity));
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ledger.day'), hashtext(entity) # (day - DATE '2000-01-01'));
END $$;

CREATE OR REPLACE FUNCTION ledger_posting_in_open_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entity text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'postings are written in READ COMMITTED, not in %', current_setting('transaction_isolation')
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    SELECT legal_entity INTO entity FROM core_saleschannel WHERE id = NEW.channel_id;
    IF ledger_open_day(entity, NEW.business_on) <> NEW.business_on THEN
        RAISE EXCEPTION 'the books of % are closed on %', entity, NEW.business_on
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS ledger_posting_in_open_day ON ledger_posting;
CREATE TRIGGER ledger_posting_in_open_day BEFORE INSERT ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_posting_in_open_day();

-- An entry may be slipped into a posting that is there already.
CREATE OR REPLACE FUNCTION ledger_entry_in_open_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT posting_id FROM added) AS touched
               JOIN ledger_posting AS posting ON posting.id = touched.posting_id
               JOIN core_saleschannel AS channel ON channel.id = posting.channel_id
               WHERE ledger_open_day(channel.legal_entity, posting.business_on) <> posting.business_on) THEN
        RAISE EXCEPTION 'an entry is of a posting whose day is closed'
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS ledger_entry_in_open_day ON ledger_entry;
CREATE TRIGGER ledger_entry_in_open_day AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_in_open_day();

CREATE OR REPLACE FUNCTION ledger_period_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed_through date;
BEGIN
    PERFORM ledger_lock_for_closing(NEW.legal_entity, NEW.ends_on);
    SELECT max(ends_on) INTO closed_through FROM ledger_period WHERE legal_entity = NEW.legal_entity;
    IF NEW.kind = 'month' THEN
        IF extract(day FROM NEW.starts_on) <> 1 OR NEW.ends_on <> (NEW.starts_on + interval '1 month')::date - 1 THEN
            RAISE EXCEPTION '% to % is no month', NEW.starts_on, NEW.ends_on
                USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
        IF closed_through IS NULL OR closed_through < NEW.ends_on THEN
            RAISE EXCEPTION 'a month closes after its days, which are closed through %', closed_through
                USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
    ELSIF closed_through IS NULL AND EXISTS (
            SELECT 1 FROM ledger_posting AS posting JOIN core_saleschannel AS channel ON channel.id = posting.channel_id
            WHERE posting.business_on < NEW.starts_on AND channel.legal_entity = NEW.legal_entity)
        OR closed_through IS NOT NULL AND NEW.starts_on <> closed_through + 1 THEN
        RAISE EXCEPTION 'days close in order: % may not be closed before the days before it', NEW.starts_on
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS ledger_period_in_order ON ledger_period;
CREATE TRIGGER ledger_period_in_order BEFORE INSERT ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_period_in_order();
"""

SQL = FUNCTIONS + guards.append_only("ledger_period") + guards.append_only("ledger_periodtotal")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_reversals"), ("core", "0002_guards")]

    operations = [
        migrations.CreateModel(
            name="Period",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=40, unique=True)),
                ("legal_entity", models.CharField(max_length=200)),
                ("kind", models.CharField(choices=[("day", "Day"), ("month", "Month")], max_length=8)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(help_text="Its last day.")),
                ("previous_sha256", models.CharField(max_length=64)),
                ("totals_sha256", models.CharField(max_length=64)),
                ("closed_at", models.DateTimeField()),
                ("closed_by", models.CharField(help_text="The actor, as in the audit trail.", max_length=64)),
                ("schema_version", models.PositiveSmallIntegerField(default=1)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("legal_entity", "kind", "starts_on"), name="ledger_period_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "day"), _negated=True),
                            ("starts_on", models.F("ends_on")),
                            _connector="OR",
                        ),
                        name="ledger_period_day_is_one_day",
                    ),
                ],
                "indexes": [models.Index(fields=["legal_entity", "ends_on"], name="ledger_period_closed_through")],
            },
        ),
        migrations.CreateModel(
            name="PeriodTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_livemode", models.BooleanField()),
                ("entries_count", models.BigIntegerField()),
                ("debit_minor", models.BigIntegerField()),
                ("credit_minor", models.BigIntegerField(help_text="As a positive amount.")),
                ("closing_minor", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.account"
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="totals", to="ledger.period"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("period", "account", "is_livemode"), name="ledger_period_total_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="posting",
            name="late_for",
            field=models.DateField(help_text="The day it happened, when that was closed already.", null=True),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(("late_for__isnull", True), ("late_for__lt", models.F("business_on")), _connector="OR"),
                name="ledger_posting_late_for",
            ),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
