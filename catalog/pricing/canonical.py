"""A quote as JSON, the same bytes for the same agreement, and the hash over it."""

import hashlib
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import rfc8785

from catalog.pricing.agreement import LineTax, Quote, QuoteLine, QuoteShipping
from catalog.pricing.request import ExchangeRate, TaxEntry

# v1 knew lines and one sum of discounts; v2 names shipping, fees, promotions, the exchange rate, a tax's validity.
HASH_VERSION = "v2"


def quote_as_json(quote: Quote) -> dict[str, Any]:
    """This will return the quote for the API: terms, `quote_hash`, warnings; amounts as integers."""
    return {
        **terms_as_json(quote),
        "quote_hash": quote.quote_hash,
        "warnings": [{"code": warning.code, **asdict(warning)} for warning in quote.warnings],
    }


def terms_as_json(quote: Quote) -> dict[str, Any]:
    """This will return what the customer agrees to, without hash and warnings; rates are decimal strings."""
    return _terms(quote, [{"position": line.position, **_line_as_json(line)} for line in quote.lines])


def hash_of(quote: Quote) -> str:
    """This will return `v2:` and the SHA-256 of the terms as canonical JSON (in hex); `quote_hash` itself is not part.

    Nor are the names of articles: who reads the cart in one language and checks out in another agrees to the same.
    Source: RFC 8785.
    """
    # Positions are how the cart shows its lines, not what is agreed, so the hash sees the lines in the order of SKUs.
    lines = [_terms_of(line) for line in sorted(quote.lines, key=lambda line: line.sku)]
    return f"{HASH_VERSION}:{hashlib.sha256(rfc8785.dumps(_terms(quote, lines))).hexdigest()}"


def rate_text(rate: Decimal) -> str:
    """This will write a rate without zeros at its end, so that 0.2 and 0.20 are the same text."""
    return f"{rate.normalize():f}"


def _terms(quote: Quote, lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "currency": quote.currency,
        "exchange_rate": _exchange_rate_as_json(quote.exchange_rate),
        "tax_entry": str(quote.tax_entry),
        "is_tax_included": quote.tax_entry == TaxEntry.GROSS,
        "rounding_mode": str(quote.rounding_mode),
        "rounding_scope": str(quote.rounding_scope),
        "lines": lines,
        "requires_shipping": quote.requires_shipping,
        "shipping_method": _shipping_as_json(quote.shipping_method),
        "fee_lines": [
            {
                "code": fee.code,
                "name": fee.name,
                "amount_minor": fee.amount_minor,
                "tax": _tax_as_json(fee.tax),
                "total_minor": fee.total_minor,
            }
            for fee in quote.fee_lines
        ],
        "discounts": [{**asdict(discount), "kind": str(discount.kind)} for discount in quote.discounts],
        "tax_lines": [
            {**asdict(tax), "rate": rate_text(tax.rate), "treatment": str(tax.treatment)} for tax in quote.tax_lines
        ],
        "subtotal_minor": quote.subtotal_minor,
        "discount_minor": quote.discount_minor,
        "tax_minor": quote.tax_minor,
        "shipping_minor": quote.shipping_minor,
        "fees_minor": quote.fees_minor,
        "total_minor": quote.total_minor,
        # Here and at each tax only where there is one: quotes without keep the hash they were agreed to by.
        **({"tax_relief_minor": quote.tax_relief_minor} if quote.tax_relief_minor else {}),
    }


def _terms_of(line: QuoteLine) -> dict[str, Any]:
    return {name: value for name, value in _line_as_json(line).items() if name not in {"product_name", "variant_name"}}


def _line_as_json(line: QuoteLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "variant_id": line.variant_id,
        "product_name": line.product_name,
        "variant_name": line.variant_name,
        "is_physical": line.is_physical,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "entered_unit_price_minor": line.entered_unit_price_minor,
        "subtotal_minor": line.subtotal_minor,
        "discount_minor": line.discount_minor,
        "discount_net_minor": line.discount_net_minor,
        "tax": _tax_as_json(line.tax),
        "total_minor": line.total_minor,
    }


def _shipping_as_json(shipping: QuoteShipping | None) -> dict[str, Any] | None:
    if shipping is None:
        return None
    return {
        "code": shipping.code,
        "name": shipping.name,
        "price_minor": shipping.price_minor,
        "discount_minor": shipping.discount_minor,
        "discount_net_minor": shipping.discount_net_minor,
        "tax": _tax_as_json(shipping.tax),
        "total_minor": shipping.total_minor,
    }


def _tax_as_json(tax: LineTax) -> dict[str, Any]:
    return {
        "region": tax.region,
        "category": tax.category,
        "code": tax.code,
        "rate": rate_text(tax.rate),
        "treatment": str(tax.treatment),
        "calculation_reference": tax.calculation_reference,
        "valid_from": tax.valid_from.isoformat() if tax.valid_from else None,
        "valid_until": tax.valid_until.isoformat() if tax.valid_until else None,
        "basis_minor": tax.basis_minor,
        "amount_minor": tax.amount_minor,
        **({"relieved_rate": rate_text(tax.relieved_rate)} if tax.relieved_rate else {}),
    }


def _exchange_rate_as_json(exchange_rate: ExchangeRate | None) -> dict[str, Any] | None:
    if exchange_rate is None:
        return None
    return {
        "base_currency": exchange_rate.base_currency,
        "rate": rate_text(exchange_rate.rate),
        "source": exchange_rate.source,
        "at": exchange_rate.at.isoformat(),
    }
