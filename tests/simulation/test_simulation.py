"""Proof that the simulation repeats itself, has teeth and shortens its finds. Its seeds stand in `seeds/`."""

import logging
import threading
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from tests import databases
from tests.sabotage.defects import BY_NAME
from tests.simulation.director import Director, Run
from tests.simulation.judge import CHECK_NAMES, Judge
from tests.simulation.odds import ACTS
from tests.simulation.script import Step, shrink

STEPS = 100
FIXED = range(1, 9)


@pytest.fixture(autouse=True)
def _in_silence() -> Iterator[None]:
    # Faults are the point here, and each is logged as an error by the code that survives it.
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def draw(seed: int, *, steps: int = STEPS) -> Run:
    """This will play a seed."""
    with Director(seed=seed) as director:
        return director.draw(steps)


def history(run: Run) -> list[tuple[str, str, int]]:
    """What happened, without ids."""
    return [(str(entry.step), entry.ended_at, entry.statements) for entry in run.log]


class TestHarness:
    def test_one_seed_is_one_history(self, database: str, emptying_statement: str) -> None:
        first = draw(5, steps=60)
        databases.empty(database, statement=emptying_statement)
        second = draw(5, steps=60)

        assert history(first) == history(second)
        assert first.counted_steps == 60

    def test_who_is_in_the_middle_of_something_ends_with_the_run(self, database: str) -> None:
        with Director(seed=5) as director:
            run = director.play([Step("begin", 0, "fill_cart", 1)])
            director.stage.begin(0, name="fill_cart", act=lambda: ACTS["fill_cart"][1](director.world, Random(2)))
            is_paused = director.stage.slots[0].is_busy

        assert run.broken == []
        assert is_paused
        assert not any(thread.name.startswith("actor") for thread in threading.enumerate())

    def test_a_new_key_for_each_retry_is_found_and_its_script_shortened(
        self, database: str, emptying_statement: str
    ) -> None:
        def play(steps: Sequence[Step]) -> Run:
            databases.empty(database, statement=emptying_statement)
            with Director(seed=found.seed) as director:
                return director.play(steps)

        with BY_NAME["new provider key per retry"].planted(database):
            for seed in FIXED:
                databases.empty(database, statement=emptying_statement)
                found = draw(seed)
                if not found.is_clean:
                    break
            short = shrink(found.steps, fails=lambda steps: not play(steps).is_clean, tries_max=30)
            again = play([Step.parse(str(step)) for step in short])

        assert found.broken[0].text.startswith(("I1 ", "I2 ", "I3 "))
        assert found.broken[0].check in CHECK_NAMES
        assert not again.is_clean
        assert len(short) < len(found.steps) / 2


class TestChecks:
    def test_one_alone_sees_what_it_is_for_and_nothing_else(self, database: str) -> None:
        with Director(seed=5, checks=["answers_make_sense"]) as seeing:
            seeing.world.complain("an answer that nobody may see")
            seen = seeing.play([Step("begin", 0, "fill_cart", 1)])

        assert [str(one) for one in seen.broken] == ["an answer that nobody may see [answers_make_sense]"]

    def test_one_that_looks_elsewhere_sees_nothing(self, database: str) -> None:
        with Director(seed=5, checks=["one_current_attempt_per_tender"]) as blind:
            blind.world.complain("an answer that nobody may see")
            seen = blind.play([Step("begin", 0, "fill_cart", 1)])

        assert seen.is_clean

    def test_a_name_that_no_check_has_is_refused(self, database: str) -> None:
        with Director(seed=5) as director, pytest.raises(KeyError, match="no_such_check"):
            Judge(director.world, checks=["no_such_check"])


class TestShrink:
    def test_leaves_what_the_failure_needs(self) -> None:
        steps = [Step("world", name="seconds_pass", seed=number) for number in range(50)]
        needed = {steps[7], steps[31]}

        short = shrink(steps, fails=lambda left: needed <= set(left))

        assert short == [steps[7], steps[31]]
