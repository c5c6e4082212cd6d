"""checkout/start and what follows it, over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Stock
from catalog.tests.factories import a_product
from checkout.models import Cart, CheckoutContext
from core.models import IdempotencyKey
from orders.models import Order
from payments.models import PaymentAttempt
from tests.journeys.buyers import cancel, read
from tests.shop import Shop
from tests.simulation.randomness import caches_age


def nothing_was_created() -> bool:
    """This will tell whether no order, attempt, hold on stock, or claim of a key remains."""
    keys = IdempotencyKey.objects.filter(operation="checkout.start").exists()
    held = Stock.objects.exclude(held=0).exists()
    return not (Order.objects.exists() or PaymentAttempt.objects.exists() or keys or held)


class TestRefusals:
    def test_a_stale_quote_comes_back_with_the_new_one_and_creates_nothing(self, shop: Shop) -> None:
        cart = shop.a_cart()
        seen = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_price SET amount_minor = 2100")

        answer = shop.start(cart, quote_hash=seen["quote_hash"])

        assert (answer.status_code, answer.json()["code"]) == (409, "quote_changed")
        fresh = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()
        assert answer.json()["quote"]["quote_hash"] == fresh["quote_hash"]
        assert answer.json()["quote"]["total"] == {"amount_minor": 2100, "currency": "GBP", "display": "£21.00"}
        assert nothing_was_created()
        assert shop.start(cart, quote_hash=fresh["quote_hash"]).status_code == 201

    @pytest.mark.pains("E1")
    def test_sold_out_names_the_skus_and_creates_nothing(self, shop: Shop) -> None:
        answer = shop.start(shop.a_cart({"MUG-RED": 11, "LAMP": 6}), token="pm_card_visa")

        assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_stock")
        lines = sorted(answer.json()["lines"], key=lambda line: str(line["sku"]))
        assert lines == [
            {"sku": "LAMP", "requested": 6, "available": 5},
            {"sku": "MUG-RED", "requested": 11, "available": 10},
        ]
        assert nothing_was_created()
        assert shop.truth() == []

    def test_an_empty_cart(self, shop: Shop) -> None:
        opened = shop.api("POST", "carts", {}).json()

        answer = shop.start((opened["cart_id"], opened["cart_token"]))

        assert (answer.status_code, answer.json()["code"]) == (400, "cart_empty")
        assert nothing_was_created()

    def test_what_is_no_longer_sold_is_named(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 1, "LAMP": 1})
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_product SET is_published = false WHERE slug = 'LAMP'")

        answer = shop.start(cart)

        assert (answer.status_code, answer.json()["code"], answer.json()["skus"]) == (409, "not_for_sale", ["LAMP"])
        assert nothing_was_created()


class TestStrangers:
    def test_see_neither_carts_nor_orders(self, shop: Shop) -> None:
        cart, mine = shop.a_cart(), shop.a_cart()
        order = shop.start(cart, token="pm_card_visa").json()
        other = shop.start(mine, token="pm_card_visa").json()
        foreign = {"x_cart_token": mine[1], "x_order_token": other["order_token"]}
        body: dict[str, Any] = {"cart_id": cart[0], "contact": {"email": "eve@example.com"}}

        strange: list[dict[str, str]] = [{}, foreign, {"x_cart_token": "", "x_order_token": cart[1]}]
        asked: list[tuple[str, str, Any]] = [
            ("GET", f"carts/{cart[0]}", None),
            ("GET", f"carts/{cart[0]}/quote", None),
            ("DELETE", f"carts/{cart[0]}", None),
            ("PUT", f"carts/{cart[0]}/lines", {"lines": []}),
            ("PUT", f"carts/{cart[0]}/lines/LAMP", {"quantity": 1}),
            ("POST", f"carts/{cart[0]}/copy", None),
            ("POST", "checkout/start", body),
            ("GET", f"checkout/active?cart_id={cart[0]}", None),
            ("GET", f"orders/{order['order_id']}", None),
            ("POST", f"orders/{order['order_id']}/cancel", {}),
            ("POST", f"orders/{order['order_id']}/payment-attempts", {}),
            ("GET", "orders/ord_00000000000000000000000000", None),
            ("GET", "carts/cart_00000000000000000000000000", None),
            ("GET", "checkout/active", None),
        ]
        answers = [
            shop.api(method, path, content, idempotency_key="eve", **tokens)
            for tokens in strange
            for method, path, content in asked
        ]

        assert {answer.status_code for answer in answers} == {404}
        assert {answer.json()["code"] for answer in answers} == {"no_such_cart", "no_such_order"}
        absent, hidden = shop.api("GET", "orders/ord_x").json(), shop.api("GET", f"orders/{order['order_id']}").json()
        assert {k: v for k, v in absent.items() if k != "trace_id"} == {
            k: v for k, v in hidden.items() if k != "trace_id"
        }


class TestCartAfterStart:
    @pytest.mark.pains("H4")
    def test_is_locked_and_says_which_order_it_became(self, shop: Shop) -> None:
        cart = shop.a_cart()
        order = shop.start(cart).json()

        for method, path, body in [
            ("PUT", "lines", {"lines": [{"sku": "LAMP", "quantity": 1}]}),
            ("PUT", "lines/LAMP", {"quantity": 1}),
            ("DELETE", "lines/MUG-RED", None),
            ("DELETE", "", None),
        ]:
            answer = shop.api(method, f"carts/{cart[0]}/{path}".rstrip("/"), body, x_cart_token=cart[1])
            assert (answer.status_code, answer.json()["code"]) == (409, "cart_checked_out")
            assert answer.json()["order_id"] == order["order_id"]

    def test_a_copy_is_open_and_has_the_lines(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 2, "LAMP": 1})
        shop.start(cart)

        copy = shop.api("POST", f"carts/{cart[0]}/copy", None, x_cart_token=cart[1])

        assert copy.status_code == 201
        lines = {line["sku"]: line["quantity"] for line in copy.json()["quote"]["lines"]}
        assert lines == {"MUG-RED": 2, "LAMP": 1}
        assert copy.json()["cart_token"] != cart[1]
        opened = Cart.objects.get(public_id=copy.json()["cart_id"])
        assert opened.bucket_id == Cart.objects.get(public_id=cart[0]).bucket_id

    def test_once_its_order_is_cancelled_it_says_to_copy_the_cart(self, shop: Shop) -> None:
        cart = shop.a_cart()
        order = shop.start(cart).json()
        cancel(shop, order)
        shop.work()
        assert Order.objects.get().state == "cancelled"

        answer = shop.start(cart, key="key-2")

        assert (answer.status_code, answer.json()["code"]) == (409, "cart_checked_out")

    def test_what_the_device_told_is_kept_and_nothing_is_guessed(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), attribution={"utm_source": "mail", "utm_term": None}, consents={"news": False})

        context = CheckoutContext.objects.get()
        assert context.attribution == {"utm_source": "mail", "utm_term": None}
        assert (context.consents, context.device, context.client_version) == ({"news": False}, {}, "")


class TestStatements:
    # A ratchet: whoever saves a statement lowers it, BEGIN and COMMIT are counted.
    STATEMENTS_MAX = 56

    @pytest.fixture(autouse=True)
    def remembering(self) -> Iterator[None]:
        """What a process remembers for seconds is not read once more, however slow the machine is."""
        with caches_age(lambda: 0.0):
            yield

    def count(self, shop: Shop, lines: int) -> int:
        cart = shop.a_cart({f"S{number:03}": 1 for number in range(lines)})
        with CaptureQueriesContext(connection) as captured:
            assert shop.start(cart, key=f"key-{lines}", token="pm_card_visa").status_code == 201
        return len(captured)

    def test_of_start_are_the_same_for_1_20_and_500_lines(self, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
        for number in range(500):
            a_product(shop.channel, sku=f"S{number:03}", price_minor=100 + number, stock=10)
        self.count(shop, 2)

        counted = {lines: self.count(shop, lines) for lines in (1, 20, 500)}

        with capsys.disabled():
            print(f"\nstatements of checkout/start by lines: {counted}")
        assert len(set(counted.values())) == 1
        assert counted[1] <= self.STATEMENTS_MAX

    def test_of_reading_an_order_are_few_and_the_same(self, shop: Shop) -> None:
        for number in range(20):
            a_product(shop.channel, sku=f"S{number:03}", stock=10)
        counted = []
        for lines in (1, 20):
            order = shop.start(
                shop.a_cart({f"S{number:03}": 1 for number in range(lines)}), key=f"k{lines}", token="pm_card_visa"
            ).json()
            with CaptureQueriesContext(connection) as captured:
                assert read(shop, order).status_code == 200
            counted.append(len(captured))

        assert counted[0] == counted[1] <= 7


class TestReading:
    def test_an_order_answers_304_while_nothing_changed(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        first = read(shop, order)
        assert first["Cache-Control"] == "private, no-store"

        assert read(shop, order, if_none_match=first["ETag"]).status_code == 304
        assert read(shop, order, if_none_match=f'"0", {first["ETag"]}').status_code == 304
        assert read(shop, order, if_none_match='"0"').status_code == 200

    def test_whatever_changes_in_the_answer_changes_its_etag(self, shop: Shop) -> None:
        """Walk a life with every kind of change a customer is shown; equal tags must mean equal bodies."""
        seen: dict[str, dict[str, Any]] = {}
        order = shop.start(shop.a_cart()).json()

        def look() -> None:
            answer = read(shop, order)
            body = answer.json()
            assert seen.setdefault(answer["ETag"], body) == body

        look()
        for card in ("pm_card_authenticationRequired", "pm_card_chargeDeclined"):
            shop.confirm(order, card=card)
            look()
            shop.deliver()
            look()
        shop.confirm(order, card="pm_card_chargeDeclinedExpiredCard")
        shop.deliver()
        look()
        shop.pass_time(minutes=16)
        shop.confirm(order, card="pm_card_authenticationRequired")
        shop.deliver()
        shop.sweep()
        look()
        shop.confirm(order, card="pm_card_pendingRefund")
        cancel(shop, order)
        look()
        for _ in range(4):
            shop.deliver()
            look()
            shop.pass_time(seconds=61)
            shop.sweep()
            look()

        assert len(seen) >= 6
        assert Order.objects.get().state == "cancelled_with_refund"

    def test_active_leads_a_killed_app_back_to_its_payment(self, shop: Shop) -> None:
        cart = shop.a_cart()
        nothing = shop.api("GET", f"checkout/active?cart_id={cart[0]}", x_cart_token=cart[1])
        assert nothing.status_code == 204

        started = shop.start(cart).json()
        active = shop.api("GET", f"checkout/active?cart_id={cart[0]}", x_cart_token=cart[1]).json()

        assert active["order_id"] == started["order_id"]
        assert active["client_secret"] == started["client_secret"]
        assert active["order"]["next_actions"] == ["pay", "cancel"]
