"""What the shop's browser tests share: a running stack with its demo goods, windows that are watched, and the walk to
the payment.
"""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import HEIGHTS, check, keep
from tests.running import wait_until
from tests.stack.client import Shopper

SIZES_OF_TYPE = {"14px", "16px", "28px"}
FIRST_LOAD_MAX_BYTES = 150_000
MUG, HOOK = "/products/lark-mug", "/products/oak-coat-hook"
ADA = "ada@customers.lantern-and-lark.example"
APPROVED, CHALLENGED, DECLINED = "4242424242424242", "4000000000003220", "4000000000000002"

ShopWindow = Callable[..., Page]


def put_into_basket(page: Page, path: str = MUG, *, units: int = 1) -> None:
    """Open a product's page and put it into the basket."""
    page.goto(path)
    page.get_by_label("How many").select_option(str(units))
    page.get_by_role("button", name="Put into the basket").click()
    page.get_by_text("in your basket.").wait_for()


def fill_in(page: Page) -> None:
    """Say who one is and where it goes."""
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_label("Street and number").fill("12 St James's Square")
    page.get_by_label("Postcode").fill("SW1Y 4JH")
    page.get_by_label("Town or city").fill("London")


def go_to_checkout(page: Page, path: str = MUG) -> None:
    """Walk from a product to a filled-in checkout."""
    put_into_basket(page, path)
    page.get_by_role("link", name="Go to the basket").click()
    page.get_by_role("link", name="Check out").click()
    page.get_by_role("button", name="Pay £").wait_for()
    fill_in(page)


def order_by_now(page: Page) -> None:
    """Walk from a product to the provider's page."""
    go_to_checkout(page)
    page.get_by_role("button", name="Pay £").click()
    page.wait_for_url("**/pay/**")


def pay_with(page: Page, number: str) -> None:
    """Fill in the provider's page."""
    page.get_by_label("or a test card number").fill(number)
    page.get_by_role("button", name="Pay").click()


def sign_in(page: Page, shopper: Shopper) -> None:
    """Sign in as the demo's customer."""
    page.get_by_label("E-mail address").fill(ADA)
    page.get_by_label("Password").fill(shopper.env["DEMO_STAFF_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text(f"Signed in as {ADA}").wait_for()


def heading(page: Page, words: str) -> None:
    """Wait until the page says so."""
    page.get_by_role("heading", level=1, name=words).wait_for()


def order_id_of(page: Page) -> str:
    """The order whose page this is."""
    return page.url.rpartition("/orders/")[2].partition("?")[0]


def kept(page: Page, name: str) -> Any:
    """What the shop keeps in this browser."""
    text = page.evaluate("name => localStorage.getItem(`shop.${name}`)", name)
    return json.loads(text) if text else None


def charges_of(shopper: Shopper, order_id: str) -> list[dict[str, Any]]:
    """What the provider took for an order."""
    return [intent for intent in shopper.intents_of(order_id) if intent["status"] == "succeeded"]


def settle(page: Page, is_true: str) -> None:
    """Wait until an expression is true. Playwright's own way asks for eval, which the shop's policy refuses."""
    wait_until(lambda: bool(page.evaluate(is_true)), seconds_max=10)


def judge(page: Page, name: str, *, width: int, scheme: str) -> None:
    """Check what every page of the shop must be, and keep a picture of it for people to judge.

    The window is made as high as the page first, so that what sticks to its lower edge lies where it belongs.
    """
    page.wait_for_load_state()
    settle(page, "![...document.querySelectorAll('[data-loading]')].some((e) => e.checkVisibility())")
    page.evaluate("window.scrollTo(0, 0)")
    check(page, name)
    type_sizes = page.evaluate(
        "[...new Set([...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && e.innerText)"
        ".map((e) => getComputedStyle(e).fontSize))]"
    )
    assert set(type_sizes) <= SIZES_OF_TYPE, f"{name}: {type_sizes}"
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(height, HEIGHTS[width])})
    settle(page, "[...document.images].every((image) => image.complete || !image.checkVisibility())")
    keep(page, f"{name}-{width}-{scheme}")
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
