"""What holds for any order and any sequence of refunds that ends in everything."""

import dataclasses
import random
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from catalog.tests.test_any_quote import a_random_request
from core.money import payable_step
from orders.refunding import (
    Given,
    LineShare,
    NothingLeft,
    RefundOfNothing,
    Share,
    Shares,
    Sold,
    Wanted,
    WantedAmount,
    WantedUnits,
    given_by,
    refund_shares,
)
from orders.services.pay import sale_of
from orders.tests.test_refund_shares import EVERYTHING, sold_by

SEED = 20_261_205
ORDERS = 10_000


@dataclasses.dataclass
class Tale:
    """One order and what was given back of it: `kept` are the refunds that did not fail, `given` is their sum."""

    sold: Sold
    step: int
    kept: list[Shares] = dataclasses.field(default_factory=list)
    is_plain: bool = True
    given: Given = dataclasses.field(default_factory=Given)

    def give(self, wanted: Wanted) -> Shares:
        """This will give back and check what holds after each refund, whatever came before."""
        refund = refund_shares(self.sold, given=self.given, wanted=wanted, step_minor=self.step)
        self.kept.append(refund)
        given = self.given = given_by(self.kept)
        assert 0 < refund.total_minor <= self.sold.accepted_minor
        assert given.returned_minor <= self.sold.accepted_minor
        assert refund.total_minor % self.step == 0 or given.returned_minor == self.sold.accepted_minor
        parts: list[LineShare | Share] = [*refund.lines, refund.shipping, refund.fees, refund.free]
        assert all(0 <= part.tax_minor <= part.gross_minor for part in parts)
        assert sum(part.tax_minor for part in parts) == refund.tax_minor == refund.total_minor - refund.net_minor
        assert min(refund.taxes_minor.values(), default=1) > 0
        for position, back in given.lines.items():
            line = self.sold.snapshot["lines"][position - 1]
            assert 0 <= back.units <= line["quantity"] - self.sold.units_cancelled.get(position, 0)
            assert 0 <= back.gross_minor <= line["total_minor"]
            assert 0 <= back.discount_minor <= line["discount_minor"]
            if self.is_plain:
                self.refuse_if_remainders_do_not_explain_it(line, back)
        return refund

    def fail(self, index: int) -> None:
        """This will let a refund fail after all."""
        del self.kept[index]
        self.given = given_by(self.kept)

    def refuse_if_remainders_do_not_explain_it(self, line: dict[str, Any], back: LineShare) -> None:
        """This will check, of orders of which only units went back, that no order of refunds changes what is back."""
        assert 0 <= back.gross_minor - Decimal(line["total_minor"] * back.units) / line["quantity"] < self.step
        if line["total_minor"]:
            tax = Decimal(line["tax"]["amount_minor"] * back.gross_minor) / line["total_minor"]
            assert 0 <= back.tax_minor - tax < 1

    def refuse_if_it_does_not_end(self) -> None:
        """This will check that everything went back: the money, and the sale's tax and net as the books have them."""
        sold, given = self.sold, self.given
        order: Any = SimpleNamespace(
            snapshot=sold.snapshot,
            due_minor=sold.accepted_minor,
            total_minor=sold.snapshot["total_minor"],
            channel=None,
            public_id="ord_1",
            is_livemode=False,
            currency=sold.snapshot["currency"],
        )
        sale = sale_of(order)
        net = (
            sale.sales_minor + sale.shipping_minor + sale.fees_minor - sale.discounts_minor + sale.due_adjustment_minor
        )
        assert given.returned_minor == sold.accepted_minor
        taxes = {region: tax for region, tax in sale.taxes_minor.items() if tax}
        if net >= 0:
            assert (given.taxes_minor, sum(each.net_minor for each in self.kept)) == (taxes, net)
        else:
            assert sum(given.taxes_minor.values()) == sold.accepted_minor
        with pytest.raises(NothingLeft):
            refund_shares(sold, given=given, wanted=EVERYTHING)
        if self.is_plain:
            for position, line in enumerate(sold.snapshot["lines"], start=1):
                # Nobody has to give back what cost nothing.
                back = given.lines.get(position, LineShare(position, line["sku"], 0, 0, 0, 0))
                assert (back.gross_minor, back.tax_minor) == (line["total_minor"], line["tax"]["amount_minor"])


def a_random_tale(source: random.Random) -> Tale:
    """An order through the real arithmetic of prices; every fifth paid another amount than its snapshot's total."""
    request = a_random_request(source)
    sold = sold_by(request)
    step, total = payable_step(request.currency), sold.accepted_minor
    if total == 0 or source.random() < 0.8:
        return Tale(sold, step)
    accepted = source.randint(1, total * 5 // 4 // step + 1) * step
    position = source.randint(1, len(request.lines))
    gone = {position: source.randint(1, sold.snapshot["lines"][position - 1]["quantity"])}
    return Tale(Sold(sold.snapshot, accepted, source.choice([{}, gone])), step, is_plain=False)


def a_random_wish(source: random.Random, tale: Tale) -> Wanted:
    left = tale.sold.accepted_minor - tale.given.returned_minor
    if not tale.is_plain and source.random() < 0.4:
        amount = source.choice([source.randint(0, left), min(left, 500)])
        return WantedAmount(amount - amount % tale.step, is_goodwill=source.random() < 0.3)
    back = tale.given.lines
    counts = {
        position: line["quantity"]
        - tale.sold.units_cancelled.get(position, 0)
        - (back[position].units if position in back else 0)
        for position, line in enumerate(tale.sold.snapshot["lines"], start=1)
    }
    there = [position for position, count in counts.items() if count]
    some = source.sample(there, source.randint(min(1, len(there)), len(there)))
    wanted = {position: source.randint(1, counts[position]) for position in some}
    return WantedUnits(wanted, shipping=source.random() < 0.2, fees=source.random() < 0.2)


def told(source: random.Random, tale: Tale) -> Counter[str]:
    """This will give back by chance, let some refunds of it fail, and give back everything else at the end."""
    counts: Counter[str] = Counter()
    for _ in range(source.randint(0, 6)):
        try:
            tale.give(a_random_wish(source, tale))
            counts["refunds"] += 1
        except (RefundOfNothing, NothingLeft) as refusal:
            counts[refusal.code] += 1
        if not tale.is_plain and tale.kept and source.random() < 0.1:
            tale.fail(source.randrange(len(tale.kept)))
            counts["failed"] += 1
    if tale.given.returned_minor < tale.sold.accepted_minor:
        tale.give(EVERYTHING)
        counts["refunds"] += 1
    return counts


@pytest.mark.pains("F3", "H3")
def test_any_refunds_of_ten_thousand_orders_return_what_was_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    source = random.Random(SEED)
    counts: Counter[str] = Counter()

    while counts["orders"] < ORDERS:
        tale = a_random_tale(source)
        if tale.sold.accepted_minor == 0:
            continue  # Given away: there is nothing to give back.
        tale.is_plain = tale.is_plain and source.random() < 0.4
        counts += told(source, tale) + Counter(["orders", "plain" if tale.is_plain else "mixed"])
        tale.refuse_if_it_does_not_end()

    assert min(counts["plain"], counts["mixed"]) > ORDERS // 5
    with capsys.disabled():
        print(f"\nrandom orders given back to the last minor unit (seed {SEED}): {dict(counts)}")
