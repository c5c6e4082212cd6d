"""Proof that the simulation repeats itself, has teeth and shortens its finds. Its seeds stand in `seeds/`."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from random import Random
from unittest.mock import patch

import pytest
from django.db import connection

from checkout.models import Cart
from oversight.models import Case
from tests import databases
from tests.journeys.buyers import paid, pay_again
from tests.journeys.facts import control, fault, unheard
from tests.sabotage.defects import BY_NAME
from tests.simulation import rest, workers
from tests.simulation.customers import look
from tests.simulation.director import Director, Run
from tests.simulation.furniture import a_success_heard_of, lose_its_effect, take_for_refused
from tests.simulation.judge import CHECK_NAMES, Judge, unprocessed_events
from tests.simulation.odds import ACTS, HAPPENINGS, odds_for
from tests.simulation.rest import FORGOTTEN_DAYS
from tests.simulation.script import WHOLE, Step, shrink
from tests.simulation.world import World

STEPS = 100
HOUR, DAY = 3600, 86400
FIXED = range(1, 9)


@pytest.fixture(autouse=True)
def _in_silence() -> Iterator[None]:
    # Faults are the point here, and each is logged as an error by the code that survives it.
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def draw(seed: int, *, steps: int = STEPS, is_watched: bool = False) -> Run:
    """This will play a seed."""
    with Director(seed=seed, is_watched=is_watched) as director:
        return director.draw(steps)


def history(run: Run) -> list[tuple[str, str, int]]:
    """What happened, without ids."""
    return [(str(entry.step), entry.ended_at, entry.statements) for entry in run.log]


class TestHarness:
    def test_one_seed_is_one_history(self, database: str, emptying_statement: str) -> None:
        first = draw(5, steps=60)
        databases.empty(database, statement=emptying_statement)
        second = draw(5, steps=60, is_watched=True)

        assert history(first) == history(second)
        assert (first.sights, len(second.sights)) == ([], len(second.log) + 1)
        assert 60 <= first.counted_steps < 80

    def test_who_is_in_the_middle_of_something_ends_with_the_run(self, database: str) -> None:
        with Director(seed=5) as director:
            run = director.play([Step("begin", 0, "fill_cart", 1)])
            director.stage.begin(0, name="fill_cart", act=lambda: ACTS["fill_cart"][1](director.world, Random(2)))
            is_paused = director.stage.slots[0].is_busy

        assert run.broken == []
        assert is_paused
        assert not any(thread.name.startswith("actor") for thread in threading.enumerate())

    def test_whoever_gets_to_a_doomed_place_dies_there_and_nobody_after_them(self, database: str) -> None:
        with Director(seed=5) as director:
            director.stage.doom("tx:checkout.create_cart:commit")
            run = director.play([Step("begin", 0, "fill_cart", 1, 9), Step("begin", 1, "fill_cart", 2, 9)])

        assert run.broken == []
        assert run.kills == {"tx:checkout.create_cart:commit": 1}
        assert run.points["tx:checkout.create_cart:committed"] == 1

    @pytest.mark.parametrize("place", ["tx:checkout.create_cart:commit", "tx:checkout.create_cart:committed"])
    def test_a_session_with_nothing_open_outlives_its_process(self, database: str, place: str) -> None:
        """What was not committed is gone with the process all the same."""
        sessions: list[int] = []

        def note() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                sessions.append(cursor.fetchone()[0])

        with Director(seed=5) as director:
            director.stage.begin(0, name="note", act=note)
            director.stage.doom(place)
            run = director.play([Step("begin", 0, "fill_cart", 1, 9)])
            carts = Cart.objects.count()
            director.stage.begin(0, name="note", act=note)

        assert run.broken == []
        assert run.kills == {place: 1}
        assert carts == place.endswith(":committed")
        assert len(set(sessions)) == 1

    def test_a_sweep_that_crashes_while_all_comes_to_rest_is_a_finding(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash() -> None:
            raise RuntimeError("no move")

        monkeypatch.setitem(workers.SWEEPS, "refunds", crash)
        with Director(seed=5) as director:
            run = director.play([Step("begin", 0, "fill_cart", 1)])

        assert [one.text for one in run.broken] == ["sweep refunds crashed at rest: RuntimeError: no move"]

    def test_what_the_last_fortnight_brings_to_light_is_given_its_time(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def is_quiet(world: World) -> bool:
            # As with a refund that a slow bank begins because an approval lapsed on day three.
            since = world.shop.virtual.now() - began
            return not 3 * DAY <= since < FORGOTTEN_DAYS * DAY + HOUR

        with Director(seed=5) as director:
            began = director.world.shop.virtual.now()
            monkeypatch.setattr(rest, "_is_quiet", is_quiet)
            run = director.play([])
            ended = director.world.shop.virtual.now()

        assert run.broken == []
        assert HOUR <= ended - began - FORGOTTEN_DAYS * DAY < DAY

    def test_a_story_lets_somebody_order_first_and_each_of_its_scenes_is_looked_at(self, database: str) -> None:
        story = Step("begin", 0, "bank_is_slow", 3, WHOLE)
        with (
            Director(seed=5, odds=odds_for(5, mood="even", groups=["provider"])) as director,
            patch.object(director._judge, "after_step", wraps=director._judge.after_step) as looks,
        ):
            assert director._play(story)
            told = len(director.run.log)
            people = list(Case.objects.values_list("type", flat=True))

        assert people == ["payment_pending_too_long"]
        assert director.run.counted_steps == told == looks.call_count > 2
        assert {entry.ended_at for entry in director.run.log[:-1]} == {"page"}

    def test_what_people_were_told_of_keeps_nobody_from_rest(self, database: str) -> None:
        with Director(seed=5) as director:
            HAPPENINGS["stranger_pays"][1](director.world, Random(1))
            began = director.world.shop.virtual.now()
            run = director.play([])
            days = (director.world.shop.virtual.now() - began) / DAY
            parked = list(unprocessed_events()), Case.objects.filter(type="unmatched_webhook").exists()

        assert (run.broken, parked) == ([], ([], True))
        # People are told after hours; every round that is played would take two weeks before the last two and after.
        assert days < FORGOTTEN_DAYS + 2

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

    def test_a_success_that_was_processed_without_its_effect_is_seen_at_once(self, database: str) -> None:
        with Director(seed=5) as director:
            a_success_heard_of(director.world.shop)
            lose_its_effect(database)
            found = Judge(director.world).after_step()

        assert "processed_events_took_effect" in {one.check for one in found}

    @pytest.mark.parametrize("is_known", [True, False])
    def test_who_is_asked_to_pay_though_an_answer_is_missing_complains(self, database: str, is_known: bool) -> None:
        with Director(seed=5) as director:
            shop, world = director.world.shop, director.world
            order = paid(shop)
            control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
            fault(shop, "timeout_after", "payment_intents.create", times=3)
            assert pay_again(shop, order, token="pm_card_visa").status_code == 202
            for customer in world.customers:
                customer.order_id, customer.order_token = order["order_id"], order["order_token"]
            with nullcontext() if is_known else patch("checkout.answers.orders_in_doubt", lambda _: set()):
                look(world, Random(1))

        assert [" asks to be paid before " in text for text in world.complaints] == ([] if is_known else [True])

    @pytest.mark.parametrize("is_ours", [True, False])
    def test_of_a_payment_made_twice_the_one_we_know_is_what_counts_as_refused(
        self, database: str, is_ours: bool
    ) -> None:
        with Director(seed=5) as director:
            shop, world = director.world.shop, director.world
            a_success_heard_of(shop)
            HAPPENINGS["charge_twice"][1](world, Random(1))
            [known] = {row["id"] for row in shop.truth("intent")} - world.made_twice
            reference = known if is_ours else next(iter(world.made_twice))
            unheard(shop, "reversals", payment_intent=next(iter(world.made_twice)))
            take_for_refused(database, reference=reference)
            found = Judge(director.world).after_step()

        assert ("refusals_are_the_providers" in {one.check for one in found}) is is_ours

    def test_a_success_that_was_taken_back_is_not_the_one_that_came_since(self, database: str) -> None:
        with Director(seed=5) as director:
            shop = director.world.shop
            a_success_heard_of(shop)
            shop.pass_time(seconds=5)
            unheard(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
            paid_again = shop.confirm({"client_secret": shop.attempt().client_secret})
            lose_its_effect(database)
            found = Judge(director.world).after_step()

        assert paid_again == 200
        assert "processed_events_took_effect" not in {one.check for one in found}


class TestShrink:
    def test_leaves_what_the_failure_needs(self) -> None:
        steps = [Step("world", name="seconds_pass", seed=number) for number in range(50)]
        needed = {steps[7], steps[31]}

        short = shrink(steps, fails=lambda left: needed <= set(left))

        assert short == [steps[7], steps[31]]
