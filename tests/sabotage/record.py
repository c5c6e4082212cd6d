"""What was found, kept beside the code as a table of sightings, and as a page for people."""

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from tests.sabotage.defects import DEFECTS
from tests.sabotage.hunting import SEEDS, STEPS, Sighting, Trail
from tests.sabotage.planting import Defect
from tests.simulation.judge import CHECK_NAMES

FOUND = Path(__file__).with_name("found.csv")
PAGE = Path(__file__).parents[2] / "docs" / "teeth.md"
COLUMNS = ["defect", "harness", "tried", "check", "at", "steps", "text"]
TEXT_CHARACTERS = 110


def read() -> dict[str, Trail]:
    """This will return the trails that were kept, by defect; one without a sighting escaped."""
    trails: dict[str, Trail] = {}
    with FOUND.open(newline="") as lines:
        for row in csv.DictReader(lines):
            trail = trails.setdefault(row["defect"], Trail(row["defect"], row["harness"], int(row["tried"])))
            if row["check"]:
                trail.sightings.append(Sighting(row["check"], row["text"], int(row["at"]), int(row["steps"])))
    return trails


def keep(trails: Iterable[Trail]) -> None:
    """This will put new trails in the place of the old ones of the same defects and write table and page."""
    kept = {**(read() if FOUND.exists() else {}), **{trail.defect: trail for trail in trails}}
    with FOUND.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        for defect in DEFECTS:
            trail = kept.get(defect.name)
            if trail is None:
                continue
            for one in trail.of_each_check() or [Sighting("", "", 0, 0)]:
                text = one.text.splitlines()[0][:TEXT_CHARACTERS] if one.text else ""
                writer.writerow([trail.defect, trail.harness, trail.tried, one.check, one.at or "", one.steps, text])
    PAGE.write_text(page(read()))


def page(trails: dict[str, Trail]) -> str:
    """This will return the page: what each defect is and what caught it, and what each check catches by itself."""
    caught = [trails[defect.name] for defect in DEFECTS if defect.name in trails and trails[defect.name].is_caught]
    escaped = [defect for defect in DEFECTS if defect.name in trails and not trails[defect.name].is_caught]
    catches = {name: _best(caught, name) for name in CHECK_NAMES}
    blind = [name for name, best in catches.items() if best is None]
    lines = [
        "# Teeth",
        "",
        "Mistakes planted on purpose, each a few lines of the product changed in memory (`tests/sabotage/defects`),",
        "and what notices them. Written by `./run sabotage --write`, see [how-we-know.md](how-we-know.md).",
        "",
        f"{len(caught)} of {len(trails)} caught, within {max(SEEDS)} seeds of {STEPS} steps or a few runs of a race;",
        "what a mistake needs is drawn more often where a × says so.",
        f"{len(CHECK_NAMES) - len(blind)} of {len(CHECK_NAMES)} checks of the simulation catch one by themselves.",
        "",
        "## What catches each",
        "",
        "| Mistake | What is wrong | Noticed first by | Seed or run | Step |",
        "|---|---|---|---:|---:|",
        *(_row(trails[defect.name], defect) for defect in DEFECTS if defect.name in trails),
        "",
    ]
    if escaped:
        lines += ["## What escaped so far", "", *(f"- **{defect.name}**: {defect.what}" for defect in escaped), ""]
    later = [f"- {defect.name}: {defect.what}" for defect in DEFECTS if defect.name not in trails]
    if later:
        lines += ["## What nobody has hunted yet", "", *later, ""]
    lines += [
        "## What each check catches by itself",
        "",
        "| Check, the only one switched on | Mistake | Seed | Step |",
        "|---|---|---:|---:|",
        *(_check_row(name, best) for name, best in catches.items() if best is not None),
        "",
    ]
    if blind:
        lines += [
            "These have caught no planted mistake yet; a test breaks each (`reconciliation/tests/test_invariants.py`):",
            ", ".join(f"`{name}`" for name in blind) + ".",
            "",
        ]
    return "\n".join(lines)


def _row(trail: Trail, defect: Defect) -> str:
    often = ", ".join(f"`{name}` ×{times}" for name, times in defect.more.items())
    what = f"{defect.what} ({often})" if often else defect.what
    if not trail.is_caught:
        return f"| {trail.defect} | {what} | nothing, in {trail.tried} | | |"
    first = trail.first
    is_race = trail.harness == "race"
    by = f"race: {first.check}" if is_race else f"`{first.check}`"
    return f"| {trail.defect} | {what} | {by} | {first.at} | {'' if is_race else first.steps} |"


def _best(trails: Collection[Trail], check: str) -> tuple[Trail, Sighting] | None:
    seen = [
        (trail, one) for trail in trails if trail.harness != "race" for one in trail.sightings if one.check == check
    ]
    return min(seen, key=lambda found: (found[1].at, found[1].steps), default=None)


def _check_row(name: str, best: tuple[Trail, Sighting] | None) -> str:
    assert best is not None
    trail, one = best
    return f"| `{name}` | {trail.defect} | {one.at} | {one.steps} |"
