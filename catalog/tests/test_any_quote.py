"""What holds for any basket, however it is discounted, carried, taxed and rounded."""

import dataclasses
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.pricing import (
    Discount,
    DiscountKind,
    ExchangeRate,
    Fee,
    FeeLine,
    Quote,
    QuoteLine,
    QuoteRequest,
    QuoteShipping,
    RoundingScope,
    ShippingCharge,
    TaxEntry,
    TaxRule,
    TaxTreatment,
    quote,
    quote_as_json,
)
from catalog.pricing.conversion import converted
from catalog.tests.test_pricing import a_business_rule, a_discount, a_fee, a_line, a_rule, a_shipping
from core.money import RoundingMode, exponent, payable_step
from core.tests.factories import NOW

SEED = 20_261_123
QUOTES = 10_000
CURRENCIES = ["JPY", "GBP", "EUR", "KWD"]
CATEGORIES = ["standard", "reduced", "shipping"]


@st.composite
def discounts(draw: st.DrawFn, skus: list[str]) -> Discount:
    """Any discount on everything or on some lines, and now and then on lines that are not there."""
    return a_discount(
        draw(st.sampled_from(list(DiscountKind))),
        rate=str(draw(st.decimals("0", "1", places=4))),
        amount=draw(st.integers(0, 10**10)),
        skus=draw(st.none() | st.sets(st.sampled_from([*skus, "NOT-THERE"]))),
    )


def rules(category: str) -> st.SearchStrategy[TaxRule]:
    """Any rate of a category, charged or left to the buyer."""
    rates = st.decimals("0", "1", places=4).map(str)
    return st.builds(a_rule, rates, category=st.just(category)) | st.builds(
        a_business_rule, rates, category=st.just(category)
    )


@st.composite
def requests(draw: st.DrawFn) -> QuoteRequest:
    """Any basket of up to twelve lines in two tax categories, with any entry, rounding, discounts and charges, of a
    buyer who bears each tax or accounts for it.
    """
    skus = draw(st.lists(st.text("ABab01-", min_size=1, max_size=4), unique=True, max_size=12))
    currency = draw(st.sampled_from(CURRENCIES))
    step = payable_step(currency)
    lines = tuple(
        a_line(
            sku,
            price=draw(st.integers(0, 10_000_000)) * step,
            quantity=draw(st.integers(1, 100_000)),
            tax_category=draw(st.sampled_from(["standard", "reduced"])),
        )
        for sku in skus
    )
    rates = st.decimals("0", "1", places=4).map(str)
    return QuoteRequest(
        currency=currency,
        tax_entry=draw(st.sampled_from(list(TaxEntry))),
        lines=lines,
        tax_rules=tuple(draw(rules(category)) for category in CATEGORIES),
        discounts=tuple(draw(st.lists(discounts(skus), max_size=4))),
        shipping=a_shipping(draw(st.integers(0, 100_000)) * step) if draw(st.booleans()) else None,
        fees=(a_fee(amount=draw(st.integers(0, 1000)) * step, rate=draw(rates)),) if draw(st.booleans()) else (),
        rounding_mode=draw(st.sampled_from(list(RoundingMode))),
        rounding_scope=draw(st.sampled_from(list(RoundingScope))),
    )


def numbers_in(document: Any) -> Iterator[Any]:
    """This will walk through a JSON document and give everything that is neither text nor a container."""
    children = document.values() if isinstance(document, dict) else document
    for child in children if isinstance(document, dict | list) else []:
        if isinstance(child, dict | list):
            yield from numbers_in(child)
        elif not isinstance(child, str):
            yield child


def amounts_in(document: Any) -> Iterator[int]:
    """This will walk through a JSON document and give every amount of the quote's currency."""
    if isinstance(document, list):
        for child in document:
            yield from amounts_in(child)
    elif isinstance(document, dict):
        for name, child in document.items():
            if name.endswith("_minor") and child is not None and name != "entered_unit_price_minor":
                yield child
            yield from amounts_in(child)


def refuse_if_it_does_not_add_up(result: Quote) -> None:
    """This will check what every quote promises, whoever made it."""
    step = payable_step(result.currency)
    assert [amount for amount in amounts_in(quote_as_json(result)) if amount % step] == []
    shipping = [result.shipping_method] if result.shipping_method else []
    charged: list[QuoteLine | QuoteShipping | FeeLine] = [*result.lines, *shipping, *result.fee_lines]
    for each in charged:
        assert each.tax.basis_minor + each.tax.amount_minor == each.total_minor
        assert min(each.tax.basis_minor, each.tax.amount_minor) >= 0
    for line in result.lines:
        assert 0 <= line.discount_minor <= line.subtotal_minor
    assert sum(each.total_minor for each in charged) == result.total_minor >= 0

    # Net lines + net shipping + fees + tax − net discounts = total.
    discounted: list[QuoteLine | QuoteShipping] = [*result.lines, *shipping]
    net_discounts = sum(each.discount_net_minor for each in discounted)
    net_goods_and_shipping = sum(each.tax.basis_minor + each.discount_net_minor for each in discounted)
    net_fees = sum(fee.tax.basis_minor for fee in result.fee_lines)
    assert net_goods_and_shipping + net_fees + result.tax_minor - net_discounts == result.total_minor
    if result.tax_entry == TaxEntry.NET:
        entered = result.subtotal_minor + result.shipping_minor
        assert entered + result.fees_minor + result.tax_minor - result.discount_minor == result.total_minor
    else:
        entered = result.subtotal_minor + result.shipping_minor + result.fees_minor
        assert entered - result.discount_minor - result.tax_relief_minor == result.total_minor
    relieved = [each for each in charged if each.tax.relieved_rate]
    assert {each.tax.amount_minor for each in relieved} <= {0}
    assert result.tax_relief_minor == sum(entered_of(each) - each.total_minor for each in relieved) >= 0

    assert sum(each.discount_minor for each in discounted) == result.discount_minor
    assert sum(discount.amount_minor for discount in result.discounts) == result.discount_minor
    assert sum(each.tax.amount_minor for each in charged) == result.tax_minor
    assert sum(tax.amount_minor for tax in result.tax_lines) == result.tax_minor
    assert sum(tax.basis_minor for tax in result.tax_lines) == result.total_minor - result.tax_minor


def entered_of(each: QuoteLine | QuoteShipping | FeeLine) -> int:
    """This will return what is charged for something, as entered and after discount."""
    if isinstance(each, FeeLine):
        return each.amount_minor
    before = each.subtotal_minor if isinstance(each, QuoteLine) else each.price_minor
    return before - each.discount_minor


def shuffled(request_: QuoteRequest, source: random.Random) -> QuoteRequest:
    """This will return the same basket as another client would send it."""
    lines = list(request_.lines)
    source.shuffle(lines)
    return dataclasses.replace(request_, lines=tuple(lines))


def of_a_consumer(request_: QuoteRequest) -> QuoteRequest:
    """This will return the same basket for somebody who bears every tax of it."""
    borne = (
        dataclasses.replace(
            rule, rate=rule.relieved_rate or rule.rate, relieved_rate=Decimal(0), treatment=TaxTreatment.STANDARD
        )
        for rule in request_.tax_rules
    )
    return dataclasses.replace(request_, tax_rules=tuple(borne))


class TestAnyBasket:
    @settings(deadline=None)
    @given(requests())
    def test_adds_up(self, request_: QuoteRequest) -> None:
        refuse_if_it_does_not_add_up(quote(request_))

    @settings(deadline=None)
    @given(requests())
    def test_taxes_each_line_by_its_rate(self, request_: QuoteRequest) -> None:
        # Per document the sum is rounded first and the lines share it, so a line may be off by its share and one more.
        steps = Decimal("0.5") if request_.rounding_scope is RoundingScope.LINE else Decimal("1.5")
        tolerance = steps * payable_step(request_.currency)

        for line in quote(request_).lines:
            exact = (line.subtotal_minor - line.discount_minor) * line.tax.rate
            if request_.tax_entry == TaxEntry.GROSS:
                exact /= 1 + line.tax.rate
            assert abs(exact - line.tax.amount_minor) <= tolerance

    @settings(deadline=None)
    @given(requests(), st.randoms(use_true_random=False))
    def test_does_not_care_for_the_order_of_lines(self, request_: QuoteRequest, source: random.Random) -> None:
        again = shuffled(request_, source)

        one, other = quote(request_), quote(again)

        assert one.quote_hash == other.quote_hash
        by_sku = {line.sku: dataclasses.replace(line, position=0) for line in one.lines}
        assert by_sku == {line.sku: dataclasses.replace(line, position=0) for line in other.lines}
        assert [line.sku for line in other.lines] == [line.sku for line in again.lines]
        assert [line.position for line in other.lines] == list(range(1, len(again.lines) + 1))

    @settings(deadline=None)
    @given(requests())
    def test_costs_a_business_what_it_costs_others_without_the_tax(self, request_: QuoteRequest) -> None:
        business, consumer = quote(request_), quote(of_a_consumer(request_))

        for theirs, others in zip(business.lines, consumer.lines, strict=True):
            assert (theirs.tax.basis_minor, theirs.discount_net_minor) == (
                others.tax.basis_minor, others.discount_net_minor,
            )  # fmt: skip
        assert business.total_minor - business.tax_minor == consumer.total_minor - consumer.tax_minor

    @settings(deadline=None)
    @given(requests())
    def test_knows_only_integers(self, request_: QuoteRequest) -> None:
        document = json.loads(json.dumps(quote_as_json(quote(request_))))

        assert {type(number) for number in numbers_in(document)} <= {int, bool, type(None)}


def a_random_request(source: random.Random) -> QuoteRequest:
    """A basket as a shop sees it, from one source of chance."""
    skus = [f"SKU-{number}" for number in range(source.randint(1, 12))]
    currency = source.choice(CURRENCIES)
    step = payable_step(currency)
    mode = source.choice(list(RoundingMode))
    exchange_rate = a_random_exchange_rate(source, currency)
    lines = tuple(
        a_line(
            sku,
            **a_random_price(source, currency, exchange_rate, mode),
            quantity=source.choice([1, 2, 3, source.randint(1, 1000)]),
            tax_category=source.choice(["standard", "reduced"]),
            is_physical=source.random() < 0.8,
        )
        for sku in skus
    )
    rates = ["0", "0.05", "0.055", "0.1", "0.19", "0.2", f"0.{source.randint(0, 999_999):06}"]
    return QuoteRequest(
        currency=currency,
        tax_entry=source.choice(list(TaxEntry)),
        lines=lines,
        tax_rules=some_rules(source, rates),
        discounts=tuple(a_random_discount(source, skus) for _ in range(source.randint(0, 3))),
        shipping=a_random_shipping(source, step),
        fees=a_random_fee(source, step),
        exchange_rate=exchange_rate,
        rounding_mode=mode,
        rounding_scope=source.choice(list(RoundingScope)),
    )


def a_random_exchange_rate(source: random.Random, currency: str) -> ExchangeRate | None:
    """Every fourth basket is in a currency the shop typed in no price, or only some, for."""
    if source.random() >= 0.25:
        return None
    base = source.choice([each for each in CURRENCIES if each != currency])
    rate = Decimal(source.choice([1, 3, 386_400, 1_234_567, source.randint(1, 10**9)])).scaleb(-6)
    return ExchangeRate(base, rate, "a bank", NOW)


def a_random_price(
    source: random.Random, currency: str, exchange_rate: ExchangeRate | None, mode: RoundingMode
) -> dict[str, int]:
    """What was typed in counts before the rate."""
    typed = source.choice([0, 1, 99, 1999, source.randint(0, 10**6)])
    if exchange_rate is None or source.random() < 0.2:
        return {"price": typed * payable_step(currency)}
    entered_minor = typed * payable_step(exchange_rate.base_currency)
    base, rate = exchange_rate.base_currency, exchange_rate.rate
    price = converted(entered_minor, base_currency=base, currency=currency, rate=rate, mode=mode)
    return {"price": price, "entered_unit_price_minor": entered_minor}


def refuse_if_it_was_not_converted_exactly(result: Quote) -> int:
    """This will work every converted price out again, in fractions of whole units, and return how many there were."""
    of_it = [line for line in result.lines if line.entered_unit_price_minor is not None]
    for line in of_it:
        assert result.exchange_rate is not None
        assert line.entered_unit_price_minor is not None
        units = Fraction(line.entered_unit_price_minor, 10 ** exponent(result.exchange_rate.base_currency))
        exact = units * Fraction(result.exchange_rate.rate) * 10 ** exponent(result.currency)
        assert abs(exact - line.unit_price_minor) <= Fraction(payable_step(result.currency), 2)
        assert line.subtotal_minor == line.quantity * line.unit_price_minor
    return len(of_it)


def some_rules(source: random.Random, rates: list[str]) -> tuple[TaxRule, ...]:
    """Every fourth buyer is a business, and bears what it does not account for."""
    is_business = source.random() < 0.25
    return tuple(
        (a_business_rule if is_business and source.random() < 0.8 else a_rule)(source.choice(rates), category=category)
        for category in CATEGORIES
    )


def a_random_discount(source: random.Random, skus: list[str]) -> Discount:
    return a_discount(
        source.choice(list(DiscountKind)),
        rate=source.choice(["0.1", "0.25", "0.333333", "1"]),
        amount=source.choice([1, 500, 10**7]),
        skus=source.choice([None, set(source.sample(skus, source.randint(0, len(skus))))]),
    )


def a_random_shipping(source: random.Random, step: int) -> ShippingCharge | None:
    prices = source.randint(0, 2000) * step, 495 * step
    return source.choice([None, a_shipping(prices[0]), a_shipping(prices[1], tax_category="standard")])


def a_random_fee(source: random.Random, step: int) -> tuple[Fee, ...]:
    amount = source.randint(0, 500) * step
    return source.choice([(), (a_fee(amount=amount),), (a_fee("card", rate="0.029"), a_fee(amount=30 * step))])


def test_ten_thousand_random_quotes_add_up_to_the_last_minor_unit(capsys: pytest.CaptureFixture[str]) -> None:
    source = random.Random(SEED)
    converted_quotes = converted_lines = 0

    for _ in range(QUOTES):
        request_ = a_random_request(source)
        result = quote(request_)
        refuse_if_it_does_not_add_up(result)
        converted_quotes += result.exchange_rate is not None
        converted_lines += refuse_if_it_was_not_converted_exactly(result)
        assert quote(shuffled(request_, source)).quote_hash == result.quote_hash
        assert {type(number) for number in numbers_in(quote_as_json(result))} <= {int, bool, type(None)}

    assert 0.23 < converted_quotes / QUOTES < 0.27
    assert converted_lines > QUOTES
    with capsys.disabled():
        print(f"\nrandom quotes that added up: {QUOTES:,}, {converted_quotes:,} of them converted (seed {SEED})")
