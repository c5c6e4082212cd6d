"""What outlives a process: the database, the provider's books and the time."""

import gc
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from django.test import Client, override_settings

from core import clock, jobs, policies, throttles
from core.tests.factories import NOW
from sandbox.clock import VirtualClock
from tests.crashes.house import post_then_sweep
from tests.databases import close_connections, empty
from tests.shop import ShopClock, furnish_shop, wire_shop
from tests.simulation.randomness import seeded_ids
from tests.simulation.world import World
from webhooks.selectors import forget_addresses


class SharedClock(VirtualClock):
    """One time for a process and all its children: it does not turn back when one of them dies."""

    def __init__(self, start: float) -> None:
        """Begin at `start`, in memory that a fork does not copy."""
        self._seconds = memoryview(mmap.mmap(-1, 8)).cast("d")
        self._seconds[0] = start

    def now(self) -> float:
        """This will return the time the clock was last moved to, by whomever."""
        return self._seconds[0]

    def signing_time(self) -> float:
        """This will return the same time."""
        return self._seconds[0]

    def sleep(self, seconds: float) -> None:
        """This will move the clock instead of waiting."""
        self._seconds[0] += seconds

    def advance(self, seconds: float) -> None:
        """This will move the clock forward."""
        self._seconds[0] += seconds


@dataclass(frozen=True)
class Ground:
    """Where one death after the other is played: a database of ours, a file of the provider's, one clock."""

    database: str
    emptying: str
    directory: Path
    clock: SharedClock
    # One for API and door, loaded once in the parent: its middleware looks at every file of the shop's pages.
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def clear(self) -> None:
        """This will forget everything: no rows, no provider, the first instant again."""
        empty(self.database, statement=self.emptying)
        for path in self.directory.iterdir():
            path.unlink()
        self.clock.advance(NOW.timestamp() - self.clock.now())

    @contextmanager
    def process(self, *, seed: int, is_first: bool) -> Iterator[World]:
        """This will make this process the shop's: its own sessions and memory, and a broker that dies with it."""
        for forget in (policies.forget_cached, forget_addresses, jobs.forget_outage, throttles.forget_tries):
            forget()
        with seeded_ids(seed):
            if is_first:
                furnish_shop()
            shop = wire_shop(virtual=self.clock, seed=seed, path=str(self.directory / "provider.sqlite"))
            world = World(shop, customers=0)
            world.client = shop.client = shop.door = self.client
            with (
                clock.use(ShopClock(self.clock)),
                override_settings(ROOT_URLCONF="tests.urls"),
                patch("core.jobs.current_app", world.broker),
            ):
                yield world


def warm_up(ground: Ground) -> None:
    """This will load what the first request loads, in the parent: a child inherits it and need not do it again."""
    ground.clear()
    with ground.process(seed=0, is_first=True) as world:
        cart = world.shop.a_cart()
        world.shop.start(cart, token="pm_card_visa")
        post_then_sweep(world)
    close_connections()
    gc.freeze()
