"""What can be asked of a refund, what it is made of, and why one is refused."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from core.errors import DomainError, Invalid


class RefundOfNothing(Invalid):
    """No units, an amount of zero or below, or units that are worth less than what can be paid."""

    code = "refund_of_nothing"
    title = "A refund gives something back."


class UnknownLine(Invalid):
    """The order has no such line."""

    code = "unknown_order_line"
    title = "The order has no such line."


class AmountNotPayable(Invalid):
    """The amount is no multiple of what the provider can pay to its last minor unit."""

    code = "refund_not_payable"
    title = "This amount cannot be paid to its last minor unit."


class UnitsBeyondLeft(DomainError):
    """More units are asked back than were sold and are not back yet."""

    code = "refund_units_beyond_left"
    title = "There are not that many units left to give back."


class AmountBeyondLeft(DomainError):
    """More money is asked back than was accepted and is not back yet."""

    code = "refund_beyond_left"
    title = "There is not that much left to give back."


class NothingLeft(DomainError):
    """Everything that was accepted went back already."""

    code = "nothing_left_to_refund"
    title = "Everything was given back already."


@dataclass(frozen=True, slots=True)
class WantedUnits:
    """So many units of each line, by its position (from 1); `shipping` and `fees` add all that is left of them."""

    lines: Mapping[int, int] = field(default_factory=dict)
    shipping: bool = False
    fees: bool = False


@dataclass(frozen=True, slots=True)
class WantedAmount:
    """An amount without lines, in minor units; `currency` None is the order's.

    It bears tax like what is left, unless `is_goodwill`: a present changes no sale, so no tax comes back with it.
    """

    amount_minor: int
    currency: str | None = None
    is_goodwill: bool = False


@dataclass(frozen=True, slots=True)
class WantedEverything:
    """All that was accepted and is not back yet."""


Wanted: TypeAlias = WantedUnits | WantedAmount | WantedEverything


@dataclass(frozen=True, slots=True)
class Share:
    """What goes back of something, and the tax in it; minor units, ≥ 0, tax ≤ gross."""

    gross_minor: int = 0
    tax_minor: int = 0

    @property
    def net_minor(self) -> int:
        """The share without the tax."""
        return self.gross_minor - self.tax_minor


@dataclass(frozen=True, slots=True)
class LineShare:
    """What goes back of a line, in minor units ≥ 0; `discount_minor` is the units' share of its discount as entered.

    Zero units take up what the steps of earlier refunds left over. See Note [Steps].
    """

    position: int
    sku: str
    units: int
    gross_minor: int
    tax_minor: int
    discount_minor: int

    @property
    def net_minor(self) -> int:
        """The share without the tax."""
        return self.gross_minor - self.tax_minor


@dataclass(frozen=True, slots=True)
class Shares:
    """What one refund is made of. total = Σ gross of lines, shipping, fees and free = net + Σ taxes.

    `free` belongs to no part: amounts without lines, and what was accepted beyond the snapshot's total.
    `taxes_minor` goes by jurisdiction as the sale's does, without those of which nothing goes back.
    """

    currency: str
    lines: tuple[LineShare, ...]
    shipping: Share
    fees: Share
    free: Share
    taxes_minor: Mapping[str, int]

    @property
    def total_minor(self) -> int:
        """What the customer gets."""
        parts = self.shipping.gross_minor + self.fees.gross_minor + self.free.gross_minor
        return sum(line.gross_minor for line in self.lines) + parts

    @property
    def tax_minor(self) -> int:
        """The tax that goes back, of all jurisdictions."""
        return sum(self.taxes_minor.values())

    @property
    def net_minor(self) -> int:
        """What the customer gets without the tax."""
        return self.total_minor - self.tax_minor


@dataclass(frozen=True, slots=True)
class Given:
    """What went back before: everything that counts against the accepted amount, also what is still pending or was
    lost in a dispute; nothing that failed or came back.

    `lines` by position as `refund_shares` had them; `free` what went back without lines or for an amount agreed on
    elsewhere (goodwill, the provider's dashboard); `taxes_minor` all tax that went back, by jurisdiction. The parts'
    own gross and tax let the next refund make up for one that failed.
    """

    lines: Mapping[int, LineShare] = field(default_factory=dict)
    shipping: Share = field(default_factory=Share)
    fees: Share = field(default_factory=Share)
    free: Share = field(default_factory=Share)
    taxes_minor: Mapping[str, int] = field(default_factory=dict)

    @property
    def returned_minor(self) -> int:
        """What went back in all."""
        parts = self.shipping.gross_minor + self.fees.gross_minor + self.free.gross_minor
        return sum(line.gross_minor for line in self.lines.values()) + parts


def given_by(refunds: Iterable[Shares]) -> Given:
    """This will sum up refunds, in any order. Leave out those that failed or came back. Needs no transaction."""
    each = list(refunds)
    lines: dict[int, LineShare] = {}
    taxes: dict[str, int] = defaultdict(int)
    for refund in each:
        for line in refund.lines:
            lines[line.position] = _added(lines[line.position], line) if line.position in lines else line
        for region, tax in refund.taxes_minor.items():
            taxes[region] += tax
    return Given(
        lines=lines,
        shipping=_sum(refund.shipping for refund in each),
        fees=_sum(refund.fees for refund in each),
        free=_sum(refund.free for refund in each),
        taxes_minor=dict(taxes),
    )


def _added(one: LineShare, other: LineShare) -> LineShare:
    return LineShare(
        position=one.position,
        sku=one.sku,
        units=one.units + other.units,
        gross_minor=one.gross_minor + other.gross_minor,
        tax_minor=one.tax_minor + other.tax_minor,
        discount_minor=one.discount_minor + other.discount_minor,
    )


def _sum(shares: Iterable[Share]) -> Share:
    each = list(shares)
    return Share(sum(share.gross_minor for share in each), sum(share.tax_minor for share in each))
