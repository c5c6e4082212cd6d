"""Three hundred random orders through services and sandbox: whatever goes back in parts sums to what was taken.

Every part of them is drawn from its own seed, named in the test: currency, prices with and without tax, roundings,
coupons, shipping, fees; then units, amounts and goodwill go back until nothing is left.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from catalog import services
from catalog.services import Figures, NewArea, NewFee, NewMethod, NewTaxRate, NewZone, PriceStep
from catalog.tests.factories import a_coupon, a_product
from core import clock
from core.cause import system
from core.channels import set_rounding
from core.db import transaction
from core.models import SalesChannel
from core.money import PAYABLE_STEPS, RoundingMode, RoundingScope
from core.tests.factories import NOW
from orders.models import Order
from orders.refunding import (
    AmountBeyondLeft,
    NothingLeft,
    RefundOfNothing,
    Wanted,
    WantedAmount,
    WantedEverything,
    WantedUnits,
)
from payments.models import Refund, RefundTax
from payments.selectors import newest_refund_id
from payments.services import RefundWish, request_refund
from tests.journeys.facts import assert_sound
from tests.shop import Shop

PARTS, ORDERS_PER_PART = 12, 25
# Prices that leave remainders, in 2, 2, 0 and 3 decimals.
PRICES = {"GBP": (2390, 999, 3200), "EUR": (2391, 1001, 3337), "JPY": (239, 80, 1111), "KWD": (2390, 990, 1130)}
REFUNDS_MAX = 5


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def furnish(shop: Shop, dice: random.Random) -> None:
    """This will set up goods, tax, shipping, a fee and coupons in every currency; how it is rounded is drawn."""
    currencies = list(PRICES)
    SalesChannel.objects.update(currencies=currencies, tax_entry=dice.choice(["gross", "net"]))
    shop.account.currencies = currencies
    shop.account.save(update_fields=["currencies"])
    shop.channel.refresh_from_db()
    for currency, prices in PRICES.items():
        for number, price in enumerate(prices):
            a_product(shop.channel, sku=f"{currency}-{number}", price_minor=price, currency=currency, stock=10_000)
    steps = [PriceStep(currency, prices[0] // 50 * 10) for currency, prices in PRICES.items()]
    zone = NewZone("home", "Home", areas=[NewArea("GB")], methods=[NewMethod("post", "Post", steps, 1, 2)])
    rate = NewTaxRate(code="VAT", country="GB", rate=dice.choice([Decimal("0.2"), Decimal("0.101")]),
                      valid_from=date(2020, 1, 1))  # fmt: skip
    with transaction("test"):
        set_rounding(shop.channel, mode=dice.choice(list(RoundingMode)), scope=dice.choice(list(RoundingScope)))
        services.create_tax_rates(channel=shop.channel, rates=[rate], now=NOW)
        services.create_shipping_zone(channel=shop.channel, zone=zone, now=NOW)
        for currency, prices in PRICES.items():
            fee = NewFee("handling", "Handling", currency, amount_minor=prices[1] // 9 // 10 * 10)
            services.set_fee(channel=shop.channel, fee=fee, now=NOW)
    a_coupon(shop.channel, "QUARTER", rate=Decimal("0.25"))
    figures = {currency: Figures(amount_minor=prices[2] // 30 * 10) for currency, prices in PRICES.items()}
    a_coupon(shop.channel, "FIXED", kind="fixed", figures=figures)


def an_order(shop: Shop, dice: random.Random, *, key: str) -> Order:
    """This will buy something at random, and pay it."""
    currency = dice.choice(list(PRICES))
    skus = dice.sample(range(3), dice.randint(1, 3))
    cart = shop.a_cart({f"{currency}-{number}": dice.randint(1, 10) for number in skus}, currency=currency)
    for code in dice.sample(["QUARTER", "FIXED"], dice.randint(0, 1)):
        assert shop.api("PUT", f"carts/{cart[0]}/coupons/{code}", x_cart_token=cart[1]).status_code == 200
    placed = shop.start(cart, key=key, token="pm_card_visa").json()
    assert placed["status"] == "paid", placed
    return Order.objects.get(public_id=placed["order_id"])


@dataclass
class Giving:
    """What goes back of one order."""

    shop: Shop
    order: Order
    dice: random.Random

    def give(self, wanted: Wanted) -> None:
        """This will give something back and look at what the provider and we know then."""
        restocks = self.dice.random() < 0.5
        wish = RefundWish(
            self.order.public_id, wanted, "customer_request", newest_refund_id(self.order), restocks=restocks
        )
        with transaction("test"):
            request_refund(wish, cause=system("rules", now=clock.now()))
        self.shop.work()
        self.order.refresh_from_db()
        given = sum(Refund.objects.filter(order=self.order, status="succeeded").values_list("amount_minor", flat=True))
        assert 0 < given == self.order.returned_minor <= self.order.captured_minor

    @property
    def left(self) -> int:
        """What could still go back."""
        return self.order.accepted_minor - self.order.returned_minor

    def wishes(self) -> list[Wanted]:
        """This will return what may be wished for now."""
        lines = [line for line in self.order.lines.all() if line.quantity > line.units_given_back]
        step = PAYABLE_STEPS.get(self.order.currency, 1)
        amount = self.dice.randint(1, max(1, self.left // step // 2)) * step
        wishes: list[Wanted] = (
            [WantedAmount(amount), WantedAmount(amount, is_goodwill=True)] if self.left > step else []
        )
        if lines:
            chosen = self.dice.sample(lines, self.dice.randint(1, len(lines)))
            units = {line.position: self.dice.randint(1, line.quantity - line.units_given_back) for line in chosen}
            wishes += [WantedUnits(units, shipping=self.dice.random() < 0.3, fees=self.dice.random() < 0.3)] * 4
        return wishes

    def to_the_end(self) -> None:
        """This will give back at random, and everything in the end."""
        for _ in range(self.dice.randint(0, REFUNDS_MAX)):
            if not self.left or not (wishes := self.wishes()):
                break
            # Units that cost nothing, or whose money went back as an amount before, are worth nothing now.
            with suppress(RefundOfNothing):
                self.give(self.dice.choice(wishes))
        with pytest.raises((AmountBeyondLeft, NothingLeft)):
            self.give(WantedAmount(self.left + PAYABLE_STEPS.get(self.order.currency, 1)))
        if self.left:
            self.give(WantedEverything())


@pytest.mark.parametrize("part", range(PARTS))
def test_any_sequence_of_refunds_sums_to_what_was_taken(shop: Shop, part: int) -> None:
    dice = random.Random(f"refunds {part}")
    furnish(shop, dice)

    for number in range(ORDERS_PER_PART):
        order = an_order(shop, dice, key=f"order-{number}")
        Giving(shop, order, dice).to_the_end()

        taxes = RefundTax.objects.filter(refund__order=order).values_list("amount_minor", flat=True)
        order.refresh_from_db()
        assert (order.state, order.returned_minor) == ("refunded", order.total_minor)
        assert sum(taxes) == order.snapshot["tax_minor"]
        (intent,) = [row for row in shop.truth() if row["metadata"]["order_id"] == order.public_id]
        refunds = [row["amount"] for row in shop.truth("refund") if row["intent"] == intent["id"]]
        assert sum(refunds) == intent["amount_received"]
