"""How often everything must have happened over many seeds, and whether it did.

The figures are for 2,000 seeds with 200 steps; fewer seeds are compared with their share of them and judge nothing.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.machines import load_order_transitions
from tests.simulation.happenings import CALL_FAULTS, POST_FAULTS
from tests.simulation.points import kill_points
from tests.simulation.running import Tally
from tests.simulation.stage import INJURIES

SEEDS, STEPS = 2000, 200
TRANSITION_MIN, FAULT_MIN, KILL_MIN, STATEMENTS_MIN = 50, 500, 20, 8.0
FAULTS = (
    "double tap", "retry same key", "retry new key", "key reused", "other device", "payment link", "app killed",
    "back button", "cart copied", "bank left unanswered", "cancel during payment",
    "challenge", "provider keys pruned", "dashboard capture", "dashboard cancel",
    *(f"provider {kind}" for kind in CALL_FAULTS), "provider charges twice",
    "line request kept", "line late effect", "line key refused", "line answer read late", "overtaken",
    *(f"webhook {kind}" for kind in POST_FAULTS),
    "webhook answer lost", "webhook before the answer", "webhook forged", "webhook old",
    "task lost", "task run again", "task run after days", "broker emptied",
    *INJURIES,
    "clock over reservations", "clock over keys", "clock over authorizations",
    "staff asks", "staff replay", "staff cancels", "money too late",
)  # fmt: skip
_HERE = Path(__file__).parent
# Transitions that wait for a later issue, each with its reason.
LATER = _HERE / "later_transitions.csv"


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened, and how often it must over so many seeds; 0 when it need not."""

    kind: str
    name: str
    times: int
    required: float

    @property
    def is_missed(self) -> bool:
        """Whether it happened too seldom."""
        return self.times < self.required


def counts(tally: Tally) -> Iterator[Count]:
    """This will yield every count that is asked for."""
    share = tally.runs / SEEDS
    later = later_transitions()
    for row in load_order_transitions():
        pair = (row["source"], row["target"])
        required = 0.0 if pair in later else TRANSITION_MIN * share
        yield Count("transition", f"{pair[0]} → {pair[1]}", tally.transitions[pair], required)
    for name in FAULTS:
        yield Count("fault", name, tally.done[f"fault: {name}"], FAULT_MIN * share)
    # What a run reaches beyond the list is asked for as well.
    reached = {point for point in tally.points if not point.startswith("tx:simulation.")}
    for point in sorted(reached.union(kill_points())):
        yield Count("killed at", point, tally.kills[point], KILL_MIN * share)


def missed(tally: Tally, *, steps: int) -> list[str]:
    """This will return what was missed in words; nothing while too little was played to judge."""
    if tally.runs < SEEDS or steps < STEPS:
        return []
    found = [f"{one.kind} {one.name}: {one.times} of {one.required:.0f}" for one in counts(tally) if one.is_missed]
    if tally.statements_mean < STATEMENTS_MIN:
        found.append(f"statements a step: {tally.statements_mean:.1f} of {STATEMENTS_MIN:.0f}")
    return found


def later_transitions() -> dict[tuple[str, str], str]:
    """This will return what waits for a later issue, by source and target, with issue and reason."""
    with LATER.open(newline="") as file:
        return {(row["source"], row["target"]): f"{row['issue']}: {row['reason']}" for row in csv.DictReader(file)}
