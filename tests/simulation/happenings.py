"""What befalls everybody: time, the provider's bad days, the line's, the post's, the broker's."""

import json
import random
from contextlib import suppress
from typing import Any

from sandbox.errors import ConnectionLostError
from tests.shop import WIRING
from tests.simulation.points import kill_points
from tests.simulation.world import DAY, Act, World

CALLS = [
    "payment_intents.create", "payment_intents.retrieve", "payment_intents.cancel", "payment_intents.capture",
    "refunds.create", "*", "*", "*",
]  # fmt: skip
CALL_FAULTS = {
    "timeout_before": 6, "timeout_after": 6, "error_500_before": 4, "error_500_saved": 6, "key_in_use": 6,
    "rate_limited": 4, "slow": 5, "decline": 5, "late_success": 5,
}  # fmt: skip
REFUND_FAULTS = {"refund_pending": 9, "refund_pending_fails": 9, "refund_reversed": 11}
CALL_FAULTS |= REFUND_FAULTS
POST_FAULTS = {"drop": 3, "duplicate": 3, "delay": 2, "reorder": 3}
NEXT_STAGES = {
    "warning_needs_response": ["warning_closed", "needs_response", "warning_under_review"],
    "warning_under_review": ["warning_closed", "needs_response"],
    "needs_response": ["under_review", "won", "lost", "withdrawn"],
    "under_review": ["won", "lost"],
    "won": ["needs_response"],
    "lost": ["won"],
}
RESERVATION_MINUTES, AUTHORIZATION_DAYS = 15, 7
# Places that are passed quickly or in the middle of a story, so that chance alone would hardly ever kill anybody there.
DOOMED = {
    "tx:catalog.release_capped": 3, "tx:checkout.add_coupon": 2, "tx:checkout.ask_for_refund": 12,
    "tx:checkout.create_cart": 1, "tx:checkout.remove_coupon": 2, "tx:checkout.resume.open": 1,
    "tx:checkout.resume.record": 6, "tx:checkout.set_addresses": 2, "tx:checkout.set_line": 3,
    "tx:checkout.set_lines": 1, "tx:checkout.start.open": 1, "tx:checkout.start.record": 3, "tx:ledger.close_day": 5,
    "tx:ledger.make_checkpoints": 5, "tx:oversight.expire_approvals": 2, "tx:oversight.seal": 3,
    "tx:payments.lease": 2, "tx:payments.recover.glance": 6, "tx:payments.recover.look": 1,
    "tx:payments.recover.replay": 2, "tx:reconciliation.due_operations": 2, "tx:reconciliation.expire": 1,
    "tx:reconciliation.settle": 1, "tx:reconciliation.stock_returned": 3, "call:GET:disputes": 1,
}  # fmt: skip
SIDES = {"tx": ("begin", "commit", "committed"), "call": ("before", "during", "after")}
STRANGER = "amount=700&currency=gbp&confirm=true&payment_method=pm_card_chargeDeclined&metadata[stranger]=yes"


def provider_fault(world: World, dice: random.Random) -> None:
    """One of the provider's next calls goes wrong, once."""
    kind = dice.choices(list(CALL_FAULTS), weights=list(CALL_FAULTS.values()))[0]
    calls = ["payment_intents.create", "payment_intents.confirm"] if kind in {"decline", "late_success"} else CALLS
    # An answer that takes long outlives its caller's patience, then the lease; work that takes long, that of people.
    seconds = dice.choice([3.0, 40.0, 900.0, 5400.0] if kind == "late_success" else [3.0, 11.0, 40.0])
    if kind in REFUND_FAULTS:
        calls = ["refunds.create"]
    world.shop.sandbox.engine.faults.add(
        {"kind": kind, "operation": dice.choice(calls), "times": 1, "after": dice.choice([0, 0, 1]), "seconds": seconds}
    )


def line_keeps(world: World, dice: random.Random) -> None:
    """For a while no write arrives, and one that was given up may arrive long after."""
    if dice.random() < 0.6:
        world.line.keep_next(late_seconds=dice.choice([300.0, 5400.0, 9000.0]))
    else:
        world.line.keep(seconds=dice.choice([20.0, 400.0, 2400.0]), late_seconds=dice.choice([0.0, 1800.0, 5400.0]))


def key_refused(world: World, dice: random.Random) -> None:
    """Our own key was changed at the provider and not here: a write is refused."""
    world.line.refuse_key(ending=dice.choice(["", "/capture", "/capture"]))


def post_fault(world: World, dice: random.Random) -> None:
    """One of the next webhooks is lost for good, sent twice, late by minutes or days, or behind its successor."""
    kind = dice.choices(list(POST_FAULTS), weights=list(POST_FAULTS.values()))[0]
    seconds = dice.choice([30.0, 900.0, 2 * DAY])
    world.shop.sandbox.engine.webhook_faults.add({"kind": kind, "times": 1, "seconds": seconds})


def seconds_pass(world: World, dice: random.Random) -> None:
    """Life goes on."""
    world.pass_time(seconds=dice.choice([0.5, 2.0, 5.0, 20.0, 61.0]))


def minutes_pass(world: World, dice: random.Random) -> None:
    """Over leases, look-up spacings and reservations."""
    minutes = dice.choice([3, 11, 16, 31, 61])
    world.pass_time(minutes=minutes)
    if minutes > RESERVATION_MINUTES:
        world.note("clock over reservations")


def days_pass(world: World, dice: random.Random) -> None:
    """Over the life of keys at the provider, and of authorizations."""
    days = dice.choice([1, 3, 8, 8])
    world.pass_time(days=days, minutes=5)
    world.note("clock over keys")
    if days > AUTHORIZATION_DAYS:
        world.note("clock over authorizations")


def keys_pruned(world: World, dice: random.Random) -> None:
    """The provider forgets keys that are older than a day."""
    world.shop.sandbox.handle("POST", "http://sandbox.localhost/_control/prune_keys", {}, b"{}")
    world.note("provider keys pruned")


def stranger_pays(world: World, dice: random.Random) -> None:
    """Somebody else's payment under our account: no attempt of ours knows it, and its card is declined."""
    world.strangers += 1
    # A bad day of the provider that made it succeed would be money of nobody's.
    world.end_faults(world.shop.sandbox.engine.faults, title="provider")
    _post(world, "payment_intents", f"stranger-{world.strangers}", STRANGER)
    world.note("provider has a stranger's payment")


def _post(world: World, path: str, key: str, form: str) -> None:
    headers = {
        "Authorization": f"Bearer {WIRING['STRIPE_SECRET_KEY']}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Idempotency-Key": key,
    }
    with suppress(ConnectionLostError):
        world.shop.sandbox.handle("POST", f"http://sandbox.localhost/v1/{path}", headers, form.encode())


def dispute(world: World, dice: random.Random) -> None:
    """A customer's bank disputes a payment, asks about one, or takes an open dispute further, in whatever direction."""
    disputes = [row for row in world.shop.truth("dispute") if NEXT_STAGES.get(row["status"])]
    if disputes and dice.random() < 0.7:
        row = dice.choice(disputes)
        stage = dice.choice(NEXT_STAGES[row["status"]])
        control(world, f"disputes/{row['id']}", {"status": stage})
        world.note("dispute moves")
        return
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    if intents:
        stage = dice.choice(["needs_response", "needs_response", "warning_needs_response"])
        content: dict[str, Any] = {"payment_intent": dice.choice(intents), "stage": stage}
        if dice.random() < 0.3:
            content["amount"] = 50
        if control(world, "disputes", content):
            world.note("dispute opened")


def reversal(world: World, dice: random.Random) -> None:
    """A bank takes a payment back after it had succeeded."""
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    if intents and control(world, "reversals", {"payment_intent": dice.choice(intents)}):
        world.note("capture reversed")


def charge_twice(world: World, dice: random.Random) -> None:
    """The provider breaks the promise of its keys: what it took once it takes once more."""
    store = world.shop.sandbox.engine.store
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    if intents and control(world, "duplicates", {"payment_intent": dice.choice(intents)}):
        world.made_twice |= {store.rows("SELECT id FROM intents ORDER BY seq DESC LIMIT 1")[0][0]}
        world.note("provider charges twice")


def dashboard_refund(world: World, dice: random.Random) -> None:
    """Somebody gives money back in the provider's dashboard, past us."""
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    content = {"amount": dice.choice([40, 300])}
    if intents and control(world, "refunds", {"payment_intent": dice.choice(intents), **content}):
        world.note("dashboard refund")


def fraud_warning(world: World, dice: random.Random) -> None:
    """An issuer suspects a payment."""
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    if intents and control(world, "fraud_warnings", {"payment_intent": dice.choice(intents)}):
        world.note("fraud warning")


def control(world: World, path: str, content: dict[str, Any]) -> bool:
    """This will move something at the provider as its banks or its dashboard do. Returns whether it could be moved."""
    # Of what is heard of by webhook alone, a webhook that is lost for good is found by settlement and by nothing here.
    world.end_faults(world.shop.sandbox.engine.webhook_faults, title="webhook")
    body = json.dumps(content).encode()
    return bool(world.shop.sandbox.handle("POST", f"http://sandbox.localhost/_control/{path}", {}, body).status < 300)


def task_lost(world: World, dice: random.Random) -> None:
    """A worker takes a task and is gone with it."""
    if world.broker.waiting:
        world.broker.waiting.pop(dice.randrange(len(world.broker.waiting)))
        world.note("task lost")


def broker_emptied(world: World, dice: random.Random) -> None:
    """FLUSHALL."""
    if world.broker.waiting:
        world.broker.waiting.clear()
        world.note("broker emptied")


def doom(world: World, dice: random.Random) -> None:
    """Whoever gets to a place next dies there."""
    doom_at(world, dice, dice.choices(list(DOOMED), weights=list(DOOMED.values()))[0])


def doom_anywhere(world: World, dice: random.Random) -> None:
    """The same at any point there is, each as likely as the next."""
    world.doom(dice.choice(kill_points()))


def doom_at(world: World, dice: random.Random, place: str) -> None:
    """This will let whoever gets to this place next die before, in or after it."""
    world.doom(f"{place}:{dice.choice(SIDES[place.partition(':')[0]])}")


HAPPENINGS: dict[str, tuple[float, Act]] = {
    "seconds_pass": (30, seconds_pass),
    "minutes_pass": (8, minutes_pass),
    "days_pass": (4, days_pass),
    "provider_fault": (27, provider_fault),
    "line_keeps": (2, line_keeps),
    "key_refused": (2, key_refused),
    "post_fault": (12, post_fault),
    "keys_pruned": (2, keys_pruned),
    "stranger_pays": (1, stranger_pays),
    "dispute": (5, dispute),
    "reversal": (2, reversal),
    "dashboard_refund": (1, dashboard_refund),
    "charge_twice": (2, charge_twice),
    "fraud_warning": (1, fraud_warning),
    "task_lost": (4, task_lost),
    "broker_emptied": (3, broker_emptied),
    "doom": (14, doom),
    "doom_anywhere": (30, doom_anywhere),
}
