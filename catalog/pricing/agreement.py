"""The quote: what the customer agrees to, its JSON and the hash to recognise it by."""

import hashlib
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import rfc8785

from catalog.pricing.request import RoundingScope, TaxEntry, TaxTreatment
from catalog.pricing.warnings import QuoteWarning
from core.money import RoundingMode

HASH_VERSION = "v1"


@dataclass(frozen=True, slots=True)
class LineTax:
    """The tax of one line. `basis_minor` is the amount it is charged on: basis + amount = the line's total."""

    region: str
    category: str
    code: str
    rate: Decimal
    treatment: TaxTreatment
    calculation_reference: str
    basis_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line: `subtotal_minor` before discount, as entered; `total_minor` what the customer pays for it."""

    position: int
    sku: str
    variant_id: str
    product_name: str
    variant_name: str
    is_physical: bool
    quantity: int
    unit_price_minor: int
    subtotal_minor: int
    discount_minor: int
    tax: LineTax
    total_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What the customer agrees to, and `quote_hash` to recognise it by; warnings are advice outside the hash.

    total = Σ line totals + shipping + fees. The lines' totals contain `tax_minor`: entered net, it was added to them.
    """

    currency: str
    tax_entry: TaxEntry
    rounding_mode: RoundingMode
    rounding_scope: RoundingScope
    lines: tuple[QuoteLine, ...]
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    fees_minor: int
    total_minor: int
    quote_hash: str
    warnings: tuple[QuoteWarning, ...]


def quote_as_json(quote: Quote) -> dict[str, Any]:
    """This will return the quote for the API and the snapshot: terms, `quote_hash`, warnings; amounts as integers."""
    return {
        **terms_as_json(quote),
        "quote_hash": quote.quote_hash,
        "warnings": [{"code": warning.code, **asdict(warning)} for warning in quote.warnings],
    }


def terms_as_json(quote: Quote) -> dict[str, Any]:
    """This will return what the customer agrees to, without hash and warnings; rates are decimal strings."""
    return _terms(quote, [{"position": line.position, **_line_as_json(line)} for line in quote.lines])


def hash_of(quote: Quote) -> str:
    """This will return `v1:` and the SHA-256 of the terms as canonical JSON (in hex); `quote_hash` itself is not part.

    Source: RFC 8785.
    """
    # Positions are how the cart shows its lines, not what is agreed, so the hash sees the lines in the order of SKUs.
    lines = [_line_as_json(line) for line in sorted(quote.lines, key=lambda line: line.sku)]
    return f"{HASH_VERSION}:{hashlib.sha256(rfc8785.dumps(_terms(quote, lines))).hexdigest()}"


def _terms(quote: Quote, lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "currency": quote.currency,
        "tax_entry": str(quote.tax_entry),
        "rounding_mode": str(quote.rounding_mode),
        "rounding_scope": str(quote.rounding_scope),
        "lines": lines,
        "subtotal_minor": quote.subtotal_minor,
        "discount_minor": quote.discount_minor,
        "tax_minor": quote.tax_minor,
        "shipping_minor": quote.shipping_minor,
        "fees_minor": quote.fees_minor,
        "total_minor": quote.total_minor,
    }


def _line_as_json(line: QuoteLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "variant_id": line.variant_id,
        "product_name": line.product_name,
        "variant_name": line.variant_name,
        "is_physical": line.is_physical,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "subtotal_minor": line.subtotal_minor,
        "discount_minor": line.discount_minor,
        "tax": {
            "region": line.tax.region,
            "category": line.tax.category,
            "code": line.tax.code,
            "rate": f"{line.tax.rate.normalize():f}",
            "treatment": str(line.tax.treatment),
            "calculation_reference": line.tax.calculation_reference,
            "basis_minor": line.tax.basis_minor,
            "amount_minor": line.tax.amount_minor,
        },
        "total_minor": line.total_minor,
    }
