"""What an order costs from the window to the provider: taxes, shipping, fees and conversion, figure by figure.

Every figure is a literal worked out by hand; the provider's are read from its own truth.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from catalog import services
from catalog.models import ShippingMethod
from catalog.services import NewArea, NewFee, NewMethod, NewTaxRate, NewZone, PriceStep
from catalog.tests.factories import a_product
from checkout.answers import order_json, view_order
from checkout.models import Cart, CartAddress
from core.channels import set_rounding
from core.db import transaction
from core.models import SalesChannel
from core.money import PAYABLE_STEPS, RoundingMode, RoundingScope
from core.tests.factories import NOW
from ledger.models import Entry
from orders.models import Order
from tests.journeys.buyers import read
from tests.journeys.facts import assert_sound
from tests.shop import Shop

CURRENCIES = ["GBP", "EUR", "JPY", "KWD"]


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    SalesChannel.objects.update(currencies=CURRENCIES)
    shop.account.currencies = CURRENCIES
    shop.account.save(update_fields=["currencies"])
    shop.channel.refresh_from_db()
    yield
    assert_sound(shop, caplog)


def taxed(shop: Shop, rate: str = "0.2") -> None:
    new = NewTaxRate(code="VAT20", country="GB", rate=Decimal(rate), valid_from=date(2020, 1, 1))
    with transaction("test"):
        services.create_tax_rates(channel=shop.channel, rates=[new], now=NOW)


def shipped(shop: Shop, *prices: PriceStep, express: int | None = None) -> None:
    methods = [NewMethod("post", "Royal Mail", prices, days_min=2, days_max=3)]
    if express is not None:
        step = PriceStep("GBP", express)
        methods.append(NewMethod("express", "Express", [step], days_min=1, days_max=1, position=1))
    zone = NewZone("home", "Great Britain", areas=[NewArea("GB")], methods=methods)
    with transaction("test"):
        services.create_shipping_zone(channel=shop.channel, zone=zone, now=NOW)


def charged(shop: Shop, currency: str, amount: int) -> None:
    with transaction("test"):
        fee = NewFee("handling", "Handling", currency, amount_minor=amount)
        services.set_fee(channel=shop.channel, fee=fee, now=NOW)


def converting(shop: Shop, currency: str, rate: str) -> None:
    with transaction("test"):
        services.set_exchange_rate(
            channel=shop.channel, currency=currency, rate=Decimal(rate), source="bank", quoted_at=NOW, now=NOW
        )


def booked() -> dict[str, int]:
    """Credit of each account of the sale."""
    rows = Entry.objects.filter(posting__event="sale").values_list("account__code", "amount_minor")
    return {code: -amount for code, amount in rows}


class TestGoldenOrders:
    """A lamp, shipping and a handling fee at 20 % tax, paid and booked, in 0, 2 and 3 decimals."""

    @pytest.mark.pains("H1", "H2", "H3")
    @pytest.mark.parametrize(
        ("currency", "entry", "typed_in", "figures", "shown"),
        [
            # (lamp, post, fee) → (tax, total). Dinars go in tens, as cards take them.
            ("JPY", "gross", (80, 50, 5), (22, 135), "JP¥135"),
            ("JPY", "net", (80, 50, 5), (27, 162), "JP¥162"),
            ("EUR", "gross", (8000, 495, 25), (1420, 8520), "€85.20"),
            ("EUR", "net", (8000, 495, 25), (1704, 10_224), "€102.24"),
            ("KWD", "gross", (1000, 1250, 50), (390, 2300), "KWD\N{NO-BREAK SPACE}2.300"),
            ("KWD", "net", (1000, 1250, 50), (460, 2760), "KWD\N{NO-BREAK SPACE}2.760"),
            # 0.228, 0.250 and 0.010 of tax: to 0.230, 0.250 and 0.010; exactly it was 2.928, which no card takes.
            ("KWD", "net", (1140, 1250, 50), (490, 2930), "KWD\N{NO-BREAK SPACE}2.930"),
        ],
    )
    def test_costs_the_same_everywhere(
        self,
        shop: Shop,
        currency: str,
        entry: str,
        typed_in: tuple[int, int, int],
        figures: tuple[int, int],
        shown: str,
    ) -> None:
        lamp, post, fee = typed_in
        tax, total = figures
        SalesChannel.objects.update(tax_entry=entry)
        a_product(shop.channel, sku="BULB", price_minor=lamp, currency=currency)
        taxed(shop)
        shipped(shop, PriceStep(currency, post))
        charged(shop, currency, fee)

        cart = shop.a_cart({"BULB": 1}, currency=currency)
        quoted = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()
        placed = shop.start(cart, token="pm_card_visa", quote_hash=quoted["quote_hash"]).json()

        assert placed["status"] == "paid", placed["decline"]
        assert quoted["total"] == {"amount_minor": total, "currency": currency, "display": shown}
        assert (quoted["tax"]["amount_minor"], quoted["is_tax_included"]) == (tax, entry == "gross")
        assert (quoted["shipping"]["amount_minor"], quoted["fees"]["amount_minor"]) == (post, fee)
        assert placed["order"]["total"] == quoted["total"]
        assert [placed["order"][name] for name in ("shipping_method", "fee_lines", "tax_lines", "discounts")] == [
            quoted[name] for name in ("shipping_method", "fee_lines", "tax_lines", "discounts")
        ]
        (intent,) = shop.truth()
        assert (intent["amount_received"], intent["currency"]) == (total, currency.lower())
        assert shop.order().snapshot["provider_amount"] == {"amount_minor": total, "currency": currency}
        sale = booked()
        assert sale["asset:receivable:customer"] == -total
        assert sale["liability:tax:GB"] == tax
        assert sum(sale.values()) == 0

    def test_an_amount_the_provider_cannot_take_makes_no_order(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(PAYABLE_STEPS, "KWD", 1)
        SalesChannel.objects.update(tax_entry="net")
        a_product(shop.channel, sku="BULB", price_minor=1140, currency="KWD")
        taxed(shop)

        answer = shop.start(shop.a_cart({"BULB": 1}, currency="KWD"), token="pm_card_visa")

        assert (answer.status_code, answer.json()["code"]) == (409, "amount_not_payable")
        assert (Order.objects.count(), shop.truth()) == (0, [])

    @pytest.mark.pains("H1")
    @pytest.mark.parametrize(("currency", "amount"), [("JPY", 80), ("EUR", 8000), ("KWD", 1000)])
    def test_the_customer_s_own_confirmation_and_the_webhook_take_the_same(
        self, shop: Shop, currency: str, amount: int
    ) -> None:
        a_product(shop.channel, sku="BULB", price_minor=amount, currency=currency)
        placed = shop.start(shop.a_cart({"BULB": 1}, currency=currency)).json()

        shop.confirm(placed)
        shop.deliver()

        assert (shop.order().state, shop.order().accepted_minor) == ("paid", amount)
        assert [(row["amount_received"], row["currency"]) for row in shop.truth()] == [(amount, currency.lower())]


class TestSnapshot:
    def test_holds_all_that_receipts_refunds_and_tax_ask_for(self, shop: Shop) -> None:
        taxed(shop)
        shipped(shop, PriceStep("GBP", 395), PriceStep("GBP", 0, value_from_minor=5000))
        charged(shop, "GBP", 100)
        cart = shop.a_cart({"MUG-RED": 2})
        address = {"country": "GB", "region": "Kent", "postcode": "CT1 2EH", "changed_at": NOW}
        CartAddress.objects.create(cart=Cart.objects.get(public_id=cart[0]), purpose="shipping", **address)

        shop.start(cart)

        snapshot = shop.order().snapshot
        assert snapshot["schema_version"] == shop.order().snapshot_version == 2
        assert {
            name: snapshot[name]
            for name in (
                "currency", "subtotal_minor", "discount_minor", "shipping_minor", "fees_minor", "tax_minor",
                "total_minor", "rounding_mode", "rounding_scope", "coupon_code", "promotions", "buyer_tax_id", "region",
                "address_basis", "postcode_prefix", "exchange_rate",
            )
        } == {
            "currency": "GBP", "subtotal_minor": 3998, "discount_minor": 0, "shipping_minor": 395, "fees_minor": 100,
            "tax_minor": 749, "total_minor": 4493, "rounding_mode": "half_up", "rounding_scope": "line",
            "coupon_code": None, "promotions": [], "buyer_tax_id": None, "region": "Kent",
            "address_basis": "shipping_address", "postcode_prefix": "CT1", "exchange_rate": None,
        }  # fmt: skip
        (line,) = snapshot["lines"]
        tax = line["tax"]
        assert (line["sku"], line["product_name"], line["quantity"], line["unit_price_minor"]) == (
            "MUG-RED", "Product MUG-RED", 2, 1999,
        )  # fmt: skip
        assert (tax["category"], tax["code"], tax["rate"], tax["treatment"], tax["region"]) == (
            "standard", "VAT20", "0.2", "standard", "GB",
        )  # fmt: skip
        assert (tax["basis_minor"], tax["amount_minor"], tax["valid_from"], tax["valid_until"]) == (
            3332, 666, "2020-01-01", None,
        )  # fmt: skip
        assert tax["calculation_reference"].startswith("surety:tax_rate:tax_")

    def test_names_the_rate_prices_were_converted_by(self, shop: Shop) -> None:
        converting(shop, "JPY", "190.25")
        shipped(shop, PriceStep("GBP", 395))
        window = shop.api("GET", "catalog/products/MUG-RED?currency=JPY").json()

        shop.start(shop.a_cart({"MUG-RED": 1}, currency="JPY"), token="pm_card_visa")

        snapshot = shop.order().snapshot
        assert snapshot["exchange_rate"]["rate"] == "190.25"
        assert (snapshot["exchange_rate"]["base_currency"], snapshot["exchange_rate"]["source"]) == ("GBP", "bank")
        (line,) = snapshot["lines"]
        # 19.99 × 190.25 = 3803.0975, 3.95 × 190.25 = 751.4875.
        assert (line["unit_price_minor"], line["entered_unit_price_minor"]) == (3803, 1999)
        assert (snapshot["shipping_minor"], snapshot["total_minor"]) == (751, 4554)
        assert window["variants"][0]["price"]["amount_minor"] == 3803
        assert [row["amount_received"] for row in shop.truth()] == [4554]

    def test_a_rate_that_moved_is_a_price_that_changed(self, shop: Shop) -> None:
        converting(shop, "EUR", "1.25")
        cart = shop.a_cart({"MUG-RED": 1}, currency="EUR")
        converting(shop, "EUR", "1.3")

        (warning,) = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()["warnings"]

        # 19.99 × 1.25 = 24.9875 → 24.99; × 1.3 = 25.987 → 25.99.
        assert (warning["code"], warning["before"]["amount_minor"], warning["now"]["amount_minor"]) == (
            "price_changed", 2499, 2599,
        )  # fmt: skip

    def test_rounding_may_be_changed_and_asks_for_agreement_again(self, shop: Shop) -> None:
        SalesChannel.objects.update(tax_entry="net")
        a_product(shop.channel, sku="BULB", price_minor=1002)
        taxed(shop)
        a_product(shop.channel, sku="BULB-2", price_minor=1002)
        cart = shop.a_cart({"BULB": 1, "BULB-2": 1})
        seen = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()
        with transaction("test"):
            set_rounding(shop.channel, mode=RoundingMode.HALF_UP, scope=RoundingScope.DOCUMENT)

        refused = shop.start(cart, quote_hash=seen["quote_hash"])

        # 2.004 twice, 4.008 once.
        assert seen["tax"]["amount_minor"] == 400
        assert (refused.status_code, refused.json()["code"]) == (409, "quote_changed")
        assert refused.json()["quote"]["tax"]["amount_minor"] == 401

    def test_an_order_of_version_1_is_still_read(self, shop: Shop) -> None:
        placed = shop.start(shop.a_cart()).json()
        order = Order.objects.get()
        new = {"shipping_method", "fee_lines", "discounts", "tax_lines", "requires_shipping", "is_tax_included"}
        order.snapshot = {key: value for key, value in order.snapshot.items() if key not in new}

        from_version_1 = order_json(view_order(order))

        assert {name: from_version_1[name] for name in ("shipping_method", "fee_lines", "discounts", "tax_lines")} == {
            "shipping_method": None, "fee_lines": [], "discounts": [], "tax_lines": [],
        }  # fmt: skip
        assert from_version_1["total"] == read(shop, placed).json()["total"]


class TestShippingMethod:
    def choices(self, shop: Shop, cart: tuple[str, str]) -> list[tuple[str, int, bool]]:
        found = shop.api("GET", f"carts/{cart[0]}/shipping-method", x_cart_token=cart[1]).json()["methods"]
        return [(each["code"], each["price"]["amount_minor"], each["is_selected"]) for each in found]

    def pick(self, shop: Shop, cart: tuple[str, str], code: str) -> Any:
        return shop.api("PUT", f"carts/{cart[0]}/shipping-method", {"code": code}, x_cart_token=cart[1])

    def test_the_cheapest_counts_until_one_is_picked(self, shop: Shop) -> None:
        shipped(shop, PriceStep("GBP", 395), express=895)
        cart = shop.a_cart()
        assert self.choices(shop, cart) == [("post", 395, True), ("express", 895, False)]

        picked = self.pick(shop, cart, "express")

        assert (picked.status_code, picked.json()["quote"]["total"]["amount_minor"]) == (200, 2894)
        assert picked.json()["quote"]["shipping_method"]["code"] == "express"
        assert self.choices(shop, cart) == [("post", 395, False), ("express", 895, True)]
        placed = shop.start(cart, token="pm_card_visa").json()
        assert (placed["status"], placed["order"]["shipping"]["amount_minor"]) == ("paid", 895)

    def test_a_copy_goes_the_same_way_while_it_is_offered(self, shop: Shop) -> None:
        shipped(shop, PriceStep("GBP", 395), express=995)
        cart = shop.a_cart({"MUG-RED": 1})
        shop.api("PUT", f"carts/{cart[0]}/shipping-method", {"code": "express"}, x_cart_token=cart[1])

        copied = shop.api("POST", f"carts/{cart[0]}/copy", x_cart_token=cart[1]).json()
        assert copied["quote"]["shipping_method"]["code"] == "express"

        with transaction("test"):
            services.archive_shipping_method(method=ShippingMethod.objects.get(code="express"), now=NOW)
        copied = shop.api("POST", f"carts/{cart[0]}/copy", x_cart_token=cart[1]).json()
        assert copied["quote"]["shipping_method"]["code"] == "post"

    def test_one_that_is_not_offered_is_refused(self, shop: Shop) -> None:
        shipped(shop, PriceStep("GBP", 395))

        answer = self.pick(shop, shop.a_cart(), "pigeon")

        assert (answer.status_code, answer.json()["code"]) == (409, "shipping_method_unavailable")

    def test_a_stranger_sees_and_picks_nothing(self, shop: Shop) -> None:
        shipped(shop, PriceStep("GBP", 395))
        cart = shop.a_cart()

        assert self.pick(shop, (cart[0], "wrong"), "post").status_code == 404
        assert shop.api("GET", f"carts/{cart[0]}/shipping-method").status_code == 404

    def test_where_nothing_goes_the_quote_says_so_and_checkout_refuses(self, shop: Shop) -> None:
        SalesChannel.objects.update(countries=["GB", "FR"])
        shipped(shop, PriceStep("GBP", 395))
        cart = shop.a_cart(country="FR")

        quoted = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()
        answer = shop.start(cart)

        assert [each for each in quoted["warnings"] if each["code"] == "no_shipping_method"] == [
            {"code": "no_shipping_method", "country": "FR"}
        ]
        assert (answer.status_code, answer.json()["code"]) == (409, "no_shipping_method")
        assert not Order.objects.exists()

    def test_a_price_that_changed_since_it_was_seen_is_quoted_again(self, shop: Shop) -> None:
        cart = shop.a_cart()
        seen = shop.api("GET", f"carts/{cart[0]}/quote", x_cart_token=cart[1]).json()["quote_hash"]
        shipped(shop, PriceStep("GBP", 395))

        answer = shop.start(cart, quote_hash=seen)

        assert (answer.status_code, answer.json()["code"]) == (409, "quote_changed")
        assert answer.json()["quote"]["shipping"]["amount_minor"] == 395
