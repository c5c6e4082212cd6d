"""Businesses with a tax id: who bears the tax, from the cart to the order's snapshot and the books.

Every figure is a literal worked out by hand. The shop is British; a lantern is entered at 100.00, its parcel at 10.00.
"""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from catalog import services
from catalog.pricing import TaxTreatment
from catalog.services import NewArea, NewMethod, NewTaxRate, NewZone, PriceStep
from catalog.tests.factories import a_product
from checkout.answers import order_json, view_order
from checkout.models import CartAddress
from core.channels import set_home_country
from core.db import transaction
from core.models import SalesChannel
from core.tests.factories import NOW
from ledger.models import Entry
from orders.models import Contact, Order
from tests.journeys.facts import assert_sound
from tests.shop import Shop

SINCE = date(2020, 1, 1)
GERMAN, AUSTRIAN, BRITISH, WRONG = "DE136695976", "ATU13585627", "GB980780684", "DE136695978"
BERLIN = {"name": "Weber GmbH", "line1": "Unter den Linden 6", "city": "Berlin", "postcode": "10117", "country": "DE"}
LONDON = {"name": "Lovelace Ltd", "line1": "12 Mill Lane", "city": "London", "postcode": "SW1Y 4JH", "country": "GB"}
LANTERN = {"LANTERN": 1}


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("DEBUG")
    rates = [
        NewTaxRate("VAT20", "GB", Decimal("0.2"), SINCE),
        NewTaxRate("MWST19", "DE", Decimal("0.19"), SINCE),
        NewTaxRate("RC", "DE", Decimal(0), SINCE, treatment=TaxTreatment.REVERSE_CHARGE),
    ]
    method = NewMethod("post", "By post", [PriceStep("GBP", 1000)], days_min=2, days_max=3)
    zone = NewZone("all", "Everywhere", areas=[NewArea("GB"), NewArea("DE")], methods=[method])
    with transaction("test"):
        set_home_country(shop.channel, country="GB")
        services.create_tax_rates(channel=shop.channel, rates=rates, now=NOW)
        services.create_shipping_zone(channel=shop.channel, zone=zone, now=NOW)
    a_product(shop.channel, sku="LANTERN", price_minor=10_000)
    yield
    assert_sound(shop, caplog)
    # Nor does a log ever tell a number.
    assert not [record for record in caplog.records if "136695" in record.getMessage() or "980780" in str(record.args)]


def put(shop: Shop, cart: tuple[str, str], **addresses: Any) -> Any:
    """This will set a guest's addresses."""
    return shop.api("PUT", f"carts/{cart[0]}/addresses", addresses, x_cart_token=cart[1])


def a_cart_to(shop: Shop, address: dict[str, str], **more: Any) -> tuple[tuple[str, str], dict[str, Any]]:
    """This will open a cart with a lantern that goes there and return it with its quote."""
    cart = shop.a_cart(LANTERN)
    answer = put(shop, cart, shipping=address, **more)
    assert answer.status_code == 200, answer.content
    return cart, answer.json()["quote"]


def figures(terms: dict[str, Any]) -> dict[str, int]:
    """This will return the sums of a quote or an order in minor units."""
    names = ("subtotal", "shipping", "tax", "tax_relief", "total")
    return {name: terms[name]["amount_minor"] for name in names}


class TestAcrossTheBorder:
    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            # 100.00 / 1.19 = 84.0336…, 10.00 / 1.19 = 8.4033….
            ("gross", {"subtotal": 10_000, "shipping": 1000, "tax": 0, "tax_relief": 1757, "total": 9243}),
            ("net", {"subtotal": 10_000, "shipping": 1000, "tax": 0, "tax_relief": 0, "total": 11_000}),
        ],
    )
    def test_a_business_with_a_tax_id_pays_net_and_accounts_for_the_tax(
        self, shop: Shop, entry: str, expected: dict[str, int]
    ) -> None:
        SalesChannel.objects.update(tax_entry=entry)

        cart, quoted = a_cart_to(shop, {**BERLIN, "tax_id": "de 136 695 976"})
        placed = shop.start(cart, quote_hash=quoted["quote_hash"], token="pm_card_visa").json()

        assert placed["status"] == "paid"
        assert figures(quoted) == figures(placed["order"]) == expected
        (tax,) = placed["order"]["tax_lines"]
        assert (tax["code"], tax["rate"], tax["treatment"], tax["region"]) == ("RC", "0", "reverse_charge", "DE")
        assert (tax["basis"]["amount_minor"], tax["amount"]["amount_minor"]) == (expected["total"], 0)
        assert [row["amount_received"] for row in shop.truth()] == [expected["total"]]

    def test_the_snapshot_holds_the_number_and_what_was_taken_out(self, shop: Shop) -> None:
        cart, _ = a_cart_to(shop, {**BERLIN, "tax_id": GERMAN})

        shop.start(cart)

        snapshot = shop.order().snapshot
        assert (snapshot["schema_version"], snapshot["buyer_tax_id"]) == (2, GERMAN)
        assert (snapshot["tax_relief_minor"], snapshot["tax_minor"], snapshot["total_minor"]) == (1757, 0, 9243)
        (line,) = snapshot["lines"]
        assert (line["subtotal_minor"], line["total_minor"]) == (10_000, 8403)
        tax = line["tax"]
        assert (tax["treatment"], tax["rate"], tax["relieved_rate"]) == ("reverse_charge", "0", "0.19")
        assert (tax["basis_minor"], tax["amount_minor"]) == (8403, 0)
        assert Contact.objects.get().address["tax_id"] == GERMAN

    def test_the_books_owe_no_tax(self, shop: Shop) -> None:
        cart, _ = a_cart_to(shop, {**BERLIN, "tax_id": GERMAN})

        shop.start(cart, token="pm_card_visa")

        rows = Entry.objects.filter(posting__event="sale").values_list("account__code", "amount_minor")
        sale = {code: -amount for code, amount in rows}
        assert sale["asset:receivable:customer"] == -9243
        assert [code for code in sale if code.startswith("liability:tax")] == []

    def test_nobody_else_is_let_off(self, shop: Shop) -> None:
        _, quoted = a_cart_to(shop, BERLIN)

        # 100.00 holds 15.9664 and 10.00 holds 1.5966.
        assert figures(quoted) == {
            "subtotal": 10_000, "shipping": 1000, "tax": 1757, "tax_relief": 0, "total": 11_000,
        }  # fmt: skip

    def test_a_number_of_another_member_state_counts_as_well(self, shop: Shop) -> None:
        _, quoted = a_cart_to(shop, {**BERLIN, "tax_id": AUSTRIAN})

        assert figures(quoted)["total"] == 9243

    def test_without_a_rate_for_businesses_they_bear_the_tax(self, shop: Shop) -> None:
        for rate in shop.channel.tax_rates.filter(for_businesses=True):
            with transaction("test"):
                services.end_tax_rate(rate.public_id, valid_until=NOW.date())

        cart, quoted = a_cart_to(shop, {**BERLIN, "tax_id": GERMAN})
        shop.start(cart)

        assert (figures(quoted)["tax"], figures(quoted)["total"]) == (1757, 11_000)
        assert (shop.order().snapshot["buyer_tax_id"], shop.order().snapshot["tax_minor"]) == (GERMAN, 1757)

    def test_a_shop_that_never_said_where_it_is_lets_nobody_off(self, shop: Shop) -> None:
        with transaction("test"):
            set_home_country(shop.channel, country="")

        _, quoted = a_cart_to(shop, {**BERLIN, "tax_id": GERMAN})

        assert figures(quoted)["tax"] == 1757


class TestAtHome:
    @pytest.mark.parametrize("tax_id", [BRITISH, GERMAN])
    def test_a_business_bears_the_tax_whoever_gave_its_number(self, shop: Shop, tax_id: str) -> None:
        cart, quoted = a_cart_to(shop, {**LONDON, "tax_id": tax_id})
        shop.start(cart)

        # 100.00 holds 16.6667 and 10.00 holds 1.6667.
        assert figures(quoted) == {
            "subtotal": 10_000, "shipping": 1000, "tax": 1834, "tax_relief": 0, "total": 11_000,
        }  # fmt: skip
        assert shop.order().snapshot["buyer_tax_id"] == tax_id
        assert [tax["treatment"] for tax in shop.order().snapshot["tax_lines"]] == ["standard"]

    def test_a_business_of_home_bears_the_tax_of_where_it_sends_to(self, shop: Shop) -> None:
        _, quoted = a_cart_to(shop, {**BERLIN, "tax_id": BRITISH})

        assert figures(quoted)["tax"] == 1757

    def test_the_quote_is_the_same_as_without_a_number(self, shop: Shop) -> None:
        hashes = {a_cart_to(shop, {**LONDON, "tax_id": tax_id})[1]["quote_hash"] for tax_id in ("", BRITISH)}

        assert len(hashes) == 1


class TestWhoIsBilled:
    def test_the_bill_s_number_counts(self, shop: Shop) -> None:
        _, quoted = a_cart_to(shop, BERLIN, billing={**BERLIN, "tax_id": GERMAN})

        assert figures(quoted)["total"] == 9243

    def test_a_receiver_s_number_is_not_the_buyer_s(self, shop: Shop) -> None:
        cart, quoted = a_cart_to(shop, {**BERLIN, "tax_id": GERMAN}, billing=LONDON)
        shop.start(cart)

        assert figures(quoted)["tax"] == 1757
        assert shop.order().snapshot["buyer_tax_id"] is None


class TestChangingOnesMind:
    def test_a_number_that_comes_with_the_order_changes_the_quote(self, shop: Shop) -> None:
        cart, seen = a_cart_to(shop, BERLIN)
        contact = {"email": "ada@example.com", "address": {**BERLIN, "tax_id": GERMAN}}

        refused = shop.start(cart, quote_hash=seen["quote_hash"], contact=contact)

        assert (refused.status_code, refused.json()["code"]) == (409, "quote_changed")
        assert not Order.objects.exists()
        assert CartAddress.objects.get().tax_id == ""
        quoted = refused.json()["quote"]
        assert figures(quoted)["total"] == 9243

        placed = shop.start(cart, key="key-2", quote_hash=quoted["quote_hash"], contact=contact)
        assert (placed.status_code, figures(placed.json()["order"])["total"]) == (201, 9243)

    def test_one_that_is_taken_away_changes_it_back(self, shop: Shop) -> None:
        cart, seen = a_cart_to(shop, {**BERLIN, "tax_id": GERMAN})

        refused = shop.start(
            cart, quote_hash=seen["quote_hash"], contact={"email": "ada@example.com", "address": BERLIN}
        )

        assert (refused.status_code, refused.json()["code"]) == (409, "quote_changed")
        assert figures(refused.json()["quote"])["tax"] == 1757


class TestRefusing:
    @pytest.mark.parametrize("purpose", ["shipping", "billing"])
    @pytest.mark.parametrize("tax_id", [WRONG, "DE13669597", "US123456789", "4242 4242 4242 4242"])
    def test_a_number_that_cannot_be_right_is_named_and_not_kept(self, shop: Shop, purpose: str, tax_id: str) -> None:
        addresses = {"shipping": BERLIN, "billing": BERLIN}
        addresses[purpose] = {**BERLIN, "tax_id": tax_id}

        answer = put(shop, shop.a_cart(LANTERN), **addresses)

        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["field"] == f"{purpose}.tax_id"
        assert tax_id not in answer.content.decode()
        assert not CartAddress.objects.exists()

    def test_nor_with_the_order(self, shop: Shop) -> None:
        contact = {"email": "ada@example.com", "address": {**BERLIN, "tax_id": WRONG}}

        answer = shop.start(shop.a_cart(LANTERN), contact=contact)

        assert (answer.status_code, answer.json()["code"]) == (400, "address_invalid")
        assert [error["field"] for error in answer.json()["errors"]] == ["contact.address.tax_id"]
        assert not Order.objects.exists()
        assert not CartAddress.objects.exists()


class TestOlderSnapshots:
    def test_without_what_tax_relief_adds_are_still_read(self, shop: Shop) -> None:
        shop.start(a_cart_to(shop, {**LONDON, "tax_id": BRITISH})[0])
        order = Order.objects.get()
        del order.snapshot["buyer_tax_id"]

        shown = order_json(view_order(order))

        assert "tax_relief" not in json.dumps(order.snapshot)
        assert figures(shown) == {"subtotal": 10_000, "shipping": 1000, "tax": 1834, "tax_relief": 0, "total": 11_000}
