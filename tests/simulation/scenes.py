"""Long stories of one customer, for what chance alone would tell too seldom; everybody else goes on in between."""

import random

from orders.models import Order, OrderState
from tests.simulation import workers
from tests.simulation.customers import pay_again_with
from tests.simulation.world import Act, World

# Replays, two spaced looks, the reservation and its extension: after these nobody waits for the payment any more.
MINUTES_UNTIL_ENDED = (2, 3, 6, 11, 11, 11, 20, 20, 31)
LATE_SECONDS = 9000.0


def left_for_long(world: World, dice: random.Random) -> None:
    """A try to pay is kept by the line. Its customer is gone, we take it for never sent and end the order; hours later
    the provider executes it, at once or slowly, and now and then somebody cancels the order meanwhile.
    """
    waiting = [customer for customer in world.customers if customer.order_id and not customer.in_flight]
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
    if not Order.objects.filter(public_id=order_id, state__in=[OrderState.EXPIRED, OrderState.CANCELLED]).exists():
        return
    world.note("left for long")
    world.pass_time(seconds=LATE_SECONDS)
    if dice.random() < 0.5:
        _hear_and_cancel(world, dice, order_id)
    world.pass_time(seconds=6)


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


ACTS: dict[str, tuple[int, Act]] = {"left_for_long": (1, left_for_long)}
