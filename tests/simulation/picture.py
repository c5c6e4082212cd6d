"""A picture of one run as SVG: down the page what happened, across it the places of the actors, the world, the orders.

A bar is somebody in the middle of something, a dot where they ran on and where that brought them, a cross where
something befell them. An order's bar changes where its state did. Whoever opens the file reads the point's own name by
resting on its dot. What found nothing to do is left out, and so are plans to kill whoever comes by; deaths are not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from tests.simulation.director import Entry, Run
from tests.simulation.script import SLOTS

# Pixels: a row, the head, the columns of clock, one actor, the world and one order.
ROW, HEAD, FOOT = 17, 54, 46
CLOCK, LANE, WORLD, ORDER, GAP = 74, 118, 124, 152, 10
STYLE = """
text { font: 11px system-ui, sans-serif; fill: #2b2622; }
.head { font-weight: 600; } .quiet { fill: #6b635b; } .hurt { fill: #a3261b; font-weight: 600; }
"""
# Where somebody stands, by the last word of the point's name.
STANDS = {
    "begin": "about to begin",
    "commit": "about to commit",
    "committed": "committed",
    "before": "about to call",
    "during": "call under way",
    "after": "answer unread",
}
PLANS = {"doom", "doom_anywhere"}
# What somebody does, and the colours of an order's state by what it means for the money.
BUSY = "#e8e1d6"
PAPER, LINE, INK, RED = "#fbf9f5", "#e6dfd4", "#5b534b", "#a3261b"
COLOURS = {
    "waiting": "#fbe6b2",
    "failed": "#f4cdbf",
    "held": "#cfe0f5",
    "paid": "#c9e5c8",
    "returned": "#dccff0",
    "ended": "#ddd8d0",
}
MEANING = {
    "draft": "waiting",
    "payment_pending": "waiting",
    "payment_failed": "failed",
    "capture_failed": "failed",
    "payment_authorized": "held",
    "cancelled": "ended",
    "expired": "ended",
    "closed": "ended",
    "cancelled_with_refund": "returned",
    "partially_refunded": "returned",
    "refunded": "returned",
}


@dataclass(frozen=True)
class Span:
    """A bar: from this row to that one, both its own, and what stands in it."""

    first: int
    last: int
    text: str


def picture(run: Run) -> str:
    """This will return the SVG of a run that was watched."""
    run = _told(run)
    orders = list(run.sights[-1].orders)
    rows = len(run.log) + 1
    width = _left_of_order(len(orders)) + GAP
    sheet = Sheet(width, HEAD + rows * ROW + FOOT)
    sheet.text(GAP, 18, f"Seed {run.seed}: {run.counted_steps} steps, then {run.calm_steps} to come to rest", "head")
    _draw_heads(sheet, orders)
    for row, entry in enumerate(run.log):
        sheet.line(GAP, _top(row), width - GAP)
        _draw_clock(sheet, row, run)
        if entry.step.kind == "world":
            sheet.text(_left_of_world(), _base(row), _words(entry.step.name))
    for slot in range(SLOTS):
        _draw_lane(sheet, run.log, _spans_of_slot(run, slot), slot)
    for place, number in enumerate(orders):
        _draw_order(sheet, list(_spans([sight.orders.get(number, "") for sight in run.sights])), place)
    _draw_end(sheet, run, width)
    return sheet.written()


def _told(run: Run) -> Run:
    """The run without what did nothing; the last sight is of its end."""
    lines = list(zip(run.log, run.sights, strict=False))
    told = [(entry, sight) for entry, sight in lines if _is_told(entry)]
    return replace(run, log=[entry for entry, _ in told], sights=[*(sight for _, sight in told), run.sights[-1]])


def _is_told(entry: Entry) -> bool:
    if entry.step.kind == "world":
        return entry.step.name not in PLANS
    return bool(entry.statements or entry.hurt) or entry.step.kind == "go" or entry.ended_at != "done"


class Sheet:
    """Paper to draw on."""

    def __init__(self, width: int, height: int) -> None:
        """Lay it out, in pixels."""
        size = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
        self._root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
        ET.SubElement(self._root, "style").text = STYLE
        self.box(0, 0, width, height, PAPER, radius=0)

    def box(self, x: int, y: int, width: int, height: int, colour: str, *, radius: int = 4) -> None:
        """This will draw a filled box."""
        self._add("rect", x=x, y=y, width=width, height=height, rx=radius, fill=colour)

    def line(self, x: int, y: int, until: int) -> None:
        """This will rule a line across."""
        self._add("path", d=f"M{x} {y}H{until}", stroke=LINE)

    def dot(self, x: int, y: int, tip: str) -> None:
        """This will draw a dot that says `tip` to whoever rests on it."""
        self._tell(self._add("circle", cx=x, cy=y, r=3, fill=INK), tip)

    def cross(self, x: int, y: int, tip: str) -> None:
        """This will draw a cross in the same way."""
        cross = f"M{x - 4} {y - 4}L{x + 4} {y + 4}M{x - 4} {y + 4}L{x + 4} {y - 4}"
        self._tell(self._add("path", d=cross, stroke=RED, **{"stroke-width": 2}), tip)

    def text(self, x: int, y: int, words: str, kind: str = "") -> None:
        """This will write, `y` being the line it stands on."""
        self._add("text", x=x, y=y, **({"class": kind} if kind else {})).text = words

    def written(self) -> str:
        """This will return what was drawn."""
        ET.indent(self._root, " ")
        return ET.tostring(self._root, encoding="unicode") + "\n"

    def _add(self, tag: str, **attributes: object) -> ET.Element:
        return ET.SubElement(self._root, tag, {name: str(value) for name, value in attributes.items()})

    def _tell(self, mark: ET.Element, tip: str) -> None:
        ET.SubElement(mark, "title").text = tip


def _draw_heads(sheet: Sheet, orders: Sequence[str]) -> None:
    y = HEAD - 10
    sheet.text(GAP, y, "clock", "head")
    for slot in range(SLOTS):
        sheet.text(_left_of_lane(slot), y, f"place {slot + 1}", "head")
    sheet.text(_left_of_world(), y, "the world", "head")
    for place, number in enumerate(orders):
        sheet.text(_left_of_order(place), y, f"order {number}", "head")


def _draw_clock(sheet: Sheet, row: int, run: Run) -> None:
    start, now = run.log[0].seconds, run.log[row].seconds
    before = run.log[row - 1].seconds if row else start
    if row == 0 or now - before >= 1:
        sheet.text(GAP, _base(row), elapsed(now - start), "quiet")


def _draw_lane(sheet: Sheet, log: Sequence[Entry], spans: Sequence[Span], slot: int) -> None:
    left = _left_of_lane(slot)
    for span in spans:
        sheet.box(left, _top(span.first) + 1, LANE - GAP, (span.last - span.first + 1) * ROW - 2, BUSY)
        sheet.text(left + 14, _base(span.first), _words(span.text))
    for row, entry in enumerate(log):
        if entry.step.kind == "world" or entry.step.slot != slot:
            continue
        middle = _top(row) + ROW // 2
        is_first = any(span.first == row for span in spans)
        if entry.hurt:
            sheet.cross(left + 7, middle, entry.hurt)
            what, kind = _words(entry.hurt.partition(" at ")[0]), "hurt"
        else:
            sheet.dot(left + 7, middle, entry.ended_at)
            what, kind = STANDS.get(entry.ended_at.rpartition(":")[2], ""), "quiet"
        if not is_first and what:
            sheet.text(left + 14, _base(row), what, kind)


def _draw_order(sheet: Sheet, spans: Sequence[Span], place: int) -> None:
    left = _left_of_order(place)
    for span in spans:
        colour = COLOURS[MEANING.get(span.text, "paid")]
        sheet.box(left, _top(span.first) + 1, ORDER - GAP, (span.last - span.first + 1) * ROW - 2, colour)
        sheet.text(left + 6, _base(span.first), _words(span.text))


def _draw_end(sheet: Sheet, run: Run, width: int) -> None:
    row = len(run.log)
    sheet.line(GAP, _top(row), width - GAP)
    sheet.text(
        GAP, _base(row), "No more faults: everybody finishes, the post arrives, sweeps run until nothing moves", "quiet"
    )
    found = "; ".join(map(str, run.broken)) or "0 violations, looked for after every step"
    sheet.text(GAP, _base(row + 1) + 8, found, "hurt" if run.broken else "head")


def _spans_of_slot(run: Run, slot: int) -> list[Span]:
    """What was done in a place: from the row of its beginning to that of its end or of what ended it."""
    spans: list[Span] = []
    was_busy = False
    for row, (entry, sight) in enumerate(zip(run.log, run.sights, strict=False)):
        is_acting = entry.step.kind != "world" and entry.step.slot == slot
        # The later scenes of a story are logged with the step that began it.
        if is_acting and not was_busy:
            spans.append(Span(row, row, entry.step.name))
        elif spans and (is_acting or slot in sight.busy):
            spans[-1] = Span(spans[-1].first, row, spans[-1].text)
        was_busy = slot in sight.busy
    return spans


def _spans(words: Sequence[str]) -> Iterator[Span]:
    """What stands there row after row, as bars; nothing where there is nothing."""
    first = 0
    for row in range(1, len(words) + 1):
        if row == len(words) or words[row] != words[first]:
            if words[first]:
                yield Span(first, row - 1, words[first])
            first = row


def elapsed(seconds: float) -> str:
    """This will return a span of time in its two largest units."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s")) if count]
    return " ".join(parts[:2]) or "0 s"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _top(row: int) -> int:
    return HEAD + row * ROW


def _base(row: int) -> int:
    return _top(row) + ROW - 5


def _left_of_lane(slot: int) -> int:
    return GAP + CLOCK + slot * LANE


def _left_of_world() -> int:
    return _left_of_lane(SLOTS)


def _left_of_order(place: int) -> int:
    return _left_of_world() + WORLD + place * ORDER
