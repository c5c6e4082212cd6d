"""What the demo shop adds to its prices: taxes by country, and what sending things there costs.

The rates are those of 2026 as far as a demo needs them: nobody should file a return with them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from catalog.models import ShippingZone, TaxRate
from catalog.pricing import TaxTreatment
from catalog.services import (
    NewArea,
    NewMethod,
    NewTaxRate,
    NewZone,
    PriceStep,
    create_shipping_zone,
    create_tax_rates,
)
from commerce.demo.shop import COUNTRIES, HOME_COUNTRY, settle_at_home
from commerce.retail.replaying import INVOICED
from core.db import transaction_required
from core.models import SalesChannel

# Before any order of the demo.
SINCE = date(2024, 1, 1)
STANDARD, FOOD, VOUCHER = "standard", "food", "voucher"
REVERSE_CHARGE = "reverse-charge"


class Rates(NamedTuple):
    """Percent on most things, and on food."""

    standard: str
    food: str


RATES = {
    "GB": Rates("20", "0"), "AT": Rates("20", "10"), "BE": Rates("21", "6"), "BG": Rates("20", "20"),
    "CY": Rates("19", "5"), "CZ": Rates("21", "12"), "DE": Rates("19", "7"), "DK": Rates("25", "25"),
    "EE": Rates("24", "24"), "ES": Rates("21", "10"), "FI": Rates("25.5", "13.5"), "FR": Rates("20", "5.5"),
    "GR": Rates("24", "13"), "HR": Rates("25", "5"), "HU": Rates("27", "18"), "IE": Rates("23", "0"),
    "IT": Rates("22", "10"), "LT": Rates("21", "21"), "LU": Rates("17", "3"), "LV": Rates("21", "21"),
    "MT": Rates("18", "0"), "NL": Rates("21", "9"), "PL": Rates("23", "5"), "PT": Rates("23", "6"),
    "RO": Rates("21", "11"), "SE": Rates("25", "12"), "SI": Rates("22", "9.5"), "SK": Rates("23", "19"),
}  # fmt: skip
TO_EUROPE = sorted((set(RATES) - {HOME_COUNTRY}) | {"CH", "IS", "LI", "NO"})


@dataclass(frozen=True, slots=True)
class Price:
    """What a parcel costs by currency, from a weight and from a value of goods on."""

    pence: int
    cents: int
    yen: int
    fils: int
    weight_from_grams: int = 0

    @property
    def steps(self) -> list[PriceStep]:
        """This will return a row for each price list of the shop."""
        amounts = {"GBP": self.pence, "EUR": self.cents, "JPY": self.yen, "KWD": self.fils}
        return [PriceStep(currency, amount, self.weight_from_grams) for currency, amount in amounts.items()]


def _free_from(pence: int, cents: int) -> list[PriceStep]:
    return [PriceStep("GBP", 0, value_from_minor=pence), PriceStep("EUR", 0, value_from_minor=cents)]


ZONES = [
    NewZone(
        code="uk", name="United Kingdom", areas=[NewArea(HOME_COUNTRY)],
        methods=[
            NewMethod(
                code="standard", name="Standard", description="By post. Free from £50.", days_min=2, days_max=4,
                prices=[*Price(395, 450, 750, 1_550).steps, *_free_from(5_000, 6_000)],
            ),
            NewMethod(
                code="express", name="Express", description="By courier, the next working day.", days_min=1,
                days_max=1, position=1, prices=Price(795, 900, 1_500, 3_100).steps,
            ),
        ],
    ),
    NewZone(
        code="europe", name="Europe", areas=[NewArea(country) for country in TO_EUROPE],
        methods=[
            NewMethod(
                code="standard", name="Standard", description="By post, tracked. Free from €120.", days_min=4,
                days_max=8,
                prices=[
                    *Price(795, 900, 1_500, 3_100).steps,
                    *Price(1_295, 1_500, 2_500, 5_000, weight_from_grams=2_000).steps,
                    *_free_from(10_000, 12_000),
                ],
            ),
        ],
    ),
    NewZone(
        code="world", name="Everywhere else",
        areas=[NewArea(country) for country in COUNTRIES if country not in {HOME_COUNTRY, *TO_EUROPE}],
        methods=[
            NewMethod(
                code="standard", name="Standard", description="By air, tracked. Duties are the receiver's.",
                days_min=7, days_max=14,
                prices=[
                    *Price(1_450, 1_700, 2_800, 5_700).steps,
                    *Price(2_450, 2_900, 4_700, 9_700, weight_from_grams=2_000).steps,
                ],
            ),
        ],
    ),
]  # fmt: skip


@transaction_required
def ensure_trade(channel: SalesChannel, *, now: datetime) -> None:
    """This will make the tax rates and shipping zones that are not there yet; one that somebody changed stays.

    Needs its caller's transaction.
    """
    settle_at_home(channel)
    standing = set(TaxRate.objects.filter(channel=channel).values_list("country", "tax_category", "for_businesses"))
    missing = [
        rate
        for rate in tax_rates()
        if (rate.country, rate.tax_category, rate.treatment is TaxTreatment.REVERSE_CHARGE) not in standing
    ]
    if missing:
        create_tax_rates(channel=channel, rates=missing, now=now)
    zones = set(ShippingZone.objects.filter(channel=channel).values_list("code", flat=True))
    for zone in ZONES:
        if zone.code not in zones:
            create_shipping_zone(channel=channel, zone=zone, now=now)


def tax_rates() -> list[NewTaxRate]:
    """This will return a rate for each category of the shop in each country it sells to, and in the union one for
    businesses.
    """
    return [rate for country in COUNTRIES for rate in _rates_of(country)]


def _rates_of(country: str) -> list[NewTaxRate]:
    untaxed = [
        # A voucher is taxed when it is spent; the lines of an invoice were taxed by the shop that wrote it.
        NewTaxRate("voucher", country, Decimal(0), SINCE, VOUCHER, TaxTreatment.EXEMPT),
        NewTaxRate("invoiced", country, Decimal(0), SINCE, INVOICED, TaxTreatment.EXEMPT),
    ]
    if country not in RATES:
        return [_rate("export", country, "0", STANDARD), _rate("export", country, "0", FOOD), *untaxed]
    rates = RATES[country]
    return [
        _rate(f"vat-{rates.standard}", country, rates.standard, STANDARD),
        _rate(f"vat-{rates.food}", country, rates.food, FOOD),
        *(_for_businesses(country, category) for category in (STANDARD, FOOD) if country != HOME_COUNTRY),
        *untaxed,
    ]


def _rate(code: str, country: str, percent: str, category: str) -> NewTaxRate:
    rate = Decimal(percent) / 100
    return NewTaxRate(code, country, rate, SINCE, category, TaxTreatment.STANDARD if rate else TaxTreatment.ZERO)


def _for_businesses(country: str, category: str) -> NewTaxRate:
    return NewTaxRate(REVERSE_CHARGE, country, Decimal(0), SINCE, category, TaxTreatment.REVERSE_CHARGE)
