"""The lower half of the fixed seeds."""

import pytest

from tests.simulation.seeds.playing import FIXED, FIXED_HALF, holds


class TestSeeds:
    @pytest.mark.parametrize("seed", FIXED[:FIXED_HALF])
    def test_nothing_breaks(self, seed: int, database: str) -> None:
        holds(seed)
