"""The arithmetic of a quote. Fractions appear inside the tax alone and are rounded where the rounding scope says."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from catalog.pricing.agreement import LineTax, Quote, QuoteLine, hash_of
from catalog.pricing.request import PricedLine, QuoteRequest, RoundingScope, TaxEntry, TaxRule
from catalog.pricing.warnings import LOW_STOCK_UNITS, LowStock, PriceChanged, QuoteWarning, SoldOut
from core.errors import DomainError, Invalid, Kind
from core.money import AMOUNT_MAX, allocate, exponent, round_minor


class InvalidQuoteRequest(Invalid):
    """The lines cannot be priced: a SKU twice, a quantity below one, a negative price or more discount than goods."""

    code = "invalid_quote_request"
    title = "These lines cannot be priced."


class AmountTooLarge(Invalid):
    """The total is beyond what a bigint column and a JavaScript number both hold."""

    code = "amount_too_large"
    title = "The total is too large."


class TaxRuleMissing(DomainError):
    """The shop has no tax rule for a line's category in the buyer's region."""

    code = "tax_rule_missing"
    title = "The tax of a line is not known."
    kind = Kind.UNPROCESSABLE


def quote(request: QuoteRequest) -> Quote:
    """This will price the lines; their order changes nothing but `position`, which counts the request's lines from 1.

    Amounts are minor units of `request.currency`. Needs no transaction.
    Raises: InvalidQuoteRequest, AmountTooLarge, TaxRuleMissing, UnknownCurrency.
    """
    _refuse_unusable(request)
    # Shares are dealt out in the order of SKUs: the same basket costs the same on each line however the client sent it.
    placed = sorted(enumerate(request.lines, start=1), key=lambda numbered: numbered[1].sku)
    subtotals = [line.quantity * line.unit_price_minor for _, line in placed]
    if sum(subtotals) > AMOUNT_MAX:
        raise AmountTooLarge(amount_max=AMOUNT_MAX)
    if request.discount_minor > sum(subtotals):
        raise InvalidQuoteRequest(detail="The discount is greater than the goods.")
    discounts = allocate(request.discount_minor, subtotals)
    entered = [subtotal - discount for subtotal, discount in zip(subtotals, discounts, strict=True)]
    rules = _rules_of([line for _, line in placed], request.tax_rules)
    taxes = _taxes(entered, rules, request)

    lines = [
        _line(position, line, discount_minor=discount, tax=_line_tax(rule, amount, tax, request.tax_entry))
        for (position, line), discount, rule, amount, tax in zip(placed, discounts, rules, entered, taxes, strict=True)
    ]
    return _sum_up(request, sorted(lines, key=lambda line: line.position))


def _refuse_unusable(request: QuoteRequest) -> None:
    exponent(request.currency)
    amounts = [number for line in request.lines for number in (line.quantity, line.unit_price_minor)]
    if any(type(number) is not int for number in [request.discount_minor, *amounts]):
        raise TypeError("quantities and amounts are ints")
    skus = [line.sku for line in request.lines]
    if len(set(skus)) != len(skus):
        raise InvalidQuoteRequest(detail="A SKU stands on two lines.")
    wrong = [line.sku for line in request.lines if line.quantity < 1 or line.unit_price_minor < 0]
    if wrong:
        raise InvalidQuoteRequest(detail="A quantity is below one or a price is negative.", skus=wrong)
    if request.discount_minor < 0:
        raise InvalidQuoteRequest(detail="The discount is negative.")
    categories = [rule.category for rule in request.tax_rules]
    if len(set(categories)) != len(categories):
        raise InvalidQuoteRequest(detail="A tax category has two rules.")


def _rules_of(lines: Sequence[PricedLine], rules: Sequence[TaxRule]) -> list[TaxRule]:
    by_category = {rule.category: rule for rule in rules}
    missing = sorted({line.tax_category for line in lines} - set(by_category))
    if missing:
        raise TaxRuleMissing(tax_categories=missing)
    return [by_category[line.tax_category] for line in lines]


def _taxes(entered: Sequence[int], rules: Sequence[TaxRule], request: QuoteRequest) -> list[int]:
    if request.rounding_scope is RoundingScope.LINE:
        return [_tax_within(amount, rule.rate, request) for amount, rule in zip(entered, rules, strict=True)]
    members = defaultdict(list)
    for index, rule in enumerate(rules):
        members[rule].append(index)
    taxes = [0] * len(entered)
    for rule, indexes in members.items():
        amounts = [entered[index] for index in indexes]
        shares = allocate(_tax_within(sum(amounts), rule.rate, request), amounts)
        for index, share in zip(indexes, shares, strict=True):
            taxes[index] = share
    return taxes


def _tax_within(amount_minor: int, rate: Decimal, request: QuoteRequest) -> int:
    # Entered gross, the tax is a part of the amount; entered net, it comes on top.
    taxed = amount_minor * rate
    exact = taxed / (1 + rate) if request.tax_entry == TaxEntry.GROSS else taxed
    return round_minor(exact, mode=request.rounding_mode)


def _line_tax(rule: TaxRule, amount_minor: int, tax_minor: int, tax_entry: TaxEntry) -> LineTax:
    return LineTax(
        region=rule.region,
        category=rule.category,
        code=rule.code,
        rate=rule.rate,
        treatment=rule.treatment,
        calculation_reference=rule.calculation_reference,
        basis_minor=amount_minor - tax_minor if tax_entry == TaxEntry.GROSS else amount_minor,
        amount_minor=tax_minor,
    )


def _line(position: int, line: PricedLine, *, discount_minor: int, tax: LineTax) -> QuoteLine:
    return QuoteLine(
        position=position,
        sku=line.sku,
        variant_id=line.variant_id,
        product_name=line.product_name,
        variant_name=line.variant_name,
        is_physical=line.is_physical,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        subtotal_minor=line.quantity * line.unit_price_minor,
        discount_minor=discount_minor,
        tax=tax,
        total_minor=tax.basis_minor + tax.amount_minor,
    )


def _sum_up(request: QuoteRequest, lines: Sequence[QuoteLine]) -> Quote:
    # Shipping and fees stand in the agreement from the first version; nothing charges them yet.
    shipping_minor = fees_minor = 0
    total_minor = sum(line.total_minor for line in lines) + shipping_minor + fees_minor
    if total_minor > AMOUNT_MAX:
        raise AmountTooLarge(amount_max=AMOUNT_MAX)
    unhashed = Quote(
        currency=request.currency,
        tax_entry=request.tax_entry,
        rounding_mode=request.rounding_mode,
        rounding_scope=request.rounding_scope,
        lines=tuple(lines),
        subtotal_minor=sum(line.subtotal_minor for line in lines),
        discount_minor=request.discount_minor,
        tax_minor=sum(line.tax.amount_minor for line in lines),
        shipping_minor=shipping_minor,
        fees_minor=fees_minor,
        total_minor=total_minor,
        quote_hash="",
        warnings=_warnings(request),
    )
    return replace(unhashed, quote_hash=hash_of(unhashed))


def _warnings(request: QuoteRequest) -> tuple[QuoteWarning, ...]:
    warnings: list[QuoteWarning] = list(request.not_for_sale)
    for line in request.lines:
        if line.seen_unit_price_minor is not None and line.seen_unit_price_minor != line.unit_price_minor:
            warnings.append(
                PriceChanged(sku=line.sku, before_minor=line.seen_unit_price_minor, now_minor=line.unit_price_minor)
            )
        if line.available < line.quantity:
            warnings.append(SoldOut(sku=line.sku, requested=line.quantity, available=max(line.available, 0)))
        elif line.available <= LOW_STOCK_UNITS:
            warnings.append(LowStock(sku=line.sku, available=line.available))
    return tuple(warnings)
