"""One storm: a stack as `./run` starts it, customers, troubles, then quiet and the books."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.phones import Phone
from tests.chaos.quiet import Quiet
from tests.chaos.troubles import Troubles
from tests.running import a_copy, wait_until
from tests.stack.backstage import Backstage
from tests.stack.client import Shopper

PHONES = 4
ARTICLES = 12
SEED_SECONDS_MAX = 300
# Between two troubles, on average.
PAUSE_SECONDS = 4.0
KILLS_A_MINUTE_MIN = 3
# What waits for minutes in a shop waits for seconds here, so that leases, back-offs and expiries all happen; and the
# limits are those of a town, not of one address.
POLICIES: dict[str, dict[str, Any]] = {
    "payment": {"first_check_seconds": 2, "recheck_seconds": 2, "not_found_spacing_seconds": 10},
    "reservation": {"hold_seconds": 30, "extension_seconds": 15, "cap_seconds": 60},
    "webhooks": {"lease_seconds": 15, "parked_recheck_seconds": 10},
    "throttles": dict.fromkeys(
        (
            "payments_address_max", "carts_address_max", "returns_address_max", "declines_address_max",
            "declines_card_max", "declines_token_max",
        ),
        1_000_000,
    ),
}  # fmt: skip


@dataclass
class Outcome:
    """What a storm came to."""

    seed: int
    broken: list[str] = field(default_factory=list)
    kills: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)

    def show(self) -> None:
        """This will print what was done, what happened and what is broken."""
        for title, counts in (("Customers", self.done), ("Troubles", self.troubles), ("Orders", self.orders)):
            print(f"\n{title}")
            for what, times in sorted(counts.items()):
                print(f"{times:>8,}  {what}")
        print()
        for one in self.broken:
            print(f"broken: {one}")
        print(f"seed {self.seed}: {self.kills} kills, {len(self.broken)} violations")


def weather(place: Path, *, seed: int, minutes: float) -> Outcome:
    """This will start a copy of the project in `place`, let the storm pass and return what is broken afterwards."""
    with a_copy(place) as stack:
        try:
            # A second between sweeps: what was lost is found within the storm.
            stack.start(SWEEP_SECONDS="1")
            wait_until(stack.has_seeded, seconds_max=SEED_SECONDS_MAX)
            shopper = Shopper(stack)
            skus = _stock(shopper)
            [(last,)] = shopper.rows("SELECT max(id) FROM orders_order")
            outcome = Outcome(seed)
            phones = [Phone(number, env=stack.state()["env"], skus=skus, seed=seed) for number in range(PHONES)]
            troubles = Troubles(stack, seed=seed, pause_seconds=PAUSE_SECONDS)
            shopper.forget_connections()
            _storm(phones, troubles, seconds=minutes * 60)
            outcome.broken = Quiet(stack, last_order_before=last).judge(phones)
            outcome.kills, outcome.troubles = troubles.kills, troubles.count
            for phone in phones:
                outcome.done.update(phone.told.done)
                phone.close()
            states = shopper.rows("SELECT state, count(*) FROM orders_order WHERE id > %s GROUP BY state", last)
            outcome.orders.update(dict(states))
            shopper.close()
            return outcome
        finally:
            stack.end()


def _stock(shopper: Shopper) -> list[str]:
    """Impatient policies and articles of which some are scarce, so that the last unit is fought for."""
    Backstage(shopper).change_policies(**POLICIES)
    return [shopper.sku_with(12 if number % 4 == 0 else 100_000, article=number) for number in range(ARTICLES)]


def _storm(phones: list[Phone], troubles: Troubles, *, seconds: float) -> None:
    is_over = threading.Event()
    acts = [*(phone.live for phone in phones), troubles.make]
    threads = [threading.Thread(target=act, args=[is_over], daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    is_over.wait(seconds)
    is_over.set()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "somebody does not come home from the storm"
