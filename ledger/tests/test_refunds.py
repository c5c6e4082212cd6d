"""Refunds and disputes in the books: what is owed, what is held, and that nothing is lost whatever comes after what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from core.models import ProviderAccount
from ledger import chart, selectors, services
from ledger.models import Entry, Posting
from ledger.tests.factories import a_channel, a_dispute, a_movement, a_refund, a_sale, an_account, posted, sides
from tests import databases

CLEARING = "asset:clearing:stripe:main"
HOLD = "asset:dispute_hold:stripe:main"
TAX = "liability:tax:GB"


@pytest.fixture
def account(database: str) -> ProviderAccount:
    """A shop that sold something for £12.00 and was paid for it."""
    account = an_account(a_channel())
    posted(services.post_sale, a_sale(account.channel))
    posted(services.post_capture, a_movement(account))
    return account


def stands(code: str) -> int:
    """This will return what stands on an account of the shop."""
    return selectors.balance(legal_entity="Surety Ltd", code=code, currency="GBP")


class TestRefunds:
    def test_accepted_is_owed_and_takes_sale_and_tax_back(self, account: ProviderAccount) -> None:
        posting = posted(services.post_refund_accepted, a_refund(account))

        assert sides(posting) == {chart.REFUNDS: 500, TAX: 100, chart.REFUNDS_PAYABLE: -600}
        assert (posting.source_kind, posting.source_id, posting.event) == ("refund", "ref_1", "refund_accepted")

    def test_succeeded_is_owed_no_more(self, account: ProviderAccount) -> None:
        posted(services.post_refund_accepted, a_refund(account))
        posting = posted(services.post_refund_succeeded, a_refund(account), round=1)

        assert sides(posting) == {chart.REFUNDS_PAYABLE: 600, CLEARING: -600}
        assert (stands(chart.REFUNDS_PAYABLE), stands(CLEARING)) == (0, 600)

    def test_may_come_back_and_go_again_under_the_same_id(self, account: ProviderAccount) -> None:
        refund = a_refund(account)
        posted(services.post_refund_accepted, refund)
        posted(services.post_refund_succeeded, refund, round=1)
        posted(services.post_refund_returned, refund, round=1)
        owed_meanwhile = stands(chart.REFUNDS_PAYABLE)
        posted(services.post_refund_succeeded, refund, round=2)
        again = posted(services.post_refund_succeeded, refund, round=2)

        assert owed_meanwhile == -600
        assert again.event == "refund_succeeded_2"
        assert (stands(chart.REFUNDS_PAYABLE), stands(CLEARING)) == (0, 600)

    def test_dropped_takes_the_acceptance_back_to_the_penny(self, account: ProviderAccount) -> None:
        accepted = posted(services.post_refund_accepted, a_refund(account))
        dropped = posted(services.post_refund_dropped, a_refund(account))

        assert sides(dropped) == {code: -amount for code, amount in sides(accepted).items()}
        assert dropped.reverses == accepted.public_id
        assert (stands(chart.REFUNDS), stands(chart.REFUNDS_PAYABLE), stands(TAX)) == (0, 0, -200)

    def test_cannot_be_dropped_before_it_was_accepted(self, account: ProviderAccount) -> None:
        with pytest.raises(Posting.DoesNotExist):
            posted(services.post_refund_dropped, a_refund(account))

    def test_may_become_store_credit(self, account: ProviderAccount) -> None:
        posted(services.post_refund_accepted, a_refund(account))
        posting = posted(services.post_refund_as_credit, a_refund(account))

        assert sides(posting) == {chart.REFUNDS_PAYABLE: 600, chart.CUSTOMER_CREDIT: -600}

    def test_may_be_paid_from_the_bank(self, account: ProviderAccount) -> None:
        posted(services.post_refund_accepted, a_refund(account))
        posting = posted(services.post_refund_offline, a_refund(account), bank="barclays")

        assert sides(posting) == {chart.REFUNDS_PAYABLE: 600, "asset:bank:barclays": -600}

    @pytest.mark.parametrize(
        ("net_minor", "tax_minor"), [(499, 100), (700, -100)], ids=["a penny lost", "a negative share"]
    )
    def test_refuses_shares_that_are_none(self, account: ProviderAccount, net_minor: int, tax_minor: int) -> None:
        refund = services.RefundPosting(
            "ref_1", account, "ord_1", "payatt_1", a_refund(account).money, net_minor, {"GB": tax_minor}
        )

        with pytest.raises(services.DoesNotBalance):
            posted(services.post_refund_accepted, refund)

    def test_refuses_nothing(self, account: ProviderAccount) -> None:
        with pytest.raises(services.DoesNotBalance):
            posted(services.post_refund_succeeded, a_refund(account, amount_minor=0), round=1)


class TestDisputes:
    def test_opened_holds_the_funds_and_costs_a_fee(self, account: ProviderAccount) -> None:
        posting = posted(services.post_dispute_opened, a_dispute(account, fee_minor=1500))

        assert sides(posting) == {HOLD: 1200, chart.DISPUTE_FEES: 1500, CLEARING: -2700}

    def test_the_fee_is_not_the_customers_money(self, account: ProviderAccount) -> None:
        posted(services.post_dispute_opened, a_dispute(account, fee_minor=1500))

        customers = Entry.objects.filter(account__code__in=[CLEARING, HOLD], attempt_public_id="payatt_1")
        assert sum(customers.values_list("amount_minor", flat=True)) == 1200

    @pytest.mark.parametrize(("fee_back", "fees"), [(0, 1500), (1500, 0)], ids=["fee kept", "fee given back"])
    def test_won_gives_the_funds_back(self, account: ProviderAccount, fee_back: int, fees: int) -> None:
        posted(services.post_dispute_opened, a_dispute(account, fee_minor=1500))
        posted(services.post_dispute_won, a_dispute(account, fee_minor=fee_back))

        assert (stands(HOLD), stands(CLEARING), stands(chart.DISPUTE_FEES)) == (0, 1200 - fees, fees)

    def test_lost_is_a_loss_less_the_tax_relief(self, account: ProviderAccount) -> None:
        posted(services.post_dispute_opened, a_dispute(account))
        posting = posted(services.post_dispute_lost, a_dispute(account), taxes_minor={"GB": 200})

        assert sides(posting) == {chart.CHARGEBACK_LOSS: 1000, TAX: 200, HOLD: -1200}

    def test_lost_and_won_after_all(self, account: ProviderAccount) -> None:
        posted(services.post_dispute_opened, a_dispute(account))
        posted(services.post_dispute_lost, a_dispute(account), taxes_minor={"GB": 200})
        posted(services.post_dispute_loss_reversed, a_dispute(account), taxes_minor={"GB": 200})

        assert (stands(chart.CHARGEBACK_LOSS), stands(HOLD), stands(CLEARING), stands(TAX)) == (0, 0, 1200, -200)

    def test_opens_again_in_a_round_of_its_own(self, account: ProviderAccount) -> None:
        posted(services.post_dispute_opened, a_dispute(account))
        posted(services.post_dispute_won, a_dispute(account))
        again = posted(services.post_dispute_opened, a_dispute(account, number=2))

        assert again.event == "dispute_opened_2"
        assert stands(HOLD) == 1200

    def test_refuses_relief_beyond_the_amount(self, account: ProviderAccount) -> None:
        with pytest.raises(services.DoesNotBalance):
            posted(services.post_dispute_lost, a_dispute(account), taxes_minor={"GB": 1201})


REFUND_VERBS = [
    services.post_refund_accepted, services.post_refund_dropped, services.post_refund_as_credit,
]  # fmt: skip
ROUND_VERBS = [services.post_refund_succeeded, services.post_refund_returned]
DISPUTE_VERBS = [
    services.post_dispute_opened, services.post_dispute_won, services.post_dispute_lost,
    services.post_dispute_loss_reversed,
]  # fmt: skip

amounts = st.integers(min_value=1, max_value=10**9)
numbers = st.integers(min_value=1, max_value=3)
ids = st.sampled_from(["1", "2", "3"])
refund_steps = st.tuples(st.sampled_from(REFUND_VERBS), ids, amounts)
round_steps = st.tuples(st.sampled_from(ROUND_VERBS), ids, amounts, numbers)
dispute_steps = st.tuples(st.sampled_from(DISPUTE_VERBS), ids, amounts, numbers, st.integers(0, 10**6))


@contextmanager
def a_clean_shop(database: str, emptying_statement: str) -> Iterator[ProviderAccount]:
    """This will give a shop with empty books, and empty them again."""
    try:
        yield an_account(a_channel())
    finally:
        databases.empty(database, statement=emptying_statement)


class TestAnySequence:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=st.lists(st.one_of(refund_steps, round_steps, dispute_steps), min_size=1, max_size=8))
    def test_keeps_the_trial_balance_at_zero(
        self,
        migrated_database: str,
        emptying_statement: str,
        django_db_blocker: DjangoDbBlocker,
        steps: list[tuple[Any, ...]],
    ) -> None:
        with django_db_blocker.unblock(), a_clean_shop(migrated_database, emptying_statement) as account:
            for verb, number, amount_minor, *rest in steps:
                if verb in DISPUTE_VERBS:
                    dispute = a_dispute(
                        account, source_id=f"dsp_{number}", amount_minor=amount_minor, number=rest[0], fee_minor=rest[1]
                    )
                    posted(verb, dispute)
                elif verb in ROUND_VERBS:
                    posted(verb, a_refund(account, source_id=f"ref_{number}", amount_minor=amount_minor), round=rest[0])
                elif verb is not services.post_refund_dropped or _is_accepted(f"ref_{number}"):
                    posted(verb, a_refund(account, source_id=f"ref_{number}", amount_minor=amount_minor))

            balances = selectors.trial_balance(legal_entity="Surety Ltd", is_livemode=False)
            assert sum(balance.amount_minor for balance in balances) == 0


def _is_accepted(source_id: str) -> bool:
    return Posting.objects.filter(source_id=source_id, event="refund_accepted").exists()
