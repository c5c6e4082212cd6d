"""What the customer agreed to, frozen: built once from the quote, hashed, never changed.

Receipts, refund bases and exports come from it alone. Pure.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import rfc8785

# 2 names shipping, fees, discounts, tax lines and the exchange rate. What reads snapshots reads version 1 as well.
SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class SnapshotContext:
    """What stands in the snapshot beside the quote. `contact_digest` is salted; no name, address or e-mail is kept
    here.

    `address_basis` says what decided about the tax. `buyer_tax_id` is the number the invoice is written to, whether it
    decided anything or not. `promotions` are the rules that gave the quote's discounts.
    """

    country: str
    country_label: str
    postcode_prefix: str
    locale: str
    terms_version: str
    contact_digest: str
    region: str = ""
    address_basis: str = "cart_country"
    buyer_tax_id: str | None = None
    promotions: tuple[dict[str, Any], ...] = ()


def build_snapshot(quote: dict[str, Any], context: SnapshotContext) -> dict[str, Any]:
    """This will return the complete snapshot: `quote` is catalog.pricing.terms_as_json with its quote_hash, amounts
    in minor units.
    """
    return {
        **quote,
        "schema_version": SCHEMA_VERSION,
        "country": context.country,
        "country_label": context.country_label,
        "region": context.region,
        "postcode_prefix": context.postcode_prefix,
        "locale": context.locale,
        "terms_version": context.terms_version,
        "contact_digest": context.contact_digest,
        "address_basis": context.address_basis,
        "buyer_tax_id": context.buyer_tax_id,
        # The first one; `discounts` names them all.
        "coupon_code": next(filter(None, (each["coupon_code"] for each in quote["discounts"])), None),
        "promotions": list(context.promotions),
        "provider_amount": {"amount_minor": quote["total_minor"], "currency": quote["currency"]},
    }


def hash_snapshot(snapshot: dict[str, Any]) -> str:
    """This will return `v1:` and SHA-256 over RFC 8785 canonical JSON."""
    return "v1:" + hashlib.sha256(rfc8785.dumps(snapshot)).hexdigest()
