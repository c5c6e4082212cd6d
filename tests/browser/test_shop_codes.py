"""Codes in the shop: what they take off, why they do not, and a total of nothing."""

import pytest

from tests.browser.conftest import Window
from tests.browser.shopping import (
    APPROVED,
    MUG,
    charges_of,
    fill_in,
    heading,
    judge,
    order_id_of,
    pay_with,
    put_into_basket,
)
from tests.stack.client import Shopper

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PATTERN = "/products/printable-mobile-pattern"
MAKE = """
from datetime import timedelta
from decimal import Decimal
from catalog.services import NewCoupon, NewPromotion, create_promotion
from core import clock
from core.channels import default_channel
from core.db import transaction
with transaction("test"):
    new = NewPromotion(name="{name}", kind="percent", rate=Decimal("{rate}"), uses_max={uses_max},
                       valid_from=clock.now() - timedelta(days=1))
    create_promotion(new, channel=default_channel(), coupons=[NewCoupon(code="{code}")], now=clock.now())
"""


@pytest.fixture(scope="module", autouse=True)
def codes(shopper: Shopper) -> None:
    """A tenth off, everything off, and one that ends soon."""
    for name, code, rate, uses_max in (
        ("A tenth off", "LARK10", "0.1", "None"),
        ("On the house", "ONTHEHOUSE", "1", "None"),
        ("Once", "ONLYONCE", "0.5", "1"),
    ):
        status, said = shopper.stack.manage(
            "shell", "-c", MAKE.format(name=name, code=code, rate=rate, uses_max=uses_max)
        )
        assert status == 0, said


class TestCodes:
    def test_a_code_is_taken_off_and_stays_in_the_order(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        put_into_basket(page)
        page.goto("/cart")
        page.get_by_text("I have a code").click()
        page.get_by_label("Code").fill("lark 10")
        page.get_by_label("Code").press("Enter")
        page.get_by_role("link", name="Check out · £16.55").wait_for()
        judge(page, "shop-cart-code", width=360, scheme="light")
        page.get_by_role("link", name="Check out").click()
        page.get_by_role("button", name="Pay £16.55").wait_for()
        fill_in(page)
        page.get_by_role("button", name="Pay £16.55").click()
        page.wait_for_url("**/pay/**")
        pay_with(page, APPROVED)

        heading(page, "£16.55 is paid")
        page.get_by_text("A tenth off (LARK10)").wait_for()
        [charge] = charges_of(shopper, order_id_of(page))
        assert charge["amount_received"] == 1655

    def test_a_code_nobody_has_is_said_and_can_be_corrected_and_taken_out(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="dark", expects=(404,))
        put_into_basket(page)
        page.goto("/checkout")
        page.get_by_role("button", name="Pay £17.95").wait_for()
        page.get_by_text("I have a code").click()
        page.get_by_label("Code", exact=True).fill("LARK11")
        page.get_by_role("button", name="Use").click()
        page.get_by_text("This code is not valid.").wait_for()
        judge(page, "shop-checkout-code-unknown", width=360, scheme="dark")
        assert page.get_by_label("Code", exact=True).input_value() == "LARK11"
        page.get_by_label("Code", exact=True).fill("LARK10")
        page.get_by_role("button", name="Use").click()
        page.get_by_role("button", name="Pay £16.55").wait_for()

        page.get_by_role("button", name="Take out the code LARK10").click()

        page.get_by_role("button", name="Pay £17.95").wait_for()

    def test_a_total_of_nothing_needs_no_card(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        put_into_basket(page, PATTERN)
        page.goto("/checkout")
        page.get_by_text("I have a code").click()
        page.get_by_label("Code", exact=True).fill("ONTHEHOUSE")
        page.get_by_role("button", name="Use").click()
        page.get_by_role("button", name="Order for nothing").wait_for()
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_label("Name", exact=True).fill("Ada Lovelace")
        judge(page, "shop-checkout-nothing-to-pay", width=360, scheme="light")

        page.get_by_role("button", name="Order for nothing").click()

        page.wait_for_url("**/orders/**")
        heading(page, "£0.00 is paid")
        judge(page, "shop-order-nothing-paid", width=360, scheme="light")
        assert shopper.intents_of(order_id_of(page)) == []

    def test_a_code_used_up_meanwhile_is_said_before_anything_is_ordered(
        self, shopper: Shopper, shop_window: Window
    ) -> None:
        page = shop_window(width=360, scheme="light", expects=(409,))
        put_into_basket(page, MUG)
        page.goto("/checkout")
        page.get_by_text("I have a code").click()
        page.get_by_label("Code", exact=True).fill("ONLYONCE")
        page.get_by_role("button", name="Use").click()
        page.get_by_role("button", name="Pay £10.95").wait_for()
        fill_in(page)
        with page.expect_response("**/addresses"):
            page.get_by_label("Town or city").blur()
        shopper.rows("UPDATE catalog_promotion SET valid_until = now() WHERE name = 'Once'")

        page.get_by_role("button", name="Pay £10.95").click()

        page.get_by_text("Nothing was ordered.").wait_for()
        page.get_by_role("button", name="Pay £17.95").wait_for()
        judge(page, "shop-checkout-code-gone", width=360, scheme="light")
