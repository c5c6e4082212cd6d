"""A payment the provider works on for too long is told to people; one that waits for its customer or is new is not."""

from collections.abc import Iterator

import pytest

from core import clock
from core.cause import Cause
from orders.models import Order
from oversight.models import Case
from payments import services as payments
from payments.models import PaymentAttempt
from reconciliation import services as reconciliation
from tests.journeys.buyers import pay_again
from tests.journeys.facts import assert_sound, cases, errors, lose_webhooks
from tests.shop import Shop

SLOW = "pm_card_lateSuccess"


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


@pytest.fixture
def shop_without_news(shop: Shop) -> Shop:
    """A shop whose webhooks are lost and whose provider works on a slow card for days."""
    lose_webhooks(shop)
    return shop


def sweep() -> int:
    """This will run the sweep once."""
    return reconciliation.sweep_pending_too_long(now=clock.now)


def work_for_days(shop: Shop) -> None:
    """This will let the provider go on with what it works on for ten days."""
    shop.sandbox.engine.store.execute("UPDATE timers SET due_at = due_at + 86400 * 10")
    shop.sandbox.engine.desk.forget_timers()


class TestWorkedOn:
    def test_people_are_told_once_after_ten_minutes(self, shop_without_news: Shop) -> None:
        shop = shop_without_news
        shop.start(shop.a_cart(), token=SLOW)
        work_for_days(shop)
        shop.pass_time(minutes=9)
        assert (sweep(), cases()) == (0, [])

        shop.pass_time(minutes=2)
        sweep()
        sweep()

        assert cases() == ["payment_pending_too_long"]

    def test_counts_from_the_present_try_and_not_from_the_order(self, shop_without_news: Shop) -> None:
        shop = shop_without_news
        order = shop.start(shop.a_cart()).json()
        shop.pass_time(minutes=12)
        pay_again(shop, order, token=SLOW, replace=True)
        work_for_days(shop)

        assert (sweep(), cases()) == (0, [])
        shop.pass_time(minutes=11)
        assert (sweep(), cases()) == (1, ["payment_pending_too_long"])

    def test_who_has_not_paid_yet_stands_before_nobody(
        self, shop_without_news: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop = shop_without_news
        monkeypatch.setattr(reconciliation, "BATCH", 1)
        shop.start(shop.a_cart())
        shop.start(shop.a_cart(), key="slow", token=SLOW)
        work_for_days(shop)
        shop.pass_time(minutes=11)

        assert (sweep(), cases()) == (1, ["payment_pending_too_long"])

    def test_what_turns_out_to_wait_for_its_customer_is_no_case(self, shop_without_news: Shop) -> None:
        """We had not heard that the bank has a question."""
        shop = shop_without_news
        shop.start(shop.a_cart(), token="pm_card_authenticationRequired")
        PaymentAttempt.objects.update(status="processing")
        shop.pass_time(minutes=11)

        assert (sweep(), cases()) == (1, [])
        assert PaymentAttempt.objects.get().status == "requires_action"

    def test_another_that_is_worked_on_makes_no_case_of_one_that_waits_for_its_customer(
        self, shop_without_news: Shop
    ) -> None:
        shop = shop_without_news
        shop.start(shop.a_cart(), token="pm_card_authenticationRequired")
        PaymentAttempt.objects.update(status="processing")
        worked_on = shop.start(shop.a_cart(), key="next", token=SLOW).json()
        work_for_days(shop)
        shop.pass_time(minutes=11)

        assert sweep() == 2
        assert list(Case.objects.values_list("subject_id", flat=True)) == [worked_on["order_id"]]

    def test_one_whose_look_crashes_keeps_no_other_waiting(
        self, shop_without_news: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        shop = shop_without_news
        shop.start(shop.a_cart(), token=SLOW)
        shop.start(shop.a_cart(), key="next", token=SLOW)
        work_for_days(shop)
        shop.pass_time(minutes=11)
        first, second = Order.objects.order_by("id")
        ask = payments.ask_provider

        def crash(attempt: PaymentAttempt, *, cause: Cause) -> None:
            if attempt.order_id == first.pk:
                raise RuntimeError("our mistake")
            ask(attempt, cause=cause)

        monkeypatch.setattr(payments, "ask_provider", crash)
        sweep()

        assert list(Case.objects.values_list("subject_id", flat=True)) == [second.public_id]
        assert len(errors(caplog)) == 1
        caplog.clear()
        monkeypatch.setattr(payments, "ask_provider", ask)
        sweep()
        assert cases() == ["payment_pending_too_long"] * 2
