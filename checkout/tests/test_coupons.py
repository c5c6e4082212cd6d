"""Codes of carts over HTTP: entered in any spelling, all unknown ones alike, no more tries than anybody needs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from catalog.services import Figures, InvalidPromotion
from catalog.tests.factories import a_category, a_coupon, a_product
from core import clock, policies
from core.db import transaction
from core.tests.factories import NOW, a_channel
from tests.shop import Shop

Cart = tuple[str, str]


def enter(shop: Shop, cart: Cart, code: str, *, method: str = "PUT", **headers: str) -> Any:
    """This will put a code into a cart, or take it out."""
    return shop.api(method, f"carts/{cart[0]}/coupons/{code}", x_cart_token=cart[1], **headers)


def total(answer: Any) -> int:
    """This will return the total of a cart's answer."""
    return int(answer.json()["quote"]["total"]["amount_minor"])


def reasons(answer: Any) -> list[str]:
    """This will return why codes of the cart take nothing off."""
    warnings = answer.json()["quote"]["warnings"]
    return [warning["reason"] for warning in warnings if warning["code"] == "coupon_not_applicable"]


class TestEntering:
    @pytest.mark.parametrize(
        "typed", ["SPRING10", "spring10", " Spring 10 ", "SPR1NG-IO", "ＳＰＲＩＮＧ１０", "SРRІNG1О"]
    )
    def test_takes_any_spelling_that_looks_like_it(self, shop: Shop, typed: str) -> None:
        a_coupon(shop.channel)

        answer = enter(shop, shop.a_cart(), typed)

        assert (answer.status_code, total(answer)) == (200, 1799)
        assert answer.json()["quote"]["discounts"][0]["code"] == "SPRING10"

    def test_twice_is_once_and_taking_it_out_twice_too(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart = shop.a_cart()

        totals = [total(enter(shop, cart, "SPRING10")) for _ in range(2)]
        totals += [total(enter(shop, cart, "spring 10", method="DELETE")) for _ in range(2)]

        assert totals == [1799, 1799, 1999, 1999]

    def test_a_cart_takes_five(self, shop: Shop) -> None:
        cart = shop.a_cart()
        answers = []
        for number in range(6):
            a_coupon(shop.channel, f"CODE{number}", is_combinable=True)
            answers.append(enter(shop, cart, f"CODE{number}"))

        assert [answer.status_code for answer in answers] == [200] * 5 + [400]
        assert answers[-1].json()["code"] == "too_many_coupons"

    def test_an_ordered_cart_takes_none(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart = shop.a_cart()
        shop.start(cart)

        assert enter(shop, cart, "SPRING10").json()["code"] == "cart_checked_out"
        assert enter(shop, cart, "SPRING10", method="DELETE").json()["code"] == "cart_checked_out"


class TestUnknown:
    def test_ended_early_withdrawn_and_foreign_ones_answer_alike(self, shop: Shop) -> None:
        someone = User.objects.create(public_id="usr_someone", email="someone@example.com", created_at=NOW)
        a_coupon(shop.channel, "ENDED", valid_until=NOW)
        a_coupon(shop.channel, "EARLY", valid_from=NOW + timedelta(days=1))
        a_coupon(shop.channel, "THEIRS", customer_id=someone.pk)
        a_coupon(a_channel(slug="other"), "ELSEWHERE")
        coupon = a_coupon(shop.channel, "WITHDRAWN")
        coupon.archived_at = NOW
        coupon.save()
        cart = shop.a_cart()

        answers = [
            enter(shop, cart, code)
            for code in ["NEVERWAS", "ENDED", "EARLY", "THEIRS", "ELSEWHERE", "WITHDRAWN", "%F0%9F%8E%81", "-"]
        ]

        assert {answer.status_code for answer in answers} == {404}
        bodies = [{name: text for name, text in answer.json().items() if name != "trace_id"} for answer in answers]
        assert bodies == [bodies[0]] * len(bodies)
        assert bodies[0]["code"] == "coupon_unknown"

    def test_strangers_learn_nothing_of_a_cart(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart, mine = shop.a_cart(), shop.a_cart()

        answers = [enter(shop, (cart[0], mine[1]), "SPRING10", method=method) for method in ("PUT", "DELETE")]

        assert {answer.json()["code"] for answer in answers} == {"no_such_cart"}


class TestTries:
    def test_are_limited_by_cart_right_or_wrong(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart = shop.a_cart()

        answers = [enter(shop, cart, f"GUESS{number}") for number in range(20)] + [enter(shop, cart, "SPRING10")]

        assert {answer.status_code for answer in answers[:20]} == {404}
        assert (answers[20].status_code, answers[20].json()["code"]) == (429, "too_many_tries")
        assert 0 < int(answers[20]["Retry-After"]) <= 600
        shop.pass_time(seconds=int(answers[20]["Retry-After"]))
        assert enter(shop, cart, "SPRING10").status_code == 200

    def test_are_limited_by_device_over_its_carts_and_by_address_over_devices(self, shop: Shop) -> None:
        with transaction("test"):
            values = {"coupons_principal_max": 3, "coupons_address_max": 5}
            policies.change("throttles", values=values, reason="test", now=NOW)

        same = [enter(shop, shop.a_cart(), "GUESS", x_device_id="device-one-0123456").status_code for _ in range(4)]
        others = [enter(shop, shop.a_cart(), "GUESS", x_device_id=f"device-{n}-0123456").status_code for n in range(2)]

        assert same == [404, 404, 404, 429]
        assert others == [404, 429]

    def test_end_for_nobody_else(self, shop: Shop) -> None:
        a_coupon(shop.channel)
        cart = shop.a_cart()
        for number in range(21):
            enter(shop, cart, f"GUESS{number}")

        assert enter(shop, shop.a_cart(), "SPRING10").status_code == 200
        assert enter(shop, cart, "SPRING10", method="DELETE").status_code == 200


class TestApplying:
    def test_waits_for_the_minimum_and_says_so_in_money(self, shop: Shop) -> None:
        a_coupon(shop.channel, figures={"GBP": Figures(minimum_minor=5000)})
        cart = shop.a_cart({"MUG-RED": 2})

        answer = enter(shop, cart, "SPRING10")
        more = shop.api("PUT", f"carts/{cart[0]}/lines/MUG-RED", {"quantity": 3}, x_cart_token=cart[1])

        assert (total(answer), reasons(answer)) == (3998, ["minimum"])
        assert answer.json()["quote"]["warnings"][0]["message"] == "This code needs goods for at least £50.00."
        assert (total(more), reasons(more)) == (5397, [])

    def test_takes_a_fixed_amount_in_its_currencies_alone(self, shop: Shop) -> None:
        a_product(shop.channel, sku="EURO-MUG", price_minor=2500, currency="EUR")
        a_coupon(shop.channel, "FIVEOFF", kind="fixed", figures={"GBP": Figures(amount_minor=500)})

        pounds = enter(shop, shop.a_cart(), "FIVEOFF")
        euros = enter(shop, shop.a_cart({"EURO-MUG": 1}, currency="EUR"), "FIVEOFF")

        assert (total(pounds), reasons(pounds)) == (1499, [])
        assert (total(euros), reasons(euros)) == (2500, ["currency"])

    def test_is_for_its_articles_and_never_for_excluded_ones(self, shop: Shop) -> None:
        a_category(shop.channel, slug="cups")
        a_product(shop.channel, sku="CUP", price_minor=1000, category="cups")
        a_product(shop.channel, sku="GOLDEN-CUP", price_minor=9000, category="cups")
        a_coupon(shop.channel, "CUPS", categories=["cups"], excluded_products=["GOLDEN-CUP"])

        mixed = enter(shop, shop.a_cart({"CUP": 1, "GOLDEN-CUP": 1, "LAMP": 1}), "CUPS")
        none = enter(shop, shop.a_cart({"GOLDEN-CUP": 1, "LAMP": 1}), "CUPS")

        assert (total(mixed), reasons(mixed)) == (14500 - 100, [])
        assert (total(none), reasons(none)) == (13500, ["articles"])

    def test_an_excluded_shelf_stays_so_though_its_article_is_named(self, shop: Shop) -> None:
        a_category(shop.channel, slug="cups")
        a_product(shop.channel, sku="CUP", price_minor=1000, category="cups")
        a_coupon(shop.channel, "LIGHTS", products=["LAMP", "CUP"], excluded_categories=["cups"])

        mixed = enter(shop, shop.a_cart({"CUP": 1, "LAMP": 1, "MUG-RED": 1}), "LIGHTS")
        none = enter(shop, shop.a_cart({"CUP": 1, "MUG-RED": 1}), "LIGHTS")

        assert (total(mixed), reasons(mixed)) == (7499 - 450, [])
        assert (total(none), reasons(none)) == (2999, ["articles"])

    def test_is_for_everything_but_an_excluded_shelf(self, shop: Shop) -> None:
        a_category(shop.channel, slug="cups")
        a_product(shop.channel, sku="CUP", price_minor=1000, category="cups")
        a_coupon(shop.channel, "NOCUPS", excluded_categories=["cups"])

        assert total(enter(shop, shop.a_cart({"CUP": 1, "LAMP": 1}), "NOCUPS")) == 5500 - 450
        assert reasons(enter(shop, shop.a_cart({"CUP": 1}), "NOCUPS")) == ["articles"]

    def test_those_that_stand_alone_leave_the_field_to_the_better(self, shop: Shop) -> None:
        a_coupon(shop.channel, "TENPART", rate=Decimal("0.1"), is_combinable=True)
        a_coupon(shop.channel, "POUND", kind="fixed", figures={"GBP": Figures(amount_minor=100)}, is_combinable=True)
        a_coupon(shop.channel, "ALONE", rate=Decimal("0.15"))
        cart = shop.a_cart()

        totals = [total(enter(shop, cart, code)) for code in ("ALONE", "POUND")]
        last = enter(shop, cart, "TENPART")

        assert totals == [1699, 1699]
        assert total(last) == 1999 - 200 - 100 == 1699
        assert [each["code"] for each in last.json()["quote"]["discounts"]] == ["TENPART", "POUND"]
        assert reasons(last) == ["not_combinable"]

    def test_the_order_they_were_entered_in_changes_nothing(self, shop: Shop) -> None:
        a_coupon(shop.channel, "TENPART", is_combinable=True)
        a_coupon(shop.channel, "POUND", kind="fixed", figures={"GBP": Figures(amount_minor=100)}, is_combinable=True)
        carts = [shop.a_cart(), shop.a_cart()]

        hashes = set()
        for cart, codes in zip(carts, [("TENPART", "POUND"), ("POUND", "TENPART")], strict=True):
            for code in codes:
                answer = enter(shop, cart, code)
            hashes.add(answer.json()["quote"]["quote_hash"])

        assert len(hashes) == 1


class TestPeriods:
    # Midnight in Auckland, where it is thirteen hours later, with the last second before the next.
    @pytest.mark.parametrize(
        ("period", "first", "last"),
        [
            ("day", "2026-11-22T11:00:00", "2026-11-23T10:59:59"),
            ("week", "2026-11-22T11:00:00", "2026-11-29T10:59:59"),
            ("month", "2026-11-30T11:00:00", "2026-12-31T10:59:59"),
            # One week, though it begins in one year and ends in the next.
            ("week", "2026-12-27T11:00:00", "2027-01-03T10:59:59"),
        ],
    )
    def test_begin_at_midnight_where_the_shop_is(self, shop: Shop, period: str, first: str, last: str) -> None:
        shop.channel.time_zone = "Pacific/Auckland"
        shop.channel.save(update_fields=["time_zone"])
        a_coupon(shop.channel, period=period, uses_per_period_max=1)
        begins, ends = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (first, last))

        shop.pass_time(seconds=(begins - timedelta(seconds=1) - clock.now()).total_seconds())
        spent = [self.is_spent(shop, "before")]
        for moment, key in ((begins, "first"), (ends, "last"), (ends + timedelta(seconds=1), "next")):
            shop.pass_time(seconds=(moment - clock.now()).total_seconds())
            spent.append(self.is_spent(shop, key))

        assert spent == [False, False, True, False]

    def is_spent(self, shop: Shop, key: str) -> bool:
        """This will use the code for an order if it has a use left now, and tell whether it had none."""
        cart = shop.a_cart()
        answer = enter(shop, cart, "SPRING10")
        if reasons(answer):
            assert (reasons(answer), total(answer)) == (["used_up_for_now"], 1999)
            return True
        assert shop.start(cart, key=key).json()["order"]["total"]["amount_minor"] == 1799
        return False


class TestSnapshot:
    def test_keeps_every_rule_that_gave_the_discount(self, shop: Shop) -> None:
        coupon = a_coupon(
            shop.channel,
            figures={"GBP": Figures(minimum_minor=1500)},
            products=["MUG-RED", "LAMP"],
            valid_until=NOW + timedelta(days=30),
            uses_max=100,
            code_uses_max=50,
            uses_per_customer_max=2,
            period="week",
            uses_per_period_max=10,
            is_combinable=True,
        )
        cart = shop.a_cart()
        enter(shop, cart, "spring 10")

        shop.start(cart)

        assert shop.order().snapshot["promotions"] == [
            {
                "promotion_id": coupon.promotion.public_id,
                "coupon_code": "SPRING10",
                "name": "Promotion SPRING10",
                "kind": "percent",
                "rate": "0.1",
                "amount_minor": 0,
                "minimum_minor": 1500,
                "skus": ["MUG-RED"],
                "is_combinable": True,
                "is_first_order_only": False,
                "valid_from": "2026-11-20T12:00:00+00:00",
                "valid_until": "2026-12-21T12:00:00+00:00",
                "uses_max": 100,
                "coupon_uses_max": 50,
                "uses_per_customer_max": 2,
                "period": "week",
                "uses_per_period_max": 10,
            }
        ]

    def test_says_what_has_no_end_and_no_limit(self, shop: Shop) -> None:
        a_coupon(shop.channel, is_first_order_only=True)
        cart = shop.a_cart()
        enter(shop, cart, "SPRING10")

        shop.start(cart)

        [rules] = shop.order().snapshot["promotions"]
        unlimited = ("valid_until", "uses_max", "coupon_uses_max", "period", "uses_per_period_max")
        assert {name: rules[name] for name in unlimited} == dict.fromkeys(unlimited)
        # A first order is one, whatever the promotion says.
        assert rules["uses_per_customer_max"] == 1


class TestMaking:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"rate": Decimal("1.5")},
            {"kind": "fixed"},
            {"kind": "free_shipping", "rate": Decimal("0.1")},
            {"uses_max": 0},
            {"period": "day"},
            {"period": "year", "uses_per_period_max": 1},
            {"valid_until": NOW - timedelta(days=2)},
            {"figures": {"USD": Figures(minimum_minor=1)}},
            {"figures": {"GBP": Figures(minimum_minor=-1)}},
            {"products": ["NOTHING"]},
        ],
    )
    def test_refuses_rules_that_cannot_be_meant(self, shop: Shop, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidPromotion):
            a_coupon(shop.channel, **wrong)
