"""Seeds nobody has seen; the head of the run says which."""

import pytest

from tests.simulation.seeds.playing import FIRST_FRESH, FRESH_COUNT, holds


class TestFreshSeeds:
    @pytest.mark.parametrize("seed", range(FIRST_FRESH, FIRST_FRESH + FRESH_COUNT))
    def test_nothing_breaks(self, seed: int, database: str) -> None:
        holds(seed)
