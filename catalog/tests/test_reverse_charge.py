"""Businesses that account for a tax themselves: which rate they have, and what they pay, by literals."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from catalog import services
from catalog.models import TaxRate
from catalog.pricing import RoundingScope, TaxEntry, TaxRuleMissing, TaxTreatment, quote, terms_as_json
from catalog.tests.test_market import TODAY, a_rate, market
from catalog.tests.test_pricing import (
    a_business_rule,
    a_fee,
    a_line,
    a_request,
    a_rule,
    a_shipping,
    percent,
)
from core.models import SalesChannel
from core.tests.factories import a_channel

FOR_BUSINESSES: dict[str, Any] = {"country": "DE", "treatment": TaxTreatment.REVERSE_CHARGE}

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def channel() -> SalesChannel:
    """A shop that sells to Germany."""
    return a_channel()


class TestRatesForBusinesses:
    def test_a_business_that_accounts_for_the_tax_has_the_rate_for_businesses(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.19", country="DE")
        stored = a_rate(channel, "0", **FOR_BUSINESSES)
        a_rate(channel, "0", country="DE", tax_category="books", treatment=TaxTreatment.EXEMPT)

        books, rule = market(channel, "DE", is_taxed_by_buyer=True).tax_rules(["books", "standard"])

        assert (rule.rate, rule.treatment, rule.code) == (Decimal(0), TaxTreatment.REVERSE_CHARGE, "VAT-0")
        assert rule.calculation_reference == f"surety:tax_rate:{stored.public_id}"
        assert rule.relieved_rate == Decimal("0.19")
        assert (books.treatment, books.relieved_rate) == (TaxTreatment.EXEMPT, Decimal(0))

    def test_everybody_else_has_the_other(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.19", country="DE")
        a_rate(channel, "0", **FOR_BUSINESSES)

        (rule,) = market(channel, "DE").tax_rules(["standard"])

        assert (rule.rate, rule.treatment, rule.relieved_rate) == (Decimal("0.19"), TaxTreatment.STANDARD, Decimal(0))

    def test_without_a_rate_for_businesses_they_bear_the_tax(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.19", country="DE")
        a_rate(channel, "0", **FOR_BUSINESSES, valid_until=TODAY)

        (rule,) = market(channel, "DE", is_taxed_by_buyer=True).tax_rules(["standard"])

        assert (rule.rate, rule.treatment) == (Decimal("0.19"), TaxTreatment.STANDARD)

    def test_a_rate_for_businesses_stands_beside_another_and_never_alone(self, channel: SalesChannel) -> None:
        a_rate(channel, "0", **FOR_BUSINESSES)
        assert [rule.code for rule in market(channel, "DE", is_taxed_by_buyer=True).tax_rules(["standard"])] == ["zero"]
        a_rate(channel, "0.07", country="DE", tax_category="books")

        with pytest.raises(TaxRuleMissing):
            market(channel, "DE", is_taxed_by_buyer=True).tax_rules(["standard"])

    def test_a_more_exact_place_counts_before_a_rate_for_businesses(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.19", country="DE")
        a_rate(channel, "0", **FOR_BUSINESSES)
        a_rate(channel, "0", country="DE", postcode_prefix="78266", treatment=TaxTreatment.EXEMPT)

        found = market(channel, "DE", "", "78266", is_taxed_by_buyer=True).tax_rules(["standard"])

        assert [rule.treatment for rule in found] == [TaxTreatment.EXEMPT]

    def test_two_rates_for_businesses_on_the_same_day_are_refused(self, channel: SalesChannel) -> None:
        a_rate(channel, "0", **FOR_BUSINESSES)

        with pytest.raises(services.TaxRateOverlaps):
            a_rate(channel, "0", **FOR_BUSINESSES, valid_from=TODAY)

    def test_at_home_there_is_none(self) -> None:
        with pytest.raises(services.InvalidTaxRate):
            a_rate(a_channel(home_country="DE"), "0", **FOR_BUSINESSES)

    @pytest.mark.parametrize(("treatment", "for_businesses"), [("reverse_charge", False), ("zero", True)])
    def test_only_businesses_account_for_a_tax(
        self, channel: SalesChannel, treatment: str, for_businesses: bool
    ) -> None:
        stored = a_rate(channel, "0", treatment=TaxTreatment.ZERO)

        with pytest.raises(IntegrityError, match="catalog_tax_rate_reverse_charge_is_for_businesses"):
            TaxRate.objects.filter(pk=stored.pk).update(treatment=treatment, for_businesses=for_businesses)


class TestPrices:
    """The baskets of the golden tables' currencies, bought by a business that accounts for the ten percent itself."""

    @pytest.mark.parametrize(
        ("currency", "typed_in", "expected"),
        [
            # What others pay less the tax within: 70 − 6, 50 − 5, 5 − 0 of 125.
            ("JPY", (80, 50, 5), {"bases": [64, 45, 5], "relief": 11, "total": 114}),
            # 39.42 − 3.58, 4.50 − 0.41, 0.25 − 0.02 of 44.17.
            ("EUR", (4505, 450, 25), {"bases": [3584, 409, 23], "relief": 401, "total": 4016}),
            # 10.810 − 0.980, 1.500 − 0.140, 0.050 − 0 of 12.360.
            ("KWD", (12_350, 1500, 50), {"bases": [9830, 1360, 50], "relief": 1120, "total": 11_240}),
        ],
    )
    def test_takes_the_tax_out_of_prices_entered_gross(
        self, currency: str, typed_in: tuple[int, int, int], expected: dict[str, object]
    ) -> None:
        assert self.figures(currency, "gross", typed_in) == expected

    @pytest.mark.parametrize(
        ("currency", "typed_in", "expected"),
        [
            # 80 − 12.5 %, and no tax on top.
            ("JPY", (80, 50, 5), {"bases": [70, 50, 5], "relief": 0, "total": 125}),
            ("EUR", (4505, 450, 25), {"bases": [3942, 450, 25], "relief": 0, "total": 4417}),
            ("KWD", (12_350, 1500, 50), {"bases": [10_810, 1500, 50], "relief": 0, "total": 12_360}),
        ],
    )
    def test_leaves_prices_entered_net_as_they_are(
        self, currency: str, typed_in: tuple[int, int, int], expected: dict[str, object]
    ) -> None:
        assert self.figures(currency, "net", typed_in) == expected

    def figures(self, currency: str, entry: str, typed_in: tuple[int, int, int]) -> dict[str, object]:
        price, shipping, fee = typed_in
        result = quote(
            a_request(
                a_line(price=price),
                currency=currency,
                tax_entry=TaxEntry(entry),
                tax_rules=(a_business_rule("0.1"), a_business_rule("0.1", category="shipping")),
                discounts=(percent("0.125"),),
                shipping=a_shipping(shipping),
                fees=(a_fee(amount=fee),),
            )
        )
        assert result.shipping_method is not None
        charged = [line.tax for line in result.lines] + [result.shipping_method.tax, result.fee_lines[0].tax]
        (tax,) = result.tax_lines
        assert (tax.treatment.value, int(tax.rate), tax.amount_minor, result.tax_minor) == ("reverse_charge", 0, 0, 0)
        assert tax.basis_minor == result.total_minor
        return {
            "bases": [each.basis_minor for each in charged],
            "relief": result.tax_relief_minor,
            "total": result.total_minor,
        }

    @pytest.mark.parametrize(("scope", "relief"), [("line", [3, 3, 3]), ("document", [4, 3, 3])])
    def test_rounds_what_is_taken_out_as_the_tax_would_be(self, scope: str, relief: list[int]) -> None:
        # Of 35 with 10 % within 3.18 is tax; of 105 together 9.545 → 10.
        lines = [a_line(sku, price=35) for sku in ("A", "B", "C")]
        request = a_request(*lines, tax_rules=(a_business_rule("0.1"),), rounding_scope=RoundingScope(scope))

        result = quote(request)

        assert [35 - line.total_minor for line in result.lines] == relief
        assert (result.tax_relief_minor, result.total_minor) == (sum(relief), 105 - sum(relief))

    def test_each_category_is_relieved_of_its_own_tax(self) -> None:
        lines = (a_line("A", price=11_900), a_line("B", price=10_700, tax_category="food"))
        rules = (a_business_rule("0.19"), a_business_rule("0.07", category="food"))

        for scope in RoundingScope:
            result = quote(a_request(*lines, tax_rules=rules, rounding_scope=scope))

            assert [line.total_minor for line in result.lines] == [10_000, 10_000]
            assert [(tax.code, tax.basis_minor) for tax in result.tax_lines] == [("reverse-charge", 20_000)]

    def test_the_books_get_discounts_without_the_tax_that_was_in_them(self) -> None:
        rules = (a_business_rule("0.2"),)

        result = quote(a_request(a_line(price=2390, quantity=10), tax_rules=rules, discounts=(percent("0.25"),)))

        # 179.25 − 29.88 of tax; 59.75 / 1.2 = 49.79.
        assert (result.total_minor, result.lines[0].discount_net_minor) == (14_937, 4_979)

    def test_is_another_agreement_than_the_same_total_with_tax(self) -> None:
        rules = (a_rule("0.2"), a_business_rule("0.2"))

        charged, relieved = (quote(a_request(a_line(price=1200), tax_rules=(rule,))) for rule in rules)

        assert (charged.total_minor, relieved.total_minor) == (1200, 1000)
        assert charged.quote_hash != relieved.quote_hash
        assert "relief" not in str(terms_as_json(charged))
        assert terms_as_json(relieved)["tax_relief_minor"] == 200
        assert terms_as_json(relieved)["lines"][0]["tax"]["relieved_rate"] == "0.2"

    def test_nobody_is_relieved_of_what_is_charged(self) -> None:
        with pytest.raises(ValueError, match="relieved"):
            replace(a_rule("0.2"), relieved_rate=Decimal("0.2"))
