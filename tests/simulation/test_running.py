"""Many seeds over several processes: none is forgotten."""

from types import TracebackType
from typing import Self

import pytest

from tests.simulation import running
from tests.simulation.director import Run


class HouseOfCards:
    """One whose third seed crashes the process that plays it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def draw(self, seed: int, *, steps: int) -> Run:
        if seed == 3:
            raise AssertionError("an actor is stuck")
        return Run(seed)


@pytest.fixture(autouse=True)
def _of_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_house", lambda *_: HouseOfCards())


class TestPlayAll:
    @pytest.mark.parametrize("processes", [1, 2])
    def test_yields_what_every_seed_came_to(self, processes: int) -> None:
        runs = running.play_all([1, 2, 4, 5, 6], steps=1, processes=processes)

        assert sorted(run.seed for run in runs) == [1, 2, 4, 5, 6]

    @pytest.mark.parametrize("processes", [1, 2])
    def test_does_not_end_well_when_a_process_crashed(self, processes: int) -> None:
        with pytest.raises(SystemExit, match="crashed"):
            list(running.play_all(range(1, 7), steps=1, processes=processes))
