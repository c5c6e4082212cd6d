"""Which taxes, ways to ship, fees and rates count for a place, a day and a currency."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.market import Market, Place, converted_prices, read_market
from catalog.models import ExchangeRate, Fee, ShippingArea, ShippingZone, TaxRate
from catalog.pricing import TaxRuleMissing, TaxTreatment
from catalog.services import NewArea, NewFee, NewMethod, NewTaxRate, NewZone, PriceStep
from catalog.tests.factories import a_product
from core.db import transaction
from core.models import SalesChannel
from core.money import RoundingMode
from core.tests.factories import NOW, a_channel

pytestmark = pytest.mark.usefixtures("database")
TODAY = NOW.date()
LONG_AGO = date(2020, 1, 1)


@pytest.fixture
def channel() -> SalesChannel:
    return a_channel(currencies=["GBP", "EUR", "JPY", "KWD"])


def a_rate(channel: SalesChannel, rate: str, **changes: Any) -> TaxRate:
    fields: dict[str, Any] = {"code": f"VAT-{rate}", "country": "GB", "rate": Decimal(rate), "valid_from": LONG_AGO}
    with transaction("test"):
        return services.create_tax_rates(channel=channel, rates=[NewTaxRate(**fields | changes)], now=NOW)[0]


def a_zone(channel: SalesChannel, *areas: NewArea, code: str = "home", methods: Any = ()) -> ShippingZone:
    zone = NewZone(code=code, name=f"Zone {code}", areas=areas or (NewArea("GB"),), methods=methods)
    with transaction("test"):
        return services.create_shipping_zone(channel=channel, zone=zone, now=NOW)


def a_method(*prices: PriceStep, code: str = "post", **changes: Any) -> NewMethod:
    return NewMethod(code=code, name=f"By {code}", prices=prices, days_min=1, days_max=3, **changes)


def convert(channel: SalesChannel, currency: str, rate: str) -> None:
    with transaction("test"):
        services.set_exchange_rate(
            channel=channel, currency=currency, rate=Decimal(rate), source="bank", quoted_at=NOW, now=NOW
        )


def market(
    channel: SalesChannel, *place: str, currency: str = "GBP", on: date = TODAY, is_taxed_by_buyer: bool = False
) -> Market:
    return read_market(
        channel_id=channel.pk,
        currency=currency,
        place=Place(*(place or ("GB",)), is_taxed_by_buyer=is_taxed_by_buyer),
        on=on,
        rounding_mode=RoundingMode.HALF_UP,
    )


def options(found: Market, *, weight: int = 0, value: int = 0) -> list[tuple[str, int]]:
    return [
        (option.code, option.price_minor) for option in found.shipping_options(weight_grams=weight, value_minor=value)
    ]


class TestTaxes:
    def test_a_shop_without_rates_is_untaxed(self, channel: SalesChannel) -> None:
        (rule,) = market(channel).tax_rules(["standard"])

        assert (rule.rate, rule.treatment, rule.region) == (Decimal(0), TaxTreatment.ZERO, "GB")

    def test_the_rate_of_country_and_category_counts(self, channel: SalesChannel) -> None:
        stored = a_rate(channel, "0.2")
        a_rate(channel, "0", tax_category="books", treatment=TaxTreatment.ZERO)
        a_rate(channel, "0.19", country="DE")

        books, standard = market(channel).tax_rules(["standard", "books", "standard"])

        assert (standard.rate, standard.code, standard.region) == (Decimal("0.2"), "VAT-0.2", "GB")
        assert standard.calculation_reference == f"surety:tax_rate:{stored.public_id}"
        assert (standard.valid_from, standard.valid_until) == (LONG_AGO, None)
        assert (books.rate, books.treatment) == (Decimal(0), TaxTreatment.ZERO)

    def test_a_country_without_any_rate_bears_no_tax_of_ours(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.2")

        assert [rule.rate for rule in market(channel, "US").tax_rules(["standard"])] == [0]

    def test_a_category_forgotten_where_others_are_taxed_is_refused(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.2")

        with pytest.raises(TaxRuleMissing):
            market(channel).tax_rules(["standard", "books"])

    @pytest.mark.parametrize(
        ("place", "rate"),
        [
            (("US",), "0.01"),
            (("US", "ca"), "0.0725"),
            (("US", "CA", "90001"), "0.095"),
            (("US", "CA", "9 41 03"), "0.0725"),
            (("US", "NY", "90001"), "0.01"),
        ],
    )
    def test_the_most_exact_place_counts(self, channel: SalesChannel, place: tuple[str, ...], rate: str) -> None:
        a_rate(channel, "0.01", country="US")
        a_rate(channel, "0.0725", country="US", region="ca")
        a_rate(channel, "0.095", country="US", region="CA", postcode_prefix="90 0")

        assert [rule.rate for rule in market(channel, *place).tax_rules(["standard"])] == [Decimal(rate)]

    def test_a_rate_counts_from_its_first_day_until_the_day_before_its_end(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.2", valid_until=TODAY)
        a_rate(channel, "0.25", valid_from=TODAY)

        rates = [market(channel, on=TODAY - timedelta(days=ago)).tax_rules(["standard"])[0].rate for ago in (1, 0)]

        assert rates == [Decimal("0.2"), Decimal("0.25")]

    def test_two_rates_for_the_same_day_are_refused(self, channel: SalesChannel) -> None:
        a_rate(channel, "0.2")

        with pytest.raises(services.TaxRateOverlaps):
            a_rate(channel, "0.21", valid_from=TODAY)
        with pytest.raises(IntegrityError, match="catalog_tax_rate_no_overlap"):
            TaxRate.objects.create(
                public_id="tax_x", channel=channel, tax_category="standard", country="GB", code="X", rate=0,
                treatment="zero", valid_from=TODAY, created_at=NOW,
            )  # fmt: skip

    def test_a_rate_that_ended_leaves_its_place_to_the_next(self, channel: SalesChannel) -> None:
        stored = a_rate(channel, "0.2")
        with transaction("test"):
            services.end_tax_rate(stored.public_id, valid_until=TODAY)

        a_rate(channel, "0.21", valid_from=TODAY)

        assert market(channel).tax_rules(["standard"])[0].rate == Decimal("0.21")

    @pytest.mark.parametrize(
        "changes",
        [
            {"rate": "1.1"},
            {"rate": "0.2", "treatment": TaxTreatment.EXEMPT},
            {"rate": "0.2", "country": "gb"},
            {"rate": "0.2", "code": ""},
            {"rate": "0.2", "valid_until": LONG_AGO},
        ],
    )
    def test_what_is_no_rate_is_refused(self, channel: SalesChannel, changes: dict[str, Any]) -> None:
        with pytest.raises(services.InvalidTaxRate):
            a_rate(channel, **changes)


class TestShipping:
    def test_a_shop_without_methods_has_none_and_a_zone_has_its_own(self, channel: SalesChannel) -> None:
        assert not market(channel).has_methods
        a_zone(channel, methods=[a_method(PriceStep("GBP", 395))])

        assert options(market(channel)) == [("post", 395)]
        assert (options(market(channel, "FR")), market(channel, "FR").has_methods) == ([], True)

    def test_the_table_goes_by_weight_by_value_and_is_free_from_a_value_on(self, channel: SalesChannel) -> None:
        table = (
            PriceStep("GBP", 395),
            PriceStep("GBP", 695, weight_from_grams=2000),
            PriceStep("GBP", 295, value_from_minor=3000),
            PriceStep("GBP", 595, weight_from_grams=2000, value_from_minor=3000),
            PriceStep("GBP", 0, value_from_minor=5000),
        )
        a_zone(channel, methods=[a_method(*table)])
        found = market(channel)

        reached = {
            (weight, value): options(found, weight=weight, value=value)[0][1]
            for weight in (1999, 2000)
            for value in (2999, 3000, 5000)
        }

        assert reached == {
            (1999, 2999): 395, (1999, 3000): 295, (1999, 5000): 0,
            (2000, 2999): 695, (2000, 3000): 595, (2000, 5000): 0,
        }  # fmt: skip

    def test_the_cheapest_comes_first_and_too_heavy_goes_another_way(self, channel: SalesChannel) -> None:
        methods = [
            a_method(PriceStep("GBP", 995), code="courier"),
            a_method(PriceStep("GBP", 395), code="letter", weight_max_grams=500),
        ]
        a_zone(channel, methods=methods)

        assert options(market(channel), weight=500) == [("letter", 395), ("courier", 995)]
        assert options(market(channel), weight=501) == [("courier", 995)]

    def test_a_postcode_outdoes_a_region_and_a_region_its_country(self, channel: SalesChannel) -> None:
        for code, area in {
            "main": NewArea("GB"),
            "north": NewArea("GB", "Highland"),
            "isles": NewArea("GB", postcode_prefix="HS"),
        }.items():
            a_zone(channel, area, code=code, methods=[a_method(PriceStep("GBP", 100), code=code)])

        places = [("GB",), ("GB", "highland"), ("GB", "Highland", "hs1 2aa"), ("GB", "", "SW1")]

        assert [options(market(channel, *place))[0][0] for place in places] == ["main", "north", "isles", "main"]

    def test_what_was_put_away_is_offered_to_nobody(self, channel: SalesChannel) -> None:
        zone = a_zone(channel, methods=[a_method(PriceStep("GBP", 395))])
        with transaction("test"):
            services.archive_shipping_method(method=zone.methods.get(), now=NOW)

        assert (options(market(channel)), market(channel).has_methods) == ([], False)

    def test_a_zone_moves_and_only_where_no_other_is(self, channel: SalesChannel) -> None:
        zone = a_zone(channel, methods=[a_method(PriceStep("GBP", 395))])
        a_zone(channel, NewArea("FR"), code="france")

        with transaction("test"):
            services.set_zone_areas(zone=zone, areas=[NewArea("GB", postcode_prefix="sw1"), NewArea("IE")])

        assert options(market(channel, "GB")) == []
        assert options(market(channel, "GB", "", "SW1A 1AA")) == options(market(channel, "IE")) == [("post", 395)]
        for areas, error in (([NewArea("FR")], services.AreaTaken), ([], services.InvalidShipping)):
            with pytest.raises(error), transaction("test"):
                services.set_zone_areas(zone=zone, areas=areas)
        assert options(market(channel, "IE")) == [("post", 395)]

    def test_a_place_is_in_one_zone_of_its_own_shop(self, channel: SalesChannel) -> None:
        zone = a_zone(channel)
        with pytest.raises(services.AreaTaken):
            a_zone(channel, code="other")
        other = a_channel(slug="other")
        with pytest.raises(IntegrityError, match="catalog_shipping_area_of_channel"):
            ShippingArea.objects.create(channel=other, zone=zone, country="FR")

    @pytest.mark.parametrize(
        "method",
        [
            a_method(),
            a_method(PriceStep("GBP", -1)),
            a_method(PriceStep("GBP", 1), PriceStep("GBP", 2)),
            a_method(PriceStep("KWD", 1255)),
            NewMethod("post", "Post", [PriceStep("GBP", 1)], days_min=3, days_max=1),
        ],
    )
    def test_what_cannot_be_charged_is_refused(self, channel: SalesChannel, method: NewMethod) -> None:
        with pytest.raises(services.InvalidShipping):
            a_zone(channel, methods=[method])

        assert not ShippingZone.objects.exists()


class TestFees:
    def charge(self, channel: SalesChannel, zone: ShippingZone | None = None, **fee: Any) -> Fee:
        fields: dict[str, Any] = {"code": "handling", "name": "Handling", "currency": "GBP", "amount_minor": 100}
        with transaction("test"):
            return services.set_fee(channel=channel, zone=zone, fee=NewFee(**fields | fee), now=NOW)

    def due(self, found: Market, *, value: int = 1000, is_shipped: bool = True) -> list[tuple[str, int]]:
        return [(fee.code, fee.amount_minor) for fee in found.fees_on(value_minor=value, is_shipped=is_shipped)]

    def test_a_fee_is_due_below_its_value_and_on_what_is_carried(self, channel: SalesChannel) -> None:
        self.charge(channel, below_value_minor=1000)

        found = market(channel)

        assert self.due(found, value=999) == [("handling", 100)]
        assert self.due(found, value=1000) == self.due(found, value=999, is_shipped=False) == []

    def test_the_zone_s_own_comes_before_the_general_one(self, channel: SalesChannel) -> None:
        zone = a_zone(channel, NewArea("FR"))
        self.charge(channel)
        self.charge(channel, zone, amount_minor=250)

        assert self.due(market(channel, "FR")) == [("handling", 250)]
        assert self.due(market(channel, "GB")) == [("handling", 100)]

    def test_a_new_one_takes_the_place_of_the_one_before(self, channel: SalesChannel) -> None:
        self.charge(channel)
        self.charge(channel, amount_minor=120)

        assert self.due(market(channel)) == [("handling", 120)]
        assert Fee.objects.filter(archived_at=None).count() == 1

    @pytest.mark.parametrize("fee", [{"amount_minor": -1}, {"amount_minor": 5, "currency": "KWD"}])
    def test_what_nobody_can_pay_is_refused(self, channel: SalesChannel, fee: dict[str, Any]) -> None:
        with pytest.raises(services.InvalidFee):
            self.charge(channel, **fee)


class TestConversion:
    """Literals: 19.99 pounds at the rate, half up."""

    @pytest.mark.parametrize(
        ("currency", "rate", "expected"),
        [("EUR", "1.155", 2309), ("JPY", "190.25", 3803), ("KWD", "0.4075", 8150)],
    )
    def test_a_price_nobody_typed_in_is_worked_out(
        self, channel: SalesChannel, currency: str, rate: str, expected: int
    ) -> None:
        variant = a_product(channel, price_minor=1999)
        convert(channel, currency, rate)

        assert converted_prices(variant_ids=[variant.pk], currency=currency) == {variant.pk: expected}

    def test_without_a_rate_nothing_is(self, channel: SalesChannel) -> None:
        variant = a_product(channel, price_minor=1999)
        convert(channel, "EUR", "1.155")
        with transaction("test"):
            services.stop_converting(channel=channel, currency="EUR", now=NOW)

        assert converted_prices(variant_ids=[variant.pk], currency="EUR") == {}
        assert ExchangeRate.objects.count() == 1

    def test_shipping_and_fees_follow_unless_they_were_typed_in(self, channel: SalesChannel) -> None:
        methods = [
            a_method(PriceStep("GBP", 400), PriceStep("GBP", 0, value_from_minor=5000)),
            a_method(PriceStep("GBP", 900), PriceStep("EUR", 999), code="courier"),
        ]
        a_zone(channel, methods=methods)
        convert(channel, "EUR", "1.25")

        found = market(channel, currency="EUR")

        assert options(found, value=6249) == [("post", 500), ("courier", 999)]
        assert options(found, value=6250) == [("post", 0), ("courier", 999)]

    @pytest.mark.parametrize(("currency", "rate"), [("GBP", "1"), ("USD", "1.3"), ("EUR", "0"), ("EUR", "NaN")])
    def test_what_is_no_rate_is_refused(self, channel: SalesChannel, currency: str, rate: str) -> None:
        with pytest.raises(services.InvalidExchangeRate):
            convert(channel, currency, rate)


def test_everything_is_read_in_one_statement(channel: SalesChannel) -> None:
    a_rate(channel, "0.2")
    for code in ("post", "courier"):
        a_zone(channel, NewArea("GB", code), code=code, methods=[a_method(PriceStep("GBP", 395), code=code)])

    with CaptureQueriesContext(connection) as statements:
        market(channel, "GB", "post")

    assert len(statements) == 1
