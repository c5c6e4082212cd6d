"""What must have happened over many seeds: the lists are sound, and what is missed is said."""

from collections import Counter

from core.machines import load_order_transitions
from tests.simulation.counts import FAULTS, SEEDS, counts, later_transitions, missed
from tests.simulation.odds import ACTS, GROUPS, HAPPENINGS, MOODS, odds_for
from tests.simulation.points import kill_points
from tests.simulation.running import Tally
from tests.simulation.stage import INJURIES


def a_full_tally(*, runs: int = SEEDS) -> Tally:
    """Everything as often as it must be."""
    return Tally(
        runs=runs,
        steps=runs * 200,
        statements=runs * 200 * 9,
        transitions=Counter({(row["source"], row["target"]): 50 for row in load_order_transitions()}),
        done=Counter({f"fault: {name}": 500 for name in FAULTS}),
        points=Counter(kill_points()),
        kills=Counter(dict.fromkeys(kill_points(), 20)),
    )


class TestCounts:
    def test_nothing_is_missed_when_everything_happened_often_enough(self) -> None:
        assert missed(a_full_tally(), steps=200) == []

    def test_what_happened_too_seldom_is_said_with_both_figures(self) -> None:
        tally = a_full_tally()
        tally.transitions["expired", "paid"] = 49
        tally.done["fault: deadlock"] = 0
        tally.points["tx:new.place:commit"] = 1
        tally.statements = tally.steps * 7

        assert missed(tally, steps=200) == [
            "transition expired → paid: 49 of 50",
            "fault deadlock: 0 of 500",
            "killed at tx:new.place:commit: 0 of 20",
            "statements a step: 7.0 of 8",
        ]

    def test_too_little_to_judge_by_misses_nothing(self) -> None:
        nothing = Tally(runs=SEEDS)

        assert missed(Tally(runs=SEEDS - 1), steps=200) == []
        assert missed(nothing, steps=199) == []
        assert missed(nothing, steps=200)

    def test_fewer_seeds_are_compared_with_their_share(self) -> None:
        (count,) = [one for one in counts(Tally(runs=SEEDS // 10)) if one.name == "deadlock"]

        assert (count.times, count.required, count.is_missed) == (0, 50, True)


class TestLists:
    def test_what_waits_for_later_is_in_the_table_and_says_for_what(self) -> None:
        table = {(row["source"], row["target"]) for row in load_order_transitions()}

        assert set(later_transitions()) <= table
        assert all(": " in reason for reason in later_transitions().values())

    def test_kill_points_are_whole_places_of_ours(self) -> None:
        assert kill_points()
        assert all(point.startswith(("tx:", "call:")) for point in kill_points())
        assert not any(point.startswith("tx:simulation.") for point in kill_points())


class TestOdds:
    def test_every_group_and_mood_names_what_there_is(self) -> None:
        known = {*ACTS, *HAPPENINGS, *INJURIES}

        assert {name for names in GROUPS.values() for name in names} <= known
        assert {name for _, mood in MOODS.values() for name in mood} <= known

    def test_without_groups_nothing_befalls_anybody(self) -> None:
        odds = odds_for(1, groups=[])

        assert not odds.injuries
        assert not odds.deadly
        assert set(odds.world) == {"seconds_pass"}

    def test_one_group_brings_its_faults_alone(self) -> None:
        odds = odds_for(1, groups=["database"])

        assert set(odds.injuries) == set(GROUPS["database"])
        assert not odds.deadly

    def test_seeds_are_in_different_moods(self) -> None:
        assert len({tuple(odds_for(seed).acts.values()) for seed in range(40)}) == len(MOODS)
