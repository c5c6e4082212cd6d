"""One minute of chaos; `./run chaos --minutes 10` is the long one."""

import secrets
from pathlib import Path

import pytest

from commerce.devstack.install import is_installed
from tests.chaos.storm import KILLS_A_MINUTE_MIN, weather

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not is_installed(), reason="needs the .venv that ./run makes"),
]


class TestOneMinute:
    @pytest.mark.pains("J2")
    def test_nothing_is_lost_charged_twice_or_left_in_doubt(self, tmp_path: Path) -> None:
        outcome = weather(tmp_path, seed=secrets.randbits(31), minutes=1)

        outcome.show()
        assert outcome.broken == [], f"./run chaos --minutes 1 --seed {outcome.seed}"
        assert outcome.kills >= KILLS_A_MINUTE_MIN
        assert outcome.orders["paid"] >= 10
