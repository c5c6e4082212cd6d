"""Long stories of one customer, for what chance alone would tell too seldom; nobody comes between."""

import random
from collections.abc import Callable
from contextlib import suppress

from core import clock
from core.cause import Cause
from orders.models import Order, OrderState
from orders.models.money import BEFORE_PAYMENT
from payments import services as payments
from payments.models import PaymentAttempt
from sandbox.errors import ConnectionLostError
from tests.simulation import workers
from tests.simulation.carts import fill_cart
from tests.simulation.customers import CHALLENGING, pay_again_with, start_with
from tests.simulation.happenings import doom_at
from tests.simulation.world import Act, Customer, World

# Replays, two spaced looks, the reservation and its extension: after these nobody waits for the payment any more.
MINUTES_UNTIL_ENDED = (2, 3, 6, 11, 11, 11, 20, 20, 31)
LATE_SECONDS = 9000.0
# Replays and two spaced looks, while the customer waits.
MINUTES_UNTIL_GIVEN_UP = (1, 2, 3, 5, 9, 11)
TRIES_TO_ORDER = 3
# Cards after which an order still waits for its money: none yet, one with a question of its bank, one declined.
UNPAYING = ("", CHALLENGING, "pm_card_chargeDeclined")
UNPAID = (OrderState.PAYMENT_PENDING, OrderState.PAYMENT_FAILED)


def left_for_long(world: World, dice: random.Random) -> None:
    """A try to pay is kept by the line. Its customer is gone, we take it for never sent and end the order; hours later
    the provider executes it, at once or slowly, and now and then somebody cancels the order meanwhile.
    """
    customer = one_waiting(world, dice)
    if customer is None:
        return
    order_id = customer.order_id
    world.line.keep_next(late_seconds=LATE_SECONDS)
    token = dice.choice(["pm_card_visa", "pm_card_lateSuccess", "pm_card_lateSuccess"])
    pay_again_with(world, customer, token=token, is_replacing=True)
    for minutes in MINUTES_UNTIL_ENDED:
        world.pass_time(minutes=minutes)
        for sweep in ("operations", "expired_orders", "cancellations"):
            workers.SWEEPS[sweep]()
        work_off(world, dice, times=3)
    state = Order.objects.values_list("state", flat=True).get(public_id=order_id)
    world.done[f"left for long: {state}"] += 1
    if state not in {OrderState.EXPIRED, OrderState.CANCELLED}:
        return
    world.pass_time(seconds=LATE_SECONDS)
    if dice.random() < 0.7:
        _hear_and_cancel(world, dice, order_id)
    world.pass_time(seconds=6)


def paid_twice(world: World, dice: random.Random) -> None:
    """A try to pay is kept by the line and taken for never sent; its customer pays with another card; hours later the
    provider executes the first one too.
    """
    customer = one_waiting(world, dice)
    if customer is None:
        return
    order_id = customer.order_id
    world.line.keep_next(late_seconds=LATE_SECONDS)
    pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
    for minutes in MINUTES_UNTIL_GIVEN_UP:
        world.pass_time(minutes=minutes)
        workers.SWEEPS["operations"]()
    pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
    go_on(world, dice, seconds=1)
    state = Order.objects.values_list("state", flat=True).get(public_id=order_id)
    world.done[f"paid twice: {state}"] += 1
    go_on(world, dice, seconds=LATE_SECONDS)


def come_back_late(world: World, dice: random.Random) -> None:
    """The time to pay is over and the units went back; then the customer comes back and pays at the price agreed to."""
    customer = one_waiting(world, dice)
    if customer is None:
        return
    for minutes in (16, 31, 20):
        world.pass_time(minutes=minutes)
        workers.SWEEPS["expired_orders"]()
        work_off(world, dice, times=2)
        workers.deliver(world, dice)
    state = Order.objects.values_list("state", flat=True).get(public_id=customer.order_id)
    world.done[f"came back late: {state}"] += 1
    if state == OrderState.EXPIRED:
        pay_again_with(world, customer, token=dice.choice(["", "pm_card_visa"]), is_replacing=False)


def another_card(world: World, dice: random.Random) -> None:
    """A card is declined on the provider's page and we hear of it; then another one is taken there."""
    customer = one_waiting(world, dice)
    if customer is None or not customer.client_secret:
        return
    for card in ("pm_card_chargeDeclined", "pm_card_visa"):
        with suppress(ConnectionLostError):
            world.shop.confirm({"client_secret": customer.client_secret}, card=card)
        go_on(world, dice, seconds=1)


def capture_fails(world: World, dice: random.Random) -> None:
    """Held funds cannot be taken; somebody tries again, the customer takes another card, or everybody gives up."""
    holders = waiting(world, OrderState.PAYMENT_AUTHORIZED)
    if not holders:
        return
    customer = dice.choice(holders)
    world.line.refuse_key(ending="/capture")
    workers.capture(world, customer.order_id)
    work_off(world, dice, times=4)
    if not Order.objects.filter(public_id=customer.order_id, state=OrderState.CAPTURE_FAILED).exists():
        return
    match dice.choice(["again", "again", "another card", "another card", "cancel", "lapse"]):
        case "again":
            workers.capture(world, customer.order_id)
        case "another card":
            pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
        case "cancel":
            workers.cancel_order_as_staff(world, customer.order_id, key=f"gone-{dice.getrandbits(30)}")
        case _:
            world.pass_time(days=8)
            workers.SWEEPS["expired_orders"]()
    work_off(world, dice, times=4)


def overtaken(world: World, dice: random.Random) -> None:
    """A request waits for the provider for longer than its lease. The same request comes again and is answered; then
    the first one has its answer too.
    """
    customers = [one for one in world.customers if one.cart and not one.in_flight]
    unpaid = waiting(world, *UNPAID)
    if not customers:
        return
    customer = dice.choice(unpaid if unpaid and dice.random() < 0.7 else customers)

    def meanwhile() -> None:
        go_on(world, dice, seconds=dice.choice([35.0, 130.0]))
        if customer.last is not None:
            world.note("overtaken")
            world.send(customer, customer.last)
        go_on(world, dice, seconds=dice.choice([0.5, 5.0]))

    if "doom" in world.befalls and dice.random() < 0.6:
        doom_at(world, dice, f"tx:checkout.{'resume' if customer.order_id else 'start'}.record")
    # Not the close of an earlier try: who is overtaken there makes no new one.
    world.line.read_late("POST", ending="/payment_intents", meanwhile=meanwhile)
    if customer.order_id:
        pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
    else:
        start_with(world, customer, dice)
    world.line.read_at_once()


def old_news(world: World, dice: random.Random) -> None:
    """Somebody asks how a payment stands; before the answer is read, the customer has paid and we were told."""
    paying = [customer for customer in waiting(world, *UNPAID) if customer.client_secret]
    if not paying:
        return
    customer = dice.choice(paying)
    attempts = PaymentAttempt.objects.filter(order__public_id=customer.order_id, is_current=True)

    def meanwhile() -> None:
        world.shop.pass_time(seconds=1)
        with suppress(ConnectionLostError):
            world.shop.confirm({"client_secret": customer.client_secret})
        for _ in range(4):
            go_on(world, dice, seconds=0.5)

    world.line.read_late("GET", meanwhile=meanwhile)
    for attempt in attempts.select_related("account__channel", "order"):
        cause = Cause(actor="staff:usr_sim", source="console", now=clock.now())
        payments.ask_provider(attempt, cause=cause)
    world.line.read_at_once()


def go_on(world: World, dice: random.Random, *, seconds: float) -> None:
    """This will let time pass, the post arrive and workers work."""
    world.pass_time(seconds=seconds)
    for _ in range(3):
        workers.deliver(world, dice)
    work_off(world, dice, times=3)


def one_waiting(world: World, dice: random.Random) -> Customer | None:
    """This will return one of the customers whose order is not paid; where there is none somebody orders first."""

    def order() -> None:
        carts = [one for one in world.customers if one.cart and not one.order_id and not one.in_flight]
        if carts:
            is_held = dice.random() < 0.3
            cards = [card for card in UNPAYING if card or not is_held]
            start_with(world, dice.choice(carts), dice, is_held=is_held, card=dice.choice(cards))

    customers = waiting_after(order, world, dice, *UNPAID)
    return dice.choice(customers) if customers else None


def waiting_after(order: Callable[[], None], world: World, dice: random.Random, *states: OrderState) -> list[Customer]:
    """This will return whose order is in one of these states; where there is none, `order` is tried with new carts."""
    for _ in range(TRIES_TO_ORDER):
        if customers := waiting(world, *states):
            return customers
        fill_cart(world, dice)
        order()
    return waiting(world, *states)


def waiting(world: World, *states: OrderState) -> list[Customer]:
    """This will return customers whose order waits for its payment in one of these states, none in the middle of it."""
    assert set(states) <= set(BEFORE_PAYMENT)
    orders = Order.objects.filter(state__in=states, cancel_requested_at=None)
    unpaid = set(orders.values_list("public_id", flat=True))
    return [customer for customer in world.customers if customer.order_id in unpaid and not customer.in_flight]


def _hear_and_cancel(world: World, dice: random.Random, order_id: str) -> None:
    """What the provider works on is heard of, and the order cancelled before it is done."""
    for _ in range(6):
        workers.deliver(world, dice)
    work_off(world, dice, times=6)
    if Order.objects.filter(public_id=order_id, state=OrderState.EXPIRED, attempts__dead_at=None).exists():
        workers.cancel_order_as_staff(world, order_id, key=f"heard-{dice.getrandbits(30)}")


def work_off(world: World, dice: random.Random, *, times: int) -> None:
    """This will let workers take so many tasks."""
    for _ in range(times):
        workers.work(world, dice)


ACTS: dict[str, tuple[float, Act]] = {
    "left_for_long": (0.9, left_for_long),
    "paid_twice": (0.4, paid_twice),
    "come_back_late": (0.6, come_back_late),
    "another_card": (0.6, another_card),
    "capture_fails": (6, capture_fails),
    "overtaken": (3, overtaken),
    "old_news": (1.5, old_news),
}
