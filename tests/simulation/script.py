"""What happens, step by step: drawn from a seed, written down, played again, shortened.

A step says what is tried; where the world is not fit for it any more (a slot is free that should go on), it is passed
over. So every shorter list of steps is a script as well, which is what shrinking needs.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.simulation.stage import INJURIES

SLOTS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One choice. `kind`: begin (an act in a slot), go (a paused actor), world (something happens to all)."""

    kind: str
    slot: int = 0
    name: str = ""
    seed: int = 0

    def __str__(self) -> str:
        """As it stands in a script's file."""
        return f"{self.kind} {self.slot} {self.name or '-'} {self.seed}"

    @classmethod
    def parse(cls, line: str) -> "Step":
        """This will read what `str` wrote."""
        kind, slot, name, seed = line.split()
        return cls(kind, int(slot), "" if name == "-" else name, int(seed))


@dataclass(frozen=True)
class Odds:
    """How often what is drawn. Weights, not probabilities."""

    acts: dict[str, int]
    world: dict[str, int]
    faults: frozenset[str]
    injured: float = 0.03
    worldly: float = 0.12
    begun: float = 0.35


class Draw:
    """The next step from a seed. It sees which slots are busy and nothing else."""

    def __init__(self, seed: int, odds: Odds) -> None:
        """Seed it."""
        self._random = random.Random(seed)
        self._odds = odds

    def next(self, *, free: Sequence[int], busy: Sequence[int]) -> Step:
        """This will draw one step."""
        chance, odds = self._random.random(), self._odds
        seed = self._random.getrandbits(30)
        if chance < odds.worldly:
            return Step("world", name=self._weighted(odds.world), seed=seed)
        if free and (not busy or chance < odds.worldly + odds.begun):
            return Step("begin", self._random.choice(free), self._weighted(odds.acts), seed)
        injury = ""
        if self._random.random() < odds.injured:
            injury = self._random.choice([one for one in INJURIES if one in odds.faults] or [""])
        return Step("go", self._random.choice(busy), injury)

    def _weighted(self, weights: dict[str, int]) -> str:
        return self._random.choices(list(weights), weights=list(weights.values()))[0]


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
