"""Many seeds over several processes, each with a database of its own; what they came to, added up."""

import gc
import logging
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from queue import Empty
from typing import Any, Self

from django.db import connections
from django.db.backends.signals import connection_created

from tests import databases
from tests.simulation.director import Director, Run
from tests.simulation.judge import CHECK_NAMES
from tests.simulation.odds import GROUPS
from tests.simulation.script import Step, shrink


@dataclass
class Tally:
    """What all runs came to."""

    runs: int = 0
    steps: int = 0
    calm_steps: int = 0
    statements: int = 0
    calm_statements: int = 0
    seconds: float = 0.0
    broken: list[Run] = field(default_factory=list)
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def statements_mean(self) -> float:
        """Statements of a drawn step."""
        return self.statements / self.steps if self.steps else 0.0

    @property
    def drawn_per_second(self) -> float:
        """Drawn steps a second, over all processes, whatever else the time went into."""
        return self.steps / self.seconds if self.seconds else 0.0

    @property
    def steps_per_second(self) -> float:
        """Steps a second that did something and were looked at, those on the way to rest among them."""
        return (self.steps + self.calm_steps) / self.seconds if self.seconds else 0.0

    def add(self, run: Run) -> None:
        """This will count one run."""
        self.runs += 1
        self.steps += run.counted_steps
        self.calm_steps += run.calm_steps
        self.statements += run.statements
        self.calm_statements += run.calm_statements
        self.transitions.update(run.transitions)
        self.done.update(run.done)
        self.points.update(run.points)
        self.kills.update(run.kills)
        if not run.is_clean:
            self.broken.append(run)


class House:
    """One process's database and the way to play in it. Use as a context.

    `checks` are names of CHECK_NAMES: what the judge looks with; `groups` are of odds.GROUPS: which faults befall.
    Everything unless told otherwise.
    """

    def __init__(self, name: str, *, checks: Collection[str] = CHECK_NAMES, groups: Collection[str] = GROUPS) -> None:
        """Remember the database's name, the checks and the faults."""
        self.checks, self.groups = checks, groups
        self._migrated = databases.migrated(name)
        self._name = name

    def __enter__(self) -> Self:
        """Make the database."""
        logging.disable(logging.CRITICAL)
        self._migrated.__enter__()
        self._emptying = databases.emptying_statement()
        # Of small tables every plan is the same, whatever the values.
        self._options = connections["default"].settings_dict["OPTIONS"]
        words = f"{self._options.get('options', '')} -c plan_cache_mode=force_generic_plan"
        options = {**self._options, "options": words.strip()}
        connections["default"].settings_dict["OPTIONS"] = options
        connection_created.connect(_keep_together)
        # A seed is over soon: garbage is collected between seeds.
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        """Drop it."""
        gc.enable()
        connection_created.disconnect(_keep_together)
        connections["default"].settings_dict["OPTIONS"] = self._options
        self._migrated.__exit__(None, None, None)

    def draw(self, seed: int, *, steps: int) -> Run:
        """This will play so many steps of a seed."""
        with self._fresh(seed) as director:
            return director.draw(steps)

    def watch(self, seed: int, *, steps: int) -> Run:
        """This will play so many steps of a seed and keep what there was to see after each."""
        with self._fresh(seed, is_watched=True) as director:
            return director.draw(steps)

    def play(self, seed: int, steps: Sequence[Step]) -> Run:
        """This will play a written script; the seed gives the ids."""
        with self._fresh(seed) as director:
            return director.play(steps)

    def shorten(self, run: Run) -> Run:
        """This will leave out of a broken run's script what its first finding does not need."""
        check = run.broken[0].check

        def fails(steps: Sequence[Step]) -> bool:
            found = self.play(run.seed, steps).broken
            return bool(found) and found[0].check == check

        return self.play(run.seed, shrink(run.steps, fails=fails))

    def _fresh(self, seed: int, *, is_watched: bool = False) -> Director:
        # What outlives a seed outlives them all, and Django's test client leaves a little with every request: looked
        # through each time, that took a twelfth of the time after six hundred seeds.
        gc.collect()
        gc.freeze()
        connections["default"].close()
        databases.empty(self._name, statement=self._emptying)
        return Director(seed=seed, checks=self.checks, groups=self.groups, is_watched=is_watched)


def _keep_together(*, connection: Any, **_: Any) -> None:
    databases.keep_together(connection.connection)


def play_all(
    seeds: Sequence[int],
    *,
    steps: int,
    processes: int,
    until: float | None = None,
    checks: Collection[str] = CHECK_NAMES,
    groups: Collection[str] = GROUPS,
) -> Iterator[Run]:
    """This will play every seed and yield what each came to, in the order they end; `until` is a monotonic time."""
    context = multiprocessing.get_context("fork")
    shares = [seeds[number::processes] for number in range(processes)]
    queue: multiprocessing.Queue[Run | None] = context.Queue()
    children = [
        context.Process(target=_play_share, args=(_house(number, checks, groups), share, steps, until, queue, core))
        for number, (share, core) in enumerate(zip(shares, _cores(processes), strict=True))
    ]
    for child in children:
        child.start()
    living = len(children)
    try:
        while living:
            run = _next(queue, children)
            if run is None:
                living -= 1
            else:
                yield run
    finally:
        for child in children:
            child.terminate()
            child.join()


def _next(queue: "multiprocessing.Queue[Run | None]", children: Sequence[BaseProcess]) -> Run | None:
    while True:
        # Its seeds are not played, whatever the others come to.
        if any(child.exitcode for child in children):
            raise SystemExit("a simulating process crashed")
        try:
            return queue.get(timeout=5)
        except Empty:
            continue


def _cores(processes: int) -> list[set[int]]:
    """Which processors each process may use: one of its own if there are enough."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if not 1 < processes <= len(cores):
        return [set(cores)] * processes
    return [{core} for core in cores[:processes]]


def _house(number: int, checks: Collection[str], groups: Collection[str]) -> House:
    return House(f"simulation_{os.getpid()}_{number}", checks=checks, groups=groups)


def _play_share(
    house: House,
    seeds: Sequence[int],
    steps: int,
    until: float | None,
    queue: "multiprocessing.Queue[Run | None]",
    cores: set[int],
) -> None:
    if cores:
        os.sched_setaffinity(0, cores)
    with house:
        for seed in seeds:
            if until is not None and time.monotonic() > until:
                break
            run = house.draw(seed, steps=steps)
            if run.is_clean:
                # Nobody reads the log of a seed that went well; sending it costs more than adding up.
                run.log, run.steps = [], []
            queue.put(run)
    # Who crashes does not say so: that is no end.
    queue.put(None)
