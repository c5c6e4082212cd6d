"""How an order was priced, from its snapshot alone. Version 1 names shipping and fees as sums and taxes on lines."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from support.admin.shown import amount, percent, words
from support.admin.tables import Cell, Table
from support.selectors import OrderFile

# What a snapshot of version 1 does not say is not guessed.
UNSAID = "not said"


def terms_of(file: OrderFile) -> list[tuple[str, Cell]]:
    """This will return what decided about the order's figures, with names."""
    snapshot = file.order.snapshot
    region = "-".join(filter(None, [snapshot.get("country", ""), snapshot.get("region", "")]))
    return [
        ("Prices are", {"gross": "gross", "net": "net of tax"}.get(snapshot.get("tax_entry", ""), UNSAID)),
        ("Taxed in", region or UNSAID),
        ("By the", _said(snapshot.get("address_basis"))),
        ("Buyer's tax id", snapshot.get("buyer_tax_id") or "none"),
        ("Rounded", " per ".join(filter(None, [_said(snapshot.get("rounding_mode")), snapshot.get("rounding_scope")]))),
        ("Converted", _converted(snapshot)),
        ("Snapshot", f"version {snapshot['schema_version']}"),
    ]


def charges(file: OrderFile) -> Table:
    """This will return shipping, fees and discounts, as the customer agreed to them."""
    snapshot, currency = file.order.snapshot, file.order.currency
    rows: list[tuple[Cell, ...]] = []
    shipping = snapshot.get("shipping_method")
    if shipping:
        paid = (amount(shipping["tax"]["amount_minor"], currency), amount(shipping["total_minor"], currency))
        rows.append(("Shipping", shipping["name"], shipping["code"], amount(shipping["price_minor"], currency), *paid))
    rows += [
        (
            "Fee", fee["name"], fee["code"], amount(fee["amount_minor"], currency),
            amount(fee["tax"]["amount_minor"], currency), amount(fee["total_minor"], currency),
        )
        for fee in snapshot.get("fee_lines", [])
    ]  # fmt: skip
    rows += [
        (
            f"Discount, {words(each['kind']).lower()}", each["name"], each["coupon_code"] or "no code",
            amount(-each["amount_minor"], currency), "", "",
        )
        for each in snapshot.get("discounts", [])
    ]  # fmt: skip
    relief_minor = snapshot.get("tax_relief_minor", 0)
    if relief_minor:
        rows.append(("Tax taken out", "The buyer accounts for it", "", amount(-relief_minor, currency), "", ""))
    columns = ("What", "Name", "Code", "As entered*", "Tax*", "Paid*")
    return Table("Shipping, fees and discounts", columns, rows or _sums(snapshot, currency), "There were none.")


def taxes(file: OrderFile) -> Table:
    """This will return each tax with what it was taken on; of version 1 the sums of its lines."""
    snapshot, currency = file.order.snapshot, file.order.currency
    rows = [
        (
            tax["region"], tax.get("code") or UNSAID, percent(Decimal(tax["rate"])) if "rate" in tax else UNSAID,
            _said(tax.get("treatment")), amount(tax["basis_minor"], currency), amount(tax["amount_minor"], currency),
        )
        for tax in snapshot.get("tax_lines") or _taxes_on_lines(snapshot)
    ]  # fmt: skip
    columns = ("Region", "Code", "Rate*", "Treatment", "On*", "Tax*")
    return Table("Taxes", columns, rows, "Nothing was taxed.")


def _said(code: str | None) -> str:
    return words(code) if code else UNSAID


def _converted(snapshot: dict[str, Any]) -> str:
    rate = snapshot.get("exchange_rate")
    if not rate:
        return "no: typed in"
    return f"1 {rate['base_currency']} = {rate['rate']} {snapshot['currency']} · {rate['source']} · {rate['at']}"


def _sums(snapshot: dict[str, Any], currency: str) -> list[tuple[Cell, ...]]:
    """What a snapshot without names says of shipping, fees and discounts: their sums."""
    named = {"Shipping": snapshot["shipping_minor"], "Fees": snapshot["fees_minor"]}
    named["Discount"] = -snapshot["discount_minor"]
    return [(what, UNSAID, UNSAID, amount(minor, currency), "", "") for what, minor in named.items() if minor]


def _taxes_on_lines(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    sums: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(lambda: [0, 0])
    for line in snapshot["lines"]:
        tax = line["tax"]
        named = tuple((name, tax[name]) for name in ("region", "code", "rate", "treatment") if name in tax)
        sums[named][0] += tax["basis_minor"]
        sums[named][1] += tax["amount_minor"]
    return [dict(named) | {"basis_minor": basis, "amount_minor": tax} for named, (basis, tax) in sums.items()]
