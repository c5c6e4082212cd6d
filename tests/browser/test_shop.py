"""Buying in the shop with a telephone: the straight way, and what happens beside it."""

import re

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import Window
from tests.browser.shopping import (
    APPROVED,
    charges_of,
    fill_in,
    go_to_checkout,
    heading,
    judge,
    kept,
    order_by_now,
    order_id_of,
    pay_with,
    put_into_basket,
)
from tests.stack.client import Shopper

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PAID = "is paid"
CHANGE_PRICE = """UPDATE catalog_price SET amount_minor = %s WHERE currency = 'GBP'
    AND variant_id = (SELECT id FROM catalog_variant WHERE sku = 'LL-BELL-WIND')"""
BOARD = "variant_id = (SELECT id FROM catalog_variant WHERE sku = 'LL-BOARD-ASH')"
LEFT = f"SELECT received - held - committed FROM catalog_stock WHERE {BOARD}"
RECEIVE = f"UPDATE catalog_stock SET received = received + %s WHERE {BOARD}"


class TestGuest:
    def test_a_double_tap_is_one_order_and_one_charge(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        go_to_checkout(page)
        sent: list[str] = []
        page.on("request", lambda asked: sent.append(asked.url) if asked.url.endswith("/checkout/start") else None)
        cart_id = kept(page, "cart")["id"]

        page.get_by_role("button", name="Pay £").dblclick()
        page.wait_for_url("**/pay/**")

        assert len(sent) == 1
        assert len(shopper.orders_of((cart_id, ""))) == 1


class TestInterruptions:
    def test_going_back_after_paying_never_offers_to_pay_again(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        order_by_now(page)
        pay_with(page, APPROVED)
        heading(page, PAID)
        order_id = order_id_of(page)

        for path in ("/checkout", f"/orders/{order_id}", "/cart"):
            page.goto(path)
            page.wait_for_load_state("networkidle")
            assert page.get_by_role("button", name=re.compile("^Pay")).count() == 0, path
        page.go_back()
        page.go_back()
        page.wait_for_load_state("networkidle")

        assert page.get_by_role("button", name=re.compile("^Pay")).count() == 0
        assert len(charges_of(shopper, order_id)) == 1

    def test_a_connection_lost_while_paying_is_said_and_gone_on_from(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light", expects=("ERR_INTERNET_DISCONNECTED",))
        go_to_checkout(page)
        cart_id = kept(page, "cart")["id"]

        page.context.set_offline(True)
        page.get_by_role("button", name="Pay £").click()
        page.get_by_text("Your order was sent, but no answer has come.").wait_for()
        key = kept(page, f"key.start.{cart_id}")["key"]
        judge(page, "shop-checkout-offline", width=360, scheme="light")
        page.context.set_offline(False)
        page.wait_for_url("**/pay/**")

        [(order_id, _)] = shopper.orders_of((cart_id, ""))
        assert key.startswith("web_")
        pay_with(page, APPROVED)
        heading(page, PAID)
        assert len(charges_of(shopper, order_id)) == 1

    def test_too_many_tries_say_when_the_next_is_and_go_on_with_the_same_key(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light", expects=(429,))
        go_to_checkout(page)
        cart_id = kept(page, "cart")["id"]
        keys: list[str] = []

        def refuse_once(route: Route) -> None:
            keys.append(route.request.headers["idempotency-key"])
            if len(keys) > 1:
                route.continue_()
            else:
                route.fulfill(status=429, headers={"Retry-After": "4"}, json={"code": "too_many_tries"})

        page.route("**/checkout/start", refuse_once)

        page.get_by_role("button", name="Pay £").click()
        page.get_by_text("The next is possible in 4 seconds.").wait_for()
        page.wait_for_url("**/pay/**")

        assert len(keys) == 2
        assert len(set(keys)) == 1
        assert len(shopper.orders_of((cart_id, ""))) == 1

    def test_an_answer_that_was_lost_is_asked_for_by_the_next_window(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light", expects=("ERR_FAILED", 409))
        go_to_checkout(page)
        cart_id = kept(page, "cart")["id"]
        page.route("**/checkout/start", lambda route: (route.fetch(), route.abort())[0])
        page.get_by_role("button", name="Pay £").click()
        page.get_by_text("no answer has come").wait_for()
        [(order_id, _)] = shopper.orders_of((cart_id, ""))

        page.unroute_all(behavior="ignoreErrors")
        later = page.context.new_page()
        page.close()
        later.goto("/cart")

        later.wait_for_url("**/pay/**")
        assert [found for found, _ in shopper.orders_of((cart_id, ""))] == [order_id]

    @pytest.mark.parametrize("path", ["/cart", "/checkout"])
    def test_a_closed_window_leads_back_to_the_order(self, shopper: Shopper, shop_window: Window, path: str) -> None:
        page = shop_window(width=360, scheme="light")
        order_by_now(page)
        later = page.context.new_page()
        page.close()

        later.goto(path)

        later.wait_for_url("**/orders/**")
        heading(later, "One step left: pay")
        later.get_by_role("button", name="Pay £17.95").click()
        later.wait_for_url("**/pay/**")
        pay_with(later, APPROVED)
        heading(later, PAID)

    def test_an_order_on_its_way_is_not_unlocked_by_what_was_asked_before_it(self, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        ways: list[Route] = []
        starts: list[Route] = []

        def keep(start: Route) -> None:
            starts.append(start)

        page.route("**/shipping-method", lambda route: route.continue_() if ways else ways.append(route))
        page.route("**/checkout/start", keep)
        go_to_checkout(page)
        with page.expect_request("**/checkout/start"):
            page.get_by_role("button", name="Pay £").click()
        with page.expect_response("**/shipping-method"):
            ways[0].continue_()
        page.evaluate("new Promise((done) => setTimeout(done, 200))")

        assert page.get_by_role("button", name="Placing your order …").is_disabled()
        assert page.locator(".wrong").count() == 0
        starts[0].continue_()
        page.wait_for_url("**/pay/**")

    def test_another_browser_sees_that_it_is_paid_and_nothing_else(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        order_by_now(page)
        other = shop_window(width=360, scheme="dark")

        other.goto(page.url)
        pay_with(other, APPROVED)

        heading(other, "Payment received")
        said = other.locator("main").inner_text()
        assert "ada@example.com" not in said
        assert "Lark mug" not in said
        assert "client_secret" not in other.url
        judge(other, "shop-return", width=360, scheme="dark")
        page.goto("/")
        page.goto(f"/orders/{kept(page, 'orders')[0]['id']}")
        heading(page, PAID)

    def test_a_price_that_changed_is_asked_about_again(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light", expects=(409,))
        put_into_basket(page, "/products/porcelain-wind-bell")
        page.goto("/checkout")
        page.get_by_role("button", name="Pay £29.95").wait_for()
        fill_in(page)
        with page.expect_response("**/addresses"):
            page.get_by_label("Town or city").blur()
        page.get_by_role("button", name="Pay £29.95").wait_for()
        shopper.rows(CHANGE_PRICE, 2750)

        page.get_by_role("button", name="Pay £29.95").click()
        page.get_by_text("It was £29.95 and is now £31.45.").wait_for()
        judge(page, "shop-checkout-price-changed", width=360, scheme="light")
        page.get_by_role("button", name="Pay £31.45").click()

        page.wait_for_url("**/pay/**")
        shopper.rows(CHANGE_PRICE, 2600)

    def test_what_somebody_else_bought_meanwhile_is_named(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light", expects=(409,))
        put_into_basket(page, "/products/ash-bread-board")
        page.goto("/checkout")
        fill_in(page)
        [(left,)] = shopper.rows(LEFT)
        shopper.rows(RECEIVE, -left)

        page.get_by_role("button", name="Pay £").click()
        page.get_by_text("There is not enough left of Ash bread board").wait_for()

        page.get_by_role("link", name="Change the basket").last.click()
        page.get_by_text("Sold out. Please take it out.").wait_for()
        judge(page, "shop-cart-sold-out", width=360, scheme="light")
        shopper.rows(RECEIVE, left)

    @pytest.mark.pains("E4")
    def test_what_an_unpaid_order_of_one_s_own_keeps_leads_to_it_and_is_had_once_that_is_cancelled(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light")
        [(left,)] = shopper.rows(LEFT)
        shopper.rows(RECEIVE, 2 - left)
        go_to_checkout(page, "/products/ash-bread-board")
        page.get_by_role("button", name="Pay £").click()
        page.wait_for_url("**/pay/**")

        page.goto("/products/ash-bread-board")
        page.get_by_label("How many").select_option("2")
        page.get_by_role("button", name="Put into the basket").click()
        page.get_by_text("You have already reserved this in order").wait_for()
        page.goto("/cart")
        page.get_by_text("Kept for you in another order.").wait_for()
        judge(page, "shop-cart-own-order", width=360, scheme="light")
        page.get_by_role("link", name="Pay or cancel order").click()
        page.get_by_role("button", name="Cancel this order").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
        page.get_by_role("heading", level=1, name="Cancelled", exact=True).wait_for()
        page.goto("/cart")

        page.get_by_role("link", name="Check out").click()
        page.get_by_role("button", name="Pay £").wait_for()
        shopper.rows(RECEIVE, left - 2)
