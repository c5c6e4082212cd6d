"""Long stories of one customer, for what chance alone would tell too seldom; everybody else goes on in between."""

import random

from orders.models import Order, OrderState
from orders.models.money import BEFORE_PAYMENT
from tests.simulation import workers
from tests.simulation.customers import pay_again_with
from tests.simulation.world import Act, Customer, World

# Replays, two spaced looks, the reservation and its extension: after these nobody waits for the payment any more.
MINUTES_UNTIL_ENDED = (2, 3, 6, 11, 11, 11, 20, 20, 31)
LATE_SECONDS = 9000.0


def left_for_long(world: World, dice: random.Random) -> None:
    """A try to pay is kept by the line. Its customer is gone, we take it for never sent and end the order; hours later
    the provider executes it, at once or slowly, and now and then somebody cancels the order meanwhile.
    """
    waiting = _waiting(world, OrderState.PAYMENT_PENDING, OrderState.PAYMENT_FAILED)
    if not waiting:
        return
    customer = dice.choice(waiting)
    order_id = customer.order_id
    world.line.keep_next(late_seconds=LATE_SECONDS)
    pay_again_with(world, customer, token=dice.choice(["pm_card_visa", "pm_card_lateSuccess"]), is_replacing=True)
    for minutes in MINUTES_UNTIL_ENDED:
        world.pass_time(minutes=minutes)
        for sweep in ("operations", "expired_orders", "cancellations"):
            workers.SWEEPS[sweep]()
        _work_off(world, dice, times=3)
    state = Order.objects.values_list("state", flat=True).get(public_id=order_id)
    world.done[f"left for long: {state}"] += 1
    if state not in {OrderState.EXPIRED, OrderState.CANCELLED}:
        return
    world.pass_time(seconds=LATE_SECONDS)
    if dice.random() < 0.5:
        _hear_and_cancel(world, dice, order_id)
    world.pass_time(seconds=6)


def come_back_late(world: World, dice: random.Random) -> None:
    """The time to pay is over and the units went back; then the customer comes back and pays at the price agreed to."""
    waiting = _waiting(world, OrderState.PAYMENT_PENDING, OrderState.PAYMENT_FAILED)
    if not waiting:
        return
    customer = dice.choice(waiting)
    for minutes in (16, 31, 20):
        world.pass_time(minutes=minutes)
        workers.SWEEPS["expired_orders"]()
        _work_off(world, dice, times=2)
        workers.deliver(world, dice)
    state = Order.objects.values_list("state", flat=True).get(public_id=customer.order_id)
    world.done[f"came back late: {state}"] += 1
    if state == OrderState.EXPIRED:
        pay_again_with(world, customer, token=dice.choice(["", "pm_card_visa"]), is_replacing=False)


def capture_fails(world: World, dice: random.Random) -> None:
    """Held funds cannot be taken; somebody tries again, the customer takes another card, or everybody gives up."""
    holders = _waiting(world, OrderState.PAYMENT_AUTHORIZED)
    if not holders:
        return
    customer = dice.choice(holders)
    world.line.refuse_key(ending="/capture")
    workers.capture(world, customer.order_id)
    _work_off(world, dice, times=4)
    if not Order.objects.filter(public_id=customer.order_id, state=OrderState.CAPTURE_FAILED).exists():
        return
    match dice.choice(["again", "again", "another card", "cancel", "lapse", "lapse"]):
        case "again":
            workers.capture(world, customer.order_id)
        case "another card":
            pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
        case "cancel":
            workers.cancel_order_as_staff(world, customer.order_id, key=f"gone-{dice.getrandbits(30)}")
        case _:
            world.pass_time(days=8)
            workers.SWEEPS["expired_orders"]()
    _work_off(world, dice, times=4)


def _waiting(world: World, *states: OrderState) -> list[Customer]:
    """Customers whose order waits for its payment in one of these states, and who are not in the middle of it."""
    assert set(states) <= set(BEFORE_PAYMENT)
    orders = Order.objects.filter(state__in=states, cancel_requested_at=None)
    waiting = set(orders.values_list("public_id", flat=True))
    return [customer for customer in world.customers if customer.order_id in waiting and not customer.in_flight]


def _hear_and_cancel(world: World, dice: random.Random, order_id: str) -> None:
    """What the provider works on is heard of, and the order cancelled before it is done."""
    for _ in range(6):
        workers.deliver(world, dice)
    _work_off(world, dice, times=6)
    if Order.objects.filter(public_id=order_id, state=OrderState.EXPIRED, attempts__dead_at=None).exists():
        workers.cancel_order_as_staff(world, order_id, key=f"heard-{dice.getrandbits(30)}")


def _work_off(world: World, dice: random.Random, *, times: int) -> None:
    for _ in range(times):
        workers.work(world, dice)


ACTS: dict[str, tuple[int, Act]] = {
    "left_for_long": (2, left_for_long),
    "come_back_late": (1, come_back_late),
    "capture_fails": (2, capture_fails),
}
