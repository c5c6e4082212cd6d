"""Sixty invoices of our own making in the shape of the Online Retail files, with the totals they must come to.

The totals are kept while the rows are made, so they do not depend on how the rows are read. The same each time.
`python -m commerce.tests.retail_invoices FOLDER` writes the file and its `expected.json`.
"""

import csv
import gzip
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commerce.retail.reading import COLUMNS

NAME = "sixty.csv.gz"
INVOICES = 60
FIRST_NUMBER = 900001
COUNTRIES = ["United Kingdom"] * 6 + [
    "EIRE",
    "Channel Islands",
    "Germany",
    "RSA",
    "USA",
    "Czech Republic",
    "Unspecified",
]
# Two codes that differ in case alone are two articles.
SKUS = ["10001A", "10001a", "POST", *(str(number) for number in range(20001, 20031))]
NOISE = ["M", "gift_0001_20", "BANK CHARGES", "AMAZONFEE"]


@dataclass
class Sixty:
    """Rows, and what they must come to."""

    rows: list[list[str]] = field(default_factory=list)
    orders: int = 0
    order_lines: int = 0
    units: int = 0
    gross_minor: int = 0
    refund_lines: int = 0
    refunded_units: int = 0
    refunded_minor: int = 0
    unmatched_units: int = 0
    unmatched_minor: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    by_country: Counter[str] = field(default_factory=Counter)
    # Customer, SKU, pence, and the units that have not come back; the most recent last.
    sold: list[list[Any]] = field(default_factory=list)

    def expected(self, *, with_refunds: bool = True) -> dict[str, Any]:
        """This will return the totals in the shape of `expected.json`; without refunds as sales alone make them."""
        refunds = {
            "refund_lines": self.refund_lines,
            "refunded_units": self.refunded_units,
            "refunded_pence": self.refunded_minor,
            "unmatched_units": self.unmatched_units,
            "unmatched_pence": self.unmatched_minor,
            "net_pence": self.gross_minor - self.refunded_minor,
        }
        totals = {
            "orders": self.orders,
            "order_lines": self.order_lines,
            "units": self.units,
            "gross_pence": self.gross_minor,
            **(refunds if with_refunds else {}),
            "skipped": dict(self.skipped),
            "gross_pence_by_country": dict(sorted(self.by_country.items())),
        }
        return {NAME: totals, "all": totals}


def sixty_invoices() -> Sixty:
    """This will make the invoices: sub-orders, merged lines, guests, drifting prices, and rows to be left out."""
    chance = random.Random(60)
    made = Sixty()
    for number in range(FIRST_NUMBER, FIRST_NUMBER + INVOICES):
        _add_invoice(made, str(number), chance=chance)
    # One huge quantity, as the real shop had, and a row of another letter's invoice.
    _add_order(made, "900100", {"20001": (80_995, 208)}, where=["16446.0", "United Kingdom"], chance=chance)
    # Most of it comes back: more than one person alone may give.
    _take_back(made, "C900102", ["16446.0", "20001", 208], 80_000, where="United Kingdom")
    made.rows.append(["A900101", "B", "Adjust bad debt", "1", "2026-01-04 10:00:00", "-11062.06", "", "United Kingdom"])
    return made


def write(folder: Path) -> Path:
    """This will write the file and its `expected.json` into `folder` and return the file."""
    made = sixty_invoices()
    path = folder / NAME
    with gzip.open(path, "wt", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([COLUMNS, *made.rows])
    (folder / "expected.json").write_text(json.dumps(made.expected(), indent=1))
    return path


def _add_invoice(made: Sixty, number: str, *, chance: random.Random) -> None:
    customer = f"{chance.randint(12346, 12360)}.0" if chance.random() < 0.7 else ""
    where = [customer, chance.choice(COUNTRIES)]
    size = 25 if number.endswith("7") else chance.randint(1, 8)
    basket = {sku: (chance.randint(1, 24), chance.randint(1, 1500)) for sku in chance.sample(SKUS, size)}
    _add_order(made, number, basket, where=where, chance=chance)
    if chance.random() < 0.25:
        # The same articles at a second price make a second order; the rows stand between those of the first.
        again = {sku: (chance.randint(1, 5), basket[sku][1] + 7) for sku in list(basket)[: chance.randint(1, 3)]}
        _add_order(made, number, again, where=where, chance=chance)
    if chance.random() < 0.3:
        made.rows.append(_row(number, chance.choice(NOISE), 1, 500, where))
        made.skipped["not_goods"] += 1
    if chance.random() < 0.3:
        made.rows.append(_row(number, "20001", 3, 0, where))
        made.skipped["no_price"] += 1
    if chance.random() < 0.2:
        made.rows.append(_row(number, "20002", -4, 125, where))
        made.skipped["wrong_sign"] += 1
    if chance.random() < 0.3:
        _add_return(made, f"C{number}", chance=chance)


def _add_order(
    made: Sixty, number: str, basket: dict[str, tuple[int, int]], *, where: list[str], chance: random.Random
) -> None:
    for sku, (quantity, price_minor) in basket.items():
        if quantity > 1 and chance.random() < 0.1:
            made.rows.append(_row(number, sku, 1, price_minor, where))
            made.rows.append(_row(number, sku, quantity - 1, price_minor, where))
        else:
            made.rows.append(_row(number, sku, quantity, price_minor, where))
    made.sold += [[where[0], sku, price_minor, quantity] for sku, (quantity, price_minor) in basket.items()]
    gross_minor = sum(quantity * price_minor for quantity, price_minor in basket.values())
    made.orders += 1
    made.order_lines += len(basket)
    made.units += sum(quantity for quantity, _ in basket.values())
    made.gross_minor += gross_minor
    made.by_country[where[1]] += gross_minor


def _add_return(made: Sixty, number: str, *, chance: random.Random) -> None:
    """Units of up to three things that somebody bought, now and then more than they have left, or nobody's."""
    for goods in chance.sample(made.sold, min(3, len(made.sold))):
        customer, sku, price_minor, left = goods
        units = chance.choice([1, max(1, left), left + 2])
        _take_back(made, number, [customer, sku, price_minor], units, where=chance.choice(COUNTRIES))


def _take_back(made: Sixty, number: str, goods: list[Any], units: int, *, where: str) -> None:
    """Write a row, and walk back through everything sold for what it takes."""
    customer, sku, price_minor = goods
    made.rows.append(_row(number, sku, -units, price_minor, [customer, where]))
    made.refund_lines += 1
    for line in reversed(made.sold):
        if customer and line[:3] == goods:
            taken = min(units, line[3])
            line[3] -= taken
            units -= taken
            made.refunded_units += taken
            made.refunded_minor += taken * price_minor
    made.unmatched_units += units
    made.unmatched_minor += units * price_minor


def _row(number: str, sku: str, quantity: int, price_minor: int, where: list[str]) -> list[str]:
    price = f"{price_minor // 100}.{price_minor % 100:02}"
    return [number, sku, f"THING {sku.upper()}", str(quantity), "2026-01-04 10:00:00", price, *where]


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1]))}\n")
