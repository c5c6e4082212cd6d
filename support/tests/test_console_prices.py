"""The console's lists of what is charged beside goods, and how it shows what an order was priced by."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.pricing import TaxTreatment
from catalog.services import NewArea, NewFee, NewMethod, NewTaxRate, NewZone, PriceStep
from core.db import transaction
from core.models import SalesChannel
from core.tests.factories import NOW, a_channel
from orders.tests.factories import LINE, an_order
from support.tests.factories import address_of

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.pains("K2")]

LISTS = [f"/console/catalog/{name}/" for name in
         ("taxrate", "shippingzone", "shippingmethod", "shippingprice", "fee", "exchangerate")]  # fmt: skip
TAX = {"region": "GB-SCT", "category": "standard", "code": "VAT", "rate": "0.055", "treatment": "standard",
       "basis_minor": 1896, "amount_minor": 104}  # fmt: skip


def text_of(answer: Any) -> str:
    """The page as it is read: tags and runs of blanks left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode().partition('id="content"')[2]))


def a_priced_shop(channel: SalesChannel, count: int) -> None:
    """So many of each."""
    with transaction("test"):
        for index in range(count):
            areas = [NewArea("GB", postcode_prefix=f"{index}A"), NewArea("FR", f"region {index}")]
            method = NewMethod("post", "By post", [PriceStep("GBP", 395), PriceStep("GBP", 0, 0, 5000)], 2, 3)
            zone = services.create_shipping_zone(
                channel=channel, zone=NewZone(f"zone-{index}", f"Zone {index}", areas, [method]), now=NOW
            )
            fee = NewFee("box", "A box", "GBP", amount_minor=150, rate=Decimal("0.025"), below_value_minor=2000)
            services.set_fee(channel=channel, fee=fee, zone=zone, now=NOW)
            rate = NewTaxRate("VAT", "GB", Decimal("0.055"), date(2026, 1, 1), region=f"R{index}")
            theirs = NewTaxRate(
                "RC", "FR", Decimal(0), date(2026, 1, 1), treatment=TaxTreatment.REVERSE_CHARGE, region=f"R{index}"
            )
            services.create_tax_rates(channel=channel, rates=[rate, theirs], now=NOW)
            services.set_exchange_rate(
                channel=channel, currency="EUR", rate=Decimal("1.155"), source="bank", quoted_at=NOW, now=NOW
            )


class TestLists:
    def test_cost_the_same_with_no_row_and_with_thirty(self, console: Client) -> None:
        channel = a_channel()

        def costs() -> dict[str, int]:
            counted = {}
            for address in LISTS:
                with CaptureQueriesContext(connection) as queries:
                    assert console.get(address).status_code == 200, address
                counted[address] = len(queries)
            return counted

        empty = costs()
        a_priced_shop(channel, 30)

        assert costs() == empty

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("taxrate", "VAT GB R0 standard 5.5 % Standard everybody"),
            ("taxrate", "RC FR R0 standard 0 % Reverse charge businesses abroad"),
            ("shippingzone", "Zone 0 zone-0 FR REGION 0, GB 0A"),
            ("shippingmethod", "By post post Zone 0 2 to 3 any weight standard is offered"),
            ("shippingprice", "By post Zone 0 £3.95 £0.00 0"),
            ("fee", "A box box Zone 0 £1.50 2.5 % £20.00 is charged"),
            ("exchangerate", "EUR 1 GBP = 1.155 EUR bank"),
        ],
    )
    def test_say_what_counts(self, console: Client, name: str, shown: str) -> None:
        a_priced_shop(a_channel(), 1)

        page = console.get(f"/console/catalog/{name}/")

        assert shown in text_of(page)
        (row, *_) = page.context["cl"].result_list
        assert console.get(address_of(row)).status_code == 200


class TestOrderPage:
    def test_says_how_it_was_priced(self, console: Client) -> None:
        line = {**LINE, "discount_minor": 200, "total_minor": 2000, "tax": TAX}
        charge = {"basis_minor": 300, "amount_minor": 60}
        order = an_order(
            schema_version=2, lines=[line], region="SCT", address_basis="shipping_address", tax_entry="gross",
            rounding_mode="half_even", rounding_scope="document", buyer_tax_id="GB123456789", tax_lines=[TAX],
            exchange_rate={"base_currency": "EUR", "rate": "0.85", "source": "bank", "at": "2026-11-21T12:00:00+00:00"},
            shipping_method={"code": "post", "name": "By post", "price_minor": 395, "tax": charge, "total_minor": 360},
            fee_lines=[{"code": "box", "name": "A box", "amount_minor": 150, "tax": charge, "total_minor": 150}],
            discounts=[{"promotion_id": "promo_1", "coupon_code": "LARK", "name": "Spring", "kind": "percent",
                        "amount_minor": 200}],
        )  # fmt: skip

        page = text_of(console.get(address_of(order)))

        for said in (
            "Prices are gross Taxed in GB-SCT By the Shipping address Buyer's tax id GB123456789",
            "Rounded Half even per document Converted 1 EUR = 0.85 GBP · bank · 2026-11-21T12:00:00+00:00",
            "Snapshot version 2",
            "Shipping By post post £3.95 £0.60 £3.60",
            "Fee A box box £1.50 £0.60 £1.50",
            "Discount, percent Spring LARK -£2.00",
            "GB-SCT VAT 5.5 % Standard £18.96 £1.04",
        ):
            assert said in page.replace("&#x27;", "'"), said

    def test_says_which_tax_the_buyer_accounts_for(self, console: Client) -> None:
        tax = {**TAX, "region": "DE", "code": "RC", "rate": "0", "treatment": "reverse_charge", "amount_minor": 0}
        order = an_order(
            schema_version=2, tax_entry="gross", buyer_tax_id="DE136695976", tax_lines=[tax], tax_relief_minor=319
        )

        page = text_of(console.get(address_of(order)))

        for said in (
            "Buyer&#x27;s tax id DE136695976",
            "Tax taken out The buyer accounts for it -£3.19",
            "DE RC 0 % Reverse charge £18.96 £0.00",
        ):
            assert said in page, said

    def test_reads_snapshots_of_version_1_as_they_are(self, console: Client) -> None:
        order = an_order(schema_version=1, shipping_minor=395, discount_minor=200, lines=[LINE, {**LINE, "tax": TAX}])

        page = text_of(console.get(address_of(order)))

        for said in (
            "Prices are not said Taxed in GB By the not said",
            "Converted no: typed in Snapshot version 1",
            "Shipping not said not said £3.95",
            "Discount not said not said -£2.00",
            "GB not said not said not said £20.00 £0.00",
            "GB-SCT VAT 5.5 % Standard £18.96 £1.04",
        ):
            assert said in page, said
