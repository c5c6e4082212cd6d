"""Hunting a planted defect: seeds of the simulation, or rounds of a race, until something notices."""

import logging
import multiprocessing
import os
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from queue import Empty
from typing import Self

from django.db import connections
from django.test import override_settings

from core import clock
from payments.providers.registry import use_adapter
from tests import databases
from tests.concurrency.threads import deadlocks
from tests.journeys.facts import violations
from tests.sabotage.defects import BY_NAME
from tests.sabotage.planting import Defect
from tests.shop import Shop, ShopClock, open_shop
from tests.simulation import odds
from tests.simulation.director import Director, Run
from tests.simulation.judge import Finding, Judge
from tests.simulation.script import Odds
from tests.simulation.world import World

STEPS = 200
SEEDS = range(1, 21)
# How long a run is watched after the first finding, for what other checks have to say.
STEPS_AFTER = 40
RACES_MAX = 3
# Actors pause at nearly every point.
BETWEEN = {0: 8, 1: 4, 2: 3, 4: 2}
# What no check finds but the harness itself: a task, sweep or request that crashed where nothing survives a crash.
CRASHED = "the run itself crashed"


@dataclass(frozen=True)
class Sighting:
    """What noticed a defect: a check of the simulation, or a race, with its words, and after how much.

    `at` is the seed, or how many races were run; `steps` are the seed's counted steps by then.
    """

    check: str
    text: str
    at: int
    steps: int


@dataclass
class Trail:
    """One defect's sightings: the first by each check, each as that check alone would have found it."""

    defect: str
    harness: str
    tried: int = 0
    sightings: list[Sighting] = field(default_factory=list)

    def of_each_check(self) -> list[Sighting]:
        """This will return the sightings, earliest first."""
        return sorted(self.sightings, key=lambda one: (one.at, one.steps, one.check))

    @property
    def is_caught(self) -> bool:
        """Whether anything noticed."""
        return bool(self.sightings)

    @property
    def first(self) -> Sighting:
        """What noticed first."""
        return self.of_each_check()[0]


class Onlooker(Judge):
    """A judge who notes what each check finds first and lets the run go on.

    Checks only read, so a run that goes on shows of each what it would have found if it had been the only one.
    """

    def __init__(self, world: World, *, run: Run, is_patient: bool) -> None:
        """Look at this world; `run` tells the step. Who is not patient ends the run a while after the first finding."""
        super().__init__(world)
        self._run = run
        self._is_patient = is_patient
        self.seen: dict[str, tuple[int, str]] = {}

    @property
    def has_seen_enough(self) -> bool:
        """Whether the run may end."""
        first = min((step for step, _ in self.seen.values()), default=self._run.counted_steps)
        return not self._is_patient and self._run.counted_steps - first >= STEPS_AFTER

    def after_step(self, changed: Collection[str] | None = None) -> list[Finding]:
        """This will note what is broken now and say that nothing is, until enough was seen."""
        found = super().after_step(changed)
        self.note(found)
        return found if self.has_seen_enough else []

    def at_rest(self) -> list[Finding]:
        """This will note what did not converge and say that everything did."""
        self.note(super().at_rest())
        return []

    def note(self, found: Sequence[Finding]) -> None:
        """This will keep the first finding of each check."""
        for one in found:
            self.seen.setdefault(one.check, (self._run.counted_steps, one.text))


class WatchedDirector(Director):
    """A run that goes on when something is found, and comes to rest only if that is needed."""

    def __init__(self, *, seed: int, defect: Defect) -> None:
        """Remember how long to watch, and draw what the defect needs more often."""
        super().__init__(seed=seed, odds=odds_for(defect, seed))
        self._is_patient = defect.is_played_to_the_end

    def __enter__(self) -> Self:
        """Open the shop and put the onlooker in the judge's place."""
        super().__enter__()
        self.onlooker = Onlooker(self.world, run=self.run, is_patient=self._is_patient)
        self._judge = self.onlooker
        return self

    def _come_to_rest(self) -> Run:
        """Unless something was seen on the way."""
        return self.run if self.onlooker.seen and not self._is_patient else super()._come_to_rest()


def odds_for(defect: Defect, seed: int) -> Odds:
    """This will return the seed's odds, changed by what the defect needs more of."""
    usual = odds.odds_for(seed, mood=defect.mood)
    if defect.is_between:
        usual = replace(usual, passes=BETWEEN, injured=0.2)
    return replace(
        usual,
        fragile=usual.fragile | defect.dies_at,
        acts={name: weight * defect.more.get(name, 1) for name, weight in usual.acts.items()},
        world={name: weight * defect.more.get(name, 1) for name, weight in usual.world.items()},
    )


class Ground:
    """A migrated database to plant defects in, by its name and the statement that empties it."""

    def __init__(self, database: str, *, emptying: str) -> None:
        """Remember both."""
        self.database = database
        self._emptying = emptying

    def watch(self, defect: Defect, seed: int, *, steps: int) -> dict[str, tuple[int, str]]:
        """This will play a seed and return what each check found first, with the step."""
        self.empty()
        with WatchedDirector(seed=seed, defect=defect) as director:
            try:
                run = director.draw(steps)
                director.onlooker.note(run.broken)
            except Exception as crash:  # noqa: BLE001 - whatever a defect leads to is what we came for
                found = f"{type(crash).__name__}: {crash}".splitlines()[0]
                director.onlooker.seen.setdefault(CRASHED, (director.run.counted_steps, found))
            return director.onlooker.seen

    def look(self, seed: int, *, steps: int) -> tuple[int, list[str]]:
        """This will play a seed until something is found and return the step and which checks found it."""
        self.empty()
        with Director(seed=seed) as director:
            try:
                found = [one.check for one in director.draw(steps).broken]
            except Exception:  # noqa: BLE001 - whatever a defect leads to is what we came for
                found = [CRASHED]
            return director.run.counted_steps, found

    def race(self, defect: Defect) -> tuple[str, str] | None:
        """This will let the defect's race run once and return what was wrong with how it ended."""
        assert defect.race is not None
        self.empty()
        before = deadlocks(self.database)
        with a_shop() as shop:
            found = _outcome(defect, shop)
        if deadlocks(self.database) > before:
            return ("deadlock", f"PostgreSQL ended a deadlock; {found[1] if found else 'the outcome was right'}")
        return found

    def empty(self) -> None:
        """This will remove every row."""
        connections["default"].close()
        databases.empty(self.database, statement=self._emptying)


def _outcome(defect: Defect, shop: Shop) -> tuple[str, str] | None:
    assert defect.race is not None
    try:
        defect.race(shop)
    except Exception as failure:  # noqa: BLE001 - an assertion, or an error no thread may end with
        return ("outcome", f"{type(failure).__name__}: {_place(failure)}")
    broken = violations(shop)
    return ("invariants", broken[0]) if broken else None


def _place(failure: BaseException) -> str:
    """The asserting line where there is no message."""
    message = (str(failure).splitlines() or [""])[0]
    lines = [frame.line for frame in traceback.extract_tb(failure.__traceback__) if "/tests/" in frame.filename]
    return message or (lines[-1] or "" if lines else "")


@contextmanager
def a_shop() -> Iterator[Shop]:
    """This will open a shop on a clock of its own, as the tests' fixture does."""
    opened = open_shop()
    with clock.use(ShopClock(opened.virtual)), override_settings(ROOT_URLCONF="tests.urls"):
        yield opened
    use_adapter(opened.account, None)
    opened.sandbox.engine.store.close()


def hunt(defect: Defect, ground: Ground, *, seeds: Sequence[int] = SEEDS, steps: int = STEPS) -> Trail:
    """This will plant the defect and look for it until something notices, or seeds and rounds are used up."""
    if defect.race is not None:
        return _hunt_in_races(defect, ground)
    trail = Trail(defect.name, "simulation")
    with defect.planted(ground.database):
        for seed in seeds:
            trail.tried = seed
            seen = ground.watch(defect, seed, steps=steps)
            for check, (step, text) in seen.items():
                trail.sightings.append(Sighting(check, text, seed, step))
            if trail.is_caught:
                break
    return trail


def _hunt_in_races(defect: Defect, ground: Ground) -> Trail:
    trail = Trail(defect.name, "race")
    with defect.planted(ground.database):
        while not trail.is_caught and trail.tried < RACES_MAX:
            trail.tried += 1
            found = ground.race(defect)
            if found is not None:
                trail.sightings.append(Sighting(*found, trail.tried, 0))
    return trail


def hunt_all(names: Sequence[str], *, processes: int, seeds: Sequence[int], steps: int) -> Iterator[Trail]:
    """This will hunt every named defect and yield each trail as it ends."""
    context = multiprocessing.get_context("fork")
    waiting: multiprocessing.Queue[str] = context.Queue()
    found: multiprocessing.Queue[Trail] = context.Queue()
    for name in names:
        waiting.put(name)
    children: list[BaseProcess] = [
        context.Process(target=_work_off, args=(waiting, found, number, seeds, steps)) for number in range(processes)
    ]
    for child in children:
        child.start()
    try:
        for _ in names:
            yield _next(found, children)
    finally:
        for child in children:
            child.terminate()
            child.join()


def _next(found: "multiprocessing.Queue[Trail]", children: Sequence[BaseProcess]) -> Trail:
    while True:
        try:
            return found.get(timeout=5)
        except Empty:
            if any(child.exitcode for child in children):
                raise SystemExit("a hunting process crashed") from None


def _work_off(
    waiting: "multiprocessing.Queue[str]",
    found: "multiprocessing.Queue[Trail]",
    number: int,
    seeds: Sequence[int],
    steps: int,
) -> None:
    # Every mistake makes noise; what counts is what the checks say.
    logging.disable(logging.CRITICAL)
    with databases.migrated(f"sabotage_{os.getpid()}_{number}") as name:
        ground = Ground(name, emptying=databases.emptying_statement())
        while True:
            try:
                defect = BY_NAME[waiting.get(timeout=1)]
            except Empty:
                return
            found.put(hunt(defect, ground, seeds=seeds, steps=steps))
