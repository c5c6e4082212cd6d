"""What a run and many runs came to, as tables people read."""

from tests.simulation.counts import counts, later_transitions, missed
from tests.simulation.director import Run
from tests.simulation.running import Tally


def show_run(run: Run) -> None:
    """This will print a run's event log, what is broken, and the script that plays it again."""
    start = run.log[0].seconds if run.log else 0.0
    print(f"\nseed {run.seed}, {len(run.log)} steps\n")
    print(f"{'step':>5} {'clock':>12}  {'slot':<4} what")
    for entry in run.log:
        place = "-" if entry.step.kind == "world" else str(entry.step.slot)
        what = entry.step.name or "goes on"
        where = f" → {entry.ended_at}" if entry.ended_at else ""
        where += f" ({entry.hurt})" if entry.hurt else ""
        print(f"{entry.number:>5} {entry.seconds - start:>10.1f} s  {place:<4} {what}{where}")
    print(f"\nbroken: {'; '.join(map(str, run.broken)) or 'nothing'}")
    print(f"\nthe script, for ./run simulate --seed {run.seed} --script FILE:")
    for step in run.steps:
        print(step)


def show_tally(tally: Tally, *, steps: int) -> None:
    """This will print what was seen how often, beside how often it must be; the last line is the figure."""
    later, kind = later_transitions(), ""
    for one in counts(tally):
        if one.kind != kind:
            kind = one.kind
            print(f"\n{kind:<60} {'times':>7} {'must':>7}")
        pair = tuple(one.name.split(" → "))
        note = f"  later, {later[pair]}" if pair in later else "  below" if one.is_missed else ""
        print(f"{one.name:<60} {one.times:>7} {one.required:>7.1f}{note}")
    for title, counter in (("seen", tally.done), ("reached", tally.points)):
        print(f"\n{title:<60} {'times':>7}")
        for name, count in sorted(counter.items()):
            if not name.startswith("fault: "):
                print(f"{name:<60} {count:>7}")
    calm_mean = tally.calm_statements / tally.calm_steps if tally.calm_steps else 0.0
    print(
        f"\n{tally.runs} seeds in {tally.seconds:.0f} s: {tally.steps:,} steps drawn with {tally.statements_mean:.1f} "
        f"statements each, {tally.calm_steps:,} to come to rest with {calm_mean:.1f}; {tally.steps_per_second:.0f} "
        f"steps/s, {tally.drawn_per_second:.0f} of them drawn"
    )
    for line in missed(tally, steps=steps):
        print(f"missed: {line}")
    print(f"{len(tally.broken)} violations")
