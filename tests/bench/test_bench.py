"""That what is measured can still be measured, and that the arithmetic is right; how fast it is no test says."""

from unittest.mock import patch

import pytest

from tests.bench.measuring import compare
from tests.bench.written import measure_written


def test_compares_medians_of_rounds_in_turns() -> None:
    done: list[str] = []
    # Began and ended, six times: the two ways in three rounds, one of them disturbed.
    clock = iter([0, 4, 4, 5, 5, 9, 9, 10, 10, 99, 99, 100])

    with patch("tests.bench.measuring.time.process_time", lambda: next(clock)):
        figure = compare(
            "a lock", before=lambda: done.append("before"), now=lambda: done.append("now"), calls=2, rounds=3
        )

    assert done == ["before", "before", "now", "now"] * 3
    assert (figure.before_ms, figure.now_ms, figure.ratio) == (2000, 500, 0.25)


@pytest.mark.usefixtures("database")
def test_the_locks_of_an_order_can_be_measured() -> None:
    figures = measure_written(calls=1)

    assert [figure.name for figure in figures][:3] == ["order", "attempts with account and channel", "operations"]
    assert all(figure.before_ms > 0 and figure.now_ms > 0 for figure in figures)
