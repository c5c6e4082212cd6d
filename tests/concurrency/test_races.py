"""Many at the same moment: real threads, each with its own connection, over the HTTP API and the sandbox's truth."""

from functools import partial
from typing import Any

import pytest

from catalog.tests.factories import a_product
from checkout.models import Cart
from core import clock
from core.cause import system
from orders.models import Order, OrderEvent
from payments.models import Operation, PaymentAttempt
from payments.services import ask_provider
from reconciliation import services as reconciliation
from tests.concurrency.threads import Act, at_once
from tests.journeys.buyers import cancel, pay_again
from tests.journeys.facts import charges, given_back, lose_webhooks, shelf, taken
from tests.shop import Shop

pytestmark = pytest.mark.usefixtures("sound")


class TestSameKey:
    @pytest.mark.pains("A2", "D3")
    def test_fifty_times_makes_one_order_one_attempt_one_charge_and_equal_answers(self, shop: Shop) -> None:
        cart = shop.a_cart()

        answers = at_once([lambda: shop.start(cart, token="pm_card_visa")] * 50)

        finished = [answer for answer in answers if answer.status_code == 201]
        waiting = [answer for answer in answers if answer.status_code == 409]
        assert len(finished) + len(waiting) == 50
        assert finished
        assert {answer.content for answer in finished} == {shop.start(cart, token="pm_card_visa").content}
        assert {answer.json()["code"] for answer in waiting} <= {"request_in_progress"}
        assert all(answer["Retry-After"] for answer in waiting)
        assert (Order.objects.count(), PaymentAttempt.objects.count()) == (1, 1)
        assert (taken(shop), charges(shop)) == ([1999], 1)

        again = at_once([lambda: shop.start(cart, token="pm_card_visa")] * 50)
        assert {(answer.status_code, answer.content) for answer in again} == {(201, finished[0].content)}

    def test_fifty_times_opens_one_cart(self, shop: Shop) -> None:
        headers = {"idempotency_key": "cart-1", "x_device_id": "device-0123456789"}

        answers = at_once([lambda: shop.api("POST", "carts", {}, **headers)] * 50)

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert Cart.objects.count() == 1


class TestSameCart:
    @pytest.mark.pains("A2", "B8")
    def test_fifty_keys_make_one_order(self, shop: Shop) -> None:
        cart = shop.a_cart()

        answers = at_once(
            [partial(shop.start, cart, key=f"key-{number}", token="pm_card_visa") for number in range(50)]
        )

        assert {answer.status_code for answer in answers} <= {200, 201, 202}
        assert len({answer.json()["order_id"] for answer in answers}) == 1
        assert sum(answer.status_code == 201 for answer in answers) == 1
        assert (Order.objects.count(), PaymentAttempt.objects.count()) == (1, 1)
        assert (taken(shop), charges(shop), shelf()) == ([1999], 1, (9, 0, 1))


class TestPayingAgain:
    @pytest.mark.pains("A2", "A5")
    def test_twenty_new_cards_at_once_take_the_money_once(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()

        answers = at_once(
            [
                partial(pay_again, shop, order, token="pm_card_visa", replace=True, key=f"card-{number}")
                for number in range(20)
            ]
        )
        shop.pass_time(seconds=61)
        shop.sweep()

        assert {answer.status_code for answer in answers} <= {200, 201, 202, 409}
        assert Order.objects.get().state == "paid"
        assert (sum(taken(shop)), charges(shop), given_back(shop)) == (1999, 1, [])
        assert PaymentAttempt.objects.filter(is_current=True).count() == 1

    def test_one_key_twenty_times_opens_one_new_attempt(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        answers = at_once([lambda: pay_again(shop, order, replace=True)] * 20)

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert [row["status"] for row in shop.truth()] == ["canceled", "requires_payment_method"]
        assert pay_again(shop, order, replace=True).status_code == 201


class TestLastUnit:
    @pytest.mark.pains("E1")
    def test_of_twenty_carts_one_gets_it_and_nineteen_are_told(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        carts = [shop.a_cart({"LAST": 1}) for _ in range(20)]

        answers = at_once([partial(shop.start, cart, token="pm_card_visa") for cart in carts])

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
        for answer in answers:
            if answer.status_code == 409:
                assert answer.json()["code"] == "insufficient_stock"
                assert answer.json()["lines"] == [{"sku": "LAST", "requested": 1, "available": 0}]
        assert Order.objects.count() == 1
        assert taken(shop) == [1000]
        assert shelf("LAST") == (0, 0, 1)

    @pytest.mark.pains("E5")
    def test_crossed_carts_of_new_shops_do_not_deadlock(self, shop: Shop) -> None:
        """Forward and backward baskets, and the very first postings, which open the books' accounts."""
        for number in range(6):
            a_product(shop.channel, sku=f"S{number}", price_minor=100, stock=100)
        forward = {f"S{number}": 1 for number in range(6)}
        backward = dict(reversed(forward.items()))
        carts = [shop.a_cart(forward if number % 2 else backward) for number in range(30)]

        answers = at_once([partial(shop.start, cart, token="pm_card_visa") for cart in carts])

        assert {answer.status_code for answer in answers} == {201}
        assert shelf("S0") == (70, 0, 30)


class TestEveryMessengerAtOnce:
    @pytest.mark.pains("B1")
    def test_return_webhook_and_sweep_pay_once_fifty_times(self, shop: Shop) -> None:
        a_product(shop.channel, sku="MANY", price_minor=500, stock=50)
        for number in range(50):
            order = shop.start(shop.a_cart({"MANY": 1}), key=f"k{number}").json()
            shop.confirm(order)
        due = shop.sandbox.engine.due_deliveries(clock.now().timestamp(), limit=1000)
        cause = system("webhook", now=clock.now())
        attempts = list(PaymentAttempt.objects.select_related("account__channel", "order").order_by("id"))

        messengers: list[Act] = []
        for attempt in attempts:
            messengers += [partial(ask_provider, attempt, cause=cause)] * 2
        messengers += [partial(shop.post_delivery, one.headers, one.body) for one in due]
        for chunk in range(0, len(messengers), 60):
            at_once([*messengers[chunk : chunk + 60], shop.work, shop.work, shop.sweep])
        shop.work()

        assert Order.objects.filter(state="paid").count() == 50
        paid = OrderEvent.objects.filter(to_state="paid").values("order").distinct()
        assert OrderEvent.objects.filter(to_state="paid").count() == paid.count() == 50
        assert sum(taken(shop)) == 50 * 500
        assert shelf("MANY") == (0, 0, 50)


class TestCancelAgainstSuccess:
    @pytest.mark.pains("C5")
    def test_ends_paid_or_given_back_and_never_both_fifty_times(self, shop: Shop) -> None:
        a_product(shop.channel, sku="MANY", price_minor=500, stock=50)
        lose_webhooks(shop)
        orders = [shop.start(shop.a_cart({"MANY": 1}), key=f"k{number}").json() for number in range(50)]

        acts: list[Act] = []
        for order in orders:
            attempt = PaymentAttempt.objects.select_related("account__channel", "order").get(
                public_id=order["payment_attempt_id"]
            )
            acts += [
                partial(cancel, shop, order),
                partial(self.succeed, shop, order, attempt),
            ]
        for chunk in range(0, len(acts), 20):
            at_once(acts[chunk : chunk + 20])
        for _ in range(5):
            shop.pass_time(seconds=121)
            shop.sweep()

        states = list(Order.objects.values_list("state", flat=True))
        assert set(states) <= {"paid", "cancelled", "cancelled_with_refund"}
        assert sum(taken(shop)) == 500 * (states.count("paid") + states.count("cancelled_with_refund"))
        assert sum(given_back(shop)) == 500 * states.count("cancelled_with_refund")
        assert shelf("MANY") == (50 - states.count("paid"), 0, states.count("paid"))
        assert not Operation.objects.filter(status__in=["created", "sent", "unknown"]).exists()

    def succeed(self, shop: Shop, order: dict[str, Any], attempt: PaymentAttempt) -> None:
        """This will pay as the customer and let the return page ask for the truth."""
        shop.confirm(order)
        ask_provider(attempt, cause=system("webhook", now=clock.now()))


class TestSweepsAtOnce:
    def test_stock_goes_back_once_however_many_sweep(self, shop: Shop) -> None:
        for number in range(5):
            shop.start(shop.a_cart({"MUG-RED": 2}), key=f"k{number}")
        shop.pass_time(minutes=70)

        for _ in range(3):
            at_once([lambda: reconciliation.sweep_expired_orders(now=clock.now)] * 6 + [shop.work] * 2)
            shop.pass_time(seconds=61)

        assert set(Order.objects.values_list("state", flat=True)) == {"expired"}
        assert shelf() == (10, 0, 0)
        assert OrderEvent.objects.filter(to_state="expired").count() == 5
