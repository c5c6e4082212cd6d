"""How often what is drawn: acts, happenings and injuries, by groups of faults and by the mood of a seed.

Note [Moods]: with the same odds everywhere each run would be the average one, and what needs several rare things in one
shop would never happen. So a seed also draws a mood, in which some things are tried far more often than others.
"""

import random
from collections.abc import Collection, Mapping

from tests.simulation import carts, colleagues, customers, happenings, scenes, waits, workers
from tests.simulation.script import Odds
from tests.simulation.stage import INJURIES

STORIES = {**scenes.ACTS, **waits.ACTS}
ACTS = {**carts.ACTS, **customers.ACTS, **workers.ACTS, **colleagues.ACTS, **STORIES}
HAPPENINGS = happenings.HAPPENINGS

# What `--faults` takes: each name is an act, a happening or an injury. Everything else is life going on.
GROUPS: dict[str, tuple[str, ...]] = {
    "customers": (
        "repeat", "start_elsewhere", "pay_by_link", "cancel", "ask_refund", "go_back", "reopen_app", "copy_cart",
        "sign_in",
    ),
    "provider": ("provider_fault", "keys_pruned", "stranger_pays", "charge_twice", "work_in_dashboard", "bank_is_slow",
                 "answers_are_lost"),
    "banks": ("dispute", "reversal", "dashboard_refund", "fraud_warning", "tried_again", "paid_once_more"),
    "line": ("line_keeps", "key_refused", "left_for_long", "paid_twice", "come_back_late", "overtaken", "old_news",
             "provider_is_silent"),
    "webhooks": ("post_fault", "deliver_old", "deliver_forged"),
    "workers": ("work_again", "task_lost", "broker_emptied"),
    "processes": ("kill", "kill_in_commit", "doom", "doom_anywhere"),
    "database": ("serialization_failure", "deadlock", "lost_before_commit", "lost_after_commit"),
    "clock": ("minutes_pass", "days_pass", "held_to_the_end", "rest_lapses"),
    "staff": (
        "ask_provider", "replay_event", "cancel_as_staff", "money_too_late", "capture_fails", "refund_as_staff",
        "decide_refund", "decide_claim", "refund_is_slow", "nobody_agrees",
    ),
}  # fmt: skip

MOODS: dict[str, tuple[int, dict[str, float]]] = {
    "even": (3, {}),
    "held": (4, {
        "start_held": 6, "start": 0.3, "take_held_funds": 2.5, "work_in_dashboard": 3, "key_refused": 8,
        "money_too_late": 3, "cancel_as_staff": 2, "days_pass": 1.5,
    }),
    "kept": (2, {
        "line_keeps": 8, "minutes_pass": 2.5, "pay_again": 2, "sweep": 1.5, "days_pass": 0.3, "money_too_late": 2,
        "left_for_long": 4, "paid_twice": 4, "come_back_late": 3,
    }),
    "undecided": (2, {
        "cancel": 3, "cancel_as_staff": 2, "money_too_late": 2, "confirm": 1.5, "pay_again": 1.5, "minutes_pass": 1.5,
    }),
    "slow": (1, {"provider_fault": 3, "repeat": 2, "seconds_pass": 1.5}),
    "late": (2, {
        "minutes_pass": 3, "repeat": 5, "start": 1.5, "come_back": 2, "ask_provider": 2,
        # These end every process first.
        "days_pass": 0.1, "left_for_long": 0.1, "paid_twice": 0.1, "come_back_late": 0.1, "capture_fails": 0.1,
        "overtaken": 0.1, "old_news": 0.1, "another_card": 0.1, **dict.fromkeys(waits.ACTS, 0.1),
    }),
}  # fmt: skip
# In which of them answers are read late: everybody else gets between what the provider said and who asked.
READS_ANSWERS = {"late": 0.06}

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
) | {"call:GET:disputes", "call:GET:refunds", "call:POST:refunds"}  # fmt: skip


def odds_for(seed: int, *, groups: Collection[str] = GROUPS, mood: str = "") -> Odds:
    """This will return the odds of a seed in its mood or in this one, with the faults of these groups only."""
    left_out = {name for group, names in GROUPS.items() if group not in groups for name in names}
    moods = {name: weight for name, (weight, _) in MOODS.items()}
    mood = mood or random.Random(f"mood of {seed}").choices(list(moods), weights=list(moods.values()))[0]
    often = MOODS[mood][1]

    def weigh(weights: Mapping[str, float]) -> dict[str, float]:
        return {name: weight * often.get(name, 1) for name, weight in weights.items() if name not in left_out}

    return Odds(
        acts=weigh({name: weight for name, (weight, _) in ACTS.items()}),
        world=weigh({name: weight for name, (weight, _) in HAPPENINGS.items()}),
        injuries=weigh(INJURIES),
        deadly=weigh({"kill": 1, "kill_in_commit": 1}),
        fragile=FRAGILE,
        stories=frozenset(STORIES),
        reads_answers=READS_ANSWERS.get(mood, 1.0),
    )
