"""What a quote is made from: lines with today's price and stock, and the tax rules of the buyer's region."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from catalog.pricing.warnings import NotForSale
from core.models import SalesChannel
from core.money import RoundingMode

TaxEntry = SalesChannel.TaxEntry

RATE_DECIMALS_MAX = 6


class TaxTreatment(StrEnum):
    """Why a line bears the tax it bears."""

    STANDARD = "standard"
    ZERO = "zero"
    EXEMPT = "exempt"
    REVERSE_CHARGE = "reverse_charge"
    COLLECTED_BY_PROVIDER = "collected_by_provider"


class RoundingScope(StrEnum):
    """Where a tax becomes whole minor units: on each line, or once per rule with the lines sharing it."""

    LINE = "line"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The tax of one category in the buyer's region. `rate` is a fraction: Decimal("0.2") is 20 %."""

    region: str
    category: str
    code: str
    rate: Decimal
    treatment: TaxTreatment
    calculation_reference: str

    def __post_init__(self) -> None:
        """Refuse rates that the arithmetic would not treat exactly, and a rate on what is not taxed by us."""
        if not (self.rate.is_finite() and 0 <= self.rate <= 1 and self.rate == round(self.rate, RATE_DECIMALS_MAX)):
            raise ValueError(f"a tax rate is a fraction from 0 to 1 with at most {RATE_DECIMALS_MAX} decimals")
        if self.rate and self.treatment is not TaxTreatment.STANDARD:
            raise ValueError(f"{self.treatment} bears no tax of ours")


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One variant with today's price and stock. `variant_id` is its public id, `seen_…` the price the client showed."""

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


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """All that a quote depends on. Lines stand in the cart's order; the discount is spread over them by their value."""

    currency: str
    tax_entry: TaxEntry
    lines: tuple[PricedLine, ...]
    tax_rules: tuple[TaxRule, ...]
    not_for_sale: tuple[NotForSale, ...] = ()
    discount_minor: int = 0
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
