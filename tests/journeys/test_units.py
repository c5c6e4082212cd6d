"""Units that were promised: they go back once by every way out, and nobody is kept from buying by their own."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from catalog.models import Stock
from catalog.tests.factories import a_product, units_on_live_reservations
from checkout.tests.customers import Customer, a_customer
from core import clock
from core.cause import system
from orders.models import Order, OrderEvent
from payments.services import ask_provider
from reconciliation import services as reconciliation
from tests.concurrency.threads import at_once
from tests.journeys.buyers import answer_bank, cancel, pay_again
from tests.journeys.deaths import kill, points_of
from tests.journeys.facts import assert_sound, fault, given_back, lose_webhooks, shelf, taken, wait
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def declined(shop: Shop) -> None:
    """This will be refused by the card and given up."""
    shop.start(shop.a_cart({"MUG-RED": 3}), token="pm_card_chargeDeclined")


def expired(shop: Shop) -> None:
    """This will never be paid."""
    shop.start(shop.a_cart({"MUG-RED": 3}))


def cancelled(shop: Shop) -> None:
    """This will be cancelled by the customer."""
    cancel(shop, shop.start(shop.a_cart({"MUG-RED": 3})).json())


def left_at_the_bank(shop: Shop) -> None:
    """This will be abandoned while the bank asks."""
    shop.start(shop.a_cart({"MUG-RED": 3}), token="pm_card_authenticationRequired")


def refused_by_the_bank(shop: Shop) -> None:
    """This will fail at the bank and be given up."""
    order = shop.start(shop.a_cart({"MUG-RED": 3}), token="pm_card_authenticationRequired").json()
    assert answer_bank(shop, order, result="fail") < 400


def failed_after_three_days(shop: Shop) -> None:
    """This will be worked on by the provider for three days and then fail."""
    shop.start(shop.a_cart({"MUG-RED": 3}), token="pm_card_processingFailed")
    shop.sandbox.engine.store.execute("UPDATE timers SET due_at = due_at + 259200")
    shop.sandbox.engine.desk.forget_timers()
    wait(shop, rounds=2, days=1, hours=12, seconds=10)


def never_answered(shop: Shop) -> None:
    """This will be sent to a provider that does not answer."""
    fault(shop, "timeout_before", times=None)
    shop.start(shop.a_cart({"MUG-RED": 3}), token="pm_card_visa")
    wait(shop, rounds=3, minutes=16)
    shop.sandbox.engine.faults.clear()


WAYS_OUT: list[Callable[[Shop], None]] = [
    declined,
    expired,
    cancelled,
    left_at_the_bank,
    refused_by_the_bank,
    failed_after_three_days,
    never_answered,
]


def checked_out(customer: Customer, cart_id: str, *, token: str = "") -> Any:
    """This will check out a customer's cart."""
    body = {"cart_id": cart_id, "contact": {"email": customer.user.email}, "payment": {"token": token}}
    return customer.api("POST", "checkout/start", body, idempotency_key=f"start-{cart_id}")


def come_to_an_end(shop: Shop) -> None:
    """This will let every sweep find it, and tell everything twice."""
    for _ in range(6):
        shop.deliver()
        wait(shop, minutes=16)
        for attempt in shop.order().attempts.select_related("account__channel", "order"):
            ask_provider(attempt, cause=system("sweep", now=clock.now()))
        shop.work()
    wait(shop, rounds=3, hours=9)


def audit() -> None:
    """This will compare every shelf with what its reservations say was moved."""
    kept = units_on_live_reservations()
    for stock in Stock.objects.select_related("variant"):
        assert kept.get(stock.variant.sku, (0, 0)) == (stock.held, stock.committed)


class TestEveryWayOut:
    @pytest.mark.pains("E3")
    @pytest.mark.parametrize("leave", WAYS_OUT, ids=lambda leave: leave.__name__)
    def test_gives_the_units_back_exactly_once(self, shop: Shop, leave: Callable[[Shop], None]) -> None:
        leave(shop)
        come_to_an_end(shop)

        assert shop.order().state in {"cancelled", "expired"}
        assert shelf() == (10, 0, 0)
        assert sum(taken(shop)) == 0
        audit()

    @pytest.mark.pains("E3")
    def test_also_when_the_worker_dies_at_any_point_of_giving_back(self, shop: Shop) -> None:
        a_product(shop.channel, sku="MANY", stock=100)
        lose_webhooks(shop)

        def an_expired_order() -> str:
            cart = shop.a_cart({"MANY": 2})
            order: dict[str, Any] = shop.start(cart, key=cart[0]).json()
            shop.pass_time(minutes=70)
            return str(order["order_id"])

        def expire(order_id: str) -> None:
            reconciliation.expire_order(order_id, cause=system("sweep", now=clock.now()))

        points = points_of(partial(expire, an_expired_order()))
        assert len(points) > 3
        for point, passage in points:
            kill(partial(expire, an_expired_order()), point, passage=passage)
        wait(shop, rounds=4, minutes=16)

        assert set(Order.objects.values_list("state", flat=True)) == {"expired"}
        assert OrderEvent.objects.filter(to_state="expired").count() == len(points) + 1
        assert shelf("MANY") == (100, 0, 0)
        audit()


class TestOnesOwnUnits:
    @pytest.mark.pains("E4")
    def test_the_last_unit_stays_the_customer_s_own_after_a_decline(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        order = shop.start(shop.a_cart({"LAST": 1}), token="pm_card_chargeDeclined").json()
        assert shelf("LAST") == (0, 1, 0)

        again = pay_again(shop, order, token="pm_card_visa")

        assert (again.status_code, again.json()["status"], shelf("LAST")) == (201, "paid", (0, 0, 1))

    @pytest.mark.pains("E4")
    def test_the_same_cart_sent_again_meets_its_own_order_and_not_an_empty_shelf(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        cart = shop.a_cart({"LAST": 1})
        first = shop.start(cart, key="first", token="pm_card_chargeDeclined").json()

        second = shop.start(cart, key="second", token="pm_card_visa")

        assert second.status_code == 200
        assert second.json()["order_id"] == first["order_id"]
        assert "retry_payment" in second.json()["order"]["next_actions"]

    @pytest.mark.pains("E4")
    def test_carts_hold_nothing_so_a_new_one_is_not_counted_against_itself(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        left, right = shop.a_cart({"LAST": 1}), shop.a_cart({"LAST": 1})
        assert shelf("LAST") == (1, 0, 0)

        order = shop.start(left, key="left").json()
        refused = shop.start(right, key="right", token="pm_card_visa")
        assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
        cancel(shop, order)
        wait(shop, rounds=2, seconds=61)

        assert shop.start(right, key="right", token="pm_card_visa").json()["status"] == "paid"

    @pytest.mark.pains("E4")
    def test_a_customer_s_new_cart_leads_to_the_order_that_keeps_them_and_gets_them_once_that_is_cancelled(
        self, shop: Shop
    ) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        ada = a_customer(shop)
        order = checked_out(ada, ada.a_cart({"LAST": 1}), token="pm_card_chargeDeclined").json()
        other = ada.a_cart({"LAST": 1, "MUG-RED": 1})

        refused = checked_out(ada, other, token="pm_card_visa")

        assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
        [own] = refused.json()["your_orders"]
        assert (own["order_id"], own["number"]) == (order["order_id"], order["order"]["number"])
        assert (own["status"], own["next_actions"]) == ("payment_failed", ["retry_payment", "cancel"])
        assert ada.api("GET", f"carts/{other}").json()["your_orders"] == [own]
        ada.api("POST", f"orders/{own['order_id']}/cancel", {}, idempotency_key="cancel")
        wait(shop, rounds=2, seconds=61)
        assert ada.api("GET", f"carts/{other}").json()["your_orders"] == []
        assert checked_out(ada, other, token="pm_card_visa").json()["status"] == "paid"
        assert (shelf("LAST"), taken(shop)) == ((0, 0, 1), [0, 1000 + 1999])

    @pytest.mark.pains("E4")
    def test_a_guest_s_new_cart_leads_to_the_order_whose_token_comes_along(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        order = shop.start(shop.a_cart({"LAST": 1}), key="first").json()
        cart_id, token = shop.a_cart({"LAST": 1})
        body = {"cart_id": cart_id, "contact": {"email": "ada@example.com"}}
        tokens = {"x_cart_token": token, "x_order_token": order["order_token"]}

        refused = shop.api("POST", "checkout/start", body, idempotency_key="second", **tokens)

        assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
        [own] = refused.json()["your_orders"]
        assert (own["order_id"], own["status"]) == (order["order_id"], "action_required")
        assert shop.api("GET", f"carts/{cart_id}", **tokens).json()["your_orders"] == [own]

    @pytest.mark.pains("E4")
    def test_a_payment_in_doubt_is_not_given_up_for_a_new_cart(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        ada = a_customer(shop)
        fault(shop, "timeout_after", times=None)
        order = checked_out(ada, ada.a_cart({"LAST": 1}), token="pm_card_visa")
        assert order.status_code == 202
        other = ada.a_cart({"LAST": 1})

        refused = checked_out(ada, other, token="pm_card_visa").json()
        [own] = refused["your_orders"]
        assert (own["order_id"], own["status"]) == (order.json()["order_id"], "processing")
        cancelling = ada.api("POST", f"orders/{own['order_id']}/cancel", {}, idempotency_key="cancel")
        assert cancelling.status_code == 202
        again = checked_out(ada, other, token="pm_card_visa").json()
        assert (again["code"], again["your_orders"][0]["status"]) == ("insufficient_stock", "cancelling")
        shop.sandbox.engine.faults.clear()
        wait(shop, rounds=6, minutes=2)

        assert checked_out(ada, other, token="pm_card_visa").json()["status"] == "paid"
        assert (shelf("LAST"), taken(shop), given_back(shop)) == ((0, 0, 1), [1000, 1000], [1000])

    def test_a_stranger_learns_nothing_of_who_keeps_them(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        ada, eve = a_customer(shop), a_customer(shop, email="eve@example.com")
        checked_out(ada, ada.a_cart({"LAST": 1}))
        guest = shop.a_cart({"LAST": 1})
        hers = eve.a_cart({"LAST": 1})

        refused = [checked_out(eve, hers), shop.start(guest, contact={"email": "ada@example.com"})]

        assert [(answer.status_code, "your_orders" in answer.json()) for answer in refused] == [(409, False)] * 2
        assert eve.api("GET", f"carts/{hers}").json()["your_orders"] == []
        assert shop.api("GET", f"carts/{guest[0]}", x_cart_token=guest[1]).json()["your_orders"] == []

    def test_an_order_that_could_not_help_is_not_named(self, shop: Shop) -> None:
        a_product(shop.channel, sku="FEW", price_minor=1000, stock=2)
        ada, eve = a_customer(shop), a_customer(shop, email="eve@example.com")
        checked_out(eve, eve.a_cart({"FEW": 1}))
        checked_out(ada, ada.a_cart({"FEW": 1}))

        refused = checked_out(ada, ada.a_cart({"FEW": 2}))

        assert refused.json()["code"] == "insufficient_stock"
        assert "your_orders" not in refused.json()

    def test_a_paid_order_is_in_nobody_s_way(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        ada = a_customer(shop)
        assert checked_out(ada, ada.a_cart({"LAST": 1}), token="pm_card_visa").json()["status"] == "paid"

        refused = checked_out(ada, ada.a_cart({"LAST": 1}))

        assert refused.json()["code"] == "insufficient_stock"
        assert "your_orders" not in refused.json()

    def test_an_order_out_of_time_leads_to_the_one_that_keeps_its_units_now(self, shop: Shop) -> None:
        a_product(shop.channel, sku="LAST", price_minor=1000, stock=1)
        ada = a_customer(shop)
        lapsed = checked_out(ada, ada.a_cart({"LAST": 1}), token="pm_card_chargeDeclined").json()
        wait(shop, rounds=3, minutes=16)
        later = checked_out(ada, ada.a_cart({"LAST": 1})).json()

        path = f"orders/{lapsed['order_id']}/payment-attempts"
        refused = ada.api("POST", path, {"payment": {"token": "pm_card_visa"}}, idempotency_key="again").json()

        assert (refused["code"], refused["reason"]) == ("reservation_lapsed", "insufficient_stock")
        assert [own["order_id"] for own in refused["your_orders"]] == [later["order_id"]]


class TestFiveUnits:
    @pytest.mark.pains("E1")
    def test_for_fifty_buyers_of_one_to_three_no_sixth_is_sold_and_losers_never_reach_the_provider(
        self, shop: Shop
    ) -> None:
        a_product(shop.channel, sku="FEW", price_minor=1000, stock=5)
        carts = [shop.a_cart({"FEW": 1 + number % 3}) for number in range(50)]

        answers = at_once([partial(shop.start, cart, token="pm_card_visa") for cart in carts])

        won = [answer for answer in answers if answer.status_code == 201]
        lost = [answer for answer in answers if answer.status_code == 409]
        assert len(won) + len(lost) == 50
        assert {answer.json()["code"] for answer in lost} == {"insufficient_stock"}
        assert len(shop.truth()) == len(won) == Order.objects.count()
        available, held, sold = shelf("FEW")
        assert (held, available + sold) == (0, 5)
        assert sum(taken(shop)) == 1000 * sold
        audit()

    @pytest.mark.pains("E1")
    def test_the_same_article_cannot_stand_on_two_lines(self, shop: Shop) -> None:
        cart = shop.a_cart()
        lines = [{"sku": "LAMP", "quantity": 3}, {"sku": "LAMP", "quantity": 3}]

        answer = shop.api("PUT", f"carts/{cart[0]}/lines", {"lines": lines}, x_cart_token=cart[1])

        assert answer.status_code == 400
