"""Signing in, paying on another device, and where parcels go."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import LOOKS, Window
from tests.browser.shopping import (
    APPROVED,
    HOOK,
    MUG,
    charges_of,
    fill_in,
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

ADA = "ada@customers.lantern-and-lark.example"


class TestAccount:
    @pytest.mark.parametrize(("width", "scheme"), LOOKS)
    def test_signing_in_shows_the_orders_and_signing_out_hides_them(
        self, shopper: Shopper, shop_window: Window, width: int, scheme: str
    ) -> None:
        page = shop_window(width=width, scheme=scheme, expects=(401,))
        page.goto("/account")
        page.get_by_role("button", name="Sign in").wait_for()
        judge(page, "shop-account-sign-in", width=width, scheme=scheme)
        sign_in(page, shopper)
        page.get_by_role("link", name="Order ").first.wait_for()
        judge(page, "shop-account", width=width, scheme=scheme)

        page.get_by_role("button", name="Sign out").click()

        page.get_by_role("button", name="Sign in").wait_for()
        assert page.get_by_role("link", name="Order ").count() == 0


class TestOtherDevice:
    def test_a_link_pays_this_order_there_and_leaves_no_trace_in_the_address(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light")
        order_by_now(page)
        page.go_back()
        heading(page, "One step left: pay")
        page.get_by_role("button", name="Pay on another device").click()
        link = page.get_by_label("Link").input_value()
        judge(page, "shop-order-link", width=360, scheme="light")
        other = shop_window(width=768, scheme="dark")

        other.goto(link)
        other.get_by_role("button", name="Pay £17.95").click()
        other.wait_for_url("**/pay/**")
        pay_with(other, APPROVED)

        heading(other, "is paid")
        assert "#link=" in link
        assert "link" not in other.url
        page.get_by_role("button", name="Close").click()
        heading(page, "is paid")
        assert len(charges_of(shopper, order_id_of(page))) == 1

    def test_a_link_that_is_not_ours_opens_nothing(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        order_by_now(page)
        page.go_back()
        heading(page, "One step left: pay")
        other = shop_window(width=360, scheme="light", expects=(404,))

        other.goto(f"/orders/{order_id_of(page)}#link=forged")

        other.get_by_text("This link is not, or no longer, valid.").wait_for()
        assert other.get_by_text("Lark mug").count() == 0


class TestPlaces:
    def test_asks_for_what_a_parcel_to_the_country_needs(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        put_into_basket(page, HOOK)
        page.goto("/checkout")
        page.get_by_role("button", name="Pay £").wait_for()
        assert not page.get_by_label("State, county or region").is_visible()

        page.get_by_label("Country").select_option("US")

        page.get_by_label("State, county or region").wait_for()
        judge(page, "shop-checkout-abroad", width=360, scheme="light")

    def test_a_postcode_of_another_country_is_said_beside_its_field(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light", expects=(400,))
        put_into_basket(page, MUG)
        page.goto("/checkout")
        page.get_by_role("button", name="Pay £").wait_for()
        fill_in(page)
        page.get_by_label("Postcode").fill("nowhere")

        page.get_by_role("button", name="Pay £").click()

        page.get_by_text("This is not a postcode of this country.").wait_for()
        assert shopper.orders_of((kept(page, "cart")["id"], "")) == []


def sign_in(page: Page, shopper: Shopper) -> None:
    """Sign in as the demo's customer."""
    page.get_by_label("E-mail address").fill(ADA)
    page.get_by_label("Password").fill(shopper.env["DEMO_STAFF_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text(f"Signed in as {ADA}").wait_for()
