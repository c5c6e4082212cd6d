"""What happens to the processes: killed at once, frozen for a while, their broker emptied, their database restarted.

Which trouble comes when is drawn from a seed. Where it hits is up to the machine: real processes repeat no history.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

from tests.running import Checkout

# Whom it hits how often. A door that is down loses webhooks, a beat that is down sweeps.
KILLED = {"web": 5, "worker": 6, "webhooks": 2, "beat": 2, "sandbox": 3, "valkey": 2}
FROZEN = {"web": 2, "worker": 4, "webhooks": 1, "beat": 1, "sandbox": 2, "valkey": 1}
TROUBLES = {"kill": 7, "freeze": 3, "empty_broker": 1, "restart_postgres": 1}
FROZEN_SECONDS = (1.0, 20.0)


class Troubles:
    """Makes trouble on a thread of its own until told to stop; `count` says of what kind and whom."""

    def __init__(self, stack: Checkout, *, seed: int, pause_seconds: float) -> None:
        """Remember; `make` begins."""
        self.count: Counter[str] = Counter()
        self._stack = stack
        self._env: dict[str, str] = stack.state()["env"]
        self._dice = random.Random(seed)
        self._pause_seconds = pause_seconds
        self._thaws: list[threading.Timer] = []
        self._began = time.monotonic()

    @property
    def kills(self) -> int:
        """How many processes died without a word."""
        return sum(times for what, times in self.count.items() if what.startswith(("kill", "restart")))

    def make(self, until: threading.Event) -> None:
        """This will make one trouble after the other."""
        while not until.wait(self._pause_seconds * self._dice.uniform(0.5, 1.5)):
            getattr(self, f"_{self._draw(TROUBLES)}")()
        for thaw in self._thaws:
            thaw.join()

    def _draw(self, weights: dict[str, int]) -> str:
        return self._dice.choices(list(weights), weights=list(weights.values()))[0]

    def _note(self, what: str) -> None:
        self.count[what] += 1
        print(f"{time.monotonic() - self._began:6.1f} s  {what}", flush=True)

    def _kill(self) -> None:
        name = self._draw(KILLED)
        pids = sorted(pid for pid, _ in self._stack.processes(f"{name}."))
        if not pids:  # it is down already and will be started again
            return
        # The parent, one of its children, or all at once as when a machine dies.
        whom = self._dice.choice([pids, [self._dice.choice(pids)]])
        _signal(whom, signal.SIGKILL)
        self._note(f"kill -9 {name}")

    def _freeze(self) -> None:
        name, seconds = self._draw(FROZEN), self._dice.uniform(*FROZEN_SECONDS)
        pids = [pid for pid, _ in self._stack.processes(f"{name}.")]
        _signal(pids, signal.SIGSTOP)
        self._note(f"freeze {name}")
        thaw = threading.Timer(seconds, _signal, [pids, signal.SIGCONT])
        thaw.start()
        self._thaws.append(thaw)

    def _empty_broker(self) -> None:
        with suppress(redis.RedisError), redis.Redis.from_url(self._env["REDIS_URL"]) as broker:
            broker.flushall()
            self._note("FLUSHALL")

    def _restart_postgres(self) -> None:
        # Immediate: every connection breaks in the middle of what it did, and the next start recovers from the log.
        with suppress(psycopg.OperationalError), psycopg.connect(self._env["DATABASE_SUPERUSER_URL"]) as connection:
            [(directory,)] = connection.execute("SHOW data_directory").fetchall()
            pid = int((Path(directory) / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGQUIT)
            self._note("restart postgres")


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
