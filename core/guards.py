"""SQL that makes the database refuse wrong states, whoever writes and with whatever setting on.

Plain triggers and functions, installed by each app's `migrations/0002_guards.py`. They hold for INSERT, UPDATE,
DELETE, TRUNCATE and COPY. The only way past them is `session_replication_role`, which PostgreSQL keeps to superusers.
Every refusal is an integrity violation (23514) that carries the trigger's name as its constraint, so services can
name it.
"""

from collections.abc import Iterable, Sequence

REFUSE_FUNCTION = """
CREATE OR REPLACE FUNCTION surety_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
"""


def append_only(table: str) -> str:
    """This will let rows of `table` be inserted and never changed or removed."""
    return _trigger(table, f"{table}_append_only", "BEFORE UPDATE OR DELETE") + no_truncate(table)


def no_delete(table: str) -> str:
    """This will keep every row of `table` for ever."""
    return _trigger(table, f"{table}_no_delete", "BEFORE DELETE") + no_truncate(table)


def no_truncate(table: str) -> str:
    """This will refuse TRUNCATE, which row triggers do not see."""
    return _trigger(table, f"{table}_no_truncate", "BEFORE TRUNCATE", level="STATEMENT")


def frozen_columns(table: str, columns: Sequence[str]) -> str:
    """This will refuse any change of `columns` once a row is written."""
    changed = " OR ".join(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"' for column in columns)
    return _trigger(table, f"{table}_frozen", "BEFORE UPDATE", condition=changed)


def write_once_columns(table: str, columns: Sequence[str]) -> str:
    """This will refuse any change of `columns` once they hold a value."""
    changed = " OR ".join(
        f'(OLD."{column}" IS NOT NULL AND OLD."{column}" IS DISTINCT FROM NEW."{column}")' for column in columns
    )
    return _trigger(table, f"{table}_write_once", "BEFORE UPDATE", condition=changed)


def state_machine(table: str, column: str, *, births: Sequence[str], moves: Iterable[tuple[str, str]]) -> str:
    """This will let rows be born only in `births` and change `column` only along `moves` (source, target)."""
    born = ", ".join(f"'{state}'" for state in births)
    pairs = ", ".join(f"'{source}>{target}'" for source, target in sorted(moves))
    name = f"{table}_{column}_machine"
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW."{column}" NOT IN ({born}) THEN
            RAISE EXCEPTION '% is not born in %', TG_TABLE_NAME, NEW."{column}"
                USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
    ELSIF NEW."{column}" <> OLD."{column}" AND (OLD."{column}" || '>' || NEW."{column}") NOT IN ({pairs}) THEN
        RAISE EXCEPTION '% cannot go from % to %', TG_TABLE_NAME, OLD."{column}", NEW."{column}"
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
""" + _trigger(table, name, f'BEFORE INSERT OR UPDATE OF "{column}"', function=name)


def deferred_check(table: str, name: str, *, events: str, body: str, condition: str = "") -> str:
    """This will run a plpgsql `body` at commit for each row touched that meets `condition`; it raises to refuse the
    transaction.
    """
    only_if = f"WHEN ({condition})" if condition else ""
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
{body}
$$;
DROP TRIGGER IF EXISTS {name} ON {table};
CREATE CONSTRAINT TRIGGER {name} AFTER {events} ON {table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW {only_if} EXECUTE FUNCTION {name}();
"""


def _trigger(
    table: str, name: str, when: str, *, level: str = "ROW", condition: str = "", function: str = "surety_refuse"
) -> str:
    only_if = f"WHEN ({condition})" if condition else ""
    return f"""
DROP TRIGGER IF EXISTS {name} ON {table};
CREATE TRIGGER {name} {when} ON {table} FOR EACH {level} {only_if} EXECUTE FUNCTION {function}();
"""
