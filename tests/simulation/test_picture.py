"""The picture of a run shows what its log says: who was where, for how long, what befell them, how orders went."""

from xml.etree import ElementTree as ET

import pytest

from tests.simulation.director import Entry, Run, Sight
from tests.simulation.judge import Finding
from tests.simulation.picture import HEAD, ROW, elapsed, picture
from tests.simulation.script import Step

SVG = "{http://www.w3.org/2000/svg}"
START = 1_000.0


def a_run() -> Run:
    """Somebody pays in the first place and dies in the middle, time passes, a worker finishes it in the second."""
    run = Run(7, calm_steps=12)
    pay, die = Step("begin", 0, "pay_again"), Step("go", 0, "kill")
    told = [
        (pay, 0.0, "tx:a:begin", "", {0: "pay_again"}, {}),
        (Step("go", 0), 0.5, "call:b:after", "", {0: "pay_again"}, {"SRT1": "draft"}),
        (die, 1.0, "done", "kill at call:b:after", {}, {"SRT1": "draft"}),
        (Step("world", name="minutes_pass"), 121.0, "", "", {}, {"SRT1": "payment_pending"}),
        (Step("begin", 1, "work"), 121.2, "done", "", {}, {"SRT1": "paid", "SRT2": "draft"}),
    ]
    for number, (step, seconds, ended_at, hurt, busy, orders) in enumerate(told, start=1):
        run.log.append(Entry(number, START + seconds, step, ended_at, 3, hurt))
        run.sights.append(Sight(busy, orders))
    run.sights.append(Sight({}, {"SRT1": "paid", "SRT2": "expired"}))
    return run


def drawn(run: Run) -> ET.Element:
    """This will parse what was drawn."""
    return ET.fromstring(picture(run))


def texts(sheet: ET.Element) -> list[str]:
    return [text.text or "" for text in sheet.iter(f"{SVG}text")]


def rows_of(sheet: ET.Element, word: str) -> list[tuple[int, int]]:
    """From which row and over how many the bars go in which a word stands."""
    found = []
    before: ET.Element | None = None
    for mark in sheet:
        if mark.tag == f"{SVG}text" and mark.text == word and before is not None and before.tag == f"{SVG}rect":
            top, height = int(before.attrib["y"]) - 1 - HEAD, int(before.attrib["height"]) + 2
            found.append((top // ROW, height // ROW))
        before = mark
    return found


class TestPicture:
    def test_a_bar_goes_from_where_somebody_began_to_where_they_ended(self) -> None:
        sheet = drawn(a_run())

        assert rows_of(sheet, "pay again") == [(0, 3)]
        assert rows_of(sheet, "work") == [(4, 1)]

    def test_an_order_s_bar_changes_with_its_state_until_the_end(self) -> None:
        sheet = drawn(a_run())

        assert [rows_of(sheet, state) for state in ("draft", "payment pending", "paid", "expired")] == [
            [(1, 2), (4, 1)],
            [(3, 1)],
            [(4, 2)],
            [(5, 1)],
        ]

    def test_what_befell_somebody_is_named_and_says_where(self) -> None:
        sheet = drawn(a_run())

        tips = [tip.text for tip in sheet.iter(f"{SVG}title")]
        assert tips == ["tx:a:begin", "call:b:after", "kill at call:b:after", "done"]
        assert "kill" in texts(sheet)

    def test_the_clock_is_written_where_it_moved(self) -> None:
        shown = texts(drawn(a_run()))

        assert [text for text in shown if text in {"0 s", "1 s", "2 min 1 s"}] == ["0 s", "2 min 1 s"]

    def test_a_second_act_in_the_same_place_has_a_bar_of_its_own(self) -> None:
        run = a_run()
        run.log[4] = Entry(5, START + 122, Step("begin", 0, "work"), "done", 3)

        assert (rows_of(drawn(run), "pay again"), rows_of(drawn(run), "work")) == ([(0, 3)], [(4, 1)])

    def test_who_was_ended_with_everybody_has_a_bar_until_then(self) -> None:
        run = a_run()
        run.log[2] = Entry(3, START + 1, Step("world", name="days_pass"), "", 0)

        assert rows_of(drawn(run), "pay again") == [(0, 2)]

    def test_scenes_of_a_story_are_one_bar(self) -> None:
        run = a_run()
        story = Step("begin", 0, "paid_twice")
        run.log[:3] = [
            Entry(1, START, story, "page", 3),
            Entry(1, START, story, "page", 3),
            Entry(1, START, story, "done", 3),
        ]

        assert rows_of(drawn(run), "paid twice") == [(0, 3)]

    def test_where_somebody_stands_is_told(self) -> None:
        assert texts(drawn(a_run())).count("answer unread") == 1

    def test_what_found_nothing_to_do_and_what_is_only_planned_is_left_out(self) -> None:
        run, nothing = a_run(), Entry(6, START + 122, Step("begin", 2, "sweep"), "done", 0)
        planned = Entry(7, START + 122, Step("world", name="doom"), "", 0)
        run.log += [nothing, planned]
        run.sights[-1:-1] = [run.sights[-2]] * 2

        assert picture(run) == picture(a_run())

    def test_what_is_broken_stands_at_the_end(self) -> None:
        run = a_run()
        assert "0 violations, looked for after every step" in texts(drawn(run))

        run.broken = [Finding("returns_within_captured", "5 > 4 & <more>")]
        assert texts(drawn(run))[-1] == str(run.broken[0])

    def test_the_same_run_is_the_same_picture(self) -> None:
        assert picture(a_run()) == picture(a_run())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3725, "1 h 2 min"), (90061, "1 d 1 h"), (86460, "1 d 1 min")],
)
def test_time_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert elapsed(seconds) == words
