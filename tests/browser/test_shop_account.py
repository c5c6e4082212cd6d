"""Buying with an account, paying on another device, and an order whose time was over."""

import re
import uuid
from pathlib import Path

import pytest

from tests.browser.conftest import LOOKS, Window
from tests.browser.shopping import (
    ADA,
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
    sign_in,
)
from tests.running import wait_until
from tests.stack.client import Shopper

pytestmark = [pytest.mark.browser, pytest.mark.stack]

CODE = re.compile(r"^([A-Z]{4}-[A-Z]{4})$", re.MULTILINE)


class TestAccount:
    def test_signing_up_from_the_checkout_comes_back_to_it_and_the_order_is_the_accounts(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        email = f"new-{uuid.uuid4().hex[:8]}@example.com"
        page = shop_window(width=360, scheme="light", expects=(401,))
        put_into_basket(page)
        page.goto("/checkout")
        page.get_by_role("link", name="Sign in if you have one").click()
        page.get_by_role("button", name="Make an account").click()
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password, at least").fill("a lantern for the lark")
        judge(page, "shop-account-new", width=360, scheme="light")
        page.get_by_role("button", name="Make the account").click()
        page.get_by_label("Code").fill(code_for(shopper, email))
        page.get_by_role("button", name="Go on").click()

        page.wait_for_url("**/checkout")
        page.get_by_role("button", name="Pay £17.95").wait_for()
        assert page.get_by_label("E-mail address").input_value() == email
        assert kept(page, "cart")["token"] == ""
        fill_in(page)
        page.get_by_role("button", name="Pay £").click()
        page.wait_for_url("**/pay/**")
        pay_with(page, APPROVED)
        heading(page, "is paid")
        page.goto("/account")
        page.get_by_text(f"Signed in as {email}").wait_for()
        page.get_by_role("link", name="Order ").click()
        heading(page, "is paid")

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

    def test_a_wrong_password_is_said_and_nothing_is_lost(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light", expects=(400, 401))
        page.goto("/account")
        page.get_by_label("E-mail address").fill(ADA)
        page.get_by_label("Password").fill("not this one, surely")

        page.get_by_role("button", name="Sign in").click()

        page.get_by_role("alert").get_by_text("do not belong together").wait_for()
        assert page.get_by_label("E-mail address").input_value() == ADA
        assert kept(page, "session") is None


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


class TestTooLate:
    def test_what_was_sold_meanwhile_at_another_price_is_quoted_again(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light", expects=(409,))
        order_by_now(page)
        page.go_back()
        heading(page, "One step left: pay")
        order_id = order_id_of(page)
        let_the_time_pass(shopper, order_id)
        heading(page, "The time to pay is over")
        shopper.rows(CHANGE_MUG, 1450)

        page.get_by_role("button", name="Pay £17.95").click()
        page.get_by_text("Today it is £18.45 instead of £17.95.").wait_for()
        judge(page, "shop-order-lapsed", width=360, scheme="light")
        page.get_by_role("button", name="Order at today’s price, £18.45").click()

        page.get_by_role("link", name="Check out · £18.45").wait_for()
        assert charges_of(shopper, order_id) == []
        shopper.rows(CHANGE_MUG, 1400)


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


# Rows of reservations are guarded; only a test makes time pass.
END_KEEPING = """UPDATE catalog_reservation SET expires_at = created_at + interval '1 second',
    cap_at = created_at + interval '1 second' WHERE owner_id = %s"""
END_ORDER = "UPDATE orders_order SET expires_at = created_at + interval '1 second' WHERE public_id = %s"
CHANGE_MUG = """UPDATE catalog_price SET amount_minor = %s WHERE currency = 'GBP'
    AND variant_id = (SELECT id FROM catalog_variant WHERE sku = 'LL-LARK-MUG')"""


def let_the_time_pass(shopper: Shopper, order_id: str) -> None:
    """Make the time that an order's units are kept be over."""
    shopper.rows("SET session_replication_role = replica")
    shopper.rows(END_KEEPING, order_id)
    shopper.rows(END_ORDER, order_id)
    shopper.rows("RESET session_replication_role")


def code_for(shopper: Shopper, email: str) -> str:
    """The code of the mail the shop wrote to this address."""
    found: list[str] = []

    def has_come() -> bool:
        for mail in Path(shopper.env["EMAIL_URL"].removeprefix("filemail:///")).glob("*"):
            text = mail.read_text()
            if email in text:
                found.extend(CODE.findall(text))
        return bool(found)

    wait_until(has_come, seconds_max=20)
    return found[0]
