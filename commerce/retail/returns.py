"""Cancelled invoices, read as units that come back of earlier orders. Pure but for the files.

An invoice whose number begins with C takes back units of its customer's, at the SKU's pence price of its own row, from
the most recent order that still has such units, then from the one before. What finds none is unmatched, and so is
whatever nobody is named for.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from commerce.retail.reading import Row, key_of, read_rows


@dataclass(slots=True)
class _Bought:
    """Units of an order's line that have not come back."""

    order_key: str
    units: int


# Customer, SKU and pence, to what they bought of it, the most recent last.
_Shelf = dict[tuple[str, str, int], list[_Bought]]


@dataclass(slots=True)
class Return:
    """What one cancelled invoice takes back of one order: units and pence by SKU, in order of appearance."""

    file: str
    invoice_no: str
    order_key: str
    customer: str
    units: dict[str, int] = field(default_factory=dict)
    amount_minor: int = 0


@dataclass(slots=True)
class FileReturns:
    """What the cancelled invoices of one file come to. `lines` counts every row, matched or not."""

    lines: int = 0
    unmatched_units: int = 0
    unmatched_minor: int = 0


@dataclass(slots=True)
class Returns:
    """The returns of all files in file order, and what stands beside them."""

    each: list[Return] = field(default_factory=list)
    by_file: dict[str, FileReturns] = field(default_factory=dict)


def read_returns(paths: Iterable[Path], *, order_keys: set[str] | None = None) -> Returns:
    """This will match the cancelled invoices of the files, read one after the other, with the orders before them; with
    those of `order_keys` alone, if given. Raises: NotAnInvoiceFileError.

    Holds what customers with a number bought and have not given back, one small entry for each line.
    """
    found = Returns()
    bought: _Shelf = defaultdict(list)
    prices_seen: dict[tuple[str, str], list[int]] = {}
    for path in paths:
        facts = found.by_file.setdefault(path.name, FileReturns())
        made: dict[tuple[str, str], Return] = {}
        for row in read_rows(path):
            if row.skipped is not None:
                continue
            if not row.is_sale:
                facts.lines += 1
                _take_back(row, bought, facts, made, file=path.name)
                continue
            key = key_of(row, prices_seen)
            if row.customer and (order_keys is None or key in order_keys):
                bought[row.customer, row.sku, row.price_minor].append(_Bought(key, row.quantity))
        found.each += made.values()
    return found


def _take_back(
    row: Row,
    bought: _Shelf,
    facts: FileReturns,
    made: dict[tuple[str, str], Return],
    *,
    file: str,
) -> None:
    left = -row.quantity
    orders = bought.get((row.customer, row.sku, row.price_minor), []) if row.customer else []
    while left and orders:
        last = orders[-1]
        units = min(left, last.units)
        left -= units
        last.units -= units
        if not last.units:
            orders.pop()
        key = last.order_key
        one = made.setdefault((row.invoice_no, key), Return(file, row.invoice_no, key, row.customer))
        one.units[row.sku] = one.units.get(row.sku, 0) + units
        one.amount_minor += units * row.price_minor
    facts.unmatched_units += left
    facts.unmatched_minor += left * row.price_minor
