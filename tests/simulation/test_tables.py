"""Proof that a look asks again whatever may have changed: see Note [Asked again]."""

import json
import re
from random import Random
from unittest.mock import patch

import pytest
from django.db import connection

from reconciliation.invariants import CHECKS, combined
from tests import databases
from tests.simulation.director import Director
from tests.simulation.furniture import a_success_heard_of, lose_its_effect
from tests.simulation.judge import ANSWERED, HEARSAY, REFUSED, WITHOUT_EFFECT, Judge
from tests.simulation.odds import ACTS
from tests.simulation.script import WHOLE, Step
from tests.simulation.tables import STORE, read_by, written_by

OWN = {"REFUSED": REFUSED, "WITHOUT_EFFECT": WITHOUT_EFFECT, "ANSWERED": ANSWERED}
STATEMENTS = {check.name: combined([check]).replace("%s", "$1") for check in (*CHECKS, *HEARSAY)} | OWN


def tables_in_plan(statement: str) -> set[str]:
    """The tables PostgreSQL reads for a statement with one timestamp."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + statement.replace("$1", "now()"))
        plan = json.dumps(cursor.fetchone()[0])
    return set(re.findall(r'"Relation Name": "(\w+)"', plan))


class TestStatements:
    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ('UPDATE "orders_order" SET "state" = %s', {"orders_order"}),
            ('INSERT INTO "payments_operation" ("id") VALUES (%s)', {"payments_operation"}),
            ("\n  DELETE FROM ONLY catalog_stock WHERE id = 1", {"catalog_stock"}),
            (
                "WITH a AS (INSERT INTO core_policy VALUES (1)) UPDATE orders_order SET id = 1",
                {"core_policy", "orders_order"},
            ),
            ("INSERT INTO catalog_stock VALUES (1) ON CONFLICT DO UPDATE SET id = 2", {"catalog_stock"}),
            (f"SELECT {STORE}(%s, %s)", {"webhooks_delivery", "webhooks_event"}),
            ('SELECT "orders_order"."id" FROM "orders_order" FOR UPDATE OF "orders_order"', set()),
            ("SAVEPOINT s1", set()),
        ],
    )  # fmt: skip
    def test_writes(self, sql: str, expected: set[str]) -> None:
        assert written_by(sql) == expected

    @pytest.mark.parametrize("name", STATEMENTS)
    def test_a_check_names_every_table_it_reads(self, database: str, name: str) -> None:
        read = tables_in_plan(STATEMENTS[name])

        assert read
        assert read <= read_by(STATEMENTS[name])

    def test_no_trigger_writes_what_its_statement_does_not_name(self, database: str) -> None:
        with databases.superuser(database) as owner:
            bodies = owner.execute(
                "SELECT DISTINCT routine.proname, routine.prosrc FROM pg_trigger AS trigger "
                "JOIN pg_proc AS routine ON routine.oid = trigger.tgfoid WHERE NOT trigger.tgisinternal"
            ).fetchall()

        assert len(bodies) > 5
        assert {name: written_by(body) for name, body in bodies if written_by(body)} == {}


class TestLook:
    def test_asks_again_where_something_was_written_and_nowhere_else(self, database: str) -> None:
        with Director(seed=5) as director:
            a_success_heard_of(director.world.shop)
            judge = Judge(director.world)
            before = judge.after_step()
            lose_its_effect(database)

            elsewhere = judge.after_step(frozenset({"catalog_stock", "core_idempotencykey"}))
            there = judge.after_step(frozenset({"webhooks_event"}))
            unknown = judge.after_step()

        assert (before, elsewhere) == ([], [])
        assert {one.check for one in there} == {one.check for one in unknown} == {"processed_events_took_effect"}

    def test_knows_what_a_step_wrote(self, database: str) -> None:
        with Director(seed=5) as director:
            with patch.object(director._judge, "after_step", wraps=director._judge.after_step) as looks:
                director._play(Step("begin", 0, "fill_cart", 1, WHOLE))
                director._play(Step("world", name="seconds_pass", seed=1))
            looked = set(director.stage.changed)
            director.stage.begin(0, name="fill_cart", act=lambda: ACTS["fill_cart"][1](director.world, Random(2)))
            while director.stage.slots[0].is_busy:
                director.stage.go_on(0)
            written = set(director.stage.changed)

        told, [unknown] = [call.args[0] for call in looks.call_args_list[:-1]], looks.call_args.args
        assert "checkout_cart" in frozenset().union(*told)
        assert unknown is None
        assert looked == set()
        assert "checkout_cart" in written
        assert not any(table.startswith("payments_") for table in written)
