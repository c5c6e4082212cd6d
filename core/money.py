"""Money as integer minor units and an ISO 4217 code; no floats, no silent currency mixing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import lru_cache

from babel.numbers import format_currency

from core.errors import Invalid

# ISO 4217 exponents of the currencies we know; where a provider writes otherwise its adapter converts.
# Source: ISO 4217 table A.1.
EXPONENTS = {
    "AED": 2, "AUD": 2, "BGN": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "CZK": 2, "DKK": 2,
    "EGP": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "ILS": 2, "INR": 2, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0,
    "KWD": 3, "MXN": 2, "MYR": 2, "NOK": 2, "NZD": 2, "OMR": 3, "PLN": 2, "RON": 2, "SAR": 2, "SEK": 2, "SGD": 2,
    "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "UAH": 2, "UGX": 0, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip

# What amounts have to be multiples of to be paid, in minor units; 1 where nothing is said. Card networks know two of a
# dinar's three decimals. Source: Stripe, docs.stripe.com/currencies#three-decimal.
PAYABLE_STEPS = {currency: 10 for currency, digits in EXPONENTS.items() if digits == 3}

# The greatest amount a bigint column and JavaScript's safe integers both hold.
AMOUNT_MAX = 2**53 - 1


class UnknownCurrency(Invalid):
    """The code is not an ISO 4217 currency this shop knows."""

    code = "unknown_currency"
    title = "This currency is not known."


class CurrencyMismatch(Invalid):
    """Two amounts of different currencies met."""

    code = "currency_mismatch"
    title = "The amounts are in different currencies."


class RoundingMode(StrEnum):
    """How a fraction of a minor unit becomes a whole one; stored in the snapshot."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class RoundingScope(StrEnum):
    """Where a tax becomes whole minor units: on each line, shipping and fee, or once for all that bear the same tax."""

    LINE = "line"
    DOCUMENT = "document"


_BETWEEN_LETTER_AND_FIGURE = re.compile(r"(?<=[^\W\d_])(?=\d)")
_DECIMAL_MODES = {RoundingMode.HALF_UP: ROUND_HALF_UP, RoundingMode.HALF_EVEN: ROUND_HALF_EVEN}


def exponent(currency: str) -> int:
    """This will return the number of decimals of `currency`.

    Raises: UnknownCurrency.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency=currency) from None


def payable_step(currency: str) -> int:
    """This will return what every amount of `currency` is a multiple of, in minor units."""
    return PAYABLE_STEPS.get(currency, 1)


def is_payable(amount_minor: int, currency: str) -> bool:
    """This will tell whether the amount can be paid to its last minor unit."""
    return amount_minor % payable_step(currency) == 0


def round_minor(value: Decimal, *, mode: RoundingMode, step: int = 1) -> int:
    """This will round a fraction of minor units to whole ones, or to a multiple of `step`."""
    return int((value / step).quantize(Decimal(1), rounding=_DECIMAL_MODES[mode])) * step


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency: Money(1999, "GBP") is £19.99."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not an integer of a known currency."""
        exponent(self.currency)
        if type(self.amount_minor) is not int:
            raise TypeError("amount_minor must be an int of minor units")

    @classmethod
    def from_major(cls, amount: str | Decimal, currency: str) -> "Money":
        """This will read "19.99" as 1999 minor units.

        Raises: Invalid when the amount has more decimals than the currency.
        """
        scaled = Decimal(amount).scaleb(exponent(currency))
        if scaled != scaled.to_integral_value():
            raise Invalid(detail=f"{currency} has {exponent(currency)} decimals.", amount=str(amount))
        return cls(int(scaled), currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(currencies=[self.currency, other.currency])

    def __add__(self, other: "Money") -> "Money":
        """Add two amounts of one currency."""
        self._same(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract an amount of the same currency."""
        self._same(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def major(self) -> Decimal:
        """This will return the amount in major units, exactly."""
        return Decimal(self.amount_minor).scaleb(-exponent(self.currency))

    def display(self, locale: str = "en_GB") -> str:
        """This will return the amount as people of `locale` write it."""
        return _displayed(self, locale.replace("-", "_"))


# A quote shows the same amounts again and again, and each costs Babel some fifty microseconds.
@lru_cache(maxsize=8192)
def _displayed(money: Money, locale: str) -> str:
    # Babel leaves out CLDR's spacing: a code of letters would stick to its figures, KWD12.340.
    return _BETWEEN_LETTER_AND_FIGURE.sub(
        "\N{NO-BREAK SPACE}", str(format_currency(money.major(), money.currency, locale=locale))
    )


def allocate(amount_minor: int, weights: Sequence[int], *, step: int = 1) -> list[int]:
    """This will split an amount by weights so that the parts sum to it exactly (largest remainder, then position).

    Weights are ≥ 0; when all are zero the first part takes everything. Parts of a multiple of `step` are multiples.
    Shapes: as many parts as weights.
    """
    if not weights:
        return []
    total = sum(weights)
    if total == 0:
        return [amount_minor, *([0] * (len(weights) - 1))]
    sign = -1 if amount_minor < 0 else 1
    steps, rest = divmod(abs(amount_minor), step)
    if rest:
        raise ValueError("the amount is no multiple of the step")
    shares = [divmod(steps * weight, total) for weight in weights]
    parts = [whole for whole, _ in shares]
    missing = steps - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda index: (-shares[index][1], index))
    for index in by_remainder[:missing]:
        parts[index] += 1
    return [sign * step * part for part in parts]
