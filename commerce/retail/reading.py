"""Invoice files in the shape of the *Online Retail* data set, read as orders. Pure but for the files.

Source: D. Chen, Online Retail, UCI Machine Learning Repository, 2015, doi:10.24432/C5BW33.

Note [Sub-orders]: in one order a SKU has one price. Lines of one SKU at one price merge; where an invoice sells a SKU
at several prices, its k-th distinct price, in order of appearance, goes to the invoice's k-th order.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from pathlib import Path

from babel import Locale

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
NOT_GOODS = {"M", "m", "D", "S", "B", "CRUK", "PADS", "BANK CHARGES", "AMAZONFEE"}
NOT_GOODS_PREFIX = "gift_"

UNKNOWN_COUNTRY = "ZZ"
# How the shop named countries that CLDR's English names differ from; the last two are CLDR's variant and short names,
# which Babel leaves out.
COUNTRY_CODES: dict[str, str] = {
    **{name: code for code, name in Locale("en").territories.items() if len(code) == 2 and code.isalpha()},
    "EIRE": "IE",
    "Channel Islands": "JE",
    "RSA": "ZA",
    "USA": "US",
    "Czech Republic": "CZ",
    "Hong Kong": "HK",
}


class NotAnInvoiceFileError(Exception):
    """The file cannot be read as invoices."""


class Skipped(StrEnum):
    """Why a row is no line of an order."""

    NOT_GOODS = "not_goods"
    NO_PRICE = "no_price"
    WRONG_SIGN = "wrong_sign"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sale or a cancellation. `skipped` is None for a row that counts."""

    invoice_no: str
    sku: str
    description: str
    quantity: int
    price_minor: int
    customer: str
    country_label: str
    skipped: Skipped | None

    @property
    def is_sale(self) -> bool:
        """Whether the invoice sells; a cancellation's number begins with C."""
        return self.invoice_no.isdigit()


@dataclass(frozen=True, slots=True)
class RetailOrder:
    """What one order of the replay buys: quantities and unit prices (pence) by SKU, in order of appearance.

    `key` is the invoice's number, with `-2`, `-3`… for further sub-orders. `customer` is empty for a guest.
    """

    key: str
    customer: str
    country_label: str
    quantities: dict[str, int]
    prices: dict[str, int]

    @property
    def invoice_no(self) -> str:
        """This will return the number of the invoice it is a part of."""
        return self.key.partition("-")[0]

    @property
    def gross_minor(self) -> int:
        """This will return what the order costs, in pence."""
        return sum(quantity * self.prices[sku] for sku, quantity in self.quantities.items())

    @property
    def units(self) -> int:
        """This will return how many units the order takes."""
        return sum(self.quantities.values())


@dataclass(slots=True)
class Article:
    """What the files say about a SKU: its first name and price, and the units that all its orders take."""

    name: str
    price_minor: int
    units: int = 0


@dataclass(slots=True)
class Survey:
    """What is known of the files before the first order: which there are, and enough to stock the shop."""

    keys: set[str] = field(default_factory=set)
    articles: dict[str, Article] = field(default_factory=dict)
    skipped: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def orders(self) -> int:
        """How many orders there are."""
        return len(self.keys)


def country_code(label: str) -> str:
    """This will return the ISO 3166 code of a country as the files name it, ZZ for one that is unknown."""
    return COUNTRY_CODES.get(label, UNKNOWN_COUNTRY)


def read_orders(path: Path, *, invoices_max: int | None = None) -> Iterator[RetailOrder]:
    """This will stream the orders of a file in the order in which its invoices end; all invoices without a limit.

    Raises: NotAnInvoiceFileError.
    """
    # An invoice may be interrupted by another one's rows, so the file is gone through twice: to learn how many rows
    # each invoice has, and to let an invoice go with its last one. Only interrupted invoices are kept waiting.
    rows_left = Counter(row.invoice_no for row in _sales(path))
    chosen = dict(list(rows_left.items())[:invoices_max])
    unfinished: dict[str, list[Row]] = {}
    for row in _sales(path):
        if row.invoice_no not in chosen:
            continue
        rows = unfinished.setdefault(row.invoice_no, [])
        rows.append(row)
        if len(rows) == chosen[row.invoice_no]:
            yield from split_invoice(unfinished.pop(row.invoice_no))


def split_invoice(rows: Iterable[Row]) -> list[RetailOrder]:
    """This will make the orders of one invoice from its rows. See Note [Sub-orders]."""
    orders: dict[str, RetailOrder] = {}
    prices_seen: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        key = key_of(row, prices_seen)
        # A SKU's k-th price comes after its k - 1 others, so at most one order is missing.
        if key not in orders:
            orders[key] = RetailOrder(key, row.customer, row.country_label, quantities={}, prices={})
        order = orders[key]
        order.quantities[row.sku] = order.quantities.get(row.sku, 0) + row.quantity
        order.prices[row.sku] = row.price_minor
    return list(orders.values())


def key_of(row: Row, prices_seen: dict[tuple[str, str], list[int]]) -> str:
    """This will return the key of the order that a row of a sale belongs to, and note its price among those seen of
    its invoice and SKU. See Note [Sub-orders].
    """
    seen = prices_seen.setdefault((row.invoice_no, row.sku), [])
    if row.price_minor not in seen:
        seen.append(row.price_minor)
    index = seen.index(row.price_minor)
    return row.invoice_no if index == 0 else f"{row.invoice_no}-{index + 1}"


def survey(paths: Iterable[Path], *, invoices_max: int | None = None) -> Survey:
    """This will go through the files once: orders, articles and skipped rows. Raises: NotAnInvoiceFileError."""
    found = Survey()
    for path in paths:
        names: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for row in read_rows(path):
            if row.skipped is not None:
                counts[row.skipped] += 1
            elif row.is_sale and row.description:
                names.setdefault(row.sku, row.description)
        found.skipped[path.name] = counts
        for order in read_orders(path, invoices_max=invoices_max):
            found.keys.add(order.key)
            for sku, quantity in order.quantities.items():
                article = found.articles.setdefault(sku, Article(names.get(sku, sku), order.prices[sku]))
                article.units += quantity
    return found


def read_rows(path: Path) -> Iterator[Row]:
    """This will stream the rows of sales and cancellations in file order, those to be skipped with their reason.

    Raises: NotAnInvoiceFileError.
    """
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        try:
            if next(reader, None) != COLUMNS:
                raise NotAnInvoiceFileError(f"{path}: the first line is not {','.join(COLUMNS)}")
            for values in reader:
                row = _row(*values)
                if row.is_sale or row.invoice_no.startswith("C"):
                    yield row
        except (ValueError, ArithmeticError, TypeError, EOFError, OSError) as error:
            raise NotAnInvoiceFileError(f"{path}, line {reader.line_num}: {error}") from error


def _sales(path: Path) -> Iterator[Row]:
    return (row for row in read_rows(path) if row.is_sale and row.skipped is None)


def _row(
    invoice_no: str, stock_code: str, description: str, quantity: str, _: str, unit_price: str, *where: str
) -> Row:
    customer, country_label = where
    # A catalog's SKU has no blanks around it; everything else about the code is kept, its case above all.
    sku, units = stock_code.strip(), int(quantity)
    price_minor = int((Decimal(unit_price) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return Row(
        invoice_no=invoice_no,
        sku=sku,
        description=description.strip(),
        quantity=units,
        price_minor=price_minor,
        customer=customer.removesuffix(".0"),
        country_label=country_label,
        skipped=_reason_to_skip(sku, units=units, price_minor=price_minor, is_sale=invoice_no.isdigit()),
    )


def _reason_to_skip(sku: str, *, units: int, price_minor: int, is_sale: bool) -> Skipped | None:
    if sku in NOT_GOODS or sku.lower().startswith(NOT_GOODS_PREFIX):
        return Skipped.NOT_GOODS
    if price_minor == 0:
        return Skipped.NO_PRICE
    if units == 0 or (units > 0) != is_sale:
        return Skipped.WRONG_SIGN
    return None
