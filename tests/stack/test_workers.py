"""Workers that die, stand still or lose their broker: what is due lies in PostgreSQL, and health is of work alone."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import redis

from commerce.devstack.install import is_installed
from commerce.health import QUEUES
from tests.running import wait_until
from tests.stack.backstage import Backstage
from tests.stack.client import CLIENT_SECONDS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not is_installed(), reason="needs the .venv that ./run makes"),
]

NOTICED_SECONDS_MAX = 120
# How often beat asks each queue for a sign of life.
BEAT_SECONDS = 15


def health(backstage: Backstage, path: str = "work") -> httpx2.Response:
    """This will ask how the stack is, as a probe does; "" asks for the process alone."""
    address = f"{backstage.shopper.env['SURETY_URL']}/healthz{path and f'/{path}'}"
    return httpx2.get(address, timeout=CLIENT_SECONDS)


def happens_within(seconds_max: float, what: Callable[[], bool]) -> bool:
    """This will look every half second, and tell whether it came to it in time."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.5)
    return False


def send(backstage: Backstage, name: str, number: signal.Signals) -> set[int]:
    """This will send a signal to a child of the stack with all its descendants, and return whom."""
    pids = {pid for pid, _ in backstage.stack.processes(f"{name}.")}
    assert pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return pids


@contextmanager
def worker_standing_still(backstage: Backstage) -> Iterator[set[int]]:
    """This will let the workers' processes live and do nothing. Gives their ids."""
    pids = send(backstage, "worker", signal.SIGSTOP)
    try:
        yield pids
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def now_of(backstage: Backstage) -> datetime:
    """This will return the time by the clock that heartbeats are written with."""
    [(now,)] = backstage.shopper.rows("SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now


def has_beaten_since(backstage: Backstage, instant: datetime) -> bool:
    """This will tell whether every queue completed a heartbeat that was sent after that instant, not before it."""
    since = instant + timedelta(seconds=BEAT_SECONDS)
    rows = backstage.shopper.rows("SELECT queue FROM core_heartbeat WHERE completed_at > %s", since)
    return {str(queue) for (queue,) in rows} == set(QUEUES)


class TestBrokerEmptied:
    @pytest.mark.pains("J2")
    def test_and_the_worker_killed_everything_that_was_due_is_finished_by_the_sweeps(
        self, impatient: Backstage
    ) -> None:
        shopper = impatient.shopper
        sku = shopper.sku_with(available=100)
        orders: dict[str, dict[str, Any]] = {
            name: shopper.start(shopper.a_cart(sku), key="tap", token="").json()
            for name in ("paid", "cancelled", "paid and cancelled")
        }
        wait_until(impatient.is_idle, seconds_max=30)

        with worker_standing_still(impatient), redis.Redis.from_url(shopper.env["REDIS_URL"]) as broker:
            for name, order in orders.items():
                if "paid" in name:
                    shopper.confirm(order)
                if "cancelled" in name:
                    assert shopper.cancel(order).status_code == 202
            succeeded = impatient.events_of(orders["paid"])["payment_intent.succeeded"]
            wait_until(lambda: impatient.heard(succeeded) == "received", seconds_max=20)
            assert broker.llen("urgent") > 0
            broker.flushall()
            send(impatient, "worker", signal.SIGKILL)

        shown = {
            name: shopper.wait_for(order, "paid" if name == "paid" else "cancelled", seconds_max=90)
            for name, order in orders.items()
        }
        price = shown["paid"]["total"]["amount_minor"]
        ends = {
            name: (impatient.moves(order["order_id"])[-1], self.money(impatient, order))
            for name, order in orders.items()
        }
        assert ends == {
            "paid": ("paid", ([price], [])),
            "cancelled": ("cancelled", ([0], [])),
            "paid and cancelled": ("cancelled_with_refund", ([price], [price])),
        }

    def money(self, impatient: Backstage, order: dict[str, Any]) -> tuple[list[int], list[int]]:
        """What the provider took and gave back."""
        intents = impatient.shopper.intents_of(order["order_id"])
        refunds = impatient.shopper.refunds_of(order["order_id"])
        return [intent["amount_received"] for intent in intents], [refund["amount"] for refund in refunds]


class TestWorkStandingStill:
    @pytest.mark.pains("J3")
    def test_is_noticed_within_two_minutes_although_every_process_lives(self, impatient: Backstage) -> None:
        assert happens_within(60, lambda: health(impatient).status_code == 200)

        with worker_standing_still(impatient) as pids:
            is_noticed = happens_within(NOTICED_SECONDS_MAX, lambda: health(impatient).status_code == 503)
            queues = health(impatient).json()["last_heartbeat"]
            processes = health(impatient, "").status_code
            living = {pid for pid, _ in impatient.stack.processes("worker.")}

        assert is_noticed
        assert (processes, living) == (200, pids)
        assert any(queue["is_late"] for queue in queues.values())
        assert happens_within(60, lambda: health(impatient).status_code == 200)

    @pytest.mark.pains("J3")
    def test_after_the_broker_was_restarted_is_over_or_noticed_within_two_minutes(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        wait_until(impatient.is_idle, seconds_max=30)

        send(impatient, "valkey", signal.SIGKILL)
        restarted_at = now_of(impatient)

        is_over = happens_within(NOTICED_SECONDS_MAX, lambda: has_beaten_since(impatient, restarted_at))
        assert is_over or health(impatient).status_code == 503
        assert is_over, "noticed, but this stack is to come back by itself"
        order = shopper.start(shopper.a_cart(shopper.sku_with(available=100)), key="tap", token="").json()
        shopper.confirm(order)
        shopper.wait_for(order, "paid")


class TestAfterwards:
    def test_the_invariants_hold_and_the_provider_says_the_same(self, impatient: Backstage) -> None:
        assert impatient.find_violations() == ""
