"""Checkpoints: counted from seals alone, equal to the sums, and read instead of them."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest
from django.db import IntegrityError, connection

from core import clock
from core.db import transaction
from core.models import ProviderAccount
from ledger import chart, selectors, services, tasks
from ledger.models import Checkpoint
from ledger.selectors import Balance
from ledger.tests.factories import ENTITY, NOON, a_cause, a_channel, a_movement, an_account, posted
from oversight import services as oversight
from oversight.tests.factories import StandingClock, tampering

pytestmark = pytest.mark.usefixtures("database")

CLEARING = "asset:clearing:stripe:main"


@pytest.fixture
def account(database: str) -> Iterator[ProviderAccount]:
    """The shop's account at the provider, on a clock that stands still."""
    with clock.use(StandingClock(NOON)):
        yield an_account(a_channel())


def captured(account: ProviderAccount, count: int, *, name: str) -> None:
    """This will post some captures of £12.00."""
    for number in range(count):
        posted(services.post_capture, a_movement(account, source_id=f"op_{name}_{number}"))


def count(*, entries_min: int = 1) -> int:
    """This will count the accounts in a transaction of its own."""
    with transaction("test"):
        return services.make_checkpoints(cause=a_cause(), entries_min=entries_min)


def counted(*, entries_min: int = 1) -> int:
    """This will seal what there is and count it."""
    oversight.seal_closed_batches(now=NOON)
    return count(entries_min=entries_min)


def stands(code: str = CLEARING) -> int:
    """This will return what stands on an account."""
    return selectors.balance(legal_entity=ENTITY, code=code, currency="GBP")


class TestMakeCheckpoints:
    def test_counts_real_and_test_money_of_each_account(self, account: ProviderAccount) -> None:
        captured(account, 2, name="test")
        account.is_livemode = True
        captured(account, 1, name="live")

        made = counted()

        kept = Checkpoint.objects.filter(account__code=CLEARING).values_list(
            "is_livemode", "balance_minor", "entries_count"
        )
        assert made == 4
        assert sorted(kept) == [(False, 2400, 2), (True, 1200, 1)]

    def test_goes_on_from_the_last(self, account: ProviderAccount) -> None:
        captured(account, 2, name="first")
        counted()
        captured(account, 3, name="second")
        counted()

        kept = Checkpoint.objects.filter(account__code=CLEARING, is_livemode=False).order_by("up_to_entry_id")
        assert list(kept.values_list("balance_minor", "entries_count")) == [(2400, 2), (6000, 5)]

    def test_waits_until_it_is_worth_it(self, account: ProviderAccount) -> None:
        captured(account, 2, name="few")

        assert counted(entries_min=3) == 0
        assert counted(entries_min=2) == 4
        assert counted(entries_min=1) == 0

    def test_counts_nothing_that_is_not_sealed(self, account: ProviderAccount) -> None:
        captured(account, 1, name="sealed")
        oversight.seal_closed_batches(now=NOON)
        captured(account, 1, name="not_yet")

        count()

        assert Checkpoint.objects.get(account__code=CLEARING, is_livemode=False).entries_count == 1

    def test_leaves_out_what_a_transaction_under_way_may_still_slip_in(self, account: ProviderAccount) -> None:
        captured(account, 1, name="accounts")
        is_posted, may_commit = Event(), Event()

        def post_slowly() -> None:
            with transaction("test.slow"):
                services.post_capture(a_movement(account, source_id="op_slow"), cause=a_cause())
                is_posted.set()
                may_commit.wait(timeout=10)
            connection.close()

        slow = Thread(target=post_slowly)
        slow.start()
        is_posted.wait(timeout=10)
        captured(account, 1, name="after")
        made_meanwhile = counted()
        may_commit.set()
        slow.join()
        counted()

        assert made_meanwhile == 0
        assert stands() == 3600

    def test_is_what_the_task_does_from_a_thousand_on(self, account: ProviderAccount) -> None:
        captured(account, 1, name="few")
        oversight.seal_closed_batches(now=NOON)

        tasks.make_checkpoints()

        assert not Checkpoint.objects.exists()

    @pytest.mark.parametrize("command", ["UPDATE {} SET balance_minor = 0", "DELETE FROM {}"])
    def test_are_append_only(self, account: ProviderAccount, command: str) -> None:
        captured(account, 1, name="one")
        counted()

        with pytest.raises(IntegrityError, match="is refused"), connection.cursor() as cursor:
            cursor.execute(command.format("ledger_checkpoint"))


class TestBalances:
    def test_are_the_same_before_and_after_counting(self, account: ProviderAccount) -> None:
        captured(account, 3, name="first")
        before = selectors.trial_balance(legal_entity=ENTITY, is_livemode=False)
        counted()
        after = selectors.trial_balance(legal_entity=ENTITY, is_livemode=False)
        captured(account, 1, name="later")

        assert before == after == [Balance(CLEARING, "GBP", 3600), Balance(chart.RECEIVABLE, "GBP", -3600)]
        assert (stands(), selectors.clearing_balance(provider="stripe", currency="GBP")) == (4800, 4800)
        assert selectors.trial_balance(legal_entity=ENTITY, is_livemode=True) == []

    def test_read_the_checkpoint_and_not_what_is_below_it(self, account: ProviderAccount) -> None:
        captured(account, 3, name="first")
        counted()
        with tampering() as tamperer:
            tamperer.execute("UPDATE ledger_checkpoint SET balance_minor = 7 WHERE NOT is_livemode")
        captured(account, 1, name="later")

        assert stands() == 1207
