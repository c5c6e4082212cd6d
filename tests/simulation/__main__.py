"""`./run simulate --seed N | --seeds A..B [--steps M] [--faults GROUP …] [--minutes T] [--script|--picture FILE]`.

Plays and prints what was seen. Exit code 0 only when nothing was broken and, over 2,000 seeds or more, everything
happened as often as it must. A broken seed is shortened and its script printed; `--script FILE` plays it.
"""

import argparse
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup()

from tests.simulation.counts import missed  # noqa: E402 - Django first
from tests.simulation.judge import CHECK_NAMES  # noqa: E402
from tests.simulation.odds import GROUPS  # noqa: E402
from tests.simulation.picture import picture  # noqa: E402
from tests.simulation.reporting import show_run, show_tally  # noqa: E402
from tests.simulation.running import House, Tally, play_all  # noqa: E402
from tests.simulation.script import Step  # noqa: E402

ENDLESS = 1_000_000
SHOWN_EVERY = 100


def main() -> int:
    """This will do what the words ask for and return the exit code."""
    words = _words()
    if words.script:
        return _play_script(words.script, seed=words.seed or 0)
    if words.picture:
        return _draw_picture(words.picture, seed=words.seed or 1, steps=words.steps)
    seeds = [words.seed] if words.seed else _seeds(words.seeds or f"1..{ENDLESS if words.minutes else 20}")
    if words.fresh:
        first = secrets.randbits(31)
        seeds = list(range(first, first + words.fresh))
    looking_with: dict[str, Any] = {
        "checks": words.only_check or CHECK_NAMES, "groups": words.faults or GROUPS,
    }  # fmt: skip
    print(f"seeds {seeds[0]}..{seeds[-1]}, {words.steps} steps each, {words.processes} processes")
    began, tally = time.monotonic(), Tally()
    until = began + words.minutes * 60 if words.minutes else None
    processes = min(words.processes, len(seeds))
    for run in play_all(seeds, steps=words.steps, processes=processes, until=until, **looking_with):
        tally.add(run)
        if not run.is_clean:
            print(f"seed {run.seed}: {'; '.join(map(str, run.broken[:3]))}", flush=True)
        if tally.runs % SHOWN_EVERY == 0:
            print(f"{tally.runs} seeds in {time.monotonic() - began:.0f} s, {len(tally.broken)} broken", flush=True)
        if len(tally.broken) >= words.broken_max:
            break
    tally.seconds = time.monotonic() - began
    if tally.broken and not words.as_drawn:
        with House(f"simulation_shrink_{secrets.randbits(20)}", **looking_with) as house:
            show_run(house.shorten(tally.broken[0]))
    show_tally(tally, steps=words.steps)
    is_complete = words.faults or words.only_check or not missed(tally, steps=words.steps)
    return 0 if is_complete and not tally.broken else 1


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run simulate", description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", help="A..B, both included")
    parser.add_argument("--fresh", type=int, help="so many seeds nobody has seen")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument(
        "--faults", nargs="+", choices=GROUPS, metavar="GROUP", help=f"these faults only, of {', '.join(GROUPS)}"
    )
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--only-check",
        action="append",
        choices=CHECK_NAMES,
        metavar="NAME",
        help="look with this check alone (repeatable)",
    )
    parser.add_argument("--broken-max", type=int, default=1, help="stop after so many broken seeds")
    parser.add_argument("--as-drawn", action="store_true", help="do not shorten a broken seed")
    parser.add_argument("--script", type=Path, help="a script as a broken seed prints it")
    parser.add_argument("--picture", type=Path, help="draw what one seed plays into this SVG file")
    return parser.parse_args()


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("..")
    return list(range(int(first), int(last or first) + 1))


def _play_script(path: Path, *, seed: int) -> int:
    steps = [Step.parse(line) for line in path.read_text().splitlines() if line and not line.startswith("#")]
    with House(f"simulation_script_{secrets.randbits(20)}") as house:
        run = house.play(seed, steps)
    show_run(run)
    return 0 if run.is_clean else 1


def _draw_picture(path: Path, *, seed: int, steps: int) -> int:
    with House(f"simulation_picture_{secrets.randbits(20)}") as house:
        run = house.watch(seed, steps=steps)
    path.write_text(picture(run))
    print(f"seed {seed}, {len(run.log)} scenes and {run.calm_steps} steps to come to rest: {path}")
    return 0 if run.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
