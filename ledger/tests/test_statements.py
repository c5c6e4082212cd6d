"""Trial balances and statements say the same whatever is closed and counted already."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from core.models import ProviderAccount
from ledger import selectors, services
from ledger.selectors import Balance, Ledger
from ledger.tests.factories import (
    DAY,
    ENTITY,
    NEXT,
    NOON,
    a_cause,
    a_channel,
    a_movement,
    a_sale,
    an_account,
    close,
    posted,
)

pytestmark = pytest.mark.usefixtures("database")

CLEARING = "asset:clearing:stripe:main"


class TestStatements:
    @pytest.fixture
    def busy(self, database: str) -> ProviderAccount:
        """Three days with a capture each, and a sale on the first."""
        account = an_account(a_channel())
        posted(services.post_sale, a_sale(account.channel))
        posted(services.post_capture, a_movement(account))
        for number in (1, 2):
            cause = a_cause(now=NOON + timedelta(days=number))
            posted(services.post_capture, a_movement(account, source_id=f"op_day_{number}"), cause=cause)
        return account

    @pytest.fixture(params=["open", "closed", "half closed"])
    def closing(self, request: pytest.FixtureRequest) -> Callable[[], None]:
        """How much of it is closed: the figures are the same."""

        def do() -> None:
            for day in {"open": [], "closed": [DAY, NEXT, date(2026, 6, 17)], "half closed": [DAY]}[request.param]:
                close(day, now=NOON + timedelta(days=9))

        return do

    def test_a_trial_balance_is_of_a_day(self, busy: ProviderAccount, closing: Callable[[], None]) -> None:
        closing()

        balances = selectors.trial_balance_on(legal_entity=ENTITY, is_livemode=False, business_on=NEXT)

        assert Balance(CLEARING, "GBP", 2400) in balances
        assert sum(balance.amount_minor for balance in balances) == 0
        before = selectors.trial_balance_on(legal_entity=ENTITY, is_livemode=False, business_on=date(2026, 6, 14))
        assert before == []

    def test_a_statement_goes_from_balance_to_balance(self, busy: ProviderAccount, closing: Callable[[], None]) -> None:
        closing()
        ledger = Ledger(ENTITY, CLEARING, "GBP", is_livemode=False)

        statement = selectors.account_statement(ledger, first_on=NEXT, last_on=date(2026, 6, 17))
        lines = list(statement.lines)

        assert (statement.opening_minor, statement.closing_minor) == (1200, 3600)
        assert [(line.source_id, line.amount_minor, line.balance_minor) for line in lines] == [
            ("op_day_1", 1200, 2400),
            ("op_day_2", 1200, 3600),
        ]

    def test_real_money_is_apart(self, busy: ProviderAccount) -> None:
        ledger = Ledger(ENTITY, CLEARING, "GBP", is_livemode=True)

        statement = selectors.account_statement(ledger, first_on=DAY, last_on=NEXT)

        assert (statement.opening_minor, statement.closing_minor, list(statement.lines)) == (0, 0, [])
