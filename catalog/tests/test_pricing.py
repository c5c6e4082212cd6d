"""Quotes: literals for currencies of 0, 2 and 3 decimals, and what holds for any basket."""

import dataclasses
import hashlib
from decimal import Decimal
from typing import Any

import pytest

from catalog.pricing import (
    AmountTooLarge,
    Discount,
    DiscountKind,
    ExchangeRate,
    Fee,
    InvalidQuoteRequest,
    LowStock,
    NotForSale,
    NotForSaleReason,
    PriceChanged,
    PricedLine,
    QuoteRequest,
    RoundingScope,
    ShippingCharge,
    SoldOut,
    TaxEntry,
    TaxRule,
    TaxRuleMissing,
    TaxTreatment,
    quote,
    quote_as_json,
    untaxed,
)
from core.money import AMOUNT_MAX, RoundingMode, UnknownCurrency
from core.tests.factories import NOW


def a_line(sku: str = "MUG", *, price: int = 1999, quantity: int = 1, **changes: Any) -> PricedLine:
    fields: dict[str, Any] = {
        "sku": sku,
        "variant_id": f"var_{sku}",
        "product_name": f"Product {sku}",
        "variant_name": "",
        "is_physical": True,
        "tax_category": "standard",
        "quantity": quantity,
        "unit_price_minor": price,
        "available": 1000,
    }
    return PricedLine(**fields | changes)


def a_rule(rate: str = "0", *, category: str = "standard") -> TaxRule:
    return TaxRule(
        region="GB",
        category=category,
        code=f"VAT-{rate}",
        rate=Decimal(rate),
        treatment=TaxTreatment.STANDARD if Decimal(rate) else TaxTreatment.ZERO,
        calculation_reference="test:v1",
    )


def a_business_rule(relieved_rate: str, *, category: str = "standard") -> TaxRule:
    """The rule for who accounts for a tax of that rate themselves."""
    return TaxRule(
        region="AT",
        category=category,
        code="reverse-charge",
        rate=Decimal(0),
        treatment=TaxTreatment.REVERSE_CHARGE,
        calculation_reference="test:v1",
        relieved_rate=Decimal(relieved_rate),
    )


def a_request(*lines: PricedLine, rate: str = "0", currency: str = "GBP", **changes: Any) -> QuoteRequest:
    fields: dict[str, Any] = {
        "currency": currency,
        "tax_entry": TaxEntry.GROSS,
        "lines": lines,
        "tax_rules": (a_rule(rate), a_rule(rate, category="shipping")),
    }
    return QuoteRequest(**fields | changes)


def fixed(amount: int, *, skus: set[str] | None = None) -> Discount:
    return a_discount(DiscountKind.FIXED, amount=amount, skus=skus)


def percent(rate: str, *, skus: set[str] | None = None) -> Discount:
    return a_discount(DiscountKind.PERCENT, rate=rate, skus=skus)


def a_discount(kind: DiscountKind, *, rate: str = "0", amount: int = 0, skus: set[str] | None = None) -> Discount:
    return Discount(
        promotion_id="prm_1",
        coupon_code="TEN",
        name="Ten off",
        kind=kind,
        rate=Decimal(rate),
        amount_minor=amount,
        skus=None if skus is None else frozenset(skus),
    )


FREE_SHIPPING = a_discount(DiscountKind.FREE_SHIPPING)


def a_shipping(price: int = 450, *, tax_category: str = "shipping") -> ShippingCharge:
    return ShippingCharge(code="post", name="By post", price_minor=price, tax_category=tax_category)


def a_fee(code: str = "handling", *, amount: int = 0, rate: str = "0", tax_category: str = "standard") -> Fee:
    return Fee(code=code, name="Handling", tax_category=tax_category, amount_minor=amount, rate=Decimal(rate))


class TestGoldenAmounts:
    """Literals: (quantity, unit price) → (subtotal, basis, tax, total)."""

    @pytest.mark.parametrize(
        ("currency", "entry", "rate", "bought", "expected"),
        [
            ("JPY", "gross", "0.1", (1, 80), (80, 73, 7, 80)),
            ("JPY", "net", "0.1", (1, 80), (80, 80, 8, 88)),
            ("JPY", "gross", "0.08", (3, 1080), (3240, 3000, 240, 3240)),
            ("GBP", "gross", "0.2", (2, 1999), (3998, 3332, 666, 3998)),
            ("GBP", "gross", "0", (2, 1999), (3998, 3998, 0, 3998)),
            ("EUR", "net", "0.19", (3, 333), (999, 999, 190, 1189)),
            ("EUR", "gross", "0.055", (1, 1055), (1055, 1000, 55, 1055)),
            ("EUR", "gross", "0.07", (80_995, 1), (80_995, 75_696, 5_299, 80_995)),
            ("KWD", "net", "0.05", (1, 1000), (1000, 1000, 50, 1050)),
            # 587.619 → 590 and 105 → 110: the last of three decimals is always 0.
            ("KWD", "gross", "0.05", (1, 12_340), (12_340, 11_750, 590, 12_340)),
            ("BHD", "net", "0.1", (1, 1050), (1050, 1050, 110, 1160)),
            # 2.150 + 5 % (0.1075) was 2.258, which no card takes.
            ("KWD", "net", "0.05", (1, 2150), (2150, 2150, 110, 2260)),
        ],
    )
    def test_one_line(
        self, currency: str, entry: str, rate: str, bought: tuple[int, int], expected: tuple[int, int, int, int]
    ) -> None:
        quantity, price = bought
        line = a_line(price=price, quantity=quantity)

        result = quote(a_request(line, currency=currency, rate=rate, tax_entry=TaxEntry(entry)))

        (priced,) = result.lines
        subtotal, basis, tax, total = expected
        assert (priced.subtotal_minor, priced.tax.basis_minor, priced.tax.amount_minor, priced.total_minor) == expected
        assert (result.subtotal_minor, result.tax_minor, result.total_minor) == (subtotal, tax, total)
        assert basis + tax == total

    @pytest.mark.parametrize(("mode", "tax"), [("half_up", 3), ("half_even", 2)])
    def test_half_a_minor_unit_goes_as_the_rounding_mode_says(self, mode: str, tax: int) -> None:
        request = a_request(a_line(price=25), rate="0.1", tax_entry=TaxEntry.NET, rounding_mode=RoundingMode(mode))

        assert quote(request).tax_minor == tax

    @pytest.mark.parametrize(("scope", "taxes"), [("line", [3, 3, 3]), ("document", [4, 3, 3])])
    def test_rounding_per_document_shares_the_tax_among_the_lines(self, scope: str, taxes: list[int]) -> None:
        lines = [a_line(sku, price=33) for sku in ("A", "B", "C")]
        request = a_request(*lines, rate="0.1", tax_entry=TaxEntry.NET, rounding_scope=RoundingScope(scope))

        assert [line.tax.amount_minor for line in quote(request).lines] == taxes

    def test_a_discount_is_spread_by_value_and_taxed_away(self) -> None:
        request = a_request(a_line("A", price=1000), a_line("B", price=500), rate="0.2", discounts=(fixed(100),))

        result = quote(request)

        assert [(line.discount_minor, line.tax.amount_minor, line.total_minor) for line in result.lines] == [
            (67, 156, 933),
            (33, 78, 467),
        ]
        assert (result.subtotal_minor, result.discount_minor, result.tax_minor, result.total_minor) == (
            1500,
            100,
            234,
            1400,
        )

    def test_an_empty_cart_costs_nothing(self) -> None:
        result = quote(a_request())

        assert (result.lines, result.total_minor) == ((), 0)


class TestQuoteHash:
    def test_is_the_digest_of_canonical_json(self) -> None:
        result = quote(a_request(a_line(price=80), currency="JPY", rate="0.1"))

        canonical = (
            '{"currency":"JPY","discount_minor":0,"discounts":[],"exchange_rate":null,"fee_lines":[],"fees_minor":0,'
            '"is_tax_included":true,"lines":[{"discount_minor":0,"discount_net_minor":0,"entered_unit_price_minor":null,'
            '"is_physical":true,"quantity":1,"sku":"MUG","subtotal_minor":80,"tax":'
            '{"amount_minor":7,"basis_minor":73,"calculation_reference":"test:v1","category":"standard",'
            '"code":"VAT-0.1","rate":"0.1","region":"GB","treatment":"standard","valid_from":null,"valid_until":null},'
            '"total_minor":80,"unit_price_minor":80,"variant_id":"var_MUG"}],'
            '"requires_shipping":true,"rounding_mode":"half_up","rounding_scope":"line","shipping_method":null,'
            '"shipping_minor":0,"subtotal_minor":80,"tax_entry":"gross","tax_lines":[{"amount_minor":7,'
            '"basis_minor":73,"code":"VAT-0.1","rate":"0.1","region":"GB","treatment":"standard"}],"tax_minor":7,'
            '"total_minor":80}'
        )
        assert result.quote_hash == f"v2:{hashlib.sha256(canonical.encode()).hexdigest()}"

    @pytest.mark.parametrize(
        ("request_", "golden"),
        [
            (
                a_request(a_line(price=80), currency="JPY", rate="0.1"),
                "v2:71e674a9e52cf2c90289544971bebe55629fab734610059a9612acd5a308bf1b",
            ),
            (
                a_request(
                    a_line("MUG-RED", price=1999, quantity=2, product_name="Mug “Ærø”"),
                    a_line("mug-red", price=350),
                    rate="0.20",
                ),
                "v2:e2aa7c8df5eecf673e0d16420a7de02d371e6944d2489b6952bd36c7f510b54e",
            ),
            (
                a_request(a_line(price=1000), currency="KWD", rate="0.05", tax_entry=TaxEntry.NET),
                "v2:9eae91d3d9687ab2e87de5f44a1704fad8b5535e84fdc46ff1b169fefa64d2fd",
            ),
        ],
        ids=["JPY", "GBP", "KWD"],
    )
    def test_is_the_golden_one(self, request_: QuoteRequest, golden: str) -> None:
        assert quote(request_).quote_hash == golden

    def test_is_the_same_in_every_language(self) -> None:
        english, german = (quote(a_request(a_line(product_name=name))) for name in ("Mug", "Becher"))

        assert english.quote_hash == german.quote_hash
        assert english.lines != german.lines

    def test_a_rate_written_with_more_zeros_is_the_same_rate(self) -> None:
        line = a_line()

        rules = [dataclasses.replace(a_rule("0.2"), rate=Decimal(rate)) for rate in ("0.2", "0.2000")]

        assert len({quote(a_request(line, tax_rules=(rule,))).quote_hash for rule in rules}) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"currency": "EUR"},
            {"tax_entry": TaxEntry.NET},
            {"rounding_mode": RoundingMode.HALF_EVEN},
            {"rounding_scope": RoundingScope.DOCUMENT},
            {"discounts": (fixed(1),)},
            {"discounts": (fixed(0),)},
            {"shipping": a_shipping(0)},
            {"fees": (a_fee(),)},
            {"exchange_rate": ExchangeRate("USD", Decimal("0.8"), "bank", NOW)},
            {"tax_rules": (a_rule("0.2"),)},
            {"lines": (a_line(price=2000),)},
            {"lines": (a_line(quantity=2),)},
            {"lines": (a_line(is_physical=False),)},
        ],
    )
    def test_changes_with_anything_the_customer_agrees_to(self, change: dict[str, Any]) -> None:
        request = a_request(a_line())

        assert quote(dataclasses.replace(request, **change)).quote_hash != quote(request).quote_hash

    def test_does_not_change_with_stock_or_advice(self) -> None:
        plenty = a_request(a_line(available=1000))
        few = a_request(a_line(available=1, seen_unit_price_minor=1))

        assert quote(few).warnings
        assert quote(few).quote_hash == quote(plenty).quote_hash


class TestWarnings:
    def test_tell_a_changed_price(self) -> None:
        request = a_request(a_line(price=2100, seen_unit_price_minor=1999))

        assert quote(request).warnings == (PriceChanged(sku="MUG", before_minor=1999, now_minor=2100),)

    def test_tell_what_is_sold_out_and_what_nearly_is(self) -> None:
        request = a_request(a_line("A", quantity=3, available=2), a_line("B", quantity=2, available=2))

        assert quote(request).warnings == (
            SoldOut(sku="A", requested=3, available=2),
            LowStock(sku="B", available=2),
        )

    def test_pass_on_what_is_not_for_sale(self) -> None:
        gone = NotForSale(sku="OLD", reason=NotForSaleReason.ARCHIVED)

        document = quote_as_json(quote(a_request(a_line(), not_for_sale=(gone,))))

        assert document["warnings"] == [{"code": "not_for_sale", "sku": "OLD", "reason": "archived"}]


class TestRefusals:
    @pytest.mark.parametrize(
        "request_",
        [
            a_request(a_line("A"), a_line("A")),
            a_request(a_line(quantity=0)),
            a_request(a_line(price=-1)),
            a_request(a_line(), shipping=a_shipping(-1)),
            a_request(a_line(), fees=(a_fee(amount=-1),)),
            a_request(a_line(), fees=(a_fee(), a_fee())),
            a_request(a_line(), tax_rules=(a_rule("0"), a_rule("0.2"))),
        ],
    )
    def test_lines_that_cannot_be_priced(self, request_: QuoteRequest) -> None:
        with pytest.raises(InvalidQuoteRequest):
            quote(request_)

    def test_a_total_beyond_what_can_be_stored(self) -> None:
        with pytest.raises(AmountTooLarge):
            quote(a_request(a_line(price=AMOUNT_MAX, quantity=2)))
        with pytest.raises(AmountTooLarge):
            quote(a_request(a_line(price=AMOUNT_MAX), rate="0.2", tax_entry=TaxEntry.NET))

    def test_a_category_without_a_rule(self) -> None:
        with pytest.raises(TaxRuleMissing) as refusal:
            quote(a_request(a_line(tax_category="books")))

        assert refusal.value.facts == {"tax_categories": ["books"]}

    def test_a_currency_nobody_knows(self) -> None:
        with pytest.raises(UnknownCurrency):
            quote(a_request(a_line(), currency="XXX"))

    @pytest.mark.parametrize("price", [19.99, Decimal("19.99"), True, "1999"])
    def test_what_is_not_an_integer(self, price: Any) -> None:
        with pytest.raises(TypeError):
            quote(a_request(a_line(price=price)))

    @pytest.mark.parametrize("rate", ["-0.1", "1.1", "NaN", "0.1234567"])
    def test_a_rate_that_is_no_fraction(self, rate: str) -> None:
        with pytest.raises(ValueError, match="fraction"):
            dataclasses.replace(a_rule("0.2"), rate=Decimal(rate))

    def test_a_rate_on_what_is_exempt(self) -> None:
        with pytest.raises(ValueError, match="bears no tax"):
            dataclasses.replace(a_rule("0.2"), treatment=TaxTreatment.EXEMPT)


def test_a_shop_without_tax_tables_has_a_zero_rule_for_every_category() -> None:
    rules = untaxed(region="GB", categories=["standard", "books", "standard"])

    assert [(rule.category, rule.rate, rule.treatment) for rule in rules] == [
        ("books", Decimal(0), TaxTreatment.ZERO),
        ("standard", Decimal(0), TaxTreatment.ZERO),
    ]
