"""The books: each fact once, on the right sides, on the right day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.cause import Cause
from core.db import TransactionStanceError, transaction
from core.models import ProviderAccount
from ledger import chart, selectors, services
from ledger.models import Account, Entry, Posting
from ledger.selectors import Balance, DayTotal, EventTotal
from ledger.tests.factories import NOON, a_cause, a_channel, a_movement, a_sale, an_account, posted, sides

pytestmark = pytest.mark.usefixtures("database")

CLEARING = "asset:clearing:stripe:main"


@pytest.fixture
def account(database: str) -> ProviderAccount:
    """The shop's account at the provider, read with its channel."""
    return an_account(a_channel())


class TestPostSale:
    def test_debits_what_is_due_and_credits_goods_and_tax(self, account: ProviderAccount) -> None:
        posting = posted(services.post_sale, a_sale(account.channel))

        assert sides(posting) == {chart.RECEIVABLE: 1200, chart.SALES: -1000, "liability:tax:GB": -200}

    def test_books_every_part_of_a_snapshot(self, account: ProviderAccount) -> None:
        sale = services.Sale(
            channel=account.channel,
            order_public_id="ord_1",
            is_livemode=False,
            currency="GBP",
            due_minor=1_430,
            sales_minor=1_000,
            discounts_minor=100,
            shipping_minor=300,
            fees_minor=50,
            taxes_minor={"GB": 150, "IE": 50},
            rounding_minor=-1,
            due_adjustment_minor=-19,
        )

        posting = posted(services.post_sale, sale)

        assert sides(posting) == {
            chart.RECEIVABLE: 1_430,
            chart.DISCOUNTS: 100,
            chart.DUE_ADJUSTMENTS: 19,
            chart.ROUNDING: 1,
            chart.SALES: -1_000,
            chart.SHIPPING: -300,
            chart.FEES: -50,
            chart.tax("GB"): -150,
            chart.tax("IE"): -50,
        }

    def test_refuses_figures_that_do_not_make_the_amount_due(self, account: ProviderAccount) -> None:
        sale = services.Sale(account.channel, "ord_1", is_livemode=False, currency="GBP", due_minor=99, sales_minor=100)

        with pytest.raises(services.DoesNotBalance):
            posted(services.post_sale, sale)

        assert not Posting.objects.exists()

    def test_needs_its_callers_transaction(self, account: ProviderAccount) -> None:
        with pytest.raises(TransactionStanceError):
            services.post_sale(a_sale(account.channel), cause=a_cause())


class TestMovements:
    def test_capture_of_a_sale_leaves_nothing_receivable(self, account: ProviderAccount) -> None:
        posted(services.post_sale, a_sale(account.channel))
        posted(services.post_capture, a_movement(account))

        assert selectors.order_balance("ord_1") == [
            Balance(CLEARING, "GBP", 1200),
            Balance(chart.RECEIVABLE, "GBP", 0),
            Balance(chart.SALES, "GBP", -1000),
            Balance("liability:tax:GB", "GBP", -200),
        ]

    def test_money_nobody_is_owed_goes_back_as_it_came(self, account: ProviderAccount) -> None:
        posted(services.post_unowed_capture, a_movement(account))
        posted(services.post_give_back, a_movement(account, source_id="op_2"))

        assert selectors.order_balance("ord_1") == [
            Balance(CLEARING, "GBP", 0),
            Balance(chart.CUSTOMER_CREDIT, "GBP", 0),
        ]

    def test_early_money_becomes_the_orders_when_it_is_paid_after_all(self, account: ProviderAccount) -> None:
        posted(services.post_unowed_capture, a_movement(account))
        posted(services.post_sale, a_sale(account.channel))
        posted(services.reclassify_unowed, a_movement(account))

        left = {balance.code: balance.amount_minor for balance in selectors.order_balance("ord_1")}
        assert (left[chart.CUSTOMER_CREDIT], left[chart.RECEIVABLE], left[CLEARING]) == (0, 0, 1200)

    def test_money_of_a_sale_becomes_nobody_s_again_part_by_part(self, account: ProviderAccount) -> None:
        posted(services.post_sale, a_sale(account.channel))
        posted(services.post_capture, a_movement(account))
        for amount_minor in (1200, 40, 40):
            posted(services.reclassify_owed, a_movement(account, amount_minor=amount_minor))

        left = {balance.code: balance.amount_minor for balance in selectors.order_balance("ord_1")}
        assert (left[chart.CUSTOMER_CREDIT], left[chart.RECEIVABLE], left[CLEARING]) == (-1280, 1280, 1200)

    def test_a_give_back_that_returns_is_owed_again(self, account: ProviderAccount) -> None:
        posted(services.post_unowed_capture, a_movement(account))
        posted(services.post_give_back, a_movement(account, source_id="op_2"))
        posted(services.post_give_back_returned, a_movement(account, source_id="op_2"))

        assert selectors.balance(legal_entity="Surety Ltd", code=chart.CUSTOMER_CREDIT, currency="GBP") == -1200

    def test_a_reversed_capture_is_receivable_again(self, account: ProviderAccount) -> None:
        posted(services.post_sale, a_sale(account.channel))
        posted(services.post_capture, a_movement(account))
        posted(services.post_capture_reversed, a_movement(account))

        assert selectors.balance(legal_entity="Surety Ltd", code=chart.RECEIVABLE, currency="GBP") == 1200
        assert selectors.clearing_balance(provider="stripe", currency="GBP") == 0

    def test_refuses_money_that_did_not_move(self, account: ProviderAccount) -> None:
        with pytest.raises(services.DoesNotBalance):
            posted(services.post_capture, a_movement(account, amount_minor=0))

    def test_entries_name_order_and_attempt(self, account: ProviderAccount) -> None:
        posting = posted(services.post_capture, a_movement(account))

        names = set(Entry.objects.filter(posting=posting).values_list("order_public_id", "attempt_public_id"))
        assert names == {("ord_1", "payatt_1")}


class TestPost:
    def test_a_fact_already_posted_is_returned_unchanged(self, account: ProviderAccount) -> None:
        first = posted(services.post_capture, a_movement(account))
        again = posted(services.post_capture, a_movement(account), cause=a_cause(now=NOON + timedelta(days=3)))

        assert again.public_id == first.public_id
        assert again.business_on == first.business_on
        assert Entry.objects.count() == 2

    def test_twenty_parallel_posts_are_one(self, account: ProviderAccount) -> None:
        start = Barrier(20)

        def post_once(_: int) -> str:
            start.wait()
            try:
                return posted(services.post_capture, a_movement(account)).public_id
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as pool:
            public_ids = set(pool.map(post_once, range(20)))

        assert len(public_ids) == 1
        assert Entry.objects.count() == 2

    def test_twenty_first_uses_of_an_account_create_it_once(self, account: ProviderAccount) -> None:
        start = Barrier(20)

        def post_both(number: int) -> None:
            # Half of them need the accounts in the other order: without one creator at a time they would deadlock.
            verbs = [services.post_sale, services.post_unowed_capture]
            order_id = f"ord_{number}"
            start.wait()
            try:
                with transaction("test"):
                    for verb in verbs if number % 2 else reversed(verbs):
                        what = (
                            a_sale(account.channel, order_public_id=order_id)
                            if verb is services.post_sale
                            else a_movement(account, source_id=f"op_{number}", order_public_id=order_id)
                        )
                        verb(what, cause=a_cause())  # type: ignore[operator]
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(post_both, range(20)))

        assert Account.objects.count() == 5
        assert selectors.clearing_balance(provider="stripe", currency="GBP") == 20 * 1200

    def test_a_first_use_that_is_rolled_back_harms_nobody(self, account: ProviderAccount) -> None:
        def post_and_fail(movement: services.Movement, *, cause: Cause) -> Posting:
            raise RuntimeError(services.post_capture(movement, cause=cause).public_id)

        with pytest.raises(RuntimeError):
            posted(post_and_fail, a_movement(account))

        posted(services.post_capture, a_movement(account))

        assert Entry.objects.count() == 2

    def test_takes_two_statements_whatever_the_number_of_lines(self, account: ProviderAccount) -> None:
        posted(services.post_sale, a_sale(account.channel))

        with transaction("test"), CaptureQueriesContext(connection) as statements:
            services.post_sale(a_sale(account.channel, order_public_id="ord_2"), cause=a_cause())

        assert len(statements) == 2

    @pytest.mark.parametrize(
        ("happened_at", "business_on"),
        [
            (datetime(2026, 6, 15, 22, 59, 59, tzinfo=UTC), date(2026, 6, 15)),
            (datetime(2026, 6, 15, 23, 0, tzinfo=UTC), date(2026, 6, 16)),
            (datetime(2026, 12, 15, 23, 30, tzinfo=UTC), date(2026, 12, 15)),
        ],
        ids=["before midnight in summer", "midnight in summer", "winter"],
    )
    def test_the_business_day_is_the_shops(
        self, account: ProviderAccount, happened_at: datetime, business_on: date
    ) -> None:
        cause = a_cause(now=NOON + timedelta(days=300), occurred_at=happened_at)

        posting = posted(services.post_capture, a_movement(account), cause=cause)

        assert posting.business_on == business_on
        assert (posting.occurred_at, posting.recorded_at) == (happened_at, cause.now)


class TestTotals:
    def test_a_trial_balance_sums_to_zero(self, account: ProviderAccount) -> None:
        posted(services.post_sale, a_sale(account.channel))
        posted(services.post_capture, a_movement(account))

        balances = selectors.trial_balance(legal_entity="Surety Ltd", is_livemode=False)

        assert sum(balance.amount_minor for balance in balances) == 0
        assert selectors.trial_balance(legal_entity="Surety Ltd", is_livemode=True) == []

    def test_totals_go_by_event_day_and_order(self, account: ProviderAccount) -> None:
        posted(services.post_sale, a_sale(account.channel, order_public_id="ord_1"))
        posted(services.post_sale, a_sale(account.channel, order_public_id="ord_2"))

        by_event = selectors.totals_by_event(legal_entity="Surety Ltd", is_livemode=False)
        by_day = selectors.totals_by_day(legal_entity="Surety Ltd", code=chart.SALES, currency="GBP")
        by_order = dict(selectors.totals_by_order(event="sale", code=chart.RECEIVABLE, currency="GBP"))

        assert EventTotal("sale", chart.SALES, "GBP", -2000, 2) in by_event
        assert by_day == [DayTotal(date(2026, 6, 15), -2000)]
        assert by_order == {"ord_1": 1200, "ord_2": 1200}


class TestChart:
    def test_knows_the_nature_of_every_class(self) -> None:
        assert chart.nature(chart.RECEIVABLE) == Account.Nature.DEBIT
        assert chart.nature(chart.clearing(provider="stripe", account="main")) == Account.Nature.DEBIT
        assert chart.nature(chart.tax("GB")) == Account.Nature.CREDIT

    def test_refuses_a_code_of_no_class(self) -> None:
        with pytest.raises(AssertionError):
            chart.nature("stripe")
