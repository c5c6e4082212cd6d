"""What happens, step by step: drawn from a seed, written down, played again, shortened.

A step says what is tried; where the world is not fit for it any more (a slot is free that should go on), it is passed
over. So every shorter list of steps is a script as well, which is what shrinking needs.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

SLOTS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One choice. `kind`: begin (an act in a slot), go (a paused actor), world (something happens to all).

    `passes` is how many yield points the actor runs past before it pauses.
    """

    kind: str
    slot: int = 0
    name: str = ""
    seed: int = 0
    passes: int = 0

    def __str__(self) -> str:
        """As it stands in a script's file."""
        return f"{self.kind} {self.slot} {self.name or '-'} {self.seed} {self.passes}"

    @classmethod
    def parse(cls, line: str) -> "Step":
        """This will read what `str` wrote."""
        kind, slot, name, seed, passes = line.split()
        return cls(kind, int(slot), "" if name == "-" else name, int(seed), int(passes))


# How far an actor runs at a stretch: mostly to the next point, so that others get between, sometimes to its end.
PASSES = {0: 4, 1: 3, 2: 5, 4: 6, 9: 9}


# Past more points than any act has: a story that nobody comes between, because in pieces it would never end.
WHOLE = 10_000


@dataclass(frozen=True)
class Odds:
    """How often what is drawn. Weights, not probabilities, but for `injured` and what follows it."""

    acts: Mapping[str, float]
    world: Mapping[str, float]
    injuries: Mapping[str, float]
    deadly: Mapping[str, float]
    injured: float = 0.17
    worldly: float = 0.17
    begun: float = 0.35
    # Rarely reached: who stands here is killed more often, or nobody would ever die there.
    fragile: frozenset[str] = frozenset()
    killed: float = 0.3
    passes: Mapping[int, int] = field(default_factory=lambda: PASSES)
    stories: frozenset[str] = frozenset()
    # How likely who has the provider's answer and has not read it goes on, beside everybody else: below 1 they stand
    # there for long, and what they read is old.
    reads_answers: float = 1.0

    def always_pauses(self, point: str) -> bool:
        """This will tell whether nobody runs past a point."""
        return place_of(point) in self.fragile or (self.reads_answers < 1 and is_answer(point))


class Draw:
    """The next step from a seed. It sees which slots are free, and where the others stand, and nothing else."""

    def __init__(self, seed: int, odds: Odds) -> None:
        """Seed it."""
        self._random = random.Random(seed)
        self._odds = odds

    def next(self, *, free: Sequence[int], standing: Mapping[int, str]) -> Step:
        """This will draw one step; `standing` is the point at which each busy slot's actor paused."""
        chance, odds = self._random.random(), self._odds
        seed, passes = self._random.getrandbits(30), self._weighted(odds.passes)
        if odds.world and chance < odds.worldly:
            return Step("world", name=self._weighted(odds.world), seed=seed)
        if free and (not standing or chance < odds.worldly + odds.begun):
            slot, name = self._random.choice(free), self._weighted(odds.acts)
            return Step("begin", slot, name, seed, WHOLE if name in odds.stories else passes)
        slot = self._weighted({slot: self._haste(point) for slot, point in standing.items()})
        is_fragile = place_of(standing[slot]) in odds.fragile
        injured, injuries = (odds.killed, odds.deadly) if is_fragile else (odds.injured, odds.injuries)
        if injuries and self._random.random() < injured:
            return Step("go", slot, self._weighted(injuries), 0, passes)
        return Step("go", slot, "", 0, passes)

    def _haste(self, point: str) -> float:
        return self._odds.reads_answers if is_answer(point) else 1.0

    def _weighted(self, weights: Mapping[T, float]) -> T:
        return self._random.choices(list(weights), weights=list(weights.values()))[0]


def place_of(point: str) -> str:
    """This will return what a point belongs to: `tx:checkout.start.open` for its begin, commit and committed."""
    return point.rpartition(":")[0]


def is_answer(point: str) -> bool:
    """This will tell whether who stands here has the provider's answer and has not read it."""
    return point.startswith("call:") and point.endswith(":after")


def shrink(steps: Sequence[Step], *, fails: Callable[[Sequence[Step]], bool], tries_max: int = 200) -> list[Step]:
    """This will leave out what the failure does not need: halves first, then smaller pieces, then single steps.

    Source: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (2002).
    """
    kept, size, tries = list(steps), max(1, len(steps) // 2), 0
    while size >= 1 and tries < tries_max:
        start, has_shrunk = 0, False
        while start < len(kept) and tries < tries_max:
            shorter = kept[:start] + kept[start + size :]
            tries += 1
            if shorter and fails(shorter):
                kept, has_shrunk = shorter, True
            else:
                start += size
        size = size if has_shrunk and size > 1 else size // 2
    return kept
