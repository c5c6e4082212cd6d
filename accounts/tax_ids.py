"""Numbers that tax offices give to businesses, as invoices write them. Pure: shape and check digits, nobody is asked.

That a number is well formed does not say that it is in force, nor whose it is.
"""

import re
from functools import lru_cache
from typing import Any

from stdnum.exceptions import ValidationError
from stdnum.util import clean, get_cc_module

# Whose numbers do not begin with the country's own code. Source: Directive 2006/112/EC, art. 215; Monaco is taxed as a
# part of France, the Isle of Man as a part of Britain.
PREFIXES = {"GR": "EL", "MC": "FR", "IM": "GB"}
# Northern Ireland's numbers are British, and count for goods like those of the union.
# Source: Protocol on Ireland/Northern Ireland, art. 8.
NORTHERN_IRELAND = "XI"
COUNTRIES = {"EL": "GR", NORTHERN_IRELAND: "GB"}
# Where one member's number is as good as another's. Source: Directive 2006/112/EC, art. 138 (1) (b).
VAT_UNION = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
# Numbers of sellers who are nowhere established in the union; no buyer has one.
OF_SELLERS = {"EU", "IM"}

UNKNOWN = "Begin with the two letters of its country, as in DE136695976. Numbers that we cannot check are not taken."
WRONG = "This number cannot be right. Please compare it, digit by digit, with how your tax office wrote it."


class TaxIdInvalid(ValueError):
    """Nobody has this number, and its words say what to do about it."""


def normalised_tax_id(text: str, *, country: str) -> str:
    """This will return the number as an invoice names it, `DE136695976`, however it was typed; "" for none.

    One without its country's letters is taken for a number of `country`. Raises: TaxIdInvalid.
    """
    if not text:
        return ""
    packed = clean(text, " -./").upper()
    if not re.fullmatch(r"[0-9A-Z+*]{3,}", packed):
        raise TaxIdInvalid(WRONG)
    own = PREFIXES.get(country, country)
    # Some countries count the letters among the number (CHE107787577IVA), some do not.
    readings = [(packed[:2], packed[2:]), (packed[:2], packed), (own, packed)]
    known = [(prefix, number) for prefix, number in readings if _rules_of(prefix)]
    if not known:
        raise TaxIdInvalid(UNKNOWN)
    for prefix, number in known:
        try:
            national = str(_rules_of(prefix).validate(number))
        except ValidationError:
            continue
        begins = PREFIXES.get(prefix, prefix)
        return national if national.startswith(begins) else f"{begins}{national}"
    raise TaxIdInvalid(WRONG)


def accounts_for_tax(tax_id: str, *, home_country: str, destination: str) -> bool:
    """This will tell whether who bears the normalised number pays the tax of `destination` to its tax office, so that
    the shop takes none: a business abroad, buying across a border.

    Note [Reverse charge]: never where goods stay in the shop's own country or the number is of it; a number of the
    destination counts there, and one of the union anywhere in the union. "" as home or number is nobody's.
    Whether the number is in force has to be asked of its tax office (VIES); what was answered would count here.
    """
    country = COUNTRIES.get(tax_id[:2], tax_id[:2])
    if not tax_id or not home_country or home_country in {country, destination}:
        return False
    is_of_union = country in VAT_UNION or tax_id.startswith(NORTHERN_IRELAND)
    return country == destination or (is_of_union and destination in VAT_UNION)


@lru_cache(maxsize=1000)
def _rules_of(prefix: str) -> Any:
    """The module that knows a country's numbers, None where there is none."""
    if not re.fullmatch("[A-Z]{2}", prefix) or prefix in OF_SELLERS:
        return None
    return get_cc_module(COUNTRIES.get(prefix, prefix), "vat")
