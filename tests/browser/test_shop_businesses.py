"""A business abroad types its VAT number: refused beside the field while it is wrong, and no tax once it is right."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Window
from tests.browser.shopping import (
    APPROVED,
    MUG,
    charges_of,
    heading,
    judge,
    order_id_of,
    pay_with,
    put_into_basket,
)
from tests.stack.client import Shopper

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PATTERN = "/products/printable-mobile-pattern"


def type_number(page: Page, number: str) -> None:
    """Fill in the field and leave it."""
    field = page.get_by_label("VAT number")
    field.fill(number)
    field.blur()


class TestBusinesses:
    def test_type_their_number_and_pay_without_the_tax(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light", expects=(400,))
        put_into_basket(page, MUG)
        page.goto("/checkout")
        page.get_by_role("button", name="Pay £17.95").wait_for()
        page.get_by_label("E-mail address").fill("weber@example.com")
        page.get_by_label("Name", exact=True).fill("Weber GmbH")
        page.get_by_label("Country").select_option("DE")
        page.get_by_label("Street and number").fill("Unter den Linden 6")
        page.get_by_label("Postcode").fill("10117")
        page.get_by_label("Town or city").fill("Berlin")
        page.get_by_role("button", name="Pay £21.95").wait_for()

        type_number(page, "DE 136 695 978")
        page.get_by_text("This number cannot be right.").wait_for()
        judge(page, "shop-checkout-business-wrong", width=360, scheme="light")
        type_number(page, "136 695 976")

        # 14.00 holds 2.24 and 7.95 holds 1.27 of German tax.
        page.get_by_role("button", name="Pay £18.44").wait_for()
        page.get_by_text("−£3.51").wait_for()
        page.get_by_text("reverse charge").wait_for()
        judge(page, "shop-checkout-business", width=360, scheme="light")
        page.get_by_role("button", name="Pay £18.44").click()
        page.wait_for_url("**/pay/**")
        pay_with(page, APPROVED)

        heading(page, "£18.44 is paid")
        page.get_by_text("reverse charge").wait_for()
        [charge] = charges_of(shopper, order_id_of(page))
        assert charge["amount_received"] == 1844

    def test_are_asked_for_a_street_where_nothing_is_posted(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=768, scheme="dark")
        put_into_basket(page, PATTERN)
        page.goto("/checkout")
        page.get_by_role("button", name="Pay £").wait_for()
        street = page.get_by_label("Street and number")
        assert not street.is_visible()

        type_number(page, "GB980780684")
        street.wait_for()
        type_number(page, "")

        street.wait_for(state="hidden")
