"""What a quote is made from: lines with today's price and stock, discounts, shipping, fees and the tax rules of the
buyer's region.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from catalog.pricing.warnings import NotForSale, QuoteWarning
from core.models import SalesChannel
from core.money import RoundingMode, RoundingScope

TaxEntry = SalesChannel.TaxEntry

RATE_DECIMALS_MAX = 6


class TaxTreatment(StrEnum):
    """Why a line bears the tax it bears."""

    STANDARD = "standard"
    ZERO = "zero"
    EXEMPT = "exempt"
    REVERSE_CHARGE = "reverse_charge"
    COLLECTED_BY_PROVIDER = "collected_by_provider"


class DiscountKind(StrEnum):
    """What a discount takes off: a part of the goods, an amount of them, or what shipping costs."""

    PERCENT = "percent"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The tax of one category in the buyer's region. `rate` is a fraction: Decimal("0.2") is 20 %.

    It counts from `valid_from` until the day before `valid_until`; None is an open end. `relieved_rate` is the tax that
    others bear in the region, which the buyer pays to their own tax office: it is taken out of prices entered gross.
    """

    region: str
    category: str
    code: str
    rate: Decimal
    treatment: TaxTreatment
    calculation_reference: str
    valid_from: date | None = None
    valid_until: date | None = None
    relieved_rate: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse rates that the arithmetic would not treat exactly, and a rate on what is not taxed by us."""
        _refuse_no_fraction(self.rate, what="tax rate")
        _refuse_no_fraction(self.relieved_rate, what="relieved rate")
        if self.relieved_rate and self.treatment is not TaxTreatment.REVERSE_CHARGE:
            raise ValueError(f"nobody is relieved of a tax that is {self.treatment}")
        if self.rate and self.treatment is not TaxTreatment.STANDARD:
            raise ValueError(f"{self.treatment} bears no tax of ours")


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One variant with today's price and stock. `variant_id` is its public id, `seen_…` the price the client showed.

    `entered_unit_price_minor` is the price typed in (in the exchange rate's base currency) where this was converted.
    """

    sku: str
    variant_id: str
    product_name: str
    variant_name: str
    is_physical: bool
    tax_category: str
    quantity: int
    unit_price_minor: int
    available: int
    seen_unit_price_minor: int | None = None
    entered_unit_price_minor: int | None = None
    weight_grams: int = 0


@dataclass(frozen=True, slots=True)
class Discount:
    """One promotion. `rate` counts for percent, `amount_minor` for fixed; `skus` are what it is for, None is all."""

    promotion_id: str
    coupon_code: str
    name: str
    kind: DiscountKind
    rate: Decimal
    amount_minor: int
    skus: frozenset[str] | None

    def __post_init__(self) -> None:
        """Refuse a discount that would raise the price, or take off a fraction the arithmetic cannot hold."""
        _refuse_no_fraction(self.rate, what="discount's rate")
        if type(self.amount_minor) is not int or self.amount_minor < 0:
            raise ValueError("a discount's amount is an int of minor units, not below zero")


@dataclass(frozen=True, slots=True)
class ShippingCharge:
    """What the way to the customer costs, as entered (gross or net), and the category it is taxed in."""

    code: str
    name: str
    price_minor: int
    tax_category: str


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee as entered: an amount, and a part of the goods after discounts."""

    code: str
    name: str
    tax_category: str
    amount_minor: int = 0
    rate: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse a part that is no fraction."""
        _refuse_no_fraction(self.rate, what="fee's rate")


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What the prices of a quote were converted by: one unit of `base_currency` is `rate` units of the quote's."""

    base_currency: str
    rate: Decimal
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """All that a quote depends on. Lines stand in the cart's order, discounts in the order they are applied in.

    `advice` are warnings that were known before the arithmetic.
    """

    currency: str
    tax_entry: TaxEntry
    lines: tuple[PricedLine, ...]
    tax_rules: tuple[TaxRule, ...]
    not_for_sale: tuple[NotForSale, ...] = ()
    discounts: tuple[Discount, ...] = ()
    shipping: ShippingCharge | None = None
    fees: tuple[Fee, ...] = ()
    exchange_rate: ExchangeRate | None = None
    advice: tuple[QuoteWarning, ...] = ()
    rounding_mode: RoundingMode = RoundingMode.HALF_UP
    rounding_scope: RoundingScope = RoundingScope.LINE


def untaxed(*, region: str, categories: Iterable[str]) -> tuple[TaxRule, ...]:
    """This will return a rule of rate zero for each category: what a shop without tax tables charges."""
    return tuple(
        TaxRule(
            region=region,
            category=category,
            code="zero",
            rate=Decimal(0),
            treatment=TaxTreatment.ZERO,
            calculation_reference="surety:untaxed:v1",
        )
        for category in sorted(set(categories))
    )


def _refuse_no_fraction(rate: Decimal, *, what: str) -> None:
    if not (rate.is_finite() and 0 <= rate <= 1 and rate == round(rate, RATE_DECIMALS_MAX)):
        raise ValueError(f"a {what} is a fraction from 0 to 1 with at most {RATE_DECIMALS_MAX} decimals")
