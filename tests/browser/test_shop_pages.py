"""Every page of the shop at every width, light and dark: readable by everybody, small, and nobody else is asked."""

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browser.conftest import LOOKS, Window
from tests.browser.shopping import (
    APPROVED,
    FIRST_LOAD_MAX_BYTES,
    HOOK,
    MUG,
    fill_in,
    heading,
    judge,
    order_by_now,
    order_id_of,
    pay_with,
    put_into_basket,
    sign_in,
)
from tests.stack.client import Shopper

pytestmark = [pytest.mark.browser, pytest.mark.stack]

# A telephone's strip of shelves is pushed aside with a thumb; elsewhere nothing of it may lie outside.
SHELVES_OUTSIDE = """[...document.querySelectorAll('.shelves a')]
    .filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.textContent)"""
WINDOW_PAGES = {
    "shop": "/",
    "shop-shelf": "/categories/kitchen",
    "shop-search": "/search?q=lark",
    "shop-search-nothing": "/search?q=teapot",
    "shop-product": MUG,
    "shop-product-choices": "/products/gift-card",
    "shop-order-stranger": "/orders/ord_00000000000000000000000000",
    "shop-return-unknown": "/checkout/return?state=forged",
}


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
class TestLooks:
    def test_looking_around(self, shopper: Shopper, shop_window: Window, width: int, scheme: str) -> None:
        page = shop_window(width=width, scheme=scheme, expects=(404,))

        for name, path in WINDOW_PAGES.items():
            page.goto(path)
            judge(page, name, width=width, scheme=scheme)
            assert width == 360 or page.evaluate(SHELVES_OUTSIDE) == []
        page.goto("/products/teapot")
        judge(page, "shop-nothing-here", width=width, scheme=scheme)

    def test_basket_and_checkout(self, shopper: Shopper, shop_window: Window, width: int, scheme: str) -> None:
        page = shop_window(width=width, scheme=scheme)
        page.goto("/cart")
        page.get_by_text("Nothing in it yet").wait_for()
        judge(page, "shop-cart-empty", width=width, scheme=scheme)
        put_into_basket(page, MUG, units=2)
        judge(page, "shop-product-added", width=width, scheme=scheme)
        put_into_basket(page, HOOK)

        page.goto("/cart")
        page.get_by_role("link", name="Check out · £43.95").wait_for()
        judge(page, "shop-cart", width=width, scheme=scheme)
        page.goto("/checkout")
        page.get_by_role("button", name="Pay £43.95").click()
        page.get_by_text("Please type your name.").wait_for()
        judge(page, "shop-checkout-incomplete", width=width, scheme=scheme)
        fill_in(page)
        page.get_by_label("Name", exact=True).blur()
        judge(page, "shop-checkout", width=width, scheme=scheme)


class TestWeight:
    @pytest.mark.parametrize("path", ["/", MUG, "/search?q=lark", "/cart", "/checkout", "/account", "/orders"])
    def test_a_first_load_is_light(self, chromium: Browser, shopper: Shopper, shop_window: Window, path: str) -> None:
        page = shop_window(width=360, scheme="light", expects=(401,))
        address = furnish(page, shopper, path)
        fresh = chromium.new_context(base_url=shopper.env["SURETY_URL"], storage_state=page.context.storage_state())
        first = fresh.new_page()

        total = load_and_weigh(first, address)

        fresh.close()
        assert 0 < total <= FIRST_LOAD_MAX_BYTES, f"{path}: {total:,} bytes"
        print(f"{path}: {total:,} bytes")


class TestWithoutScript:
    def test_looking_around_needs_none_and_the_basket_says_that_it_does(
        self, chromium: Browser, shopper: Shopper
    ) -> None:
        plain = chromium.new_context(
            base_url=shopper.env["SURETY_URL"], java_script_enabled=False, viewport={"width": 360, "height": 740}
        ).new_page()

        plain.goto("/")
        plain.get_by_label("Search the shop").fill("lark")
        plain.get_by_label("Search the shop").press("Enter")
        plain.wait_for_url("**/search**")
        plain.get_by_role("link", name="Lark mug").click()

        # Chromium's switch for tests does not draw what stands in <noscript>; browsers without scripts do.
        assert "The basket needs JavaScript" in str(plain.locator("noscript").first.text_content())
        plain.get_by_text("£14.00").first.wait_for()
        plain.goto("/cart")
        assert "This page needs JavaScript" in str(plain.locator("noscript").first.text_content())
        plain.context.close()


class TestReach:
    @pytest.mark.parametrize("path", ["/", MUG, "/cart", "/checkout"])
    def test_every_target_is_large_enough_for_a_thumb(self, shopper: Shopper, shop_window: Window, path: str) -> None:
        page = shop_window(width=360, scheme="light")
        put_into_basket(page)
        page.goto(path)
        page.wait_for_load_state("networkidle")

        small = page.evaluate(
            """[...document.querySelectorAll('main button, main input:not([type=hidden]), main select, header a, ' +
                'main .card a, main .button, footer a')]
               .filter((e) => e.checkVisibility() && !e.closest('label') && e.getBoundingClientRect().height < 44)
               .map((e) => e.outerHTML)"""
        )

        assert small == []

    def test_what_comes_next_is_under_the_thumb(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        page.goto(MUG)

        box = page.get_by_role("button", name="Put into the basket").bounding_box()

        assert box is not None
        assert box["y"] + box["height"] > 660

    def test_the_basket_is_filled_by_keyboard(self, shopper: Shopper, shop_window: Window) -> None:
        page = shop_window(width=360, scheme="light")
        page.goto(MUG)

        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.get_by_role("button", name="Put into the basket").focus()
        page.keyboard.press("Enter")
        page.get_by_text("in your basket.").wait_for()

    @pytest.mark.parametrize("path", ["/", MUG, "/cart", "/checkout"])
    def test_stays_in_shape_mirrored(self, shopper: Shopper, shop_window: Window, path: str) -> None:
        page = shop_window(width=360, scheme="light")
        put_into_basket(page)
        page.goto(path)
        page.wait_for_load_state("networkidle")

        page.evaluate("document.documentElement.dir = 'rtl'")

        judge(page, f"shop-mirrored{path.replace('/', '-').rstrip('-')}", width=360, scheme="light")


def furnish(page: Page, shopper: Shopper, path: str) -> str:
    """Give a room something to show, and say where it is: a filled basket, an account's orders, a paid order."""
    if path in {"/cart", "/checkout"}:
        put_into_basket(page)
    elif path == "/account":
        page.goto(path)
        sign_in(page, shopper)
    elif path == "/orders":
        order_by_now(page)
        pay_with(page, APPROVED)
        heading(page, "is paid")
        return f"/orders/{order_id_of(page)}"
    return path


def load_and_weigh(page: Page, path: str) -> int:
    """The bytes that came over the wire until nothing more was asked for, headers included."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    sizes = [answer.request.sizes() for answer in answers]
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
