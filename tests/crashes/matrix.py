"""The matrix: which points a scenario passes, and what becomes of a death at each."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core import killpoints
from tests.crashes import backroom, buyers, counter
from tests.crashes.children import DEAD, Say, in_child
from tests.crashes.ground import Ground
from tests.crashes.recovery import Recovery
from tests.crashes.scenario import Scenario
from tests.journeys.deaths import points_of
from tests.simulation.world import Request

SCENARIOS = {scenario.name: scenario for scenario in [*buyers.SCENARIOS, *backroom.SCENARIOS, *counter.SCENARIOS]}
RECORDED = Path(__file__).with_name("points.csv")
COLUMNS = ("scenario", "point", "passage")


@dataclass(frozen=True, order=True)
class Point:
    """The n-th passage of a point in a scenario's act."""

    scenario: str
    point: str
    passage: int

    def __str__(self) -> str:
        """As `--point` takes it."""
        return f"{self.point}:{self.passage}"


@dataclass(frozen=True)
class Death:
    """What became of a death at a point."""

    point: Point
    first: str
    found: tuple[str, ...]

    def again(self) -> str:
        """This will return the command that plays it once more."""
        return f'./run crashes --scenario "{self.point.scenario}" --point {self.point} --first {self.first}'


class NotPassed(AssertionError):
    """A scenario broke before its process should die."""


def recorded() -> set[Point]:
    """This will read the committed list."""
    with RECORDED.open(newline="") as file:
        return {Point(row["scenario"], row["point"], int(row["passage"])) for row in csv.DictReader(file)}


def record(points: Sequence[Point]) -> None:
    """This will write the list anew, sorted."""
    with RECORDED.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((point.scenario, point.point, point.passage) for point in sorted(points))


def find_points(ground: Ground, scenario: Scenario) -> list[Point]:
    """This will play a scenario to its end and return every point its act passed, in order. Raises: NotPassed."""

    def play(say: Say) -> None:
        with ground.process(seed=1, is_first=True) as world:
            request = scenario.prepare(world)
            say(points_of(lambda: scenario.act(world, request)))
            assert world.complaints == []

    ground.clear()
    ended = in_child(play)
    if ended.code:
        raise NotPassed(f"{scenario.name} broke without any death:\n{ended.said[-1] if ended.said else ended.code}")
    return [Point(scenario.name, point, passage) for point, passage in ended.said[0]]


def die(ground: Ground, point: Point, *, first: str) -> Death:
    """This will let a process die at a point and another recover, and return what is wrong afterwards."""
    scenario = SCENARIOS[point.scenario]

    def live(say: Say) -> None:
        with ground.process(seed=1, is_first=True) as world:
            request = scenario.prepare(world)
            say(asdict(request))
            killpoints.arm(point.point, passage=point.passage)
            scenario.act(world, request)

    ground.clear()
    victim = in_child(live)
    if victim.code != DEAD:
        return Death(point, first, (f"did not die but ended with {victim.code}: {victim.said[-1]}",))
    request = Request(**victim.said[0])

    def recover(say: Say) -> None:
        with ground.process(seed=2, is_first=False) as world:
            say(Recovery(world, scenario, request, scenario.ending, first).run())

    successor = in_child(recover)
    found: Any = successor.said[-1] if successor.said else "said nothing"
    if successor.code:
        return Death(point, first, (f"the recovery ended with {successor.code}: {found}",))
    return Death(point, first, tuple(found))
