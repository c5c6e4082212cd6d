"""The ways to a paid order, walked at every width, light and dark: what a person meets on them is judged on each."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import LOOKS, Window, look
from tests.browser.shopping import (
    APPROVED,
    CHALLENGED,
    DECLINED,
    charges_of,
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

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.parametrize(("width", "scheme"), LOOKS)]

PAID = "is paid"
TOWELS = "/products/linen-tea-towels-pair"


def buy(page: Page) -> None:
    """Walk from a product to a paid order's page."""
    order_by_now(page)
    pay_with(page, APPROVED)
    page.wait_for_url("**/orders/**")
    heading(page, PAID)


class TestGuest:
    def test_buys_with_3_d_secure_and_comes_back(
        self, shopper: Shopper, shop_window: Window, width: int, scheme: str
    ) -> None:
        page = shop_window(width=width, scheme=scheme)
        returns: list[str] = []
        page.on("request", lambda asked: returns.append(asked.url) if "/checkout/return?" in asked.url else None)
        put_into_basket(page, TOWELS)
        go_to_checkout(page)
        judge(page, "shop-checkout-filled", width=width, scheme=scheme)

        page.get_by_role("button", name="Pay £34.45").click()
        page.wait_for_url("**/pay/**")
        look(page, "provider-payment", width=width, scheme=scheme)
        pay_with(page, CHALLENGED)
        page.get_by_role("button", name="Complete").wait_for()
        look(page, "provider-3-d-secure", width=width, scheme=scheme)
        page.get_by_role("button", name="Complete").click()

        page.wait_for_url("**/orders/**")
        heading(page, PAID)
        judge(page, "shop-order-paid", width=width, scheme=scheme)
        [charge] = charges_of(shopper, order_id_of(page))
        assert charge["amount_received"] == 3445
        assert kept(page, "cart") is None
        other = shop_window(width=width, scheme=scheme)
        other.goto(returns[0])
        heading(other, "Payment received")
        judge(other, "shop-return", width=width, scheme=scheme)

    def test_a_declined_card_leads_to_another_on_the_same_order(
        self, shopper: Shopper, shop_window: Window, width: int, scheme: str
    ) -> None:
        page = shop_window(width=width, scheme=scheme)
        order_by_now(page)

        pay_with(page, DECLINED)
        page.wait_for_url("**/orders/**")
        heading(page, "Not paid yet")
        order_id = order_id_of(page)
        page.get_by_text("Your card was declined").wait_for()
        judge(page, "shop-order-declined", width=width, scheme=scheme)
        page.get_by_role("button", name="with another card").click()
        page.wait_for_url("**/pay/**")
        look(page, "provider-payment-again", width=width, scheme=scheme)
        pay_with(page, APPROVED)

        page.wait_for_url("**/orders/**")
        heading(page, PAID)
        assert order_id_of(page) == order_id
        assert len(charges_of(shopper, order_id)) == 1

    def test_cancels_what_is_paid_and_has_it_back(
        self, shopper: Shopper, shop_window: Window, width: int, scheme: str
    ) -> None:
        page = shop_window(width=width, scheme=scheme)
        buy(page)

        page.get_by_role("button", name="Cancel this order").click()
        page.get_by_text("goes back to you by itself").wait_for()
        judge(page, "shop-order-cancel-paid", width=width, scheme=scheme)
        page.get_by_role("button", name="Cancel the order").click()

        page.get_by_role("heading", level=1, name="Cancelled", exact=True).wait_for()
        [charge] = charges_of(shopper, order_id_of(page))
        assert charge["amount_received"] > 0
        page.get_by_text(f"Given back so far: £{charge['amount_received'] / 100:.2f}").wait_for()

    def test_asks_for_money_back_and_sees_it_come(
        self, shopper: Shopper, shop_window: Window, width: int, scheme: str
    ) -> None:
        page = shop_window(width=width, scheme=scheme)
        buy(page)

        page.get_by_role("button", name="Ask for your money back").click()
        page.get_by_label("What is wrong").select_option("wrong_item")
        judge(page, "shop-order-refund", width=width, scheme=scheme)
        page.get_by_role("button", name="Ask for it").click()

        page.get_by_role("heading", level=2, name="Asked back").wait_for()
        page.get_by_role("heading", level=1, name="Given back", exact=True).wait_for(timeout=40_000)
        judge(page, "shop-order-refunded", width=width, scheme=scheme)
        page.get_by_text("Your money has gone back to you.").first.wait_for()

    def test_cancels_before_paying(self, shopper: Shopper, shop_window: Window, width: int, scheme: str) -> None:
        page = shop_window(width=width, scheme=scheme)
        order_by_now(page)
        page.go_back()
        heading(page, "One step left: pay")
        judge(page, "shop-order-open", width=width, scheme=scheme)

        page.get_by_role("button", name="Cancel this order").click()
        judge(page, "shop-order-cancel", width=width, scheme=scheme)
        page.get_by_role("button", name="Cancel the order").click()

        page.get_by_role("heading", level=1, name="Cancelled", exact=True).wait_for()
        judge(page, "shop-order-cancelled", width=width, scheme=scheme)
        assert charges_of(shopper, order_id_of(page)) == []
        page.get_by_role("button", name="Order the same again").click()
        page.get_by_role("link", name="Check out · £17.95").wait_for()
