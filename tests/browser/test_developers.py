"""The developers' page and the API's documentation, as a stranger sees them."""

import pytest

from catalog.models import Product
from core import clock
from core.ids import new_public_id
from core.models import SalesChannel
from tests.browser.conftest import LOOKS, Window, look

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]

# What Swagger UI draws is its own: white words on light badges, and buttons that hold a button. Only the frame is ours.
SWAGGER = ".swagger-ui"


@pytest.fixture
def shop(database: str) -> SalesChannel:
    """The demo shop with something on sale."""
    now = clock.now()
    channel = SalesChannel.objects.create(
        slug="lantern-and-lark", name="Lantern & Lark", legal_entity="Lantern & Lark Ltd", time_zone="Europe/London",
        default_locale="en-GB", default_currency="GBP", currencies=["GBP"], countries=["GB"], tax_entry="gross",
        order_series="L", invoice_series="L", mail_from="shop@lantern-and-lark.example", terms_version="1",
        is_livemode=False, created_at=now,
    )  # fmt: skip
    for number in range(12):
        Product.objects.create(
            public_id=new_public_id("prd"), channel=channel, slug=f"lantern-{number}", name="Lantern",
            tax_category="standard", is_published=True, created_at=now,
        )  # fmt: skip
    return channel


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
class TestDevelopersPage:
    def test_shows_the_shop(self, shop: SalesChannel, window: Window, width: int, scheme: str) -> None:
        page = window(width=width, scheme=scheme)

        page.goto("/developers")

        assert page.get_by_role("heading", level=1).inner_text() == "Commerce whose checkout keeps its word"
        page.get_by_text("Lantern & Lark").wait_for()
        look(page, "developers", width=width, scheme=scheme)

    def test_says_that_the_demo_is_being_made(self, window: Window, width: int, scheme: str) -> None:
        page = window(width=width, scheme=scheme)

        page.goto("/developers")

        page.get_by_text("The demo data is still being made.").wait_for()
        look(page, "developers-being-made", width=width, scheme=scheme)
        page.goto("/")
        assert page.get_by_role("heading", level=1).inner_text() == "The shop is being set up"
        look(page, "shop-being-made", width=width, scheme=scheme)

    def test_nothing_is_here(self, window: Window, width: int, scheme: str) -> None:
        page = window(width=width, scheme=scheme, expects=(404,))

        page.goto("/nothing-here")

        assert page.get_by_role("heading", level=1).inner_text() == "There is nothing at this address"
        look(page, "nothing-here", width=width, scheme=scheme)


class TestWaiting:
    def test_the_page_changes_by_itself_once_there_is_something_to_show(
        self, window: Window, request: pytest.FixtureRequest
    ) -> None:
        page = window(width=360, scheme="light")
        page.goto("/developers")
        page.get_by_text("The demo data is still being made.").wait_for()

        request.getfixturevalue("shop")

        page.get_by_text("This installation serves Lantern & Lark").wait_for(timeout=20_000)
        assert page.get_by_text("The demo data is still being made.").count() == 0


class TestDevelopersPageByKeyboard:
    def test_the_first_stop_leads_past_the_header(self, shop: SalesChannel, window: Window) -> None:
        page = window(width=360, scheme="light")
        page.goto("/developers")

        page.keyboard.press("Tab")

        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"

    def test_every_target_is_large_enough_for_a_thumb(self, shop: SalesChannel, window: Window) -> None:
        page = window(width=360, scheme="light")
        page.goto("/developers")

        heights = page.eval_on_selector_all("main a", "links => links.map(link => link.getBoundingClientRect().height)")

        assert min(heights) >= 44

    def test_stays_in_shape_mirrored(self, shop: SalesChannel, window: Window) -> None:
        page = window(width=360, scheme="light")
        page.goto("/developers")

        page.evaluate("document.documentElement.dir = 'rtl'")

        look(page, "developers-mirrored", width=360, scheme="light")


class TestApiDocs:
    @pytest.mark.parametrize(("width", "scheme"), LOOKS)
    def test_are_drawn_under_the_strict_policy(
        self, shop: SalesChannel, window: Window, width: int, scheme: str
    ) -> None:
        page = window(width=width, scheme=scheme)

        page.goto("/api/v1/docs")
        page.wait_for_selector(".swagger-ui .info .title")

        assert "Surety" in page.locator(".swagger-ui .info .title").inner_text()
        look(page, "api-docs", width=width, scheme=scheme, not_ours=SWAGGER)
