"""What the demo shop adds to its prices: a British, a German and an American parcel; and nothing to an invoice."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from catalog.models import Coupon, Promotion, ShippingPrice, TaxRate
from commerce.demo.people import ADDRESSES
from commerce.demo.promotions import PROMOTIONS
from commerce.demo.shop import COUNTRIES
from commerce.demo.trade import RATES
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


def quote(lines: dict[str, int], *, country: str, currency: str = "GBP", business: Any = None) -> Any:
    """What a guest from there would pay, or a business with this address."""
    client = Client()

    def call(method: str, path: str, body: Any, **headers: str) -> Any:
        return client.generic(method, f"/api/v1/{path}", body, content_type="application/json", headers=headers).json()

    cart = call("POST", "carts", f'{{"currency": "{currency}", "country": "{country}"}}')
    units = ", ".join(f'{{"sku": "{sku}", "quantity": {count}}}' for sku, count in lines.items())
    path, token = f"carts/{cart['cart_id']}", {"X-Cart-Token": cart["cart_token"]}
    if business:
        call("PUT", f"{path}/addresses", json.dumps({"shipping": business}), **token)
    return call("PUT", f"{path}/lines", f'{{"lines": [{units}]}}', **token)["quote"]


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

    def test_a_german_business_accounts_for_its_tax_and_a_british_one_bears_it(self) -> None:
        workshop = {**ADDRESSES["DE"], "name": "Weber GmbH", "tax_id": "DE 136 695 976"}
        mill = {**ADDRESSES["GB"], "name": "Fenwick Ltd", "tax_id": "980 7806 84"}

        german = quote({"LL-LARK-MUG": 1}, country="DE", currency="EUR", business=workshop)
        british = quote({"LL-LARK-MUG": 2}, country="GB", business=mill)

        # 16.50 − 2.63 and 9.00 − 1.44.
        assert figures(german) == (900, 0, 2143)
        assert [line["treatment"] for line in german["tax_lines"]] == ["reverse_charge"]
        assert german["tax_relief"]["amount_minor"] == 407
        assert figures(british) == (395, 533, 3195)

    def test_an_american_parcel_bears_none(self) -> None:
        shown = quote({"LL-LARK-MUG": 1}, country="US")

        assert figures(shown) == (1450, 0, 2850)

    def test_a_gift_card_is_taxed_when_it_is_spent_and_sent_by_mail(self) -> None:
        shown = quote({"LL-GIFT-25": 1}, country="GB")

        assert figures(shown) == (0, 0, 2500)
        assert not shown["requires_shipping"]

    def test_every_country_has_every_category(self) -> None:
        assert TaxRate.objects.filter(for_businesses=False).count() == 4 * len(COUNTRIES)

    def test_goods_and_food_have_a_rate_for_businesses_across_the_border(self) -> None:
        rates = TaxRate.objects.filter(for_businesses=True).values_list("country", "tax_category")

        assert set(rates) == {
            (country, category) for country in set(RATES) & set(COUNTRIES) - {"GB"} for category in ("standard", "food")
        }
        assert SalesChannel.objects.get().home_country == "GB"

    def test_a_shop_made_before_learns_where_it_is(self) -> None:
        SalesChannel.objects.update(home_country="")
        TaxRate.objects.filter(for_businesses=True).delete()

        call_command("seed_demo", stdout=io.StringIO())

        assert SalesChannel.objects.get().home_country == "GB"
        assert TaxRate.objects.filter(for_businesses=True, country="DE").count() == 2

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
