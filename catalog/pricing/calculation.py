"""The arithmetic of a quote: discounts, then fees, then taxes on what is left, then the sum."""

from collections.abc import Sequence
from dataclasses import replace

from catalog.pricing.agreement import FeeLine, LineTax, Quote, QuoteLine, QuoteShipping
from catalog.pricing.canonical import hash_of
from catalog.pricing.reductions import Reductions, reduce
from catalog.pricing.request import Fee, PricedLine, QuoteRequest, ShippingCharge
from catalog.pricing.taxes import Taxable, tax_lines, taxes_of, without_tax
from catalog.pricing.warnings import LOW_STOCK_UNITS, LowStock, PriceChanged, QuoteWarning, SoldOut
from core.errors import Invalid
from core.money import AMOUNT_MAX, exponent, is_payable, payable_step, round_minor

Placed = tuple[int, PricedLine]


class InvalidQuoteRequest(Invalid):
    """The lines cannot be priced: a SKU twice, a quantity below one, or a price that is negative or cannot be paid."""

    code = "invalid_quote_request"
    title = "These lines cannot be priced."


class AmountTooLarge(Invalid):
    """The total is beyond what a bigint column and a JavaScript number both hold."""

    code = "amount_too_large"
    title = "The total is too large."


def quote(request: QuoteRequest) -> Quote:
    """This will price the lines; their order changes nothing but `position`, which counts the request's lines from 1.

    Amounts are minor units of `request.currency`. Needs no transaction.
    Raises: InvalidQuoteRequest, AmountTooLarge, TaxRuleMissing, UnknownCurrency.
    """
    _refuse_unusable(request)
    # Shares are dealt out in the order of SKUs: the same basket costs the same on each line however the client sent it.
    placed = sorted(enumerate(request.lines, start=1), key=lambda numbered: numbered[1].sku)
    priced = [line for _, line in placed]
    if sum(line.quantity * line.unit_price_minor for line in priced) > AMOUNT_MAX:
        raise AmountTooLarge(amount_max=AMOUNT_MAX)
    reductions = reduce(request, priced)
    entered = [
        line.quantity * line.unit_price_minor - discount
        for line, discount in zip(priced, reductions.lines, strict=True)
    ]
    fees = sorted(request.fees, key=lambda fee: fee.code)
    fee_amounts = [_fee_amount(fee, sum(entered), request) for fee in fees]
    carried = [request.shipping] if request.shipping else []
    taxes = taxes_of(
        [
            *(Taxable(line.tax_category, amount) for line, amount in zip(priced, entered, strict=True)),
            *(Taxable(each.tax_category, each.price_minor - reductions.shipping_minor) for each in carried),
            *(Taxable(fee.tax_category, amount) for fee, amount in zip(fees, fee_amounts, strict=True)),
        ],
        request,
    )
    split = len(priced), len(priced) + len(carried)
    lines = [
        _line(numbered, discount, tax, request)
        for numbered, discount, tax in zip(placed, reductions.lines, taxes[: split[0]], strict=True)
    ]
    shipping = [
        _shipping(each, reductions.shipping_minor, tax, request)
        for each, tax in zip(carried, taxes[split[0] : split[1]], strict=True)
    ]
    fee_lines = [
        _fee_line(fee, amount, tax) for fee, amount, tax in zip(fees, fee_amounts, taxes[split[1] :], strict=True)
    ]
    in_order = sorted(lines, key=lambda line: line.position)
    return _sum_up(request, reductions, lines=in_order, shipping=shipping[0] if shipping else None, fees=fee_lines)


def _refuse_unusable(request: QuoteRequest) -> None:
    exponent(request.currency)
    charges = [fee.amount_minor for fee in request.fees]
    charges += [request.shipping.price_minor] if request.shipping else []
    amounts = [number for line in request.lines for number in (line.quantity, line.unit_price_minor)]
    if any(type(number) is not int for number in [*charges, *amounts]):
        raise TypeError("quantities and amounts are ints")
    skus = [line.sku for line in request.lines]
    if len(set(skus)) != len(skus):
        raise InvalidQuoteRequest(detail="A SKU stands on two lines.")
    wrong = [line.sku for line in request.lines if line.quantity < 1 or line.unit_price_minor < 0]
    if wrong:
        raise InvalidQuoteRequest(detail="A quantity is below one or a price is negative.", skus=wrong)
    if any(charge < 0 for charge in charges):
        raise InvalidQuoteRequest(detail="Shipping or a fee is negative.")
    prices = [line.unit_price_minor for line in request.lines]
    if not all(is_payable(amount_minor, request.currency) for amount_minor in [*prices, *charges]):
        raise InvalidQuoteRequest(
            detail=f"An amount of {request.currency} is no multiple of {payable_step(request.currency)} minor units."
        )
    codes = [fee.code for fee in request.fees]
    if len(set(codes)) != len(codes):
        raise InvalidQuoteRequest(detail="A fee is charged twice.")
    categories = [rule.category for rule in request.tax_rules]
    if len(set(categories)) != len(categories):
        raise InvalidQuoteRequest(detail="A tax category has two rules.")


def _fee_amount(fee: Fee, goods_minor: int, request: QuoteRequest) -> int:
    part = round_minor(goods_minor * fee.rate, mode=request.rounding_mode, step=payable_step(request.currency))
    return fee.amount_minor + part


def _line(placed: Placed, discount_minor: int, tax: LineTax, request: QuoteRequest) -> QuoteLine:
    position, line = placed
    return QuoteLine(
        position=position,
        sku=line.sku,
        variant_id=line.variant_id,
        product_name=line.product_name,
        variant_name=line.variant_name,
        is_physical=line.is_physical,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        entered_unit_price_minor=line.entered_unit_price_minor,
        subtotal_minor=line.quantity * line.unit_price_minor,
        discount_minor=discount_minor,
        discount_net_minor=without_tax(discount_minor, tax, request),
        tax=tax,
        total_minor=tax.basis_minor + tax.amount_minor,
    )


def _shipping(charge: ShippingCharge, discount_minor: int, tax: LineTax, request: QuoteRequest) -> QuoteShipping:
    return QuoteShipping(
        code=charge.code,
        name=charge.name,
        price_minor=charge.price_minor,
        discount_minor=discount_minor,
        discount_net_minor=without_tax(discount_minor, tax, request),
        tax=tax,
        total_minor=tax.basis_minor + tax.amount_minor,
    )


def _fee_line(fee: Fee, amount_minor: int, tax: LineTax) -> FeeLine:
    total_minor = tax.basis_minor + tax.amount_minor
    return FeeLine(code=fee.code, name=fee.name, amount_minor=amount_minor, tax=tax, total_minor=total_minor)


def _sum_up(
    request: QuoteRequest,
    reductions: Reductions,
    *,
    lines: Sequence[QuoteLine],
    shipping: QuoteShipping | None,
    fees: Sequence[FeeLine],
) -> Quote:
    charged: list[QuoteLine | QuoteShipping | FeeLine] = [*lines, *([shipping] if shipping else []), *fees]
    taxes = [each.tax for each in charged]
    total_minor = sum(each.total_minor for each in charged)
    if total_minor > AMOUNT_MAX:
        raise AmountTooLarge(amount_max=AMOUNT_MAX)
    unhashed = Quote(
        currency=request.currency,
        tax_entry=request.tax_entry,
        rounding_mode=request.rounding_mode,
        rounding_scope=request.rounding_scope,
        lines=tuple(lines),
        shipping_method=shipping,
        fee_lines=tuple(fees),
        discounts=reductions.applied,
        tax_lines=tax_lines(taxes),
        exchange_rate=request.exchange_rate,
        subtotal_minor=sum(line.subtotal_minor for line in lines),
        discount_minor=sum(reductions.lines) + reductions.shipping_minor,
        tax_minor=sum(tax.amount_minor for tax in taxes),
        shipping_minor=shipping.price_minor if shipping else 0,
        fees_minor=sum(fee.amount_minor for fee in fees),
        total_minor=total_minor,
        quote_hash="",
        warnings=_warnings(request),
    )
    return replace(unhashed, quote_hash=hash_of(unhashed))


def _warnings(request: QuoteRequest) -> tuple[QuoteWarning, ...]:
    warnings: list[QuoteWarning] = [*request.not_for_sale, *request.advice]
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
