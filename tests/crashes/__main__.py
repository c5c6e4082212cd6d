"""`./run crashes [--scenario NAME [--point POINT:N]] [--first house|customer] [--alternate] [--check] [--record]`.

Plays every scenario once to find its points, then dies at each and lets others recover: once with the house first, once
with the customer. The last line is the number not recovered; exit code 0 only when it is none and the points are those
of the committed list.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup()

from django.db import connections  # noqa: E402 - Django first

from core.tests.factories import NOW  # noqa: E402
from tests import databases  # noqa: E402
from tests.crashes.ground import Ground, SharedClock, warm_up  # noqa: E402
from tests.crashes.matrix import SCENARIOS, Death, Point, die, find_points, record, recorded  # noqa: E402
from tests.crashes.planted import PLANTED  # noqa: E402
from tests.crashes.recovery import FIRST  # noqa: E402
from tests.crashes.reporting import show_broken, show_differences, show_table  # noqa: E402


def main() -> int:
    """This will do what the words ask for and return the exit code."""
    words = _words()
    with _ground(words.database) as ground:
        points = [one for name in words.scenario or SCENARIOS for one in find_points(ground, SCENARIOS[name])]
        others = [point for point in recorded() if words.scenario and point.scenario not in words.scenario]
        if words.record:
            record([*others, *points])
            print(f"{len(others) + len(points)} points recorded")
            return 0
        is_changed = show_differences([*others, *points], recorded())
        if words.check:
            print(f"{len(points)} points")
            return int(is_changed)
        began = time.monotonic()
        with PLANTED[words.plant]() if words.plant else ExitStack():
            chosen = [point for point in points if words.point in {"", str(point)}]
            deaths = list(_die_at(ground, chosen, orders=_orders(words)))
    show_table(points, deaths, seconds=time.monotonic() - began)
    return int(is_changed or not deaths or any(death.found for death in deaths))


def _orders(words: argparse.Namespace) -> list[list[str]]:
    """The orders of recovery for one point after the other, taken in turn."""
    if words.first:
        return [[words.first]]
    return [[first] for first in FIRST] if words.alternate else [list(FIRST)]


def _die_at(ground: Ground, points: Sequence[Point], *, orders: Sequence[Sequence[str]]) -> Iterator[Death]:
    for point, order in zip(points, cycle(orders), strict=False):
        for first in order:
            death = die(ground, point, first=first)
            if death.found:
                show_broken(death)
            yield death


@contextmanager
def _ground(database: str) -> Iterator[Ground]:
    # Each death makes somebody's work fail, which the code that survives it logs as an error.
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        if database:
            connections["default"].settings_dict["NAME"] = database
        else:
            database = stack.enter_context(databases.migrated(f"crashes_{os.getpid()}"))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ground = Ground(database, databases.emptying_statement(), directory, SharedClock(NOW.timestamp()))
        warm_up(ground)
        yield ground


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run crashes", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--point", default="", help="one of the scenario's, POINT:N")
    parser.add_argument("--first", choices=FIRST, help="who comes first after the death; both otherwise")
    parser.add_argument("--alternate", action="store_true", help="half of it: each death with one of the two, in turn")
    parser.add_argument("--check", action="store_true", help="only compare the points with the committed list")
    parser.add_argument("--record", action="store_true", help="write the committed list anew")
    parser.add_argument("--plant", choices=list(PLANTED), metavar="DEFECT", help="with a defect that must be found")
    parser.add_argument("--database", default="", help="a migrated database to use and empty, instead of a new one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
