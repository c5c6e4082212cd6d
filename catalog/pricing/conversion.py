"""Prices nobody typed in: worked out from the shop's own currency by a rate that stands in the quote."""

from decimal import Decimal

from core.money import RoundingMode, exponent, payable_step, round_minor


def converted(amount_minor: int, *, base_currency: str, currency: str, rate: Decimal, mode: RoundingMode) -> int:
    """This will return the amount in minor units of `currency`, one that can be paid: one unit of `base_currency` is
    `rate` units of it.

    Raises: UnknownCurrency.
    """
    units = Decimal(amount_minor) * rate
    exact = units.scaleb(exponent(currency) - exponent(base_currency))
    return round_minor(exact, mode=mode, step=payable_step(currency))
