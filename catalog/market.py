"""What a place, a day and a currency decide about a price: taxes, ways to ship, fees, the exchange rate. One statement.

Reads only. Without any rate, method or fee a shop is untaxed and ships for nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F

from catalog.models import Price
from catalog.pricing import ExchangeRate, Fee, ShippingCharge, TaxRule, TaxRuleMissing, TaxTreatment, untaxed
from catalog.pricing.conversion import converted
from core.lookups import id_in
from core.money import RoundingMode

Row = Mapping[str, Any]

# The most exact area decides about the zone; ranked the same way, the most exact rate is the category's.
READ = """
WITH place AS (
    SELECT %(channel)s::bigint AS channel_id, %(currency)s::text AS currency, %(country)s::text AS country,
        %(region)s::text AS region, %(postcode)s::text AS postcode, %(on)s::date AS today,
        %(is_taxed_by_buyer)s::boolean AS is_taxed_by_buyer
), zone AS (
    SELECT area.zone_id AS id FROM place JOIN catalog_shippingarea area USING (channel_id, country)
    WHERE area.region IN ('', place.region) AND starts_with(place.postcode, area.postcode_prefix)
    ORDER BY length(area.postcode_prefix) DESC, length(area.region) DESC LIMIT 1
), exchange AS (
    SELECT base_currency, rate::text, source, quoted_at
    FROM place JOIN catalog_exchangerate USING (channel_id, currency) WHERE archived_at IS NULL
), currencies AS (
    SELECT currency FROM place UNION SELECT base_currency FROM exchange
)
SELECT
    (SELECT json_agg(found) FROM (
        SELECT DISTINCT ON (rate.tax_category, rate.for_businesses) rate.tax_category, rate.public_id, rate.code,
            rate.rate::text, rate.treatment, rate.valid_from, rate.valid_until, rate.country, rate.region,
            rate.postcode_prefix, rate.for_businesses
        FROM place JOIN catalog_taxrate rate USING (channel_id, country)
        WHERE rate.region IN ('', place.region) AND starts_with(place.postcode, rate.postcode_prefix)
            AND rate.valid_from <= place.today AND (rate.valid_until IS NULL OR rate.valid_until > place.today)
            AND (place.is_taxed_by_buyer OR NOT rate.for_businesses)
        ORDER BY rate.tax_category, rate.for_businesses, length(rate.postcode_prefix) DESC, length(rate.region) DESC
    ) AS found) AS taxes,
    (SELECT json_agg(found) FROM (
        SELECT method.code, method.name, method.description, method.tax_category, method.days_min, method.days_max,
            method.weight_max_grams, method.position, (
                SELECT json_agg(json_build_object('currency', price.currency, 'weight', price.weight_from_grams,
                    'value', price.value_from_minor, 'price', price.price_minor))
                FROM catalog_shippingprice price
                WHERE price.method_id = method.id AND price.currency IN (SELECT currency FROM currencies)
            ) AS prices
        FROM zone JOIN catalog_shippingmethod method ON method.zone_id = zone.id
        WHERE method.archived_at IS NULL
    ) AS found) AS methods,
    EXISTS (SELECT 1 FROM place JOIN catalog_shippingzone any_zone USING (channel_id)
        JOIN catalog_shippingmethod method ON method.zone_id = any_zone.id
        WHERE method.archived_at IS NULL) AS has_methods,
    (SELECT json_agg(found) FROM (
        SELECT fee.code, fee.name, fee.tax_category, fee.currency, fee.amount_minor, fee.rate::text,
            fee.below_value_minor, fee.is_for_shipped_goods, fee.zone_id IS NOT NULL AS is_of_zone
        FROM place JOIN catalog_fee fee USING (channel_id)
        WHERE fee.archived_at IS NULL AND fee.currency IN (SELECT currency FROM currencies)
            AND (fee.zone_id IS NULL OR fee.zone_id = (SELECT id FROM zone))
    ) AS found) AS fees,
    (SELECT row_to_json(exchange) FROM exchange) AS exchange
"""


@dataclass(frozen=True, slots=True)
class ShippingOption:
    """A way to send these goods there, with its price as entered."""

    code: str
    name: str
    description: str
    tax_category: str
    price_minor: int
    days_min: int
    days_max: int
    position: int

    def as_charge(self) -> ShippingCharge:
        """This will return what a quote needs of it."""
        return ShippingCharge(self.code, self.name, self.price_minor, self.tax_category)


@dataclass(frozen=True, slots=True)
class Market:
    """The rows that count for one place, day and currency. `has_methods` says whether the shop ships at a price."""

    country: str
    currency: str
    rounding_mode: RoundingMode
    exchange: ExchangeRate | None
    has_methods: bool
    taxes: Sequence[Row]
    methods: Sequence[Row]
    fees: Sequence[Row]

    def tax_rules(self, categories: Iterable[str]) -> tuple[TaxRule, ...]:
        """This will return a rule for each category. A country without any rate is one where the shop takes no tax.

        Raises: TaxRuleMissing when the country has rates, but none for a category.
        """
        own = {row["tax_category"]: row for row in self.taxes if not row["for_businesses"]}
        if not own:
            return untaxed(region=self.country, categories=categories)
        missing = sorted(set(categories) - set(own))
        if missing:
            raise TaxRuleMissing(tax_categories=missing)
        for_businesses = {row["tax_category"]: row for row in self.taxes if row["for_businesses"]}
        return tuple(
            _tax_rule(own[category], for_businesses=for_businesses.get(category))
            for category in sorted(set(categories))
        )

    def shipping_options(self, *, weight_grams: int, value_minor: int) -> tuple[ShippingOption, ...]:
        """This will return the ways to send goods of this weight and value there, the cheapest first."""
        options = []
        for method in self.methods:
            if method["weight_max_grams"] is not None and weight_grams > method["weight_max_grams"]:
                continue
            price_minor = self._price_of(method["prices"] or [], weight_grams=weight_grams, value_minor=value_minor)
            if price_minor is not None:
                named = {name: method[name] for name in ShippingOption.__slots__ if name != "price_minor"}
                options.append(ShippingOption(price_minor=price_minor, **named))
        return tuple(sorted(options, key=lambda option: (option.price_minor, option.position, option.code)))

    def fees_on(self, *, value_minor: int, is_shipped: bool) -> tuple[Fee, ...]:
        """This will return the fees on goods of this value: for each code the zone's own, else the general one."""
        chosen: dict[str, Row] = {}
        # The last one stays: typed in before converted, and the zone's own before the general one.
        for row in sorted(self.fees, key=lambda row: (row["is_of_zone"], row["currency"] == self.currency)):
            chosen[row["code"]] = row
        return tuple(
            Fee(
                code=code,
                name=row["name"],
                tax_category=row["tax_category"],
                amount_minor=self._in_currency(row["amount_minor"], row["currency"]),
                rate=Decimal(row["rate"]),
            )
            for code, row in sorted(chosen.items())
            if self._is_due(row, value_minor=value_minor, is_shipped=is_shipped)
        )

    def _is_due(self, row: Row, *, value_minor: int, is_shipped: bool) -> bool:
        if row["is_for_shipped_goods"] and not is_shipped:
            return False
        below = row["below_value_minor"]
        return below is None or value_minor < self._in_currency(below, row["currency"])

    def _price_of(self, table: Sequence[Row], *, weight_grams: int, value_minor: int) -> int | None:
        # A table typed in for the currency counts alone; the base currency's is converted only where there is none.
        rows = [row for row in table if row["currency"] == self.currency] or table
        reached = [
            (self._in_currency(row["value"], row["currency"]), row["weight"], row["price"], row["currency"])
            for row in rows
            if row["weight"] <= weight_grams and self._in_currency(row["value"], row["currency"]) <= value_minor
        ]
        if not reached:
            return None
        _, _, price_minor, currency = max(reached, key=lambda step: step[:2])
        return self._in_currency(price_minor, currency)

    def _in_currency(self, amount_minor: int, currency: str) -> int:
        if currency == self.currency or self.exchange is None:
            return amount_minor
        return converted(
            amount_minor,
            base_currency=currency,
            currency=self.currency,
            rate=self.exchange.rate,
            mode=self.rounding_mode,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where goods go, as taxes and shipping ask; what is not known yet is empty.

    `is_taxed_by_buyer` where they go to a business that accounts for the tax itself.
    """

    country: str
    region: str = ""
    postcode: str = ""
    is_taxed_by_buyer: bool = field(default=False, kw_only=True)


def read_market(*, channel_id: int, currency: str, place: Place, on: date, rounding_mode: RoundingMode) -> Market:
    """This will read everything beside prices that a quote is made from, in one statement. Needs no transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            READ,
            {
                "channel": channel_id,
                "currency": currency,
                "country": place.country,
                "region": place.region.strip().upper(),
                "postcode": place_key(place.postcode),
                "is_taxed_by_buyer": place.is_taxed_by_buyer,
                "on": on,
            },
        )
        taxes, methods, has_methods, fees, exchange = cursor.fetchone()
    return Market(
        country=place.country,
        currency=currency,
        rounding_mode=rounding_mode,
        exchange=_exchange_rate(_rows(exchange)),
        has_methods=has_methods,
        taxes=_rows(taxes) or [],
        methods=_rows(methods) or [],
        fees=_rows(fees) or [],
    )


def converted_prices(*, variant_ids: Iterable[int], currency: str) -> dict[int, int]:
    """This will return what variants cost in `currency` by their channels' exchange rates, in one query.

    A variant without a price in the channel's own currency, or a channel without a rate, is absent from the answer.
    """
    rate = "variant__channel__exchange_rates"
    rows = Price.objects.filter(
        id_in("variant_id", variant_ids),
        **{f"{rate}__currency": currency, f"{rate}__archived_at": None},
        currency=F(f"{rate}__base_currency"),
    ).values_list("variant_id", "amount_minor", "currency", f"{rate}__rate", "variant__channel__rounding_mode")
    return {
        variant_id: converted(amount_minor, base_currency=base, currency=currency, rate=rate_, mode=RoundingMode(mode))
        for variant_id, amount_minor, base, rate_, mode in rows
    }


def place_key(text: str) -> str:
    """This will return a postcode as it is compared: upper case, without spaces."""
    return "".join(text.split()).upper()


def _rows(found: Any) -> Any:
    # Django leaves JSON of raw statements as text.
    return json.loads(found) if isinstance(found, str) else found


def _tax_rule(own: Row, *, for_businesses: Row | None) -> TaxRule:
    row = own if for_businesses is None or _exactness(for_businesses) < _exactness(own) else for_businesses
    return TaxRule(
        region="-".join(filter(None, [row["country"], row["region"]])),
        category=row["tax_category"],
        code=row["code"],
        rate=Decimal(row["rate"]),
        treatment=TaxTreatment(row["treatment"]),
        calculation_reference=f"surety:tax_rate:{row['public_id']}",
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_until=date.fromisoformat(row["valid_until"]) if row["valid_until"] else None,
        relieved_rate=Decimal(0) if row is own else Decimal(own["rate"]),
    )


def _exactness(row: Row) -> tuple[int, int]:
    return len(row["postcode_prefix"]), len(row["region"])


def _exchange_rate(row: Row | None) -> ExchangeRate | None:
    if row is None:
        return None
    return ExchangeRate(
        base_currency=row["base_currency"],
        rate=Decimal(row["rate"]),
        source=row["source"],
        at=datetime.fromisoformat(row["quoted_at"]),
    )
