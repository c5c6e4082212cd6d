"""What a refund is made of: a pure function from the snapshot, what was accepted for it and what went back before to
the shares of goods, shipping, fees, tax and discount.

It reads no database, no clock and no settings. Every amount is an integer of minor units of the snapshot's currency.
"""

from orders.refunding.sharing import refund_shares
from orders.refunding.sold import Sold, SoldLine, SoldPart, SoldParts, parts_of
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
    given_by,
)

__all__ = [
    "AmountBeyondLeft",
    "AmountNotPayable",
    "Given",
    "LineShare",
    "NothingLeft",
    "RefundOfNothing",
    "Share",
    "Shares",
    "Sold",
    "SoldLine",
    "SoldPart",
    "SoldParts",
    "UnitsBeyondLeft",
    "UnknownLine",
    "Wanted",
    "WantedAmount",
    "WantedEverything",
    "WantedUnits",
    "given_by",
    "parts_of",
    "refund_shares",
]
