"""Every mistake can be planted and leaves nothing behind; the quick ones are hunted here, all by `./run sabotage`."""

import logging
import re
from collections.abc import Iterator

import pytest

from payments.services import operations
from tests import databases
from tests.sabotage import record
from tests.sabotage.defects import BY_NAME, DEFECTS
from tests.sabotage.hunting import Ground
from tests.sabotage.planting import Defect, Edit, Lost

# Caught within a few steps of an early seed; one of each kind, so that the suite shows every day that it has teeth.
QUICK = [
    "call inside the transaction",
    "amount added instead of set",
    "history in another transaction",
    "time-out stored as failure",
    "one cart, two orders",
    "duplicate delivery processed",
]
SEEDS = range(1, 13)
STEPS = 120


@pytest.fixture
def ground(database: str, emptying_statement: str) -> Iterator[Ground]:
    """The worker's own database to plant in. Mistakes make noise, which is nobody's here."""
    logging.disable(logging.CRITICAL)
    yield Ground(database, emptying=emptying_statement)
    logging.disable(logging.NOTSET)


def guards(database: str) -> dict[str, str]:
    """This will return every constraint, index and trigger of ours and every function, by name, with its text.

    PostgreSQL writes the casts of a definition that it wrote itself in another place; they are left out.
    """
    with databases.superuser(database) as connection:
        rows = connection.execute(
            """
            SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype <> 't'
            UNION ALL SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT proname::text, pg_get_functiondef(oid) FROM pg_proc
                WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
            ORDER BY 1, 2
            """
        ).fetchall()
    return {str(name): re.sub(r"::[a-z ]+(\[\])?|[()]", "", str(text)) for name, text in rows}


class TestPlanting:
    def test_leaves_code_and_database_as_they_were(self, database: str) -> None:
        before = guards(database)
        submit, call = operations.submit, operations._call

        for defect in DEFECTS:
            with defect.planted(database):
                pass

        assert guards(database) == before
        assert (operations.submit, operations._call) == (submit, call)

    def test_changes_what_runs(self, database: str) -> None:
        original = operations._call
        with BY_NAME["new provider key per retry"].planted(database):
            assert operations._call is not original
        with Lost("orders_order_one_per_cart").planted(database):
            assert "orders_order_one_per_cart" not in guards(database)

    def test_fails_where_the_lines_are_gone(self, database: str) -> None:
        gone = Edit("payments.services.operations._call", "no such line", "")

        with pytest.raises(AssertionError, match="0 times"), Defect("gone", "", (gone,)).planted(database):
            pass

    def test_no_two_have_one_name(self) -> None:
        assert len(BY_NAME) == len(DEFECTS)


class TestHunting:
    @pytest.mark.parametrize("name", QUICK)
    def test_finds(self, name: str, ground: Ground) -> None:
        tried = []
        with BY_NAME[name].planted(ground.database):
            for seed in SEEDS:
                step, found = ground.look(seed, steps=STEPS)
                tried.append(seed)
                if found:
                    print(f"{name}: {found[0]}, seed {seed}, step {step}")
                    break

        assert found, f"{name} was not noticed in seeds {tried}"


class TestRecord:
    def test_is_of_mistakes_that_are_there_and_the_page_says_it(self) -> None:
        kept = record.read()

        assert set(kept) <= set(BY_NAME)
        assert record.PAGE.read_text() == record.page(kept)
