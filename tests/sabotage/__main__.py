"""`./run sabotage [NAME…] [--seeds A..B] [--write]`: plant each defect, look until something notices, say what did.

Exit code 0 only when every one was caught. `--write` keeps what was found in `tests/sabotage/found.csv` and writes
`docs/teeth.md`.
"""

import argparse
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup()

from tests.sabotage import record  # noqa: E402 - Django first
from tests.sabotage.defects import BY_NAME  # noqa: E402
from tests.sabotage.hunting import SEEDS, STEPS, Trail, hunt_all  # noqa: E402


def main() -> int:
    """This will do what the words ask for and return the exit code."""
    words = _words()
    names = words.names or list(BY_NAME)
    first, _, last = words.seeds.partition("..")
    seeds = range(int(first), int(last or first) + 1)
    print(f"{len(names)} defects, seeds {seeds[0]}..{seeds[-1]}, {STEPS} steps each, {words.processes} processes")
    began, trails = time.monotonic(), []
    for trail in hunt_all(names, processes=min(words.processes, len(names)), seeds=seeds, steps=STEPS):
        trails.append(trail)
        _show(trail, after_seconds=time.monotonic() - began)
        if words.write:
            record.keep([trail])
    escaped = sum(not trail.is_caught for trail in trails)
    print(f"{len(trails) - escaped} caught, {escaped} escaped")
    return 1 if escaped else 0


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run sabotage", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BY_NAME, []], metavar="NAME", help="defects; all unless named")
    parser.add_argument("--seeds", default=f"{SEEDS[0]}..{SEEDS[-1]}", help="A..B, both included")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep what was found and write docs/teeth.md")
    return parser.parse_args()


def _show(trail: Trail, *, after_seconds: float) -> None:
    if not trail.is_caught:
        print(f"{after_seconds:>6.0f} s  ESCAPED  {trail.defect}, {trail.tried} tried", flush=True)
        return
    where = f"{trail.harness} {trail.first.at}, step {trail.first.steps}"
    print(f"{after_seconds:>6.0f} s  caught   {trail.defect}: {trail.first.check} ({where})", flush=True)
    for one in trail.of_each_check():
        print(f"{'':>19}{one.check} {one.at}/{one.steps}: {one.text[:150]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
