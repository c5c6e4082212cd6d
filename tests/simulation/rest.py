"""Coming to rest: no more faults, everybody finishes what they began, and sweeps run until nothing moves.

One delivery, one task, one request, one sweep at a time, so that the judge looks in between as it does at every step.
"""

from collections.abc import Callable, Iterator
from functools import partial

from orders.models import Order, OrderState
from orders.models.money import BEFORE_PAYMENT
from payments.models import OPEN_STATUSES, Operation
from tests.simulation import workers
from tests.simulation.judge import unprocessed_events
from tests.simulation.stage import Slot, Stage
from tests.simulation.world import World

# What is done, in words, and how.
Calm = tuple[str, Callable[[], object]]

SWEEPS = [name for name in workers.SWEEPS if name != "books"]
# Spans between the last sweeps, in minutes: over every hold, key, back-off and authorization.
MINUTES = [2, 2, 8, 20, 20, 60, 180, 720, 720, *[1500] * 12]
FORGOTTEN_DAYS = 14


def calm_steps(world: World, stage: Stage, *, go_on: Callable[[Slot], object]) -> Iterator[Calm]:
    """This will yield one thing after the other to do, each found when those before it are done.

    `go_on` lets a paused actor run on.
    """
    engine = world.shop.sandbox.engine
    world.end_faults(engine.faults, title="provider")
    world.end_faults(engine.webhook_faults, title="webhook")
    world.line.clear()
    world.done.update(f"fault: line {met}" for met in world.line.met)
    for slot in stage.slots:
        while slot.is_busy:
            yield f"go {slot.number}", partial(go_on, slot)
    for _ in range(3):
        yield from _repeats(world)
        yield from _deliveries(world)
        yield from _tasks(world)
        yield from _sweeps()
    yield from _until_quiet(world)
    # Nothing is left that could move. If something is, two weeks bring it to light: what expires in the first round
    # of sweeps has its consequences in the second, and those may begin what takes time: a refund at a slow bank.
    world.pass_time(days=FORGOTTEN_DAYS)
    yield from _deliveries(world)
    for _ in range(2):
        yield from _tasks(world)
        yield from _sweeps()
    yield from _tasks(world)
    yield from _deliveries(world)
    yield from _until_quiet(world)
    yield "sweep books", workers.SWEEPS["books"]


def _until_quiet(world: World) -> Iterator[Calm]:
    for minutes in MINUTES:
        if _is_quiet(world):
            return
        world.pass_time(minutes=minutes)
        yield from _deliveries(world)
        yield from _tasks(world)
        yield from _sweeps()
        yield from _tasks(world)


def _repeats(world: World) -> Iterator[Calm]:
    for customer in world.customers:
        for request in list(customer.unanswered):
            yield f"repeat {request.path}", partial(world.send, customer, request)


def _deliveries(world: World) -> Iterator[Calm]:
    engine = world.shop.sandbox.engine
    engine.tick()
    for delivery in engine.due_deliveries(world.shop.virtual.now(), limit=1000):
        yield f"deliver {delivery.id}", partial(world.shop.carry, delivery)


def _tasks(world: World) -> Iterator[Calm]:
    """Whatever workers were woken for, and what lies there though nobody was."""
    while world.broker.waiting:
        wake = world.broker.waiting.pop(0)
        yield wake.name, partial(workers.TASKS[wake.name], **dict(wake.ids))
    yield "work", world.shop.work


def _sweeps() -> Iterator[Calm]:
    for name in SWEEPS:
        yield f"sweep {name}", workers.SWEEPS[name]


def _is_quiet(world: World) -> bool:
    """Whether nobody waits for anything: no order, operation, event, task, delivery, nor the provider. What people were
    told of waits for them.
    """
    return (
        not world.broker.waiting
        and world.shop.sandbox.engine.deliveries.next_due_at() is None
        and not Operation.objects.filter(status__in=OPEN_STATUSES).exists()
        and not unprocessed_events().exists()
        and not Order.objects.filter(state__in=set(BEFORE_PAYMENT) - {OrderState.EXPIRED}).exists()
    )
