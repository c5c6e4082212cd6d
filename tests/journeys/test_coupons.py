"""Codes at checkout: what they take off, how often they may, and that a dead checkout gives its use back."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from catalog.models import Coupon, CouponUse, Promotion
from catalog.services import Figures, expire
from catalog.tests.factories import a_coupon, a_product, counts
from checkout.models import CartCoupon
from checkout.tests.customers import a_customer
from core import clock
from core.db import transaction
from core.tests.factories import NOW
from ledger.models import Entry
from orders.models import Order, OrderEvent
from reconciliation import services as reconciliation
from tests.concurrency.threads import at_once, deadlocks
from tests.journeys.buyers import cancel, pay_again, read
from tests.journeys.deaths import kill
from tests.journeys.facts import assert_sound, cases, shelf, taken, voided_though_it_will_pay, wait
from tests.shop import Shop

Cart = tuple[str, str]


@pytest.fixture(autouse=True)
def _sound(shop: Shop, database: str, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    a_product(shop.channel, sku="SOCK", price_minor=1000, stock=100)
    before = deadlocks(database)
    yield
    assert_sound(shop, caplog)
    assert deadlocks(database) == before


def with_code(shop: Shop, code: str = "SPRING10", units: dict[str, int] | None = None) -> Cart:
    """This will open a cart with a code in it."""
    cart = shop.a_cart(units)
    assert enter(shop, cart, code).status_code == 200
    return cart


def enter(shop: Shop, cart: Cart, code: str, **headers: str) -> Any:
    """This will enter a code into a cart."""
    return shop.api("PUT", f"carts/{cart[0]}/coupons/{code}", x_cart_token=cart[1], **headers)


def quote(shop: Shop, cart: Cart) -> Any:
    """This will return the cart's quote."""
    return shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()


def buy(shop: Shop, cart: Cart, *, email: str, key: str = "", **more: Any) -> Any:
    """This will pay a cart as somebody."""
    return shop.start(cart, key=key or f"buy-{cart[0]}", token="pm_card_visa", contact={"email": email}, **more)


def statuses() -> list[str]:
    """This will return how all uses stand, oldest first."""
    return list(CouponUse.objects.order_by("id").values_list("status", flat=True))


class TestRedeeming:
    def test_takes_its_part_off_and_keeps_the_rules_in_the_snapshot(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart = with_code(shop)

        answer = buy(shop, cart, email="ada@example.com", quote_hash=quote(shop, cart)["quote_hash"])

        assert (answer.status_code, answer.json()["status"]) == (201, "paid")
        assert taken(shop) == [1799]
        snapshot = shop.order().snapshot
        assert (snapshot["coupon_code"], snapshot["discount_minor"], snapshot["total_minor"]) == ("SPRING10", 200, 1799)
        assert snapshot["promotions"][0]["rate"] == "0.1"
        assert statuses() == ["used"]
        assert counts() == {"coupon": 1, "customer": 1, "total": 1}
        assert "coupon" in shop.attempt().path_flags

    def test_the_whole_price_makes_the_order_free_and_the_books_say_so(self, shop: Shop) -> None:
        a_coupon(shop.channel, "ALLFREE", rate=1)

        answer = buy(shop, with_code(shop, "ALLFREE"), email="ada@example.com")

        assert answer.json()["status"] == "paid"
        assert (shop.truth(), shop.attempt().method, statuses()) == ([], "free", ["used"])
        booked = dict(Entry.objects.values_list("account__code", "amount_minor"))
        assert sorted(booked.values()) == [-1999, 1999]

    def test_more_than_the_price_is_never_below_zero(self, shop: Shop) -> None:
        a_coupon(shop.channel, "TENNER", kind="fixed", figures={"GBP": Figures(amount_minor=999_999)})

        answer = buy(shop, with_code(shop, "TENNER"), email="ada@example.com")

        assert (answer.json()["status"], shop.order().total_minor) == ("paid", 0)

    def test_a_decline_keeps_the_use_for_the_next_card(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=1)
        order = shop.start(with_code(shop), token="pm_card_chargeDeclined").json()
        assert statuses() == ["held"]

        paid = pay_again(shop, order, token="pm_card_visa", replace=True)

        assert (paid.json()["status"], statuses(), counts()["total"]) == ("paid", ["used"], 1)


class TestLimits:
    @pytest.mark.pains("E6")
    def test_fifty_at_once_use_it_as_often_as_it_says_and_no_more(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=3)
        carts = [with_code(shop, units={"SOCK": 1}) for _ in range(50)]

        answers = at_once(
            [partial(buy, shop, cart, email=f"buyer{number}@example.com") for number, cart in enumerate(carts)]
        )

        won = [answer for answer in answers if answer.status_code == 201]
        lost = [answer for answer in answers if answer.status_code == 409]
        assert (len(won), len(lost)) == (3, 47)
        assert {answer.json()["code"] for answer in lost} == {"coupon_limit_reached"}
        assert {answer.json()["reason"] for answer in lost} == {"used_up"}
        assert Order.objects.count() == CouponUse.objects.count() == counts()["total"] == 3
        assert shelf("SOCK") == (97, 0, 3)
        assert taken(shop) == [900, 900, 900]

    @pytest.mark.pains("E6")
    def test_all_uses_are_back_once_the_attempts_are_dead(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=3)
        carts = [with_code(shop, units={"SOCK": 1}) for _ in range(50)]
        at_once([partial(shop.start, cart, key=cart[0]) for cart in carts])
        assert (statuses(), counts()["total"]) == (["held"] * 3, 3)

        shop.pass_time(hours=2)
        wait(shop, rounds=3, seconds=130)

        assert statuses() == ["given_back"] * 3
        assert set(counts().values()) == {0}
        assert {order.state for order in Order.objects.all()} == {"expired"}
        assert buy(shop, with_code(shop), email="late@example.com").status_code == 201

    @pytest.mark.pains("E6")
    def test_one_customer_at_once_uses_it_once_whatever_carts_they_open(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_per_customer_max=1)
        carts = [with_code(shop, units={"SOCK": 1}) for _ in range(20)]

        answers = at_once([partial(buy, shop, cart, email="Ada@Example.com ") for cart in carts])

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
        refused = next(answer for answer in answers if answer.status_code == 409).json()
        assert (refused["code"], refused["reason"]) == ("coupon_limit_reached", "used_by_customer")
        assert buy(shop, with_code(shop), email="eve@example.com").status_code == 201

    def test_a_period_begins_anew(self, shop: Shop) -> None:
        a_coupon(shop.channel, period="day", uses_per_period_max=1)
        assert buy(shop, with_code(shop), email="ada@example.com").status_code == 201
        late = with_code(shop)

        refused = buy(shop, late, email="eve@example.com")
        shop.pass_time(days=1)

        assert refused.json()["reason"] == "used_up_for_now"
        assert buy(shop, late, email="eve@example.com", key="tomorrow").status_code == 201

    def test_a_code_of_many_has_its_own(self, shop: Shop) -> None:
        a_coupon(shop.channel, "ONCE-ONLY", code_uses_max=1)
        first, second = with_code(shop, "ONCE-ONLY"), with_code(shop, "onceonly")

        answers = [buy(shop, first, email="ada@example.com"), buy(shop, second, email="eve@example.com")]

        assert [answer.status_code for answer in answers] == [201, 409]

    def test_a_first_order_is_the_first_by_address_too(self, shop: Shop) -> None:
        a_coupon(shop.channel, "HELLO", is_first_order_only=True)
        assert buy(shop, shop.a_cart(), email="ada@example.com").status_code == 201

        again, other = with_code(shop, "HELLO"), with_code(shop, "HELLO")
        refused = buy(shop, again, email="ADA@example.com", quote_hash=quote(shop, again)["quote_hash"])

        assert (refused.status_code, refused.json()["code"]) == (409, "coupon_first_order_only")
        assert refused.json()["quote"]["total"]["amount_minor"] == 1999
        assert buy(shop, other, email="new@example.com").status_code == 201

    @pytest.mark.parametrize("limit", ["uses_max", "uses_per_customer_max", "code_uses_max"])
    def test_a_limit_that_an_order_reached_itself_does_not_change_its_price_when_its_units_went_back(
        self, shop: Shop, limit: str
    ) -> None:
        limits: dict[str, Any] = {limit: 1}
        a_coupon(shop.channel, **limits)
        ada = a_customer(shop)
        cart_id = ada.a_cart()
        assert ada.api("PUT", f"carts/{cart_id}/coupons/SPRING10").status_code == 200
        body = {"cart_id": cart_id, "contact": {"email": ada.user.email}}
        order = ada.api("POST", "checkout/start", body, idempotency_key="start").json()
        with transaction("test"):
            expire(owner_id=order["order_id"], now=clock.now())
        path = f"orders/{order['order_id']}/payment-attempts"

        again = ada.api("POST", path, {"payment": {"token": ""}}, idempotency_key="again")

        assert (again.status_code, again.json()["status"]) == (200, "action_required")
        assert again.json()["order"]["total"]["amount_minor"] == 1799
        shop.confirm(again.json())
        shop.deliver()
        assert (shop.order().state, taken(shop), shelf(), statuses()) == ("paid", [1799], (9, 0, 1), ["used"])

    def test_a_limit_that_others_reached_beside_an_order_of_ones_own_still_counts(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=2)
        order = shop.start(with_code(shop), key="mine").json()
        buy(shop, with_code(shop), email="eve@example.com")
        Promotion.objects.update(uses_max=1)
        shop.pass_time(minutes=61)
        with transaction("test"):
            expire(owner_id=order["order_id"], now=clock.now())

        problem = pay_again(shop, order).json()

        assert (problem["code"], problem["reason"]) == ("reservation_lapsed", "price_changed")
        assert problem["quote"]["total"]["amount_minor"] == 1999

    def test_a_limit_reached_after_the_quote_is_told_as_what_it_is(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=1)
        cart = with_code(shop)
        seen = quote(shop, cart)["quote_hash"]
        buy(shop, with_code(shop), email="fast@example.com")

        refused = buy(shop, cart, email="slow@example.com", quote_hash=seen)

        assert (refused.status_code, refused.json()["code"]) == (409, "coupon_limit_reached")
        assert refused.json()["coupon_code"] == "SPRING10"
        shown = quote(shop, cart)
        assert [warning["reason"] for warning in shown["warnings"]] == ["used_up"]
        agreed = buy(shop, cart, email="slow@example.com", key="again", quote_hash=shown["quote_hash"])
        assert (agreed.status_code, sorted(taken(shop))) == (201, [1799, 1999])

    def test_carts_with_the_same_codes_in_another_order_do_not_deadlock(self, shop: Shop) -> None:
        codes = ["FIRST10", "SECOND5"]
        for code in codes:
            a_coupon(shop.channel, code, is_combinable=True, uses_max=100)
        carts = [shop.a_cart({"SOCK": 1}) for _ in range(20)]
        for number, cart in enumerate(carts):
            for code in codes if number % 2 else reversed(codes):
                enter(shop, cart, code)

        answers = at_once(
            [partial(buy, shop, cart, email=f"buyer{number}@example.com") for number, cart in enumerate(carts)]
        )

        assert {answer.status_code for answer in answers} == {201}
        assert (counts("FIRST10")["total"], counts("SECOND5")["total"]) == (20, 20)


class TestGivingBack:
    def test_happens_once_though_cancel_and_expiry_come_together(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=2)
        buy(shop, with_code(shop), email="other@example.com")
        order = shop.start(with_code(shop)).json()
        shop.pass_time(hours=2)

        at_once(
            [
                *(partial(cancel, shop, order, key=f"cancel-{number}") for number in range(10)),
                *(partial(reconciliation.sweep_expired_orders, now=clock.now) for _ in range(10)),
            ]
        )
        shop.work()
        wait(shop, rounds=3, seconds=130)

        assert sorted(statuses()) == ["given_back", "used"]
        assert counts() == {"coupon": 1, "customer": 1, "total": 1}

    def test_a_cancelled_order_gives_its_use_back_when_nothing_can_capture(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=1)
        order = shop.start(with_code(shop)).json()

        asked = cancel(shop, order)
        assert (asked.status_code, statuses()) == (202, ["held"])
        shop.work()

        assert read(shop, order).json()["status"] == "cancelled"
        assert (statuses(), counts()["total"]) == (["given_back"], 0)

    def test_late_money_is_honoured_outside_the_limit_with_a_case(self, shop: Shop) -> None:
        a_coupon(shop.channel, uses_max=1)
        order = shop.start(with_code(shop)).json()
        voided_though_it_will_pay(shop)
        shop.pass_time(hours=2)
        shop.sweep()
        assert (shop.order().state, statuses()) == ("expired", ["given_back"])
        assert buy(shop, with_code(shop), email="next@example.com").status_code == 201

        shop.confirm(order)
        shop.deliver()

        assert read(shop, order).json()["status"] == "paid"
        assert (statuses(), counts()["total"]) == (["honoured_late", "used"], 1)
        assert "coupon_honoured_late" in cases()
        assert OrderEvent.objects.filter(reason="coupon_honoured_late").count() == 1

    @pytest.mark.parametrize(
        ("point", "made"),
        [("tx:checkout.start.open:commit", []), ("tx:checkout.start.open:committed", ["held"])],
    )
    def test_a_death_in_between_holds_the_use_with_the_order_or_not_at_all(
        self, shop: Shop, point: str, made: list[str]
    ) -> None:
        a_coupon(shop.channel, uses_max=1)
        cart = with_code(shop)

        kill(partial(buy, shop, cart, email="ada@example.com"), point)
        assert (statuses(), Order.objects.count(), counts().get("total", 0)) == (made, len(made), len(made))
        shop.pass_time(seconds=31)
        again = buy(shop, cart, email="ada@example.com")

        assert (again.json()["status"], statuses(), counts()["total"]) == ("paid", ["used"], 1)

    @pytest.mark.parametrize(
        ("point", "left"),
        [("tx:payments.record:commit", "held"), ("tx:payments.record:committed", "given_back")],
    )
    def test_a_death_while_giving_back_gives_back_once(self, shop: Shop, point: str, left: str) -> None:
        a_coupon(shop.channel, uses_max=1)
        shop.start(with_code(shop), token="pm_card_chargeDeclined")
        shop.pass_time(hours=2)
        kill(shop.sweep, point)
        assert statuses() == [left]

        wait(shop, rounds=3, seconds=130)

        assert (statuses(), counts()["total"]) == (["given_back"], 0)


class TestGoneMeanwhile:
    @pytest.mark.pains("B2")
    def test_a_code_that_ends_between_agreeing_and_paying_costs_neither_the_order_nor_the_price(
        self, shop: Shop
    ) -> None:
        coupon = a_coupon(shop.channel, uses_max=1)
        order = shop.start(with_code(shop)).json()
        agreed = shop.order().snapshot_hash

        Promotion.objects.update(valid_until=clock.now() + timedelta(seconds=1), archived_at=clock.now())
        Coupon.objects.filter(pk=coupon.pk).update(archived_at=clock.now())
        CartCoupon.objects.all().delete()
        shop.pass_time(seconds=60)
        assert shop.confirm(order) == 200
        shop.deliver()

        paid = shop.order()
        assert (paid.state, paid.total_minor, paid.snapshot_hash) == ("paid", 1799, agreed)
        assert (taken(shop), statuses(), cases()) == ([1799], ["used"], [])


class TestCopies:
    def test_of_a_cart_keep_its_codes(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart = with_code(shop)

        copy = shop.api("POST", f"carts/{cart[0]}/copy", x_cart_token=cart[1]).json()

        assert [each["code"] for each in copy["quote"]["discounts"]] == ["SPRING10"]

    def test_an_order_of_a_code_that_ended_meanwhile_is_quoted_anew(self, shop: Shop) -> None:
        a_coupon(shop.channel, valid_until=NOW + timedelta(hours=1))
        cart = with_code(shop)
        seen = quote(shop, cart)["quote_hash"]
        shop.pass_time(hours=2)

        stale, blind = (
            buy(shop, cart, email="ada@example.com", quote_hash=seen),
            buy(shop, cart, email="ada@example.com", key="blind"),
        )

        assert (stale.status_code, stale.json()["code"]) == (409, "quote_changed")
        assert stale.json()["quote"]["warnings"][0]["message"] == "This code is no longer valid."
        assert (blind.status_code, blind.json()["code"]) == (409, "coupon_not_applicable")
        assert not Order.objects.exists()
