"""Card numbers are known on sight, wherever they stand, so that none is stored, logged or repeated.

Source: ISO/IEC 7812-1 (thirteen to nineteen digits, check digit of annex B).
"""

import re
from collections.abc import Iterator
from typing import Any

DIGITS_MIN, DIGITS_MAX = 13, 19
# Digits with what people put between groups. Dots are not among them: visits are numbered 123456789.1600000000.
_RUN = re.compile(r"(?P<plus>\+?)(?P<digits>\d+(?:[\s\-_\u2010-\u2015]?\d+)*)")
_DOTTED = re.compile(r"(?<!\d)\d{4}\.\d{4}\.\d{4}\.\d{1,7}(?!\d)")
_PHONE_DIGITS_MAX = 15
# Nobody writes a card in pairs of digits; looking at pairs too would make a long list of them costly.
_GROUP_DIGITS_MIN = 3
# Card issuers begin with these; 1 begins the seconds and milliseconds that programs count time in.
_ISSUERS = frozenset({2, 3, 4, 5, 6, 8})
# They are only looked up among what we know: an article's number and a hash may be long numbers and are no cards.
_LOOKED_UP = re.compile(r"lines\[\d+\]\.sku|quote_hash")
# No text that is kept is longer; the search in a longer one would cost more than its refusal.
_TEXT_MAX = 4096
# What doubling makes of each digit, with the digits of the result added up.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def holds_card_number(text: str) -> bool:
    """This will tell whether the text holds what passes for a card number, however its digits are grouped."""
    if len(text) > _TEXT_MAX:
        return False
    if any(_is_card(re.sub(r"\D", "", match.group())) for match in _DOTTED.finditer(text)):
        return True
    return any(_is_card(digits) for run in _RUN.finditer(text) for digits in _candidates(run))


def places_of_card_numbers(body: Any) -> Iterator[str]:
    """This will name every place of a parsed JSON body that holds a card number, as `contact.name` or `lines[0].sku`.

    A name that is itself a card number is told by the place of its object alone.
    """
    left = [("", body)]
    while left:
        place, value = left.pop()
        if isinstance(value, dict):
            for name, inner in value.items():
                if holds_card_number(name):
                    yield place
                else:
                    left.append((f"{place}.{name}" if place else name, inner))
        elif isinstance(value, list):
            left += [(f"{place}[{index}]", inner) for index, inner in enumerate(value)]
        elif holds_card_number(_as_text(value)) and not _LOOKED_UP.fullmatch(place):
            yield place


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 10 ** (DIGITS_MAX + 1):
        value = int(value)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _candidates(run: re.Match[str]) -> Iterator[str]:
    """A number may stand beside another one: whatever begins and ends with a group of digits is looked at."""
    groups = re.findall(r"\d+", run["digits"])
    if run["plus"] and sum(map(len, groups)) <= _PHONE_DIGITS_MAX:
        return
    for first in range(len(groups)):
        if len(groups[first]) < _GROUP_DIGITS_MIN:
            continue
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > DIGITS_MAX:
                break
            yield digits


def _is_card(digits: str) -> bool:
    if not DIGITS_MIN <= len(digits) <= DIGITS_MAX:
        return False
    values = [int(digit) for digit in digits]
    if values[0] not in _ISSUERS or len(set(values)) == 1:
        return False
    checked = sum(values[-1::-2]) + sum(_DOUBLED[value] for value in values[-2::-2])
    return checked % 10 == 0 and not _is_barcode(values)


def _is_barcode(values: list[int]) -> bool:
    """An EAN-13: thirteen digits with weights of one and three; issuers stopped giving out cards of thirteen."""
    weighed = sum(value * (3 if index % 2 else 1) for index, value in enumerate(values))
    return len(values) == 13 and weighed % 10 == 0
