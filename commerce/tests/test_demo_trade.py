"""What the demo shop adds to its prices: a British, a German and an American parcel; and nothing to an invoice."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from catalog.models import Coupon, Promotion, ShippingPrice, TaxRate
from commerce.demo.promotions import PROMOTIONS
from commerce.demo.shop import COUNTRIES
from commerce.retail.reading import Article
from commerce.retail.replaying import stock_shop
from core import clock
from core.models import SalesChannel

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def seeded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo shop without staff and orders."""
    for name in ("DEMO_STAFF_PASSWORD", "REPLAY_SERVICE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    settings.SANDBOX_URL = ""
    call_command("seed_demo", stdout=io.StringIO())


def quote(lines: dict[str, int], *, country: str, currency: str = "GBP") -> Any:
    """What a guest from there would pay."""
    client = Client()

    def call(method: str, path: str, body: Any, **headers: str) -> Any:
        return client.generic(method, f"/api/v1/{path}", body, content_type="application/json", headers=headers).json()

    cart = call("POST", "carts", f'{{"currency": "{currency}", "country": "{country}"}}')
    units = ", ".join(f'{{"sku": "{sku}", "quantity": {count}}}' for sku, count in lines.items())
    path = f"carts/{cart['cart_id']}/lines"
    return call("PUT", path, f'{{"lines": [{units}]}}', **{"X-Cart-Token": cart["cart_token"]})["quote"]


def figures(shown: Any) -> tuple[int, int, int]:
    """Shipping, the tax within, and the total, in minor units."""
    return tuple(shown[name]["amount_minor"] for name in ("shipping", "tax", "total"))


class TestTrade:
    def test_a_british_parcel_bears_twenty_percent_within_its_price(self) -> None:
        shown = quote({"LL-LARK-MUG": 2}, country="GB")

        assert figures(shown) == (395, 533, 3195)  # 28.00 holds 4.67 and 3.95 holds 0.66
        assert shown["is_tax_included"]

    def test_from_fifty_pounds_on_the_post_is_free(self) -> None:
        shown = quote({"LL-BLANKET-MOSS": 1}, country="GB")

        assert figures(shown) == (0, 1483, 8900)

    def test_a_german_parcel_bears_german_tax(self) -> None:
        shown = quote({"LL-LARK-MUG": 1}, country="DE", currency="EUR")

        assert [line["rate"] for line in shown["tax_lines"]] == ["0.19"]
        assert figures(shown) == (900, 407, 2550)  # 16.50 holds 2.63 and 9.00 holds 1.44

    def test_an_american_parcel_bears_none(self) -> None:
        shown = quote({"LL-LARK-MUG": 1}, country="US")

        assert figures(shown) == (1450, 0, 2850)

    def test_a_gift_card_is_taxed_when_it_is_spent_and_sent_by_mail(self) -> None:
        shown = quote({"LL-GIFT-25": 1}, country="GB")

        assert figures(shown) == (0, 0, 2500)
        assert not shown["requires_shipping"]

    def test_every_country_has_every_category(self) -> None:
        assert TaxRate.objects.count() == 4 * len(COUNTRIES)

    def test_an_invoice_is_paid_as_it_was_written(self) -> None:
        stock_shop(
            {"85123A": Article(name="T-light holder", price_minor=255, units=6)}, channel=SalesChannel.objects.get()
        )

        shown = quote({"85123A": 6}, country="GB")

        assert figures(shown) == (0, 0, 1530)

    def test_there_is_a_code_of_every_kind_and_one_that_has_ended(self) -> None:
        kinds = set(Promotion.objects.values_list("kind", flat=True))

        assert kinds == {"percent", "fixed", "free_shipping"}
        assert set(Coupon.objects.values_list("code", flat=True)) == set(PROMOTIONS)
        assert Promotion.objects.filter(valid_until__lt=clock.now()).count() == 1

    def test_doing_it_again_changes_nothing(self) -> None:
        tables = (TaxRate, ShippingPrice, Promotion, Coupon)
        before = [table.objects.count() for table in tables]

        call_command("seed_demo", stdout=io.StringIO())

        assert [table.objects.count() for table in tables] == before
