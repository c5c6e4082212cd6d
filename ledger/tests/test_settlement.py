"""What reports and bank statements say: fees, payouts, exchanges, reserves, lines unexplained, transfers."""

from collections.abc import Callable
from typing import Any

import pytest

from core.models import ProviderAccount
from core.money import Money
from ledger import chart, selectors, services
from ledger.models import Entry, Posting
from ledger.tests.factories import a_channel, an_account, posted, sides

pytestmark = pytest.mark.usefixtures("database")

CLEARING = "asset:clearing:stripe:main"
TRANSIT = "asset:payout_in_transit:stripe:main"
RESERVE = "asset:reserve:stripe:main"
SUSPENSE = "suspense:stripe:main"


@pytest.fixture
def account(database: str) -> ProviderAccount:
    """The shop's account at the provider, read with its channel."""
    return an_account(a_channel())


def a_fee(account: ProviderAccount, **more: Any) -> services.FeePosting:
    """This will return a fee of 48 pence for a capture."""
    return services.FeePosting("operation", "op_1", account, Money(48, "GBP"), attempt_public_id="payatt_1", **more)


def a_payout(account: ProviderAccount, amount_minor: int = 1000) -> services.PayoutPosting:
    """This will return a payout to the bank."""
    return services.PayoutPosting("po_1", account, Money(amount_minor, "GBP"), bank="barclays")


def a_line(account: ProviderAccount, amount_minor: int) -> services.ReportLinePosting:
    """This will return a line of a report."""
    return services.ReportLinePosting("report_line", "txn_1", account, Money(amount_minor, "GBP"))


class TestFees:
    def test_leave_clearing(self, account: ProviderAccount) -> None:
        posting = posted(services.post_fee, a_fee(account))

        assert sides(posting) == {chart.PROVIDER_FEES: 48, CLEARING: -48}

    def test_recoverable_tax_is_no_expense(self, account: ProviderAccount) -> None:
        posting = posted(services.post_fee, a_fee(account, vat_minor={"GB": 8}))

        assert sides(posting) == {chart.PROVIDER_FEES: 40, "liability:tax:GB": 8, CLEARING: -48}

    def test_name_their_attempt_on_the_expense_alone(self, account: ProviderAccount) -> None:
        posted(services.post_fee, a_fee(account))

        named = Entry.objects.filter(attempt_public_id="payatt_1").values_list("account__code", flat=True)
        assert list(named) == [chart.PROVIDER_FEES]

    def test_may_come_back(self, account: ProviderAccount) -> None:
        posted(services.post_fee, a_fee(account))
        posting = posted(services.post_fee_returned, a_fee(account))

        assert sides(posting) == {chart.PROVIDER_FEES: -48, CLEARING: 48}

    @pytest.mark.parametrize("amount_minor", [0, -48], ids=["nothing", "the wrong sign"])
    def test_refuses_a_fee_that_is_none(self, account: ProviderAccount, amount_minor: int) -> None:
        with pytest.raises(services.DoesNotBalance):
            posted(services.post_fee, services.FeePosting("operation", "op_1", account, Money(amount_minor, "GBP")))


class TestPayouts:
    @pytest.mark.parametrize(
        ("verb", "expected"),
        [
            (services.post_payout_announced, {TRANSIT: 1000, CLEARING: -1000}),
            (services.post_payout_paid, {"asset:bank:barclays": 1000, TRANSIT: -1000}),
            (services.post_payout_failed, {CLEARING: 1000, TRANSIT: -1000}),
            (services.post_payout_returned, {CLEARING: 1000, "asset:bank:barclays": -1000}),
        ],
    )
    def test_go_from_clearing_over_transit_to_the_bank(
        self, account: ProviderAccount, verb: Callable[..., Posting], expected: dict[str, int]
    ) -> None:
        assert sides(posted(verb, a_payout(account))) == expected

    def test_may_be_collected_from_us(self, account: ProviderAccount) -> None:
        posting = posted(services.post_payout_announced, a_payout(account, -300))

        assert sides(posting) == {TRANSIT: -300, CLEARING: 300}


class TestExchange:
    def test_balances_in_both_currencies_and_books_the_difference(self, account: ProviderAccount) -> None:
        exchange = services.ExchangePosting(
            "report_line", "txn_1", account, sold=Money(1000, "EUR"), bought=Money(840, "GBP"), booked_minor=850
        )

        posting = posted(services.post_settlement_fx, exchange)

        entries = Entry.objects.filter(posting=posting).values_list("account__code", "currency", "amount_minor")
        assert sorted(entries) == [
            (CLEARING, "EUR", -1000),
            (CLEARING, "GBP", 840),
            (chart.FX_EXCHANGE, "EUR", 1000),
            (chart.FX_EXCHANGE, "GBP", -850),
            (chart.FX_DIFFERENCE, "GBP", 10),
        ]

    def test_without_a_rate_of_ours_nothing_is_lost(self, account: ProviderAccount) -> None:
        exchange = services.ExchangePosting("report_line", "txn_1", account, Money(1000, "EUR"), Money(840, "GBP"))

        posted(services.post_settlement_fx, exchange)

        assert not Entry.objects.filter(account__code=chart.FX_DIFFERENCE).exists()

    def test_refuses_one_currency(self, account: ProviderAccount) -> None:
        exchange = services.ExchangePosting("report_line", "txn_1", account, Money(1, "GBP"), Money(1, "GBP"))

        with pytest.raises(services.DoesNotBalance):
            posted(services.post_settlement_fx, exchange)


class TestReportLines:
    def test_a_reserve_is_held_and_released(self, account: ProviderAccount) -> None:
        assert sides(posted(services.post_reserve_moved, a_line(account, -100))) == {RESERVE: 100, CLEARING: -100}

    def test_what_nobody_can_explain_is_seen(self, account: ProviderAccount) -> None:
        assert sides(posted(services.post_unexplained, a_line(account, 7))) == {CLEARING: 7, SUSPENSE: -7}

    def test_the_provider_is_owed_for_neither(self, account: ProviderAccount) -> None:
        posted(services.post_reserve_moved, a_line(account, -100))

        assert selectors.clearing_balance(provider="stripe", currency="GBP") == -100


class TestTransfers:
    @pytest.mark.parametrize(
        ("due_minor", "expected"),
        [
            (800, {chart.RECEIVABLE: -800, chart.CUSTOMER_CREDIT: -200}),
            (1500, {chart.RECEIVABLE: -1000}),
            (0, {chart.CUSTOMER_CREDIT: -1000}),
        ],
        ids=["too much", "too little", "nobody knows what for"],
    )
    def test_pay_what_is_due_and_keep_the_rest_for_the_customer(
        self, account: ProviderAccount, due_minor: int, expected: dict[str, int]
    ) -> None:
        transfer = services.TransferPosting(
            "statement_line", "line_1", account.channel, False, "barclays", Money(1000, "GBP"), due_minor
        )

        assert sides(posted(services.post_over_payment, transfer)) == {"asset:bank:barclays": 1000, **expected}
