"""The matrix as a table people read."""

from collections import Counter
from collections.abc import Collection, Sequence

from tests.crashes.matrix import Death, Point

WIDTH = 34


def show_broken(death: Death) -> None:
    """This will print what a death left behind and how to play it again."""
    print(f"\n{death.point.scenario}, {death.point}, {death.first} first")
    for line in death.found:
        print(f"    {line}")
    print(f"    again: {death.again()}", flush=True)


def show_differences(found: Collection[Point], listed: Collection[Point]) -> bool:
    """This will print how what was passed differs from the committed list, and return whether it does."""
    gone, new = sorted(set(listed) - set(found)), sorted(set(found) - set(listed))
    for title, points in (("disappeared", gone), ("not recorded", new)):
        for point in points:
            print(f"{title}: {point.scenario}, {point}")
    if gone or new:
        print("If that is meant: ./run crashes --record")
    return bool(gone or new)


def show_table(points: Sequence[Point], deaths: Sequence[Death], *, seconds: float) -> None:
    """This will print how many points, deaths and recoveries each scenario had; the last line is the figure."""
    passed = Counter(point.scenario for point in points)
    died = Counter(death.point.scenario for death in deaths)
    recovered = Counter(death.point.scenario for death in deaths if not death.found)
    print(f"\n{'scenario':<{WIDTH}} {'points':>6} {'deaths':>7} {'recovered':>10}")
    for name, count in passed.items():
        print(f"{name:<{WIDTH}} {count:>6} {died[name]:>7} {recovered[name]:>10}")
    print(f"{'all':<{WIDTH}} {passed.total():>6} {died.total():>7} {recovered.total():>10}")
    print(f"\n{died.total()} deaths in {seconds:.0f} s")
    print(f"{died.total() - recovered.total()} not recovered")
