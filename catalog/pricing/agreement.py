"""The quote: what the customer agrees to. Its JSON and its hash are made in `canonical`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from catalog.pricing.request import DiscountKind, ExchangeRate, TaxEntry, TaxTreatment
from catalog.pricing.warnings import QuoteWarning
from core.money import RoundingMode, RoundingScope


@dataclass(frozen=True, slots=True)
class LineTax:
    """The tax of a line, of shipping or of a fee. `basis_minor` is what it is charged on: basis + amount = total.

    `relieved_rate` is the tax that was taken out of the amount as entered, because the buyer accounts for it.
    """

    region: str
    category: str
    code: str
    rate: Decimal
    treatment: TaxTreatment
    calculation_reference: str
    valid_from: date | None
    valid_until: date | None
    basis_minor: int
    amount_minor: int
    relieved_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line: `subtotal_minor` before discount, as entered; `total_minor` what the customer pays for it.

    `discount_net_minor` is the discount without the tax in it: what the books call a discount.
    """

    position: int
    sku: str
    variant_id: str
    product_name: str
    variant_name: str
    is_physical: bool
    quantity: int
    unit_price_minor: int
    entered_unit_price_minor: int | None
    subtotal_minor: int
    discount_minor: int
    discount_net_minor: int
    tax: LineTax
    total_minor: int


@dataclass(frozen=True, slots=True)
class QuoteShipping:
    """The way to the customer: `price_minor` before discount, as entered; `total_minor` what the customer pays."""

    code: str
    name: str
    price_minor: int
    discount_minor: int
    discount_net_minor: int
    tax: LineTax
    total_minor: int


@dataclass(frozen=True, slots=True)
class FeeLine:
    """A fee: `amount_minor` as entered, `total_minor` what the customer pays."""

    code: str
    name: str
    amount_minor: int
    tax: LineTax
    total_minor: int


@dataclass(frozen=True, slots=True)
class AppliedDiscount:
    """What one promotion took off, as entered."""

    promotion_id: str
    coupon_code: str
    name: str
    kind: DiscountKind
    amount_minor: int


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax of the whole quote: everything that bears the same code, rate and treatment in the same region."""

    code: str
    region: str
    rate: Decimal
    treatment: TaxTreatment
    basis_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What the customer agrees to, and `quote_hash` to recognise it by; warnings are advice outside the hash.

    total = Σ totals of lines, shipping and fees. Subtotal, discount, shipping and fees are as entered and before
    discount, so total = subtotal + shipping + fees − discount, + tax where prices are entered net, − tax relief where
    they are entered gross.
    """

    currency: str
    tax_entry: TaxEntry
    rounding_mode: RoundingMode
    rounding_scope: RoundingScope
    lines: tuple[QuoteLine, ...]
    shipping_method: QuoteShipping | None
    fee_lines: tuple[FeeLine, ...]
    discounts: tuple[AppliedDiscount, ...]
    tax_lines: tuple[TaxLine, ...]
    exchange_rate: ExchangeRate | None
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    fees_minor: int
    total_minor: int
    quote_hash: str
    warnings: tuple[QuoteWarning, ...]

    @property
    def tax_relief_minor(self) -> int:
        """The tax in prices entered gross that is not charged, because the buyer accounts for it."""
        if self.tax_entry == TaxEntry.NET:
            return 0
        return self.subtotal_minor + self.shipping_minor + self.fees_minor - self.discount_minor - self.total_minor

    @property
    def requires_shipping(self) -> bool:
        """Something in it has to be carried."""
        return any(line.is_physical for line in self.lines)
