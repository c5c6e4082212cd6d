"""Time that runs out: for nobody who has just paid, for nobody the provider still works for, and for all others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.db.models import F, QuerySet

from core import clock, killpoints
from core.cause import system
from orders.models import Order, OrderEvent
from orders.selectors import lock_order
from orders.services import extend_reservation, order_transaction
from payments.models import Operation, PaymentAttempt
from reconciliation import services as reconciliation
from tests.concurrency.threads import at_once
from tests.journeys.buyers import cancel, hold_funds, pay_again
from tests.journeys.facts import (
    assert_sound,
    calls,
    cases,
    fault,
    given_back,
    held,
    lose_webhooks,
    moves,
    operations,
    shelf,
    taken,
    wait,
)
from tests.shop import Shop

pytestmark = pytest.mark.pains("J6")

QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)
    # Nobody is told that the time of an order will end, so nobody can be told so of one that is paid.
    assert mail.outbox == []


@contextmanager
def as_the_job_is_about_to_lock(act: Callable[[], object]) -> Iterator[list[str]]:
    """This will let somebody act once, after the expiry job has asked the provider and before it locks the order.

    Gives what was reached, so that a test can see that it came to it.
    """
    reached: list[str] = []

    def hook(point: str) -> None:
        if point == "tx:reconciliation.expire:begin" and not reached:
            reached.append(point)
            act()

    with killpoints.listen(hook):
        yield reached


class TestTheJob:
    def test_finds_the_order_paid_once_it_has_the_lock(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.pass_time(minutes=61)

        def pay() -> None:
            assert shop.confirm(order) == 200
            shop.deliver()

        with as_the_job_is_about_to_lock(pay) as reached:
            shop.sweep()
        wait(shop, rounds=3, minutes=16)

        assert reached
        assert moves(shop) == ["draft", "payment_pending", "paid"]
        assert (taken(shop), given_back(shop), operations("void"), shelf()) == ([1999], [], [], (9, 0, 1))

    def test_finds_that_somebody_kept_the_units_longer_once_it_has_the_lock(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        shop.pass_time(minutes=16)

        def extend() -> None:
            with order_transaction("test"):
                assert extend_reservation(lock_order(order["order_id"]), cause=system("checkout", now=clock.now()))

        with as_the_job_is_about_to_lock(extend) as reached:
            shop.sweep()

        assert reached
        assert (shop.order().state, operations("void"), shelf()) == ("payment_failed", [], (9, 1, 0))
        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"

    def test_finds_that_another_job_ended_the_order_once_it_has_the_lock(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_chargeDeclined")
        shop.pass_time(minutes=16)

        with as_the_job_is_about_to_lock(shop.sweep) as reached:
            shop.sweep()

        assert reached
        assert moves(shop)[-1] == "expired"
        assert OrderEvent.objects.filter(to_state="expired").count() == 1
        assert (operations("void"), shelf()) == (["succeeded"], (10, 0, 0))

    def test_leaves_whose_payment_is_being_closed_to_that_and_goes_on_to_the_next(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many wait for a provider that is away, they stand before nobody, and nobody asks about them again."""
        monkeypatch.setattr(reconciliation, "BATCH", 1)
        shop.start(shop.a_cart())
        shop.pass_time(minutes=1)
        shop.start(shop.a_cart(), key="next")
        while not operations("void"):  # Who may still be at it is given more time first.
            shop.pass_time(minutes=16)
            reconciliation.sweep_expired_orders(now=clock.now)
        shop.pass_time(hours=3)

        asked = len(calls(shop))
        reconciliation.sweep_expired_orders(now=clock.now)

        assert operations("void") == ["created", "created"]
        assert len(calls(shop)) == asked + 1
        shop.sweep()
        shop.sweep()
        assert set(Order.objects.values_list("state", flat=True)) == {"expired"}

    def test_comes_last_to_what_is_looked_for_after_a_while(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        """While the provider is away nobody can tell how the first stands; the second is free and waits for nobody."""
        monkeypatch.setattr(reconciliation, "BATCH", 1)
        fault(shop, "timeout_before", "payment_intents.create", times=None)
        doubtful = shop.start(shop.a_cart(), token="pm_card_visa").json()["order_id"]
        shop.pass_time(minutes=1)
        shop.sandbox.engine.faults.clear()
        shop.start(shop.a_cart(), token="pm_card_chargeDeclined", key="next")
        shop.pass_time(minutes=16)
        fault(shop, "timeout_before", "*", times=None)
        soon = clock.now() + timedelta(minutes=5)
        in_doubt = Operation.objects.filter(order__public_id=doubtful, status__in=["sent", "unknown"])
        assert in_doubt.update(next_check_at=soon) == 1

        reconciliation.sweep_expired_orders(now=clock.now)

        assert operations("void") == ["created"]

    def test_cancellations_in_doubt_come_last_as_well(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reconciliation, "BATCH", 1)
        fault(shop, "timeout_before", "payment_intents.create", times=None)
        doubtful = shop.start(shop.a_cart(), token="pm_card_visa").json()
        shop.sandbox.engine.faults.clear()
        free = shop.start(shop.a_cart(), token="pm_card_chargeDeclined", key="next").json()
        for number, order in enumerate((doubtful, free)):
            assert cancel(shop, order, key=f"cancel-{number}").status_code == 202
            shop.pass_time(seconds=1)
        # The void of the second was refused, and beat looks after it.
        for status in ("sent", "failed"):
            Operation.objects.filter(kind="void").update(status=status, sent_at=clock.now(), settled_at=clock.now())
        shop.pass_time(seconds=61)
        soon = clock.now() + timedelta(minutes=5)
        Operation.objects.filter(order__public_id=doubtful["order_id"]).update(next_check_at=soon)

        reconciliation.sweep_cancellations(now=clock.now)

        assert Operation.objects.filter(order__public_id=free["order_id"], kind="void").count() == 2

    def test_gives_more_time_once_however_many_of_it_run_at_once(self, shop: Shop) -> None:
        shop.start(shop.a_cart())
        shop.pass_time(minutes=15)

        at_once([partial(reconciliation.sweep_expired_orders, now=clock.now)] * 5)

        assert OrderEvent.objects.filter(reason="reservation_extended").count() == 1
        assert Order.objects.get().expires_at == clock.now() + QUARTER


def left_on_the_page(shop: Shop) -> None:
    """This will open the provider's page and leave it."""
    shop.start(shop.a_cart())


def declined(shop: Shop) -> None:
    """This will be refused by the card."""
    shop.start(shop.a_cart(), token="pm_card_chargeDeclined")


def left_at_the_bank(shop: Shop) -> None:
    """This will leave the bank's question unanswered."""
    shop.start(shop.a_cart(), token="pm_card_authenticationRequired")


def worked_on(shop: Shop) -> None:
    """This will be worked on by the provider for ten days."""
    shop.start(shop.a_cart(), token="pm_card_lateSuccess")
    shop.sandbox.engine.store.execute("UPDATE timers SET due_at = due_at + 86400 * 10")
    shop.sandbox.engine.desk.forget_timers()


def held_and_forgotten(shop: Shop) -> None:
    """This will have its funds held, which nobody ever takes."""
    hold_funds(shop)


def without_an_answer(shop: Shop) -> None:
    """This will never be heard of again, although the provider opened the payment."""
    fault(shop, "timeout_after", "payment_intents.create", times=None)
    shop.start(shop.a_cart())


def never_arrived(shop: Shop) -> None:
    """This will never reach the provider."""
    fault(shop, "timeout_before", "payment_intents.create", times=None)
    shop.start(shop.a_cart())


LEAVE: dict[Callable[[Shop], None], timedelta] = {
    # Nobody is at it: the customer may try another card until the time is over.
    declined: QUARTER,
    # The customer may still be at it: the units are kept longer, and the cap ends that.
    left_on_the_page: timedelta(minutes=60),
    left_at_the_bank: timedelta(minutes=60),
    without_an_answer: timedelta(minutes=60),
    # Sooner, once two looks have shown that it does not exist.
    never_arrived: timedelta(minutes=45),
    # The provider's own deadline.
    held_and_forgotten: timedelta(days=7),
}
STEP = timedelta(minutes=5)


def over_after(shop: Shop, *, within: timedelta) -> timedelta:
    """This will let beat sweep every five minutes, seldom where there are days to go, and return when the order was
    over.
    """
    began, step = clock.now(), STEP if within <= timedelta(hours=1) else timedelta(hours=12)
    while shop.order().state not in {"expired", "cancelled"}:
        assert clock.now() <= began + within + step
        wait(shop, seconds=step.total_seconds())
    return clock.now() - began


class TestGrace:
    @pytest.mark.parametrize("way", LEAVE, ids=lambda way: way.__name__)
    def test_depends_on_who_may_still_be_at_it(self, shop: Shop, way: Callable[[Shop], None]) -> None:
        lose_webhooks(shop)
        way(shop)

        over_at = over_after(shop, within=LEAVE[way])

        assert LEAVE[way] <= over_at < LEAVE[way] + timedelta(minutes=1)
        assert (sum(taken(shop)), sum(held(shop)), shelf()) == (0, 0, (10, 0, 0))

    def test_has_no_end_while_the_provider_works_on_it_but_people_are_told(self, shop: Shop) -> None:
        lose_webhooks(shop)
        worked_on(shop)

        wait(shop, rounds=9 * 3, hours=8)
        assert shop.order().state == "payment_pending"
        assert "payment_pending_too_long" in cases()
        # The units are not kept for it: they went back at the cap, and are had again if there are any.
        assert shelf() == (10, 0, 0)
        wait(shop, rounds=2, days=1)

        assert (shop.order().state, taken(shop), given_back(shop), shelf()) == ("paid", [1999], [], (9, 0, 1))


class TestEveryAttempt:
    @pytest.mark.parametrize("way", [*LEAVE, worked_on], ids=lambda way: way.__name__)
    def test_has_a_deadline_from_its_first_moment_to_its_last(self, shop: Shop, way: Callable[[Shop], None]) -> None:
        lose_webhooks(shop)
        way(shop)

        for _ in range(40):
            self.is_looked_after()
            wait(shop, hours=8)

        assert not self.living().exists()
        assert not Operation.objects.filter(status__in=["created", "sent", "pending", "unknown"]).exists()

    def living(self) -> QuerySet[PaymentAttempt]:
        """Every attempt by which money can still be taken."""
        return PaymentAttempt.objects.filter(dead_at=None).exclude(status="captured")

    def is_looked_after(self) -> None:
        """Check that the order of a living attempt says when it is looked at, for ever and ever if need be."""
        assert not self.living().filter(order__expires_at=None).exists()
        assert not self.living().filter(order__expires_at__gt=F("capture_before")).exists()
