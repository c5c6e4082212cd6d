"""Quotes: literals for currencies of 0, 2 and 3 decimals, and what holds for any basket."""

import dataclasses
import hashlib
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.pricing import (
    AmountTooLarge,
    InvalidQuoteRequest,
    LowStock,
    NotForSale,
    NotForSaleReason,
    PriceChanged,
    PricedLine,
    QuoteRequest,
    RoundingScope,
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


def a_request(*lines: PricedLine, rate: str = "0", currency: str = "GBP", **changes: Any) -> QuoteRequest:
    fields: dict[str, Any] = {
        "currency": currency,
        "tax_entry": TaxEntry.GROSS,
        "lines": lines,
        "tax_rules": (a_rule(rate),),
    }
    return QuoteRequest(**fields | changes)


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
            ("KWD", "gross", "0.05", (1, 12_345), (12_345, 11_757, 588, 12_345)),
            ("BHD", "net", "0.1", (1, 1005), (1005, 1005, 101, 1106)),
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
        request = a_request(a_line("A", price=1000), a_line("B", price=500), rate="0.2", discount_minor=100)

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
            '{"currency":"JPY","discount_minor":0,"fees_minor":0,"lines":[{"discount_minor":0,"is_physical":true,'
            '"product_name":"Product MUG","quantity":1,"sku":"MUG","subtotal_minor":80,"tax":{"amount_minor":7,'
            '"basis_minor":73,"calculation_reference":"test:v1","category":"standard","code":"VAT-0.1","rate":"0.1",'
            '"region":"GB","treatment":"standard"},"total_minor":80,"unit_price_minor":80,"variant_id":"var_MUG",'
            '"variant_name":""}],"rounding_mode":"half_up","rounding_scope":"line","shipping_minor":0,'
            '"subtotal_minor":80,"tax_entry":"gross","tax_minor":7,"total_minor":80}'
        )
        assert result.quote_hash == f"v1:{hashlib.sha256(canonical.encode()).hexdigest()}"

    @pytest.mark.parametrize(
        ("request_", "golden"),
        [
            (
                a_request(a_line(price=80), currency="JPY", rate="0.1"),
                "v1:5555b4c62fd527a36b5f9bba6a75631e85693a284a6fb6d6ef530a9aa131d322",
            ),
            (
                a_request(
                    a_line("MUG-RED", price=1999, quantity=2, product_name="Mug “Ærø”"),
                    a_line("mug-red", price=350),
                    rate="0.20",
                ),
                "v1:3f5a42ad455e841e0afcb9bd932b44b62308296e4b0499674bb5b7831f9552d4",
            ),
            (
                a_request(a_line(price=1000), currency="KWD", rate="0.05", tax_entry=TaxEntry.NET),
                "v1:929e32622308983d5cb9a41f26038216335e6c87b6af00afa18c1d80f90027e5",
            ),
        ],
        ids=["JPY", "GBP", "KWD"],
    )
    def test_is_the_golden_one(self, request_: QuoteRequest, golden: str) -> None:
        assert quote(request_).quote_hash == golden

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
            {"discount_minor": 1},
            {"tax_rules": (a_rule("0.2"),)},
            {"lines": (a_line(price=2000),)},
            {"lines": (a_line(quantity=2),)},
            {"lines": (a_line(product_name="Another"),)},
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
            a_request(a_line(price=100), discount_minor=101),
            a_request(a_line(), discount_minor=-1),
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


@st.composite
def requests(draw: st.DrawFn) -> QuoteRequest:
    """Any basket of up to twelve lines in two tax categories, with any entry, rounding and discount."""
    skus = draw(st.lists(st.text("ABab01-", min_size=1, max_size=4), unique=True, max_size=12))
    lines = tuple(
        a_line(
            sku,
            price=draw(st.integers(0, 10_000_000)),
            quantity=draw(st.integers(1, 100_000)),
            tax_category=draw(st.sampled_from(["standard", "reduced"])),
        )
        for sku in skus
    )
    worth = sum(line.quantity * line.unit_price_minor for line in lines)
    rates = st.decimals("0", "1", places=4).map(str)
    return QuoteRequest(
        currency=draw(st.sampled_from(["JPY", "GBP", "EUR", "KWD"])),
        tax_entry=draw(st.sampled_from(list(TaxEntry))),
        lines=lines,
        tax_rules=(a_rule(draw(rates)), a_rule(draw(rates), category="reduced")),
        discount_minor=draw(st.integers(0, worth)),
        rounding_mode=draw(st.sampled_from(list(RoundingMode))),
        rounding_scope=draw(st.sampled_from(list(RoundingScope))),
    )


def numbers_in(document: Any) -> Iterator[Any]:
    """This will walk through a JSON document and give everything that is neither text nor a container."""
    children = document.values() if isinstance(document, dict) else document
    for child in children if isinstance(document, dict | list) else []:
        if isinstance(child, dict | list):
            yield from numbers_in(child)
        elif not isinstance(child, str):
            yield child


class TestAnyBasket:
    @settings(deadline=None)
    @given(requests())
    def test_adds_up(self, request_: QuoteRequest) -> None:
        result = quote(request_)

        assert result.total_minor == sum(line.total_minor for line in result.lines)
        assert result.tax_minor == sum(line.tax.amount_minor for line in result.lines)
        assert result.discount_minor == sum(line.discount_minor for line in result.lines)
        added = result.tax_minor if request_.tax_entry == TaxEntry.NET else 0
        assert result.total_minor == result.subtotal_minor - result.discount_minor + added
        for line in result.lines:
            assert line.tax.basis_minor + line.tax.amount_minor == line.total_minor
            assert 0 <= line.discount_minor <= line.subtotal_minor
            assert min(line.tax.basis_minor, line.tax.amount_minor) >= 0

    @settings(deadline=None)
    @given(requests())
    def test_taxes_each_line_by_its_rate(self, request_: QuoteRequest) -> None:
        # Per document the sum is rounded first and the lines share it, so a line may be off by its share and one more.
        tolerance = Decimal("0.5") if request_.rounding_scope is RoundingScope.LINE else Decimal("1.5")

        for line in quote(request_).lines:
            exact = (line.subtotal_minor - line.discount_minor) * line.tax.rate
            if request_.tax_entry == TaxEntry.GROSS:
                exact /= 1 + line.tax.rate
            assert abs(exact - line.tax.amount_minor) <= tolerance

    @settings(deadline=None)
    @given(requests(), st.randoms(use_true_random=False))
    def test_does_not_care_for_the_order_of_lines(self, request_: QuoteRequest, source: random.Random) -> None:
        shuffled = list(request_.lines)
        source.shuffle(shuffled)

        one, other = quote(request_), quote(dataclasses.replace(request_, lines=tuple(shuffled)))

        assert one.quote_hash == other.quote_hash
        by_sku = {line.sku: dataclasses.replace(line, position=0) for line in one.lines}
        assert by_sku == {line.sku: dataclasses.replace(line, position=0) for line in other.lines}
        assert [line.sku for line in other.lines] == [line.sku for line in shuffled]
        assert [line.position for line in other.lines] == list(range(1, len(shuffled) + 1))

    @settings(deadline=None)
    @given(requests())
    def test_knows_only_integers(self, request_: QuoteRequest) -> None:
        document = json.loads(json.dumps(quote_as_json(quote(request_))))

        assert {type(number) for number in numbers_in(document)} <= {int, bool}


def test_a_shop_without_tax_tables_has_a_zero_rule_for_every_category() -> None:
    rules = untaxed(region="GB", categories=["standard", "books", "standard"])

    assert [(rule.category, rule.rate, rule.treatment) for rule in rules] == [
        ("books", Decimal(0), TaxTreatment.ZERO),
        ("standard", Decimal(0), TaxTreatment.ZERO),
    ]
