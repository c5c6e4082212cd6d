"""What the house does without being asked: the post, workers, beat's sweeps."""

from reconciliation import tasks as reconciliation
from tests.simulation.workers import SWEEPS, TASKS
from tests.simulation.world import World


def deliver(world: World) -> None:
    """This will carry every due webhook to the door; the provider learns each answer."""
    engine = world.shop.sandbox.engine
    engine.tick()
    for delivery in engine.due_deliveries(world.shop.virtual.now(), limit=1000):
        answer = world.shop.post_delivery(delivery.headers, delivery.body)
        if answer.status_code != 200:
            world.complain(f"the webhook door answered {answer.status_code}")
        engine.record_delivery(delivery.id, answer.status_code)


def work(world: World) -> None:
    """This will let a worker take tasks until none waits."""
    while world.broker.waiting:
        wake = world.broker.waiting.pop(0)
        TASKS[wake.name](**dict(wake.ids))


def sweep(world: World) -> None:
    """This will let beat wake every sweep once."""
    for task in SWEEPS.values():
        task()
    reconciliation.reap_keys.run()


def sweep_then_post(world: World) -> None:
    """This will let sweeps find out by themselves what the post would have told."""
    sweep(world)
    work(world)
    deliver(world)
    work(world)


def post_then_sweep(world: World) -> None:
    """This will let the post come first, and sweeps find what it did not bring."""
    deliver(world)
    work(world)
    sweep(world)
    work(world)
