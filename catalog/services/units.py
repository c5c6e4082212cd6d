"""How many units something may ask for."""

from collections.abc import Mapping

from core.errors import Invalid

# What the quantity of a reservation's line can hold; far above any cart.
UNITS_MAX = 2**31 - 1


class InvalidQuantity(Invalid):
    """A number of units is below one or too large, or there is nothing to count."""

    code = "invalid_quantity"
    title = "The number of units is not possible."


def refuse_units(units: Mapping[str, int] | Mapping[int, int]) -> None:
    """This will refuse numbers of units that no stock can hold, by SKU or by row id. Raises: InvalidQuantity."""
    if any(not 1 <= count <= UNITS_MAX for count in units.values()):
        raise InvalidQuantity
