"""What befalls everybody: time, the provider's bad days, the post's, the broker's."""

import random
from contextlib import suppress

from sandbox.errors import ConnectionLostError
from tests.shop import WIRING
from tests.simulation.world import Act, World

CALLS = ["payment_intents.create", "payment_intents.retrieve", "payment_intents.cancel", "refunds.create", "*", "*"]
CALL_FAULTS = {
    "timeout_before": 3, "timeout_after": 6, "error_500_before": 2, "error_500_saved": 2, "key_in_use": 2,
    "rate_limited": 2, "slow": 2, "decline": 2, "late_success": 2,
}  # fmt: skip
POST_FAULTS = {"drop": 3, "duplicate": 3, "delay": 2, "reorder": 3}
DAY = 86_400.0
STRANGER = "amount=700&currency=gbp&confirm=true&payment_method=pm_card_chargeDeclined&metadata[stranger]=yes"


def provider_fault(world: World, dice: random.Random) -> None:
    """One of the provider's next calls goes wrong, once."""
    kind = dice.choices(list(CALL_FAULTS), weights=list(CALL_FAULTS.values()))[0]
    calls = ["payment_intents.create", "payment_intents.confirm"] if kind in {"decline", "late_success"} else CALLS
    seconds = dice.choice([3.0, 11.0, 40.0])
    world.shop.sandbox.engine.faults.add(
        {"kind": kind, "operation": dice.choice(calls), "times": 1, "after": dice.choice([0, 0, 1]), "seconds": seconds}
    )
    world.done[f"fault: provider {kind}"] += 1


def post_fault(world: World, dice: random.Random) -> None:
    """One of the next webhooks is lost for good, sent twice, late by minutes or days, or behind its successor."""
    kind = dice.choices(list(POST_FAULTS), weights=list(POST_FAULTS.values()))[0]
    seconds = dice.choice([30.0, 900.0, 2 * DAY])
    world.shop.sandbox.engine.webhook_faults.add({"kind": kind, "times": 1, "seconds": seconds})
    world.done[f"fault: webhook {kind}"] += 1


def seconds_pass(world: World, dice: random.Random) -> None:
    """Life goes on."""
    world.shop.pass_time(seconds=dice.choice([0.5, 2.0, 5.0, 20.0, 61.0]))


def minutes_pass(world: World, dice: random.Random) -> None:
    """Over leases, look-up spacings and reservations."""
    world.shop.pass_time(minutes=dice.choice([3, 11, 16, 31, 61]))


def days_pass(world: World, dice: random.Random) -> None:
    """Over the life of keys at the provider, and of authorizations."""
    world.shop.pass_time(days=dice.choice([1, 1, 3, 8]), minutes=5)
    world.done["fault: clock jumped"] += 1


def keys_pruned(world: World, dice: random.Random) -> None:
    """The provider forgets keys that are older than a day."""
    world.shop.sandbox.handle("POST", "http://sandbox.localhost/_control/prune_keys", {}, b"{}")
    world.done["fault: keys pruned"] += 1


def stranger_pays(world: World, dice: random.Random) -> None:
    """Somebody else's payment under our account: no attempt of ours knows it, and its card is declined."""
    world.strangers += 1
    _post(world, "payment_intents", f"stranger-{world.strangers}", STRANGER)
    world.done["fault: payment of a stranger"] += 1


def _post(world: World, path: str, key: str, form: str) -> None:
    headers = {
        "Authorization": f"Bearer {WIRING['STRIPE_SECRET_KEY']}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Idempotency-Key": key,
    }
    with suppress(ConnectionLostError):
        world.shop.sandbox.handle("POST", f"http://sandbox.localhost/v1/{path}", headers, form.encode())


def task_lost(world: World, dice: random.Random) -> None:
    """A worker takes a task and is gone with it."""
    if world.broker.waiting:
        world.broker.waiting.pop(dice.randrange(len(world.broker.waiting)))
        world.done["fault: task lost"] += 1


def broker_emptied(world: World, dice: random.Random) -> None:
    """FLUSHALL."""
    if world.broker.waiting:
        world.broker.waiting.clear()
        world.done["fault: broker emptied"] += 1


HAPPENINGS: dict[str, tuple[int, Act]] = {
    "seconds_pass": (30, seconds_pass),
    "minutes_pass": (6, minutes_pass),
    "days_pass": (1, days_pass),
    "provider_fault": (14, provider_fault),
    "post_fault": (10, post_fault),
    "keys_pruned": (2, keys_pruned),
    "stranger_pays": (1, stranger_pays),
    "task_lost": (4, task_lost),
    "broker_emptied": (2, broker_emptied),
}
