"""Whoever finds out that an order is paid: two at once, one of whom dies on the way, and what is gone meanwhile."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from catalog.models import CouponUse, Price, Product, Promotion, ShippingMethod, ShippingPrice, Stock
from catalog.tests.factories import a_coupon, a_product, a_way_to_ship
from core import clock
from core.cause import system
from core.db import transaction
from core.ids import new_order_number
from orders.models import Order, OrderEvent
from orders.services import create
from payments.models import Operation
from payments.services import ask_provider, request_capture
from tests.journeys.buyers import hold_funds
from tests.journeys.deaths import kill, points_of
from tests.journeys.facts import (
    assert_sound,
    charges,
    given_back,
    holds,
    shelf,
    taken,
    wait,
)
from tests.journeys.rows import constraint_of_copy
from tests.shop import Shop

# What can be done once it is paid: nothing that pays.
AFTER_PAYMENT = ["cancel", "request_refund"]


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def returning(shop: Shop) -> None:
    """This will do what the customer's return does: ask the provider about the newest attempt."""
    attempt = shop.attempt()
    ask_provider(attempt, cause=system("return", now=clock.now()))


def sweeping(shop: Shop) -> None:
    """This will do what beat does a minute later."""
    shop.pass_time(seconds=61)
    shop.sweep()


def hearing(shop: Shop) -> None:
    """This will carry the webhooks and let a worker process them."""
    shop.deliver()


FINALISERS: dict[str, Callable[[Shop], None]] = {"return": returning, "sweep": sweeping, "webhook": hearing}


def a_paid_order_nobody_heard_of(shop: Shop) -> dict[str, Any]:
    """This will let a customer pay without our knowing."""
    cart = shop.a_cart({"MANY": 1})
    order: dict[str, Any] = shop.start(cart, key=cart[0]).json()
    assert shop.confirm(order) == 200
    return order


class TestTheLoser:
    @pytest.mark.pains("B4")
    @pytest.mark.parametrize("winner", FINALISERS)
    @pytest.mark.parametrize("loser", FINALISERS)
    def test_that_fails_at_any_point_undoes_nothing_of_the_winner_s(self, shop: Shop, loser: str, winner: str) -> None:
        a_product(shop.channel, sku="MANY", price_minor=500, stock=200)
        a_paid_order_nobody_heard_of(shop)
        first = points_of(lambda: FINALISERS[loser](shop))
        FINALISERS[winner](shop)
        assert first

        for point, passage in first:
            a_paid_order_nobody_heard_of(shop)
            kill(partial(FINALISERS[loser], shop), point, passage=passage)
            FINALISERS[winner](shop)
            FINALISERS[loser](shop)
        # An event whose worker died is taken up again when the worker's lease is over.
        wait(shop, rounds=3, seconds=121)

        orders = Order.objects.count()
        assert orders == len(first) + 1
        assert set(Order.objects.values_list("state", flat=True)) == {"paid"}
        assert (given_back(shop), charges(shop), sum(taken(shop))) == ([], orders, orders * 500)
        assert set(Operation.objects.values_list("kind", flat=True)) == {"authorize"}
        assert OrderEvent.objects.filter(to_state="paid").count() == orders
        assert shelf("MANY") == (200 - orders, 0, orders)

    @pytest.mark.pains("B4")
    def test_of_a_start_that_dies_at_any_point_is_finished_by_others(self, shop: Shop) -> None:
        a_product(shop.channel, sku="MANY", price_minor=500, stock=200)

        def pay() -> None:
            cart = shop.a_cart({"MANY": 1})
            shop.start(cart, key=cart[0], token="pm_card_visa")

        points = [each for each in points_of(pay) if "start" in each[0] or each[0].startswith("call:")]
        for point, passage in points:
            kill(pay, point, passage=passage)
        for _ in range(4):
            hearing(shop)
            sweeping(shop)

        states = list(Order.objects.values_list("state", flat=True))
        assert set(states) == {"paid"}
        # Whoever dies before the first commit leaves nothing at all.
        assert len(points) > len(states) - 1 > 3
        assert (given_back(shop), charges(shop), sum(taken(shop))) == ([], len(states), 500 * len(states))
        assert shelf("MANY") == (200 - len(states), 0, len(states))


class TestWhatIsGoneMeanwhile:
    GONE: dict[str, Callable[[Shop], object]] = {
        "the shipping method": lambda _: (ShippingPrice.objects.all().delete(), ShippingMethod.objects.all().delete()),
        "the product": lambda _: Product.objects.update(is_published=False, archived_at=clock.now()),
        "the price": lambda _: Price.objects.update(amount_minor=1),
        "every other unit": lambda _: Stock.objects.update(received=F("held") + F("committed")),
    }

    @pytest.mark.pains("B2")
    @pytest.mark.parametrize("what", GONE)
    @pytest.mark.parametrize("is_held", [False, True], ids=["taken", "held"])
    def test_between_agreeing_and_paying_costs_neither_the_order_nor_the_money(
        self, shop: Shop, what: str, is_held: bool
    ) -> None:
        a_way_to_ship(shop.channel, price_minor=0)
        order = hold_funds(shop) if is_held else shop.start(shop.a_cart()).json()
        before = Order.objects.get()
        assert before.public_id == order["order_id"]

        self.GONE[what](shop)
        if is_held:
            returning(shop)
            self.capture(shop)
        else:
            assert shop.confirm(order) == 200
            shop.deliver()
        wait(shop, rounds=2, seconds=121)

        after = shop.order()
        assert (after.state, holds(shop)) == ("paid", [])
        assert (after.snapshot_hash, after.total_minor) == (before.snapshot_hash, 1999)
        assert (taken(shop), given_back(shop)) == ([1999], [])

    def capture(self, shop: Shop) -> None:
        """This will take what is held, as a member of staff would."""
        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
        shop.work()

    @pytest.mark.pains("B2")
    def test_a_coupon_that_ends_meanwhile_is_honoured_as_agreed(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart = shop.a_cart()
        assert shop.api("PUT", f"carts/{cart[0]}/coupons/SPRING10", x_cart_token=cart[1]).status_code == 200
        order = shop.start(cart).json()

        Promotion.objects.update(archived_at=clock.now())
        shop.pass_time(seconds=10)
        assert shop.confirm(order) == 200
        shop.deliver()

        assert (shop.order().state, holds(shop), taken(shop), given_back(shop)) == ("paid", [], [1799], [])
        assert CouponUse.objects.get().status == "used"


class TestNumbers:
    @pytest.mark.pains("B3")
    def test_that_collide_cost_no_payment_and_stand_before_the_provider_is_called(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")
        taken_number = shop.order().number
        drawn = iter([taken_number, taken_number, taken_number])
        monkeypatch.setattr(create, "new_order_number", lambda: next(drawn, new_order_number()))

        def note() -> None:
            cart = shop.a_cart()
            answer = shop.start(cart, key="second", token="pm_card_visa")
            assert (answer.status_code, answer.json()["status"]) == (201, "paid")

        points = [point for point, _ in points_of(note)]
        numbers = list(Order.objects.values_list("number", flat=True))

        assert points.index("tx:checkout.start.open:committed") < points.index("call:POST:payment_intents:before")
        assert len(set(numbers)) == 2
        assert (taken(shop), charges(shop)) == ([1999, 1999], 2)


class TestOneCart:
    @pytest.mark.pains("B8")
    def test_cannot_become_two_orders_whoever_writes(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")
        order = shop.order()

        assert constraint_of_copy(order, public_id="ord_second", number="SECOND", state="draft") == (
            "orders_order_one_per_cart"
        )
        assert Order.objects.count() == 1

    @pytest.mark.pains("B8", "A8")
    def test_submitted_again_from_a_stale_tab_is_the_same_order_and_never_asks_to_pay(self, shop: Shop) -> None:
        cart = shop.a_cart()
        first = shop.start(cart, token="pm_card_visa").json()

        for key in ("key-1", "stale-tab", "another-stale-tab"):
            again = shop.start(cart, key=key, token="pm_card_visa").json()
            assert (again["order_id"], again["status"]) == (first["order_id"], "paid")
            assert (again["client_secret"], again["next_action"]) == (None, None)
            assert again["order"]["next_actions"] == AFTER_PAYMENT
        active = shop.api("GET", f"checkout/active?cart_id={cart[0]}", x_cart_token=cart[1]).json()

        assert active["order"]["next_actions"] == AFTER_PAYMENT
        assert (Order.objects.count(), charges(shop)) == (1, 1)
