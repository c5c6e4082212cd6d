"""The arithmetic of a refund: what each part wants back, held to what is left of the money and of the tax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.money import CurrencyMismatch, allocate
from orders.refunding.sold import Sold, SoldLine, SoldPart, SoldParts, first_of, parts_of, within
from orders.refunding.terms import (
    AmountBeyondLeft,
    AmountNotPayable,
    Given,
    LineShare,
    NothingLeft,
    RefundOfNothing,
    Share,
    Shares,
    UnitsBeyondLeft,
    UnknownLine,
    Wanted,
    WantedAmount,
    WantedEverything,
    WantedUnits,
)

# Note [What is left decides]: the sale is one pot of net and one of tax for each jurisdiction, and every refund takes
# from them. An amount without lines takes from all pots in proportion to what is left; goodwill takes net alone, and
# tax only when no net is left. Units take what they are worth with their own tax. After an amount went back freely the
# pots may hold less than that: then units get what is left, and tax is taken where net is short. Who empties the pots
# takes the last of each, so that any sequence that ends with everything returns exactly what was accepted and its tax.

# Note [Steps]: where a provider pays only multiples of `step_minor` (dinars go in tens), units are rounded up to the
# step, a refund's total down to it, and what is cut off stays with its line until a later refund. The tax in a refund
# is not paid by itself, so it is exact to the minor unit. Only the refund that empties the pots may be no multiple,
# when what was accepted was none.


@dataclass(frozen=True, slots=True)
class _Pots:
    net_minor: int
    taxes_minor: Mapping[str, int]

    @property
    def total_minor(self) -> int:
        return self.net_minor + sum(self.taxes_minor.values())


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is wanted of one part: `line` is None for shipping and fees, `given` what went back of the part before."""

    part: SoldPart
    given: Share
    gross_minor: int
    tax_minor: int = 0
    line: SoldLine | None = None
    units: int = 0
    discount_minor: int = 0


def refund_shares(sold: Sold, *, given: Given, wanted: Wanted, step_minor: int = 1) -> Shares:
    """This will say what the wanted refund is made of, after what was given before.

    Minor units of the snapshot's currency; `step_minor` is what the provider pays multiples of. Needs no transaction,
    but the answer counts only under the lock that `given` was read under.
    Raises: RefundOfNothing, UnknownLine, UnitsBeyondLeft, AmountBeyondLeft, AmountNotPayable, NothingLeft,
    CurrencyMismatch.
    """
    parts = parts_of(sold)
    left = _left(sold, parts, given)
    if isinstance(wanted, WantedAmount):
        return _share_amount(sold, wanted, left, step_minor=step_minor)
    if isinstance(wanted, WantedUnits):
        _refuse_units(wanted, parts, given)
    if left.total_minor == 0:
        raise NothingLeft(accepted_minor=sold.accepted_minor)
    pieces, is_last = _pieces(wanted, parts, given, step_minor=step_minor)
    limit = left.total_minor
    wanted_minor = sum(piece.gross_minor for piece in pieces)
    total = limit if is_last else min(wanted_minor, limit)
    if total < limit:
        total -= total % step_minor
    if total == 0:
        raise RefundOfNothing(wanted_minor=wanted_minor, step_minor=step_minor)
    pieces = _cut(pieces, total, is_money_short=wanted_minor > limit)
    return _settle(pieces, total, left, currency=sold.snapshot["currency"])


def _left(sold: Sold, parts: SoldParts, given: Given) -> _Pots:
    """What is in the pots; never below zero, also when the provider gave back more than was accepted."""
    total = max(0, sold.accepted_minor - given.returned_minor)
    sold_taxes = within(parts.taxes_minor, sold.accepted_minor)
    taxes = within({region: tax - given.taxes_minor.get(region, 0) for region, tax in sold_taxes.items()}, total)
    return _Pots(total - sum(taxes.values()), taxes)


def _share_amount(sold: Sold, wanted: WantedAmount, left: _Pots, *, step_minor: int) -> Shares:
    currency, amount = sold.snapshot["currency"], wanted.amount_minor
    if type(amount) is not int:
        raise TypeError("amount_minor must be an int of minor units")
    if wanted.currency not in {None, currency}:
        raise CurrencyMismatch(currencies=[currency, wanted.currency])
    if amount <= 0:
        raise RefundOfNothing(amount_minor=amount)
    if left.total_minor == 0:
        raise NothingLeft(accepted_minor=sold.accepted_minor)
    if amount > left.total_minor:
        raise AmountBeyondLeft(amount_minor=amount, left_minor=left.total_minor)
    if amount % step_minor and amount < left.total_minor:
        raise AmountNotPayable(amount_minor=amount, step_minor=step_minor)
    net = min(amount, left.net_minor)
    if not wanted.is_goodwill:
        net = allocate(amount, [left.net_minor, *left.taxes_minor.values()])[0]
    taxes = _from_pots(amount - net, left.taxes_minor)
    return Shares(
        currency=currency,
        lines=(),
        shipping=Share(),
        fees=Share(),
        free=Share(amount, amount - net),
        taxes_minor=_without_zeros(taxes),
    )


def _refuse_units(wanted: WantedUnits, parts: SoldParts, given: Given) -> None:
    if not (wanted.lines or wanted.shipping or wanted.fees):
        raise RefundOfNothing
    if any(type(units) is not int for units in wanted.lines.values()):
        raise TypeError("units are ints")
    unknown = sorted(set(wanted.lines) - set(parts.lines))
    if unknown:
        raise UnknownLine(positions=unknown)
    for position, units in sorted(wanted.lines.items()):
        if units < 1:
            raise RefundOfNothing(position=position, units=units)
        left = _units_left(parts.lines[position], given)
        if units > left:
            raise UnitsBeyondLeft(position=position, units=units, units_left=left)


def _pieces(
    wanted: WantedUnits | WantedEverything, parts: SoldParts, given: Given, *, step_minor: int
) -> tuple[list[_Piece], bool]:
    """What the parts want back, and whether no part could want anything after that."""
    units = {position: _units_left(line, given) for position, line in parts.lines.items()}
    rest = dict.fromkeys(units, 0)
    wants_shipping = wants_fees = True
    if isinstance(wanted, WantedUnits):
        rest = {position: left - wanted.lines.get(position, 0) for position, left in units.items()}
        units = {position: wanted.lines.get(position, 0) for position in units}
        wants_shipping, wants_fees = wanted.shipping, wanted.fees
    lines = [_line_piece(line, given, units[position], step_minor) for position, line in parts.lines.items()]
    carried, fees = _all_of(parts.shipping, given.shipping), _all_of(parts.fees, given.fees)
    asked = [
        *lines,
        carried if wants_shipping else replace(carried, gross_minor=0),
        fees if wants_fees else replace(fees, gross_minor=0),
    ]
    is_last = (
        asked[-2:] == [carried, fees]
        # Who asks for what is worth nothing does not get what others left over; only everything is everything.
        and (isinstance(wanted, WantedEverything) or any(piece.gross_minor for piece in asked))
        and not any(left and _all_of_line(parts.lines[position], given) for position, left in rest.items())
    )
    if is_last:
        lines = [replace(piece, gross_minor=_all_of_line(piece.line, given)) for piece in lines if piece.line]
        return [*lines, carried, fees], True
    return asked, False


def _units_left(line: SoldLine, given: Given) -> int:
    before = given.lines.get(line.position)
    return max(0, line.units - (before.units if before else 0))


def _all_of(part: SoldPart, given: Share) -> _Piece:
    return _Piece(part=part, given=given, gross_minor=max(0, part.gross_minor - given.gross_minor))


def _all_of_line(line: SoldLine, given: Given) -> int:
    before = given.lines.get(line.position)
    return max(0, line.part.gross_minor - (before.gross_minor if before else 0))


def _line_piece(line: SoldLine, given: Given, units: int, step_minor: int) -> _Piece:
    before = given.lines.get(line.position) or LineShare(line.position, line.sku, 0, 0, 0, 0)
    gross = discount = 0
    if units:
        # Less what did go back, not what should have: a refund that failed is made up for by the next.
        count = before.units + units
        gross = first_of(line.part.gross_minor, count, of=line.units, step=step_minor) - before.gross_minor
        discount = first_of(line.discount_minor, count, of=line.units) - before.discount_minor
    return _Piece(
        part=line.part,
        given=Share(before.gross_minor, before.tax_minor),
        gross_minor=max(0, gross),
        line=line,
        units=units,
        discount_minor=max(0, discount),
    )


def _cut(pieces: Sequence[_Piece], total: int, *, is_money_short: bool) -> list[_Piece]:
    """Hold the pieces to the total: alike where the money is short, from the last on where the step is in the way."""
    amounts = [piece.gross_minor for piece in pieces]
    if sum(amounts) <= total:
        return list(pieces)
    if is_money_short:
        amounts = allocate(total, amounts)
    over = sum(amounts) - total
    for index in reversed(range(len(amounts))):
        cut = min(over, amounts[index])
        amounts[index] -= cut
        over -= cut
    return [replace(piece, gross_minor=amount) for piece, amount in zip(pieces, amounts, strict=True)]


def _settle(pieces: Sequence[_Piece], total: int, left: _Pots, *, currency: str) -> Shares:
    free = total - sum(piece.gross_minor for piece in pieces)
    everything = [*pieces, _Piece(part=SoldPart(0, {}), given=Share(), gross_minor=free)]
    wishes = [_taxes_of(piece) for piece in everything]
    taxes = _taxes_held(wishes, total, left)
    settled = [
        replace(piece, tax_minor=tax) for piece, tax in zip(everything, _dealt(everything, wishes, taxes), strict=True)
    ]
    shipping, fees, rest = (Share(piece.gross_minor, piece.tax_minor) for piece in settled[-3:])
    return Shares(
        currency=currency,
        lines=tuple(
            LineShare(
                position=piece.line.position,
                sku=piece.line.sku,
                units=piece.units,
                gross_minor=piece.gross_minor,
                tax_minor=piece.tax_minor,
                discount_minor=piece.discount_minor,
            )
            for piece in settled
            if piece.line and (piece.units or piece.gross_minor)
        ),
        shipping=shipping,
        fees=fees,
        free=rest,
        taxes_minor=_without_zeros(taxes),
    )


def _taxes_of(piece: _Piece) -> dict[str, int]:
    """The piece's own tax: of what went back of its part so far, the part's share, less what did go back."""
    so_far = piece.given.gross_minor + piece.gross_minor
    tax = first_of(piece.part.tax_minor, so_far, of=piece.part.gross_minor) - piece.given.tax_minor
    tax = max(0, min(tax, piece.gross_minor))
    regions = piece.part.taxes_minor
    return dict(zip(regions, allocate(tax, list(regions.values())), strict=True))


def _taxes_held(wishes: Sequence[Mapping[str, int]], total: int, left: _Pots) -> dict[str, int]:
    """The taxes of the refund, by jurisdiction: as wished, but within the pots; who empties them takes all of each."""
    taxes = {region: min(pot, sum(wish.get(region, 0) for wish in wishes)) for region, pot in left.taxes_minor.items()}
    short = total - sum(taxes.values()) - left.net_minor
    if short > 0:
        more = _from_pots(short, {region: pot - taxes[region] for region, pot in left.taxes_minor.items()})
        taxes = {region: tax + more[region] for region, tax in taxes.items()}
    return taxes


def _dealt(pieces: Sequence[_Piece], wishes: Sequence[Mapping[str, int]], taxes: Mapping[str, int]) -> list[int]:
    """The tax of each piece: as wished; where there is less of a tax, less alike; where there is more, by its net."""
    dealt, more = [0] * len(pieces), 0
    for region, tax in taxes.items():
        own = [wish.get(region, 0) for wish in wishes]
        more += max(0, tax - sum(own))
        dealt = [sum(pair) for pair in zip(dealt, allocate(min(tax, sum(own)), own), strict=True)]
    rooms = [piece.gross_minor - tax for piece, tax in zip(pieces, dealt, strict=True)]
    return [sum(pair) for pair in zip(dealt, allocate(more, rooms), strict=True)]


def _from_pots(amount_minor: int, pots: Mapping[str, int]) -> dict[str, int]:
    return dict(zip(pots, allocate(amount_minor, list(pots.values())), strict=True))


def _without_zeros(taxes: Mapping[str, int]) -> dict[str, int]:
    return {region: tax for region, tax in taxes.items() if tax}
