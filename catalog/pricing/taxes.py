"""Taxes: the only place with fractions of minor units. They become payable amounts where the rounding scope says."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.pricing.agreement import LineTax, TaxLine
from catalog.pricing.request import QuoteRequest, TaxEntry, TaxRule, TaxTreatment
from core.errors import DomainError, Kind
from core.money import RoundingScope, allocate, payable_step, round_minor


class TaxRuleMissing(DomainError):
    """The shop has no tax rule for a line's category in the buyer's region."""

    code = "tax_rule_missing"
    title = "The tax of a line is not known."
    kind = Kind.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class Taxable:
    """What bears tax: an amount as entered, after discount, in a tax category."""

    tax_category: str
    amount_minor: int


def taxes_of(taxables: Sequence[Taxable], request: QuoteRequest) -> list[LineTax]:
    """This will tax each amount by its category's rule. Raises: TaxRuleMissing."""
    by_category = {rule.category: rule for rule in request.tax_rules}
    missing = sorted({each.tax_category for each in taxables} - set(by_category))
    if missing:
        raise TaxRuleMissing(tax_categories=missing)
    rules = [by_category[each.tax_category] for each in taxables]
    amounts = [each.amount_minor for each in taxables]
    rounded = _per_line if request.rounding_scope is RoundingScope.LINE else _per_document
    return [
        _line_tax(rule, amount, tax, request.tax_entry)
        for rule, amount, tax in zip(rules, amounts, rounded(amounts, rules, request), strict=True)
    ]


def without_tax(amount_minor: int, tax: LineTax, request: QuoteRequest) -> int:
    """This will return the net part of an amount as entered, rounded by itself."""
    if request.tax_entry == TaxEntry.NET:
        return amount_minor
    return amount_minor - _tax_within(amount_minor, tax.relieved_rate or tax.rate, request)


def tax_lines(taxes: Iterable[LineTax]) -> tuple[TaxLine, ...]:
    """This will sum the taxes up, one line for each that differs, in the order of region, code and rate."""
    sums: dict[tuple[str, str, Decimal, TaxTreatment], list[int]] = defaultdict(lambda: [0, 0])
    for tax in taxes:
        total = sums[tax.region, tax.code, tax.rate, tax.treatment]
        total[0] += tax.basis_minor
        total[1] += tax.amount_minor
    return tuple(
        TaxLine(code=code, region=region, rate=rate, treatment=treatment, basis_minor=basis, amount_minor=amount)
        for (region, code, rate, treatment), (basis, amount) in sorted(sums.items())
    )


def _per_line(amounts: Sequence[int], rules: Sequence[TaxRule], request: QuoteRequest) -> list[int]:
    return [_tax_within(amount, _counted(rule, request), request) for amount, rule in zip(amounts, rules, strict=True)]


def _per_document(amounts: Sequence[int], rules: Sequence[TaxRule], request: QuoteRequest) -> list[int]:
    members = defaultdict(list)
    for index, rule in enumerate(rules):
        # Not by category: goods and shipping taxed alike are one figure on the invoice, and are rounded as one.
        members[rule.region, rule.code, _counted(rule, request), rule.treatment].append(index)
    taxes = [0] * len(amounts)
    for (_, _, rate, _), indexes in members.items():
        sharing = [amounts[index] for index in indexes]
        shares = allocate(_tax_within(sum(sharing), rate, request), sharing, step=payable_step(request.currency))
        for index, share in zip(indexes, shares, strict=True):
            taxes[index] = share
    return taxes


def _counted(rule: TaxRule, request: QuoteRequest) -> Decimal:
    # Note [Tax relief]: a price entered gross holds the tax of those who bear it. A buyer who accounts for it pays what
    # they pay less that tax, to the minor unit; a price entered net holds none.
    return rule.relieved_rate if rule.relieved_rate and request.tax_entry == TaxEntry.GROSS else rule.rate


def _tax_within(amount_minor: int, rate: Decimal, request: QuoteRequest) -> int:
    # Entered gross, the tax is a part of the amount; entered net, it comes on top.
    taxed = amount_minor * rate
    exact = taxed / (1 + rate) if request.tax_entry == TaxEntry.GROSS else taxed
    return round_minor(exact, mode=request.rounding_mode, step=payable_step(request.currency))


def _line_tax(rule: TaxRule, amount_minor: int, tax_minor: int, tax_entry: TaxEntry) -> LineTax:
    is_gross = tax_entry == TaxEntry.GROSS
    relieved_rate = rule.relieved_rate if is_gross else Decimal(0)
    return LineTax(
        region=rule.region,
        category=rule.category,
        code=rule.code,
        rate=rule.rate,
        treatment=rule.treatment,
        calculation_reference=rule.calculation_reference,
        valid_from=rule.valid_from,
        valid_until=rule.valid_until,
        basis_minor=amount_minor - tax_minor if is_gross else amount_minor,
        amount_minor=0 if relieved_rate else tax_minor,
        relieved_rate=relieved_rate,
    )
