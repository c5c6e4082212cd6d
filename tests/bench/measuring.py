"""How two ways to do the same are compared."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Figure:
    """What one call costs in each of two ways, in milliseconds of this process's processor time."""

    name: str
    before_ms: float
    now_ms: float

    @property
    def ratio(self) -> float:
        """What is left of the cost."""
        return self.now_ms / self.before_ms


def compare(
    name: str, *, before: Callable[[], object], now: Callable[[], object], calls: int, rounds: int = ROUNDS
) -> Figure:
    """This will do `calls` of the one and of the other in turns and return the medians over the rounds."""
    spent: dict[str, list[float]] = {"before": [], "now": []}
    for _ in range(rounds):
        for side, act in (("before", before), ("now", now)):
            began = time.process_time()
            for _ in range(calls):
                act()
            spent[side].append((time.process_time() - began) / calls * 1000)
    return Figure(name, median(spent["before"]), median(spent["now"]))
