"""How often what is drawn: acts, happenings and injuries, by groups of faults and by the mood of a seed.

Note [Moods]: with the same odds everywhere each run would be the average one, and what needs several rare things in one
shop would never happen. So a seed also draws a mood, in which some things are tried far more often than others.
"""

import random
from collections.abc import Collection, Mapping

from tests.simulation import carts, customers, happenings, scenes, workers
from tests.simulation.script import Odds
from tests.simulation.stage import INJURIES

ACTS = {**carts.ACTS, **customers.ACTS, **workers.ACTS, **scenes.ACTS}
HAPPENINGS = happenings.HAPPENINGS

# What `--faults` takes: each name is an act, a happening or an injury. Everything else is life going on.
GROUPS: dict[str, tuple[str, ...]] = {
    "customers": (
        "repeat", "start_elsewhere", "pay_by_link", "cancel", "go_back", "reopen_app", "copy_cart", "sign_in",
    ),
    "provider": ("provider_fault", "keys_pruned", "stranger_pays", "work_in_dashboard"),
    "banks": ("dispute", "reversal", "dashboard_refund", "fraud_warning"),
    "line": ("line_keeps", "key_refused", "left_for_long", "come_back_late"),
    "webhooks": ("post_fault", "deliver_old", "deliver_forged"),
    "workers": ("work_again", "task_lost", "broker_emptied"),
    "processes": ("kill", "kill_in_commit"),
    "database": ("serialization_failure", "deadlock", "lost_before_commit", "lost_after_commit"),
    "clock": ("minutes_pass", "days_pass"),
    "staff": ("ask_provider", "replay_event", "cancel_as_staff", "money_too_late", "capture_fails"),
}  # fmt: skip

# What banks do is young and was not played often enough to be asked of every run: `--faults banks …` plays it.
USUAL_GROUPS = tuple(name for name in GROUPS if name != "banks")

MOODS: dict[str, tuple[int, dict[str, float]]] = {
    "even": (3, {}),
    "held": (3, {
        "start_held": 6, "start": 0.3, "take_held_funds": 2.5, "work_in_dashboard": 3, "key_refused": 8,
        "money_too_late": 3, "cancel_as_staff": 2, "days_pass": 1.5,
    }),
    "kept": (2, {
        "line_keeps": 8, "minutes_pass": 2.5, "pay_again": 2, "sweep": 1.5, "days_pass": 0.3, "money_too_late": 2,
        "left_for_long": 5, "come_back_late": 3,
    }),
    "undecided": (2, {
        "cancel": 3, "cancel_as_staff": 2, "money_too_late": 2, "confirm": 1.5, "pay_again": 1.5, "minutes_pass": 1.5,
    }),
    "slow": (1, {"provider_fault": 3, "repeat": 2, "seconds_pass": 1.5}),
}  # fmt: skip

# Places where hardly anybody ever stands.
FRAGILE = frozenset(
    f"tx:{name}"
    for name in (
        "checkout.choose_shipping_method", "checkout.claim_cart", "checkout.copy_cart", "checkout.payment_link",
        "checkout.payment_link.trade", "checkout.remove_coupon", "checkout.resume.close", "checkout.resume.finish",
        "checkout.resume.record", "checkout.set_line", "checkout.start.record", "payments.ask", "payments.record",
        "payments.recover.glance", "payments.recover.look", "payments.recover.replay", "payments.recover.silent",
        "payments.return", "reconciliation.expire", "reconciliation.pending_too_long",
        "reconciliation.stock_returned", "webhooks.fail", "webhooks.park", "webhooks.sweep",
    )
) | {"call:GET:refunds", "call:POST:refunds"}  # fmt: skip


def odds_for(seed: int, *, groups: Collection[str] = USUAL_GROUPS) -> Odds:
    """This will return the odds of a seed in its mood, with the faults of these groups only."""
    left_out = {name for group, names in GROUPS.items() if group not in groups for name in names}
    moods = [mood for _, mood in MOODS.values()]
    mood = random.Random(f"mood of {seed}").choices(moods, weights=[weight for weight, _ in MOODS.values()])[0]

    def weigh(weights: Mapping[str, int]) -> dict[str, float]:
        return {name: weight * mood.get(name, 1) for name, weight in weights.items() if name not in left_out}

    return Odds(
        acts=weigh({name: weight for name, (weight, _) in ACTS.items()}),
        world=weigh({name: weight for name, (weight, _) in HAPPENINGS.items()}),
        injuries=weigh(INJURIES),
        deadly=weigh({"kill": 1, "kill_in_commit": 1}),
        fragile=FRAGILE,
        stories=frozenset(scenes.ACTS),
    )
