"""What befalls everybody: time, the provider's bad days, the line's, the post's, the broker's."""

import json
import random
from contextlib import suppress
from typing import Any

from sandbox.errors import ConnectionLostError
from tests.shop import WIRING
from tests.simulation.world import DAY, Act, World

CALLS = [
    "payment_intents.create", "payment_intents.retrieve", "payment_intents.cancel", "payment_intents.capture",
    "refunds.create", "*", "*", "*",
]  # fmt: skip
CALL_FAULTS = {
    "timeout_before": 4, "timeout_after": 6, "error_500_before": 4, "error_500_saved": 4, "key_in_use": 4,
    "rate_limited": 4, "slow": 4, "decline": 5, "late_success": 5,
}  # fmt: skip
REFUND_FAULTS = {"refund_pending": 2, "refund_pending_fails": 3, "refund_reversed": 3}
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
        _control(world, f"disputes/{row['id']}", {"status": stage})
        world.note("dispute moves")
        return
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    if intents:
        stage = dice.choice(["needs_response", "needs_response", "warning_needs_response"])
        content: dict[str, Any] = {"payment_intent": dice.choice(intents), "stage": stage}
        if dice.random() < 0.3:
            content["amount"] = 50
        if _control(world, "disputes", content):
            world.note("dispute opened")


def reversal(world: World, dice: random.Random) -> None:
    """A bank takes a payment back after it had succeeded."""
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    if intents and _control(world, "reversals", {"payment_intent": dice.choice(intents)}):
        world.note("capture reversed")


def dashboard_refund(world: World, dice: random.Random) -> None:
    """Somebody gives money back in the provider's dashboard, past us."""
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    content = {"amount": dice.choice([40, 300])}
    if intents and _control(world, "refunds", {"payment_intent": dice.choice(intents), **content}):
        world.note("dashboard refund")


def fraud_warning(world: World, dice: random.Random) -> None:
    """An issuer suspects a payment."""
    intents = [row["id"] for row in world.shop.truth("intent") if row["status"] == "succeeded"]
    if intents and _control(world, "fraud_warnings", {"payment_intent": dice.choice(intents)}):
        world.note("fraud warning")


def _control(world: World, path: str, content: dict[str, Any]) -> bool:
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


HAPPENINGS: dict[str, tuple[int, Act]] = {
    "seconds_pass": (30, seconds_pass),
    "minutes_pass": (8, minutes_pass),
    "days_pass": (2, days_pass),
    "provider_fault": (20, provider_fault),
    "line_keeps": (2, line_keeps),
    "key_refused": (2, key_refused),
    "post_fault": (12, post_fault),
    "keys_pruned": (2, keys_pruned),
    "stranger_pays": (1, stranger_pays),
    "dispute": (5, dispute),
    "reversal": (1, reversal),
    "dashboard_refund": (1, dashboard_refund),
    "fraud_warning": (1, fraud_warning),
    "task_lost": (4, task_lost),
    "broker_emptied": (2, broker_emptied),
}
