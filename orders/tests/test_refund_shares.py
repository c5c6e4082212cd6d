"""What refunds are made of: literals worked out by hand, and refusals."""

from typing import cast

import pytest

from catalog.pricing import QuoteRequest, RoundingScope, TaxEntry, quote, terms_as_json
from catalog.tests.test_pricing import a_business_rule, a_fee, a_line, a_request, a_rule, a_shipping, fixed, percent
from core.errors import DomainError
from core.money import CurrencyMismatch
from orders.refunding import (
    AmountBeyondLeft,
    AmountNotPayable,
    Given,
    LineShare,
    NothingLeft,
    RefundOfNothing,
    Share,
    Shares,
    Sold,
    UnitsBeyondLeft,
    UnknownLine,
    Wanted,
    WantedAmount,
    WantedEverything,
    WantedUnits,
    given_by,
    refund_shares,
)
from orders.snapshot import SnapshotContext, build_snapshot
from orders.tests.factories import a_snapshot

CONTEXT = SnapshotContext(
    country="GB",
    country_label="United Kingdom",
    postcode_prefix="SW1",
    locale="en-GB",
    terms_version="2026-11",
    contact_digest="d" * 64,
)
NET = TaxEntry.NET
EVERYTHING = WantedEverything()


def sold_by(request: QuoteRequest, *, accepted: int | None = None, cancelled: dict[int, int] | None = None) -> Sold:
    """This will return what a paid order of these goods sold."""
    result = quote(request)
    snapshot = build_snapshot(terms_as_json(result) | {"quote_hash": result.quote_hash}, CONTEXT)
    return Sold(snapshot, result.total_minor if accepted is None else accepted, cancelled or {})


def refunded(sold: Sold, *wanted: Wanted, step: int = 1) -> list[Shares]:
    """This will give back one after the other."""
    done: list[Shares] = []
    for each in wanted:
        done.append(refund_shares(sold, given=given_by(done), wanted=each, step_minor=step))
    return done


def units(*, shipping: bool = False, fees: bool = False, **lines: int) -> WantedUnits:
    """This will want units by position: units(_1=2) is two of the first line."""
    return WantedUnits({int(name[1:]): count for name, count in lines.items()}, shipping=shipping, fees=fees)


def figures(shares: Shares) -> tuple[int, int, int]:
    """This will return total, tax and net."""
    return shares.total_minor, shares.tax_minor, shares.net_minor


@pytest.mark.pains("F3")
class TestThreadsOfOthers:
    """Orders whose last cent other shops could not give back."""

    TEN = a_request(a_line(price=2390, quantity=10), rate="0.2", discounts=(percent("0.25"),))
    THREE = a_request(a_line(price=3200, quantity=3), rate="0.101", currency="USD", tax_entry=NET)

    def test_179_25_goes_back_to_the_penny_at_once(self) -> None:
        (all_of_it,) = refunded(sold_by(self.TEN), EVERYTHING)

        assert figures(all_of_it) == (17_925, 2_988, 14_937)
        assert all_of_it.lines == (
            LineShare(position=1, sku="MUG", units=10, gross_minor=17_925, tax_minor=2_988, discount_minor=5_975),
        )

    def test_179_25_goes_back_to_the_penny_in_ten(self) -> None:
        ones = refunded(sold_by(self.TEN), *[units(_1=1)] * 10)

        # 17.925 each, 17.93 and 17.92 in turn, with 5.975 of discount. Tax is 29.88 / 179.25 of what went back so far:
        # 2.9888, 5.976, 8.9648, 11.952, 14.9408, 17.928, 20.9168, 23.904, 26.8928, 29.88.
        assert [each.total_minor for each in ones] == [1_793, 1_792] * 5
        assert [each.tax_minor for each in ones] == [299, 299, 299, 299, 299, 298, 299, 299, 299, 298]
        assert [each.lines[0].discount_minor for each in ones] == [598, 597] * 5

    def test_179_25_goes_back_to_the_penny_in_parts(self) -> None:
        parts = refunded(sold_by(self.TEN), units(_1=3), units(_1=3), units(_1=3), units(_1=1))

        # 53.775, 107.55, 161.325, 179.25.
        assert [each.total_minor for each in parts] == [5_378, 5_377, 5_378, 1_792]
        assert sum(each.tax_minor for each in parts) == 2_988

    def test_three_alike_share_nine_seventy_of_tax(self) -> None:
        ones = refunded(sold_by(self.THREE), units(_1=1), units(_1=1), units(_1=1))

        assert [figures(each) for each in ones] == [(3_524, 324, 3_200), (3_523, 323, 3_200), (3_523, 323, 3_200)]

    @pytest.mark.parametrize("scope", list(RoundingScope))
    def test_three_lines_alike_give_what_the_snapshot_says(self, scope: RoundingScope) -> None:
        lines = [a_line(sku, price=3200) for sku in ("A", "B", "C")]
        sold = sold_by(a_request(*lines, rate="0.101", currency="USD", tax_entry=NET, rounding_scope=scope))

        taxes = [each.tax_minor for each in refunded(sold, units(_3=1), units(_1=1), units(_2=1))]

        # 9.696 as a whole is 9.70, and 3.232 by itself 3.23.
        assert taxes == ([323, 324, 323] if scope is RoundingScope.DOCUMENT else [323, 323, 323])

    def test_shipping_and_fees_go_back_with_their_tax(self) -> None:
        sold = sold_by(a_request(a_line(price=1200), rate="0.2", shipping=a_shipping(450), fees=(a_fee(amount=31),)))

        goods, shipping, fees = refunded(sold, units(_1=1), units(shipping=True), units(fees=True))

        assert figures(goods) == (1_200, 200, 1_000)
        assert (shipping.shipping, shipping.total_minor) == (Share(450, 75), 450)
        # 0.31 / 1.2 = 0.2583.
        assert (fees.fees, fees.taxes_minor) == (Share(31, 5), {"GB": 5})


class TestCurrencies:
    @pytest.mark.pains("H1")
    def test_yen_have_no_parts(self) -> None:
        sold = sold_by(a_request(a_line(price=80, quantity=3), rate="0.1", currency="JPY", discounts=(fixed(40),)))

        ones = refunded(sold, units(_1=1), units(_1=1), units(_1=1))

        # 240 − 40 = 200 with 18 of tax: 66.67, 133.33, 200.
        assert [figures(each) for each in ones] == [(67, 7, 60), (67, 6, 61), (66, 5, 61)]

    @pytest.mark.pains("H1")
    def test_dinars_go_in_tens(self) -> None:
        sold = sold_by(
            a_request(
                a_line(price=1140, quantity=3), rate="0.05", currency="KWD", tax_entry=NET, discounts=(fixed(20),)
            )
        )

        ones = refunded(sold, units(_1=1), units(_1=1), units(_1=1), step=10)

        # 3.400 + 5 % = 3.570 exactly 1.190 each; with 0.170 of tax: 0.05667, 0.11333.
        assert [figures(each) for each in ones] == [(1_190, 57, 1_133), (1_190, 57, 1_133), (1_190, 56, 1_134)]

    def test_earlier_units_are_rounded_up_to_the_step(self) -> None:
        sold = sold_by(a_request(a_line(price=1000, quantity=3), currency="KWD", discounts=(percent("0.03"),)))

        ones = refunded(sold, units(_1=1), units(_1=1), units(_1=1), step=10)

        # 2.910: 0.970 each. In steps of a hundred 1.000 and 2.000 went back, and the last takes what is left.
        assert [each.total_minor for each in ones] == [970, 970, 970]
        assert [each.total_minor for each in refunded(sold, units(_1=1), units(_1=1), EVERYTHING, step=100)] == [
            1_000, 1_000, 910,
        ]  # fmt: skip

    def test_a_part_that_is_no_multiple_leaves_its_rest_to_the_last(self) -> None:
        # As if an older shop had sold it: KWD 1.005 and 0.995, of which providers pay tens.
        odd = sold_by(a_request(a_line("A", price=1005), a_line("B", price=995)))

        first, last = refunded(odd, units(_1=1), units(_2=1), step=10)

        assert (first.total_minor, last.total_minor) == (1_000, 1_000)
        assert [(line.position, line.units, line.gross_minor) for line in last.lines] == [(1, 0, 5), (2, 1, 995)]

    def test_an_amount_is_a_multiple_or_all_there_is(self) -> None:
        sold = sold_by(a_request(a_line(price=1000), currency="KWD"), accepted=995)

        with pytest.raises(AmountNotPayable) as refusal:
            refunded(sold, WantedAmount(101), step=10)

        assert refusal.value.facts == {"amount_minor": 101, "step_minor": 10}
        assert [each.total_minor for each in refunded(sold, WantedAmount(990), EVERYTHING, step=10)] == [990, 5]


@pytest.mark.pains("F6")
class TestAmounts:
    """£100 of net and £20 of tax."""

    SOLD = sold_by(a_request(a_line("A", price=6000), a_line("B", price=6000), rate="0.2"))

    def test_bear_tax_like_what_is_left(self) -> None:
        amount, rest = refunded(self.SOLD, WantedAmount(1000), EVERYTHING)

        # 10.00 of 120.00: 1.667 of tax.
        assert (amount.free, amount.taxes_minor, amount.lines) == (Share(1000, 167), {"GB": 167}, ())
        assert figures(rest) == (11_000, 1_833, 9_167)
        assert [line.gross_minor for line in rest.lines] == [5_500, 5_500]

    def test_goodwill_takes_no_tax_back_and_counts_all_the_same(self) -> None:
        goodwill, rest = refunded(self.SOLD, WantedAmount(1000, is_goodwill=True), EVERYTHING)

        assert (figures(goodwill), goodwill.taxes_minor) == ((1_000, 0, 1_000), {})
        assert figures(rest) == (11_000, 2_000, 9_000)

    def test_goodwill_takes_tax_when_nothing_else_is_left(self) -> None:
        goodwill, rest = refunded(self.SOLD, WantedAmount(10_500, is_goodwill=True), EVERYTHING)

        assert figures(goodwill) == (10_500, 500, 10_000)
        assert figures(rest) == (1_500, 1_500, 0)

    def test_units_keep_their_worth_and_the_last_takes_what_is_left(self) -> None:
        _, one, other = refunded(self.SOLD, WantedAmount(2000), units(_1=1), units(_2=1))

        # Of 20.00 the tax is 3.33; the last has what is left of both.
        assert [figures(one), figures(other)] == [(6_000, 1_000, 5_000), (4_000, 667, 3_333)]

    def test_more_tax_comes_where_net_is_short(self) -> None:
        _, one, other = refunded(self.SOLD, WantedAmount(5500, is_goodwill=True), units(_1=1), EVERYTHING)

        # 45.00 of net and 20.00 of tax were left.
        assert [figures(one), figures(other)] == [(6_000, 1_500, 4_500), (500, 500, 0)]

    def test_what_the_buyer_accounts_for_is_no_tax_of_ours(self) -> None:
        rules = (a_business_rule("0.2"), a_rule("0.2", category="shipping"))
        sold = sold_by(a_request(a_line(price=1200, quantity=3), tax_rules=rules, shipping=a_shipping(450)))

        one, rest = refunded(sold, units(_1=1), EVERYTHING)

        assert (figures(one), one.taxes_minor) == ((1_000, 0, 1_000), {})
        assert (figures(rest), rest.taxes_minor) == ((2_450, 75, 2_375), {"GB": 75})


class TestHistory:
    def test_a_refund_that_failed_is_made_up_for(self) -> None:
        sold = sold_by(TestThreadsOfOthers.THREE)
        _, second = refunded(sold, units(_1=1), units(_1=1))

        again = refund_shares(sold, given=given_by([second]), wanted=units(_1=1))
        last = refund_shares(sold, given=given_by([second, again]), wanted=units(_1=1))

        assert [figures(each) for each in (second, again, last)] == [
            (3_523, 323, 3_200), (3_524, 324, 3_200), (3_523, 323, 3_200),
        ]  # fmt: skip

    def test_all_units_are_everything(self) -> None:
        sold = sold_by(a_request(a_line(quantity=7), rate="0.2", shipping=a_shipping(), fees=(a_fee(amount=31),)))

        by_units, at_once = (refunded(sold, wanted) for wanted in (units(_1=7, shipping=True, fees=True), EVERYTHING))

        assert by_units == at_once

    def test_what_is_worth_nothing_does_not_bring_back_what_was_left_over(self) -> None:
        # Somebody agreed on 5.00 for the line of 10.00 outside: what is left goes back with everything alone.
        sold = sold_by(a_request(a_line(price=1000), shipping=a_shipping(0)))
        given = Given(lines={1: LineShare(1, "MUG", 1, 500, 0, 0)})

        with pytest.raises(RefundOfNothing):
            refund_shares(sold, given=given, wanted=units(shipping=True))

        assert refund_shares(sold, given=given, wanted=EVERYTHING).total_minor == 500

    def test_knows_the_first_version_of_snapshots(self) -> None:
        one, other = refunded(Sold(a_snapshot(), 2000), units(_1=1), EVERYTHING)

        assert (one.total_minor, other.total_minor, other.lines[0].units) == (1_000, 1_000, 1)


class TestDueAdjustments:
    """See Note [Due adjustments]."""

    REQUEST = a_request(a_line("A", price=6000), a_line("B", price=6000), rate="0.2")

    def test_less_is_less_of_everything_and_the_tax_stays(self) -> None:
        one, other = refunded(sold_by(self.REQUEST, accepted=10_000), units(_1=1), units(_2=1))

        assert [figures(one), figures(other)] == [(5_000, 1_000, 4_000), (5_000, 1_000, 4_000)]

    def test_more_belongs_to_no_line_and_goes_back_with_the_last(self) -> None:
        one, other = refunded(sold_by(self.REQUEST, accepted=12_500), units(_1=1), units(_2=1))

        assert (figures(one), one.free) == ((6_000, 1_000, 5_000), Share())
        assert (figures(other), other.free) == ((6_500, 1_000, 5_500), Share(500, 0))

    def test_cancelled_units_take_their_worth_along(self) -> None:
        request = a_request(a_line("A", price=1000, quantity=3), a_line("B", price=500))
        sold = sold_by(request, accepted=2_500, cancelled={1: 1})

        with pytest.raises(UnitsBeyondLeft) as refusal:
            refunded(sold, units(_1=3))

        assert refusal.value.facts == {"position": 1, "units": 3, "units_left": 2}
        assert [each.total_minor for each in refunded(sold, units(_1=1), units(_2=1), units(_1=1))] == [1000, 500, 1000]

    def test_less_than_the_tax_is_all_tax(self) -> None:
        assert figures(*refunded(sold_by(self.REQUEST, accepted=1_500), EVERYTHING)) == (1_500, 1_500, 0)


class TestRefusals:
    SOLD = sold_by(a_request(a_line("A", price=1000, quantity=2), a_line("B", price=0), shipping=a_shipping(450)))

    @pytest.mark.parametrize(
        ("wanted", "error", "facts"),
        [
            (WantedAmount(0), RefundOfNothing, {"amount_minor": 0}),
            (WantedAmount(-1), RefundOfNothing, {"amount_minor": -1}),
            (WantedAmount(2451), AmountBeyondLeft, {"amount_minor": 2451, "left_minor": 2450}),
            (WantedAmount(100, "EUR"), CurrencyMismatch, {"currencies": ["GBP", "EUR"]}),
            (WantedUnits(), RefundOfNothing, {}),
            (units(_1=0), RefundOfNothing, {"position": 1, "units": 0}),
            (units(_1=-1), RefundOfNothing, {"position": 1, "units": -1}),
            (units(_1=3), UnitsBeyondLeft, {"position": 1, "units": 3, "units_left": 2}),
            (units(_1=1, _7=1), UnknownLine, {"positions": [7]}),
            (units(_2=1), RefundOfNothing, {"wanted_minor": 0, "step_minor": 1}),
            (units(fees=True), RefundOfNothing, {"wanted_minor": 0, "step_minor": 1}),
        ],
    )
    def test_names_what_is_wrong(self, wanted: Wanted, error: type[DomainError], facts: dict[str, object]) -> None:
        with pytest.raises(error) as refusal:
            refunded(self.SOLD, wanted)

        assert refusal.value.facts == facts

    @pytest.mark.parametrize("wanted", [EVERYTHING, WantedAmount(1), units(shipping=True)])
    def test_nothing_is_left_after_everything(self, wanted: Wanted) -> None:
        with pytest.raises(NothingLeft):
            refunded(self.SOLD, EVERYTHING, wanted)

    def test_nothing_is_left_after_the_provider_gave_more(self) -> None:
        with pytest.raises(NothingLeft):
            refund_shares(self.SOLD, given=Given(free=Share(3000)), wanted=EVERYTHING)

    def test_amounts_and_units_are_ints(self) -> None:
        for wrong in (WantedAmount(cast("int", 1.5)), WantedUnits({1: cast("int", True)})):
            with pytest.raises(TypeError):
                refunded(self.SOLD, wrong)
