"""Golden tables: every figure here was worked out by hand from the rule beside it, none by our own arithmetic."""

from decimal import Decimal

import pytest

from catalog.pricing import InvalidQuoteRequest, QuoteRequest, RoundingScope, TaxEntry, quote
from catalog.tests.test_pricing import (
    FREE_SHIPPING,
    a_fee,
    a_line,
    a_request,
    a_rule,
    a_shipping,
    fixed,
    percent,
)
from core.money import RoundingMode

NET = TaxEntry.NET


@pytest.mark.pains("H3")
class TestRoundingScope:
    """Three lines at 6.25 %: 9.115, 142.418125 and 60.765 of tax.

    Source: docs.sovos.com, Global Tax Determination, Rounding logic; its third amount has
    a slip: 60.765 is the tax of 972.24.
    """

    LINES = (a_line("A", price=14_584), a_line("B", price=227_869), a_line("C", price=97_224))

    def priced(self, scope: RoundingScope, mode: RoundingMode = RoundingMode.HALF_UP) -> list[int]:
        request = a_request(
            *self.LINES, rate="0.0625", currency="USD", tax_entry=NET, rounding_scope=scope, rounding_mode=mode
        )
        result = quote(request)
        assert result.total_minor == 14_584 + 227_869 + 97_224 + result.tax_minor
        return [result.tax_minor, *(line.tax.amount_minor for line in result.lines)]

    def test_line_rounds_three_times(self) -> None:
        assert self.priced(RoundingScope.LINE) == [21_231, 912, 14_242, 6_077]

    def test_document_rounds_once_and_the_lines_share_it(self) -> None:
        # 212.298125 → 212.30; of the exact shares 9.1151, 142.4194, 60.7655 the greatest remainders get the last cent.
        assert self.priced(RoundingScope.DOCUMENT) == [21_230, 911, 14_242, 6_077]

    def test_half_even_leaves_halves_at_the_even_cent(self) -> None:
        # 9.115 → 9.12 and 60.765 → 60.76: both halves, to the even neighbour.
        assert self.priced(RoundingScope.LINE, RoundingMode.HALF_EVEN) == [21_230, 912, 14_242, 6_076]


class TestCurrencies:
    """One lamp, a percent discount, shipping and a fee at 10 % tax, in currencies of 0, 2 and 3 decimals."""

    @pytest.mark.pains("H1", "H2")
    @pytest.mark.parametrize(
        ("currency", "entry", "expected"),
        [
            # 80 − 12.5 % = 70, shipping 50, fee 5 → 125; tax 7 + 5 + 0.5 → 1 (half up).
            ("JPY", "net", {"lines": (70, 7), "shipping": (50, 5), "fee": (5, 1), "tax": 13, "total": 138}),
            # 70 → 6.36, 50 → 4.55, 5 → 0.45 of tax within.
            ("JPY", "gross", {"lines": (64, 6), "shipping": (45, 5), "fee": (5, 0), "tax": 11, "total": 125}),
        ],
    )
    def test_yen_has_no_decimals(self, currency: str, entry: str, expected: dict[str, object]) -> None:
        assert self.figures(self.request(currency, entry, price=80, shipping=50, fee=5)) == expected

    @pytest.mark.pains("H1", "H2")
    @pytest.mark.parametrize(
        ("currency", "entry", "expected"),
        [
            # 45.05 − 12.5 % (5.63125 → 5.63) = 39.42; tax 3.942 → 3.94, 0.45 and 0.025 → 0.03.
            ("EUR", "net", {"lines": (3942, 394), "shipping": (450, 45), "fee": (25, 3), "tax": 442, "total": 4859}),
            # 39.42 → 3.5836, 4.50 → 0.409, 0.25 → 0.0227 of tax within.
            ("EUR", "gross", {"lines": (3584, 358), "shipping": (409, 41), "fee": (23, 2), "tax": 401, "total": 4417}),
        ],
    )
    def test_euro_has_two(self, currency: str, entry: str, expected: dict[str, object]) -> None:
        assert self.figures(self.request(currency, entry, price=4505, shipping=450, fee=25)) == expected

    @pytest.mark.pains("H1", "H2")
    @pytest.mark.parametrize(
        ("currency", "entry", "expected"),
        [
            # 12.350 − 12.5 % (1.54375 → 1.540) = 10.810; tax 1.081 → 1.080, 0.150 and 0.005 → 0.010.
            (
                "KWD",
                "net",
                {"lines": (10810, 1080), "shipping": (1500, 150), "fee": (50, 10), "tax": 1240, "total": 13600},
            ),
            # 10.810 → 0.9827, 1.500 → 0.13636, 0.050 → 0.0045 of tax within, each to 0.01.
            (
                "KWD",
                "gross",
                {"lines": (9830, 980), "shipping": (1360, 140), "fee": (50, 0), "tax": 1120, "total": 12360},
            ),
        ],
    )
    def test_dinar_has_three_and_the_last_is_nought(
        self, currency: str, entry: str, expected: dict[str, object]
    ) -> None:
        assert self.figures(self.request(currency, entry, price=12_350, shipping=1500, fee=50)) == expected

    def request(self, currency: str, entry: str, *, price: int, shipping: int, fee: int) -> QuoteRequest:
        return a_request(
            a_line(price=price),
            rate="0.1",
            currency=currency,
            tax_entry=TaxEntry(entry),
            discounts=(percent("0.125"),),
            shipping=a_shipping(shipping),
            fees=(a_fee(amount=fee),),
        )

    def figures(self, request: QuoteRequest) -> dict[str, object]:
        result = quote(request)
        shipping = result.shipping_method
        assert shipping is not None
        (line,), (fee,) = result.lines, result.fee_lines
        return {
            "lines": (line.tax.basis_minor, line.tax.amount_minor),
            "shipping": (shipping.tax.basis_minor, shipping.tax.amount_minor),
            "fee": (fee.tax.basis_minor, fee.tax.amount_minor),
            "tax": result.tax_minor,
            "total": result.total_minor,
        }


class TestRoundingMode:
    """Halves of what can be paid: 2.5 and 3.5 of tax on 25 and 35, with 10 % entered net; in dinars ten times that."""

    @pytest.mark.parametrize(
        ("mode", "scope", "taxes"),
        [
            ("half_up", "line", [3, 4]),
            ("half_even", "line", [2, 4]),
            # Together 6.0: the share of 2.5 and that of 3.5 have the same remainder, so the first SKU gets the unit.
            ("half_up", "document", [3, 3]),
            ("half_even", "document", [3, 3]),
        ],
    )
    @pytest.mark.parametrize(("currency", "step"), [("JPY", 1), ("GBP", 1), ("KWD", 10)])
    def test_goes_for_every_currency(self, currency: str, step: int, mode: str, scope: str, taxes: list[int]) -> None:
        request = a_request(
            a_line("A", price=25 * step),
            a_line("B", price=35 * step),
            rate="0.1",
            currency=currency,
            tax_entry=NET,
            rounding_mode=RoundingMode(mode),
            rounding_scope=RoundingScope(scope),
        )

        result = quote(request)

        assert [line.tax.amount_minor for line in result.lines] == [tax * step for tax in taxes]
        assert result.total_minor == (60 + sum(taxes)) * step


class TestPayableDinars:
    """What card networks do not take is never asked for: KWD 2.253 used to come back as a failed payment."""

    def test_odd_parts_go_to_the_nearest_ten(self) -> None:
        request = a_request(
            a_line("A", price=1670),
            a_line("B", price=330),
            a_line("C", price=500),
            currency="KWD",
            rate="0.033",
            tax_entry=NET,
            discounts=(percent("0.05"), fixed(194)),
            fees=(a_fee("card", rate="0.029"),),
        )

        result = quote(request)

        # 2.500 − 5 % (0.125 → 0.130) = 2.370, shared as 0.090, 0.020, 0.020 (of 8.684, 1.716, 2.6 tens), − 0.190 of the
        # 0.194 typed in = 2.180, shared as 0.130, 0.020, 0.040 (of 12.667, 2.485, 3.848 tens).
        assert [discount.amount_minor for discount in result.discounts] == [130, 190]
        assert [line.discount_minor for line in result.lines] == [220, 40, 60]
        # 2.9 % of 2.180 is 0.06322 → 0.060; 3.3 % of 1.450, 0.290, 0.440 and 0.060: 0.04785, 0.00957, 0.01452, 0.00198.
        assert (result.fees_minor, [line.tax.amount_minor for line in result.lines]) == (60, [50, 10, 10])
        assert (result.tax_minor, result.total_minor) == (70, 2310)

    def test_per_document_the_sum_and_its_shares_are_payable(self) -> None:
        lines = [a_line(sku, price=2150) for sku in ("A", "B", "C")]
        request = a_request(*lines, currency="KWD", rate="0.05", tax_entry=NET, rounding_scope=RoundingScope.DOCUMENT)

        result = quote(request)

        # 6.450 × 5 % = 0.3225 → 0.320.
        assert [line.tax.amount_minor for line in result.lines] == [110, 110, 100]
        assert result.total_minor == 6770

    def test_what_was_typed_in_must_be_payable_itself(self) -> None:
        for odd in (a_request(a_line(price=2253), currency="KWD"), a_request(currency="KWD", fees=(a_fee(amount=5),))):
            with pytest.raises(InvalidQuoteRequest, match="multiple of 10"):
                quote(odd)


class TestThreadsOfOthers:
    """Orders that other shops could not settle to the last cent."""

    def test_ten_with_a_quarter_off_and_a_fifth_of_tax_within_is_179_25(self) -> None:
        request = a_request(a_line(price=2390, quantity=10), rate="0.2", currency="EUR", discounts=(percent("0.25"),))

        result = quote(request)

        # 239.00 − 59.75 = 179.25, of which 29.875 → 29.88 is tax.
        assert (result.subtotal_minor, result.discount_minor, result.total_minor) == (23_900, 5_975, 17_925)
        assert (result.tax_minor, result.lines[0].tax.basis_minor) == (2_988, 14_937)

    def test_three_alike_share_nine_seventy_of_tax(self) -> None:
        lines = [a_line(sku, price=3200) for sku in ("A", "B", "C")]
        request = a_request(*lines, rate="0.101", currency="USD", tax_entry=NET, rounding_scope=RoundingScope.DOCUMENT)

        result = quote(request)

        # 96.00 × 10.1 % = 9.696 → 9.70.
        assert [line.tax.amount_minor for line in result.lines] == [324, 323, 323]
        assert (result.tax_minor, result.total_minor) == (970, 10_570)


class TestDiscounts:
    """Literals: what each line gives."""

    def test_one_unit_of_three_goes_to_the_first_skus(self) -> None:
        lines = [a_line(sku, price=1000) for sku in ("C", "A", "B")]

        result = quote(a_request(*lines, discounts=(fixed(100),)))

        assert {line.sku: line.discount_minor for line in result.lines} == {"A": 34, "B": 33, "C": 33}

    def test_the_second_takes_from_what_the_first_left(self) -> None:
        result = quote(a_request(a_line(price=10_000), discounts=(percent("0.2"), percent("0.1"), fixed(700))))

        assert [discount.amount_minor for discount in result.discounts] == [2_000, 800, 700]
        assert result.total_minor == 6_500

    def test_only_the_lines_it_is_for_give_something(self) -> None:
        lines = (a_line("A", price=1000), a_line("B", price=999), a_line("C", price=1))

        result = quote(a_request(*lines, discounts=(percent("0.5", skus={"B", "C"}),)))

        assert [line.discount_minor for line in result.lines] == [0, 500, 0]

    def test_never_more_than_there_is(self) -> None:
        result = quote(a_request(a_line(price=300), discounts=(fixed(200), fixed(200)), shipping=a_shipping(450)))

        assert [discount.amount_minor for discount in result.discounts] == [200, 100]
        assert result.total_minor == 450

    def test_free_shipping_takes_the_shipping_and_its_tax(self) -> None:
        request = a_request(
            a_line(price=1000), rate="0.2", tax_entry=NET, shipping=a_shipping(450), discounts=(FREE_SHIPPING,)
        )

        result = quote(request)

        assert (result.shipping_minor, result.discount_minor, result.tax_minor, result.total_minor) == (
            450,
            450,
            200,
            1200,
        )
        assert [discount.amount_minor for discount in result.discounts] == [450]

    def test_everything_for_nothing_is_zero_and_not_less(self) -> None:
        request = a_request(
            a_line(price=1999), rate="0.2", shipping=a_shipping(450), discounts=(percent("1"), FREE_SHIPPING, fixed(5))
        )

        result = quote(request)

        assert (result.total_minor, result.tax_minor) == (0, 0)
        assert [discount.amount_minor for discount in result.discounts] == [1999, 450, 0]

    def test_the_books_get_it_without_the_tax_in_it(self) -> None:
        gross = quote(a_request(a_line(price=2390, quantity=10), rate="0.2", discounts=(percent("0.25"),)))
        net = quote(a_request(a_line(price=2390, quantity=10), rate="0.2", discounts=(percent("0.25"),), tax_entry=NET))

        # 59.75 / 1.2 = 49.79.
        assert gross.lines[0].discount_net_minor == 4_979
        assert net.lines[0].discount_net_minor == 5_975


class TestShippingAndFees:
    """Literals: each has its own tax."""

    def test_shipping_is_taxed_by_its_own_rule(self) -> None:
        rules = (a_rule("0"), a_rule("0.2", category="shipping"))

        result = quote(a_request(a_line(price=1000), tax_rules=rules, shipping=a_shipping(450)))

        assert [(tax.rate, tax.basis_minor, tax.amount_minor) for tax in result.tax_lines] == [
            (Decimal(0), 1000, 0),
            (Decimal("0.2"), 375, 75),
        ]
        assert (result.shipping_minor, result.tax_minor, result.total_minor) == (450, 75, 1450)

    def test_per_document_goods_and_shipping_of_the_same_tax_are_rounded_as_one(self) -> None:
        # 0.33 + 0.33 at 10 % is 0.066 → 0.07; each by itself 0.03.
        request = a_request(
            a_line(price=33), rate="0.1", tax_entry=NET, shipping=a_shipping(33), rounding_scope=RoundingScope.DOCUMENT
        )

        assert quote(request).tax_minor == 7

    def test_a_fee_is_an_amount_and_a_part_of_the_goods_after_discounts(self) -> None:
        fees = (a_fee("pay", amount=30, rate="0.029"), a_fee("box", amount=100))

        result = quote(a_request(a_line(price=2000), discounts=(fixed(500),), shipping=a_shipping(450), fees=fees))

        # 0.30 + 2.9 % of 15.00 (0.435 → 0.44); sorted by code.
        assert [(fee.code, fee.amount_minor) for fee in result.fee_lines] == [("box", 100), ("pay", 74)]
        assert (result.fees_minor, result.total_minor) == (174, 2124)
