"""Tax rates and exchange rates: rows that count for a time; one that ended is kept, because orders name it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from catalog.market import place_key
from catalog.models import ExchangeRate, TaxRate
from catalog.pricing import TaxRule, TaxTreatment
from core.db import constraint_errors, transaction_required
from core.errors import Invalid, NotFound
from core.ids import new_public_id
from core.models import SalesChannel
from core.money import exponent

EXCHANGE_DECIMALS_MAX = 10


class InvalidTaxRate(Invalid):
    """A rate cannot be stored: no fraction, no country, a rate on what bears none, or an end before its beginning."""

    code = "invalid_tax_rate"
    title = "The tax rate cannot be stored."


class TaxRateOverlaps(Invalid):
    """Another rate of the category counts in the place on some of the days."""

    code = "tax_rate_overlaps"
    title = "Another rate counts there on some of these days. End it first."


class InvalidExchangeRate(Invalid):
    """The rate is not above zero, or not between the shop's own currency and another it sells in."""

    code = "invalid_exchange_rate"
    title = "The exchange rate cannot be stored."


@dataclass(frozen=True, slots=True)
class NewTaxRate:
    """A rate to count from `valid_from`; `rate` is a fraction. Region and postcode make the place more exact.

    One with the treatment `reverse_charge` is for businesses alone, beside the category's own rate in the place.
    """

    code: str
    country: str
    rate: Decimal
    valid_from: date
    tax_category: str = "standard"
    treatment: TaxTreatment = TaxTreatment.STANDARD
    region: str = ""
    postcode_prefix: str = ""
    valid_until: date | None = None


@transaction_required
def create_tax_rates(*, channel: SalesChannel, rates: Sequence[NewTaxRate], now: datetime) -> list[TaxRate]:
    """This will store tax rates in one statement. Needs its caller's transaction.

    Raises: InvalidTaxRate, TaxRateOverlaps.
    """
    for rate in rates:
        _refuse_invalid(rate)
        if rate.treatment is TaxTreatment.REVERSE_CHARGE and rate.country == channel.home_country:
            raise InvalidTaxRate(detail="At home the shop takes the tax itself, from businesses too.", code=rate.code)
    with constraint_errors({"catalog_tax_rate_no_overlap": TaxRateOverlaps}):
        return TaxRate.objects.bulk_create(
            TaxRate(
                public_id=new_public_id("tax"),
                channel=channel,
                tax_category=rate.tax_category,
                country=rate.country,
                region=rate.region.strip().upper(),
                postcode_prefix=place_key(rate.postcode_prefix),
                code=rate.code,
                rate=rate.rate,
                treatment=rate.treatment,
                for_businesses=rate.treatment is TaxTreatment.REVERSE_CHARGE,
                valid_from=rate.valid_from,
                valid_until=rate.valid_until,
                created_at=now,
            )
            for rate in rates
        )


@transaction_required
def end_tax_rate(public_id: str, *, valid_until: date) -> None:
    """This will let a rate count until the day before `valid_until`. Orders keep what they were taxed by.

    Needs its caller's transaction. Raises: NotFound, InvalidTaxRate.
    """
    with constraint_errors(
        {"catalog_tax_rate_validity": InvalidTaxRate, "catalog_tax_rate_no_overlap": TaxRateOverlaps}
    ):
        if not TaxRate.objects.filter(public_id=public_id).update(valid_until=valid_until):
            raise NotFound


@transaction_required
def set_exchange_rate(
    *, channel: SalesChannel, currency: str, rate: Decimal, source: str, quoted_at: datetime, now: datetime
) -> ExchangeRate:
    """This will let prices nobody typed in for `currency` be worked out: one unit of the shop's own is `rate` of it.

    The rate before it is put away. Needs its caller's transaction. Raises: InvalidExchangeRate, UnknownCurrency.
    """
    exponent(currency)
    is_exact = rate.is_finite() and rate == round(rate, EXCHANGE_DECIMALS_MAX)
    if not is_exact or rate <= 0 or currency == channel.default_currency or currency not in channel.currencies:
        raise InvalidExchangeRate(currency=currency)
    stop_converting(channel=channel, currency=currency, now=now)
    return ExchangeRate.objects.create(
        channel=channel,
        base_currency=channel.default_currency,
        currency=currency,
        rate=rate,
        source=source,
        quoted_at=quoted_at,
        created_at=now,
    )


@transaction_required
def stop_converting(*, channel: SalesChannel, currency: str, now: datetime) -> None:
    """This will put the rate of a currency away: only prices typed in count again. Needs its caller's transaction."""
    ExchangeRate.objects.filter(channel=channel, currency=currency, archived_at=None).update(archived_at=now)


def _refuse_invalid(rate: NewTaxRate) -> None:
    if len(rate.country) != 2 or not rate.country.isupper() or not rate.code or not rate.tax_category:
        raise InvalidTaxRate(detail="A rate needs a country of two capital letters, a code and a category.")
    if rate.valid_until is not None and rate.valid_until <= rate.valid_from:
        raise InvalidTaxRate(detail="It would end before it begins.", code=rate.code)
    try:
        TaxRule(rate.country, rate.tax_category, rate.code, rate.rate, rate.treatment, "")
    except ValueError as error:
        raise InvalidTaxRate(detail=str(error), code=rate.code) from error
