"""What a basket costs: a pure function from prices, quantities and tax rules to everything the customer agrees to.

It reads no database, no clock and no settings, so the same request gives the same quote for ever. Every amount is an
integer of minor units.
"""

from catalog.pricing.agreement import LineTax, Quote, QuoteLine, quote_as_json, terms_as_json
from catalog.pricing.calculation import AmountTooLarge, InvalidQuoteRequest, TaxRuleMissing, quote
from catalog.pricing.request import PricedLine, QuoteRequest, RoundingScope, TaxEntry, TaxRule, TaxTreatment, untaxed
from catalog.pricing.warnings import (
    LOW_STOCK_UNITS,
    Availability,
    LowStock,
    NotForSale,
    NotForSaleReason,
    PriceChanged,
    QuoteWarning,
    SoldOut,
    availability_of,
)

__all__ = [
    "LOW_STOCK_UNITS",
    "AmountTooLarge",
    "Availability",
    "InvalidQuoteRequest",
    "LineTax",
    "LowStock",
    "NotForSale",
    "NotForSaleReason",
    "PriceChanged",
    "PricedLine",
    "Quote",
    "QuoteLine",
    "QuoteRequest",
    "QuoteWarning",
    "RoundingScope",
    "SoldOut",
    "TaxEntry",
    "TaxRule",
    "TaxRuleMissing",
    "TaxTreatment",
    "availability_of",
    "quote",
    "quote_as_json",
    "terms_as_json",
    "untaxed",
]
