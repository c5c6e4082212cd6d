"""What a run and many runs came to, as tables people read."""

from pathlib import Path

from core.machines import load_order_transitions
from tests.simulation.director import Run
from tests.simulation.running import Tally

# Transitions that wait for fulfillment, refunds and disputes: nothing in the product makes them yet.
LATER = Path(__file__).with_name("later_transitions.txt")


def show_run(run: Run) -> None:
    """This will print a run's event log, what is broken, and the script that plays it again."""
    start = run.log[0].seconds if run.log else 0.0
    print(f"\nseed {run.seed}, {len(run.log)} steps\n")
    print(f"{'step':>5} {'clock':>12}  {'slot':<4} what")
    for entry in run.log:
        place = "-" if entry.step.kind == "world" else str(entry.step.slot)
        what = entry.step.name or "goes on"
        where = f" → {entry.ended_at}" if entry.ended_at else ""
        print(f"{entry.number:>5} {entry.seconds - start:>10.1f} s  {place:<4} {what}{where}")
    print(f"\nbroken: {'; '.join(map(str, run.broken)) or 'nothing'}")
    print(f"\nthe script, for ./run simulate --seed {run.seed} --script FILE:")
    for step in run.steps:
        print(step)


def show_tally(tally: Tally) -> None:
    """This will print what was seen how often; the last line is the figure."""
    later = set(LATER.read_text().split("\n")) if LATER.exists() else set()
    print("\ntransition                                              fired")
    for row in load_order_transitions():
        source, target = row["source"], row["target"]
        note = "  (later)" if f"{source},{target}" in later else ""
        print(f"{f'{source} → {target}':<55} {tally.transitions[source, target]:>6}{note}")
    for title, counter in (("seen", tally.done), ("killed at", tally.kills), ("reached", tally.points)):
        print(f"\n{title:<55} times")
        for name, count in sorted(counter.items()):
            print(f"{name:<55} {count:>6}")
    per_second = tally.steps / tally.seconds if tally.seconds else 0.0
    mean = tally.statements / tally.steps if tally.steps else 0.0
    print(f"\n{tally.runs} seeds, {tally.steps:,} steps drawn and {tally.calm_steps:,} to come to rest in "
          f"{tally.seconds:.0f} s ({per_second:.0f} steps/s), {mean:.1f} statements a step")  # fmt: skip
    print(f"{len(tally.broken)} violations")
