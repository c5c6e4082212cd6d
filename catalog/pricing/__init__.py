"""What a basket costs: a pure function from prices, quantities, discounts, shipping, fees and tax rules to everything
the customer agrees to.

It reads no database, no clock and no settings, so the same request gives the same quote for ever. Every amount is an
integer of minor units.
"""

from catalog.pricing.agreement import AppliedDiscount, FeeLine, LineTax, Quote, QuoteLine, QuoteShipping, TaxLine
from catalog.pricing.calculation import AmountTooLarge, InvalidQuoteRequest, quote
from catalog.pricing.canonical import quote_as_json, terms_as_json
from catalog.pricing.request import (
    Discount,
    DiscountKind,
    ExchangeRate,
    Fee,
    PricedLine,
    QuoteRequest,
    ShippingCharge,
    TaxEntry,
    TaxRule,
    TaxTreatment,
    untaxed,
)
from catalog.pricing.taxes import TaxRuleMissing
from catalog.pricing.warnings import (
    LOW_STOCK_UNITS,
    Availability,
    CouponNotApplicable,
    LowStock,
    NoShippingMethod,
    NotForSale,
    NotForSaleReason,
    PriceChanged,
    QuoteWarning,
    SoldOut,
    availability_of,
)
from core.money import RoundingScope

__all__ = [
    "LOW_STOCK_UNITS",
    "AmountTooLarge",
    "AppliedDiscount",
    "Availability",
    "CouponNotApplicable",
    "Discount",
    "DiscountKind",
    "ExchangeRate",
    "Fee",
    "FeeLine",
    "InvalidQuoteRequest",
    "LineTax",
    "LowStock",
    "NoShippingMethod",
    "NotForSale",
    "NotForSaleReason",
    "PriceChanged",
    "PricedLine",
    "Quote",
    "QuoteLine",
    "QuoteRequest",
    "QuoteShipping",
    "QuoteWarning",
    "RoundingScope",
    "ShippingCharge",
    "SoldOut",
    "TaxEntry",
    "TaxLine",
    "TaxRule",
    "TaxRuleMissing",
    "TaxTreatment",
    "availability_of",
    "quote",
    "quote_as_json",
    "terms_as_json",
    "untaxed",
]
