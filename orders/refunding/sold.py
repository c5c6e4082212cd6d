"""What an order sold, as refunds see it: what was accepted for each part, and the tax in it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.money import allocate

# Note [Due adjustments]: accepted is the snapshot's total, unless what was due changed before the capture. Units that
# were cancelled take their worth along. What is still missing then is missing from every part alike (shared by what
# each is worth), because the customer paid less for all of it; what is beyond the parts belongs to none and goes back
# with the last refund, as `free`. The sale's books enter such a difference beside the tax (`sale_of` in the orders'
# services), so it is net: all refunds together return the snapshot's tax, and less only where less than it was
# accepted.


@dataclass(frozen=True, slots=True)
class Sold:
    """The snapshot (version 1 or 2), what was accepted for it (captured less excess, minor units), and how many units
    of which position were cancelled before the capture.
    """

    snapshot: Mapping[str, Any]
    accepted_minor: int
    units_cancelled: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SoldPart:
    """What was accepted for something, tax included, and the tax in it by jurisdiction."""

    gross_minor: int
    taxes_minor: Mapping[str, int]

    @property
    def tax_minor(self) -> int:
        """The tax of all jurisdictions."""
        return sum(self.taxes_minor.values())


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line with its units and discount as entered, both without what was cancelled."""

    position: int
    sku: str
    units: int
    discount_minor: int
    part: SoldPart


@dataclass(frozen=True, slots=True)
class SoldParts:
    """Lines by position, shipping, all fees as one, and the tax of the sale by jurisdiction."""

    lines: Mapping[int, SoldLine]
    shipping: SoldPart
    fees: SoldPart
    taxes_minor: Mapping[str, int]


def parts_of(sold: Sold) -> SoldParts:
    """This will say what was accepted for each line, shipping and the fees; see Note [Due adjustments]."""
    lines = sold.snapshot["lines"]
    shipping = sold.snapshot.get("shipping_method")
    cancelled = [sold.units_cancelled.get(position, 0) for position in range(1, len(lines) + 1)]
    kept = [
        *(_kept(line, line["quantity"] - gone) for line, gone in zip(lines, cancelled, strict=True)),
        _whole([shipping] if shipping else []),
        _whole(sold.snapshot.get("fee_lines", [])),
    ]
    *line_parts, shipping_part, fees_part = _spread(kept, sold.accepted_minor)
    return SoldParts(
        # Positions count the snapshot's lines, as those of OrderLine do; version 1 does not write them down.
        lines={
            position: _line(position, line, line["quantity"] - gone, part)
            for position, (line, gone, part) in enumerate(zip(lines, cancelled, line_parts, strict=True), start=1)
        },
        shipping=shipping_part,
        fees=fees_part,
        taxes_minor=_whole(
            [*lines, *([shipping] if shipping else []), *sold.snapshot.get("fee_lines", [])]
        ).taxes_minor,
    )


def first_of(amount_minor: int, units: int, *, of: int, step: int = 1) -> int:
    """This will return what the first `units` of `of` are worth together, rounded up to a multiple of `step`.

    See Note [Earlier units take the remainder].
    """
    # Note [Earlier units take the remainder]: units are cumulative. Units k to k + u are worth what the first k + u
    # are, less what the first k are, so they add up however they are taken. Rounded up, three alike with 9.70 of tax
    # give 3.24, 3.23 and 3.23, as `allocate` deals out remainders, and no customer waits for a part of a minor unit.
    if units >= of:
        return amount_minor
    return min(amount_minor, -(-amount_minor * units // (of * step)) * step)


def within(taxes_minor: Mapping[str, int], limit_minor: int) -> dict[str, int]:
    """This will return the taxes, cut down in proportion where they are more than `limit_minor`."""
    positive = {region: max(0, tax) for region, tax in sorted(taxes_minor.items())}
    if sum(positive.values()) <= limit_minor:
        return positive
    return dict(zip(positive, allocate(limit_minor, list(positive.values())), strict=True))


def _kept(line: Mapping[str, Any], units: int) -> SoldPart:
    whole = _whole([line])
    gross = first_of(whole.gross_minor, units, of=line["quantity"])
    taxes = {region: first_of(tax, units, of=line["quantity"]) for region, tax in whole.taxes_minor.items()}
    return SoldPart(gross, within(taxes, gross))


def _whole(charged: Iterable[Mapping[str, Any]]) -> SoldPart:
    taxes: dict[str, int] = defaultdict(int)
    gross = 0
    for each in charged:
        taxes[each["tax"]["region"]] += each["tax"]["amount_minor"]
        gross += each["total_minor"]
    return SoldPart(gross, dict(taxes))


def _spread(parts: Sequence[SoldPart], accepted_minor: int) -> list[SoldPart]:
    worth = [part.gross_minor for part in parts]
    if sum(worth) <= accepted_minor:
        return list(parts)
    accepted = allocate(accepted_minor, worth)
    return [SoldPart(gross, within(part.taxes_minor, gross)) for part, gross in zip(parts, accepted, strict=True)]


def _line(position: int, line: Mapping[str, Any], units: int, part: SoldPart) -> SoldLine:
    discount = first_of(line["discount_minor"], units, of=line["quantity"])
    return SoldLine(position=position, sku=line["sku"], units=units, discount_minor=discount, part=part)
