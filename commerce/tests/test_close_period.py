"""The command: what it closes, and what it refuses in a sentence."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core import clock
from ledger import services
from ledger.models import Period
from ledger.tests.factories import ENTITY, NOON, a_channel, a_movement, an_account, posted
from oversight.tests.factories import StandingClock

pytestmark = pytest.mark.usefixtures("database")


class TestClosePeriod:
    def test_closes_a_day(self, capsys: pytest.CaptureFixture[str]) -> None:
        a_channel()

        with clock.use(StandingClock(NOON + timedelta(days=1))):
            call_command("close_period", ENTITY, "2026-06-15")

        period = Period.objects.get()
        assert capsys.readouterr().out == f"2026-06-15 is closed, totals {period.totals_sha256}\n"

    def test_closes_a_month_and_its_days(self, capsys: pytest.CaptureFixture[str]) -> None:
        posted(services.post_capture, a_movement(an_account(a_channel())))

        with clock.use(StandingClock(NOON + timedelta(days=20))):
            call_command("close_period", ENTITY, "2026-06")

        assert capsys.readouterr().out.startswith("2026-06 is closed")
        assert Period.objects.count() == 31

    @pytest.mark.parametrize(
        ("entity", "period", "why"),
        [
            (ENTITY, "2026-06-15", "not over yet"),
            (ENTITY, "2026-6", "neither a day"),
            ("Nobody", "2026-06-14", "no such legal entity"),
        ],
    )
    def test_says_why_not(self, entity: str, period: str, why: str) -> None:
        a_channel()

        with clock.use(StandingClock(NOON)), pytest.raises(CommandError, match=why):
            call_command("close_period", entity, period)
