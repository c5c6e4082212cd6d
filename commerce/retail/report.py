"""What the replay says at its end: totals in the shape of `expected.json`, and whether they tie out."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from commerce.retail import placed, returned
from commerce.retail.faults import FaultsHappened
from commerce.retail.placed import FileTotals
from commerce.retail.returned import GivenBack
from commerce.retail.returns import Returns
from core.money import Money
from ledger.selectors import trial_balance
from reconciliation.invariants import provider

EXPECTED = "expected.json"
ALL_FILES = "all"
# Through whom a customer's payment is learned when nobody waits for the provider's answer.
HEARD_LATER = {"webhook", "sweep", "reconciliation"}
HEARD_LATER_SHARE_MIN = 0.99
# What checkout learns, it learns from the answer to its own call.
SAID_AS = {"checkout": "answer"}
# A start that places more orders than this must have met every kind of fault it asked for.
ORDERS_WITHOUT_FAULTS_MAX = 100

# In expected.json each file's refunds are of that file alone. Replayed together, the cancelled invoices of one month
# also meet the orders of the months before.
OF_ONE_FILE = {"refunded_units", "refunded_pence", "unmatched_units", "unmatched_pence", "net_pence"}

Totals = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefundTotals:
    """What the cancelled invoices of one file came to: rows, what arrived, and what met no order."""

    lines: int = 0
    units: int = 0
    amount_minor: int = 0
    unmatched_units: int = 0
    unmatched_minor: int = 0

    def __add__(self, other: "RefundTotals") -> "RefundTotals":
        """Sum each figure."""
        return RefundTotals(*(sum(pair) for pair in zip(astuple(self), astuple(other), strict=True)))


def refund_totals(returns: Returns) -> dict[str, RefundTotals]:
    """This will return by file what the cancelled invoices came to, what arrived as the shop knows it."""
    arrived = returned.given_back_by_file()
    return {
        file: RefundTotals(
            facts.lines,
            arrived.get(file, GivenBack()).units,
            arrived.get(file, GivenBack()).amount_minor,
            facts.unmatched_units,
            facts.unmatched_minor,
        )
        for file, facts in returns.by_file.items()
    }


def totals_as_json(
    found: Mapping[str, FileTotals],
    *,
    files: list[str],
    skipped: Mapping[str, Counter[str]],
    refunds: Mapping[str, RefundTotals] | None = None,
) -> Totals:
    """This will return the totals by file, and of all files together, in the shape of `expected.json`; what was
    refunded only where refunds were replayed.
    """
    by_file: Totals = {
        file: _as_json(found.get(file, FileTotals()), skipped=skipped.get(file, Counter())) for file in files
    }
    together = FileTotals()
    skipped_together: Counter[str] = Counter()
    countries: Counter[str] = Counter()
    for file in files:
        one = found.get(file, FileTotals())
        together.orders += one.orders
        together.order_lines += one.order_lines
        together.units += one.units
        together.gross_minor += one.gross_minor
        countries.update(one.gross_minor_by_country)
        skipped_together.update(skipped.get(file, Counter()))
    together.gross_minor_by_country = dict(sorted(countries.items()))
    totals = {**by_file, ALL_FILES: _as_json(together, skipped=skipped_together)}
    if refunds is not None:
        for file in files:
            totals[file] |= _refunds_as_json(refunds[file], gross_minor=totals[file]["gross_pence"])
        all_refunds = sum(refunds.values(), RefundTotals())
        totals[ALL_FILES] |= _refunds_as_json(all_refunds, gross_minor=together.gross_minor)
    return totals


def _refunds_as_json(refunds: RefundTotals, *, gross_minor: int) -> Totals:
    return {
        "refund_lines": refunds.lines,
        "refunded_units": refunds.units,
        "refunded_pence": refunds.amount_minor,
        "unmatched_units": refunds.unmatched_units,
        "unmatched_pence": refunds.unmatched_minor,
        "net_pence": gross_minor - refunds.amount_minor,
    }


def _as_json(totals: FileTotals, *, skipped: Mapping[str, int]) -> Totals:
    return {
        "orders": totals.orders,
        "order_lines": totals.order_lines,
        "units": totals.units,
        "gross_pence": totals.gross_minor,
        "skipped": {str(reason): count for reason, count in skipped.items()},
        "gross_pence_by_country": totals.gross_minor_by_country,
    }


def compare_with_expected(totals: Totals, *, paths: list[Path]) -> Iterator[str]:
    """This will name what differs from the `expected.json` beside the files, where there is one.

    Refunds are compared where they were replayed; the files together only when all are here.
    """
    for folder in sorted({path.parent for path in paths}):
        source = folder / EXPECTED
        if not source.exists():
            continue
        expected = json.loads(source.read_text())
        here = [path.name for path in paths if path.parent == folder and path.name in expected]
        is_complete = set(here) == set(expected) - {ALL_FILES} and len({path.parent for path in paths}) == 1
        for name in [*here, *([ALL_FILES] if is_complete and ALL_FILES in expected else [])]:
            is_one_of_many = name != ALL_FILES and len(paths) > 1
            left_out = OF_ONE_FILE if is_one_of_many else set()
            wanted = {key: value for key, value in expected[name].items() if key not in left_out}
            yield from _differences(name, wanted=wanted, found=totals[name])


def _differences(name: str, *, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key, value in found.items():
        if key not in wanted:
            continue
        parts = sorted(set(value) | set(wanted[key])) if isinstance(value, dict) else []
        for part in parts:
            is_one, shall_one = value.get(part, 0), wanted[key].get(part, 0)
            if is_one != shall_one:
                yield f"{name}: {key} of {part} is {is_one}, expected.json says {shall_one}"
        if not parts and value != wanted[key]:
            yield f"{name}: {key} is {value}, expected.json says {wanted[key]}"


def compare_ledger(found: Mapping[str, FileTotals]) -> Iterator[str]:
    """This will name the files whose ledger totals are not those of their snapshots."""
    for file, totals in sorted(found.items()):
        kept_minor = totals.gross_minor - totals.returned_minor
        facts = (("sales", totals.sales_minor, totals.gross_minor), ("clearing", totals.clearing_minor, kept_minor))
        for subject, amount, wanted in facts:
            if amount != wanted:
                yield f"{file}: {subject} in the ledger is {amount}, the snapshots say {wanted}"


def compare_balances(truth: provider.Truth, *, legal_entity: str, currency: str) -> Iterator[str]:
    """This will name what the provider's balance and the books disagree about, to the penny, and books that do not
    balance: of everything in the shop, not of the replay alone.
    """
    yield from (str(violation) for violation in provider.balance_differences(truth))
    total_minor = sum(
        each.amount_minor
        for each in trial_balance(legal_entity=legal_entity, is_livemode=False)
        if each.currency == currency
    )
    if total_minor:
        yield f"the trial balance is {total_minor}, not zero"


def compare_sources() -> Iterator[str]:
    """This will complain when too many orders became paid by an answer that somebody waited for."""
    counts = placed.counts_by_source()
    heard_later = sum(count for source, count in counts.items() if source in HEARD_LATER)
    total = sum(counts.values())
    if heard_later < HEARD_LATER_SHARE_MIN * total:
        yield f"only {heard_later} of {total} orders became paid by a webhook or a sweep"


def describe(totals: Totals, found: Mapping[str, FileTotals], *, currency: str) -> Iterator[str]:
    """This will tell the totals for people, by file and by country."""
    for file in [name for name in totals if name != ALL_FILES]:
        facts, ledger = totals[file], found.get(file, FileTotals())
        yield (
            f"{file}: {facts['orders']:,} orders, {facts['order_lines']:,} lines, {facts['units']:,} units, "
            f"{Money(facts['gross_pence'], currency).display()} (ledger: sales "
            f"{Money(ledger.sales_minor, currency).display()}, clearing "
            f"{Money(ledger.clearing_minor, currency).display()})"
        )
        skipped = ", ".join(f"{count} {reason}" for reason, count in facts["skipped"].items()) or "none"
        yield f"  rows skipped: {skipped}"
        for country, gross_minor in facts["gross_pence_by_country"].items():
            yield f"  {country:<24} {Money(gross_minor, currency).display():>16}"


def describe_payments() -> str:
    """This will tell through whom the orders became paid."""
    counts = placed.counts_by_source()
    total = sum(counts.values())
    shares = [f"{count:,} by {SAID_AS.get(source, source)} ({count / total:.1%})" for source, count in counts.items()]
    return "paid: " + (", ".join(shares) or "none")


def describe_refunds(totals: Totals, *, currency: str) -> Iterator[str]:
    """This will tell what went back, who decided, and what the books and the provider hold now."""
    facts = totals[ALL_FILES]
    money = {name: Money(facts[f"{name}_pence"], currency).display() for name in ("refunded", "unmatched", "net")}
    yield (
        f"refunds: {facts['refund_lines']:,} rows, {facts['refunded_units']:,} units, {money['refunded']} given back; "
        f"{facts['unmatched_units']:,} units, {money['unmatched']} met no order; {money['net']} net"
    )
    counts = returned.counts_by_decision()
    yield "decided: " + (", ".join(f"{count:,} by {who}" for who, count in counts.items()) or "none")


def describe_start_times() -> str:
    """This will tell how long checkout/start took."""
    times = placed.start_times()
    if not times.count:
        return "checkout/start: every order was placed by an earlier start"
    return (
        f"checkout/start: {times.count:,} placed, p50 {times.p50_seconds * 1000:.0f} ms, "
        f"p99 {times.p99_seconds * 1000:.0f} ms"
    )


def describe_faults(happened: FaultsHappened) -> str:
    """This will tell how many faults of each kind really happened."""
    return (
        f"faults: {happened.dropped:,} webhooks dropped, {happened.duplicated:,} duplicated, "
        f"{happened.answers_lost:,} answers lost, {happened.declined:,} payments declined"
    )


def compare_faults(happened: FaultsHappened) -> Iterator[str]:
    """This will name the kinds of faults that should have happened and did not."""
    placed_count = placed.start_times().count
    if placed_count <= ORDERS_WITHOUT_FAULTS_MAX:
        return
    counts = {
        "webhook dropped": happened.dropped,
        "webhook duplicated": happened.duplicated,
        "answer lost": happened.answers_lost,
        "payment declined": happened.declined,
    }
    yield from (f"no {kind} although {placed_count} orders were placed" for kind, count in counts.items() if not count)


def mismatches(totals: Totals, found: Mapping[str, FileTotals], *, paths: list[Path]) -> Iterator[str]:
    """This will name everything that does not tie out; with `expected.json` only where `paths` were replayed whole."""
    yield from (str(difference) for difference in placed.differences())
    yield from (str(difference) for difference in returned.differences())
    yield from compare_ledger(found)
    yield from compare_sources()
    yield from compare_with_expected(totals, paths=paths)
