"""Plays a script: one step, one look, until something is broken or the script ends; then lets all come to rest."""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self
from unittest.mock import patch

from django.db import InterfaceError, OperationalError
from django.test import override_settings

from core import clock, jobs, killpoints, policies, throttles
from orders.models import OrderEvent
from payments.providers.registry import use_adapter
from tests.shop import ShopClock, open_shop
from tests.simulation import customers, happenings, workers
from tests.simulation.judge import CHECK_NAMES, Finding, Judge, fingerprint
from tests.simulation.randomness import seeded_ids
from tests.simulation.script import SLOTS, Draw, Odds, Step
from tests.simulation.stage import INJURIES, Slot, Stage
from tests.simulation.world import World, now_seconds
from webhooks.selectors import forget_addresses

ACTS = {**customers.ACTS, **workers.ACTS}
HAPPENINGS = happenings.HAPPENINGS
ODDS = Odds(
    acts={name: weight for name, (weight, _) in ACTS.items()},
    world={name: weight for name, (weight, _) in HAPPENINGS.items()},
    faults=frozenset(INJURIES),
)
CALM_ROUNDS_MAX = 60


@dataclass(frozen=True)
class Entry:
    """A line of the event log: which step, when on the shop's clock, what, and where it paused or ended."""

    number: int
    seconds: float
    step: Step
    ended_at: str
    statements: int


@dataclass
class Run:
    """What a script came to."""

    seed: int
    steps: list[Step] = field(default_factory=list)
    log: list[Entry] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)
    counted_steps: int = 0
    calm_steps: int = 0
    statements: int = 0
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was ever broken."""
        return not self.broken


class Director:
    """One run in one world. Use as a context: it puts the virtual clock, the broker and the ids in place."""

    def __init__(self, *, seed: int, odds: Odds = ODDS, people: int = 4, checks: Collection[str] = CHECK_NAMES) -> None:
        """Remember; `__enter__` opens."""
        self.run = Run(seed)
        self._odds = odds
        self._people = people
        self._checks = checks
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Open the shop. Whatever this process remembers of an earlier one is forgotten first."""
        for forget in (policies.forget_cached, forget_addresses, jobs.forget_outage, throttles.forget_tries):
            forget()
        enter = self._open.enter_context
        enter(seeded_ids(self.run.seed))
        shop = open_shop(seed=self.run.seed)
        self._open.callback(shop.sandbox.engine.store.close)
        self._open.callback(use_adapter, shop.account, None)
        enter(clock.use(ShopClock(shop.virtual)))
        enter(override_settings(ROOT_URLCONF="tests.urls"))
        self.world = World(shop, customers=self._people)
        enter(patch("core.jobs.current_app", self.world.broker))
        self.stage = Stage(slots=SLOTS, on_lost_commit=self.world.broker.lose_fresh)
        self._open.callback(self.stage.close)
        enter(killpoints.listen(self.stage.reach))
        self._judge = Judge(self.world, checks=self._checks)
        return self

    def __exit__(self, *_: object) -> None:
        """Count what was seen and close."""
        moves = OrderEvent.objects.filter(kind="transition").values_list("from_state", "to_state")
        self.run.transitions.update(moves)
        self.run.done = self.world.done + Counter({f"fault: {name}": n for name, n in self.stage.injuries.items()})
        self.run.points, self.run.kills = self.stage.points, self.stage.kills
        self.run.statements = self.stage.statements
        self._open.close()

    def draw(self, count: int) -> Run:
        """This will draw from the seed and play until `count` steps did something, then come to rest.

        A step that found nothing to do, or let time pass, is played and not counted.
        """
        dice = Draw(self.run.seed, self._odds)
        while self.run.counted_steps < count:
            free = [slot.number for slot in self.stage.slots if not slot.is_busy]
            busy = [slot.number for slot in self.stage.slots if slot.is_busy]
            if not self._play(dice.next(free=free, busy=busy)):
                return self.run
        return self._come_to_rest()

    def play(self, steps: Sequence[Step]) -> Run:
        """This will play a written script, passing over what does not fit, then come to rest."""
        for step in steps:
            if not self._play(step):
                return self.run
        return self._come_to_rest()

    def _play(self, step: Step) -> bool:
        slot = self.stage.slots[step.slot]
        if slot.is_busy != (step.kind == "go") and step.kind != "world":
            return True
        self.run.steps.append(step)
        self.world.broker.fresh.clear()
        before = self._effects()
        match step.kind:
            case "world":
                if step.name == "days_pass":
                    self._end_processes()
                HAPPENINGS[step.name][1](self.world, random.Random(step.seed))
                ended_at = ""
            case "begin":
                ended_at = self._after(self._begin(slot, step))
            case _:
                ended_at = self._after(self.stage.go_on(step.slot, injury=step.name))
        effects = self._effects() - before
        self.run.log.append(Entry(len(self.run.steps), now_seconds(), step, ended_at, effects))
        self.run.counted_steps += effects > 0
        self.run.broken = self._judge.after_step() if effects else []
        return not self.run.broken

    def _effects(self) -> int:
        """Statements and provider calls of actors so far; the judge's own are not among them."""
        return self.stage.statements + self.stage.calls

    def _end_processes(self) -> None:
        """Nobody stands in the middle of a request for days: servers and workers are restarted before that.

        Otherwise a process that slept between the look at its key's life and the call would send a key the provider
        has forgotten; no code of ours could know.
        """
        for slot in self.stage.slots:
            while slot.is_busy:
                self.stage.go_on(slot.number, injury="kill")

    def _begin(self, slot: Slot, step: Step) -> Slot:
        act = ACTS[step.name][1]
        self.world.done[f"act: {step.name}"] += 1
        return self.stage.begin(slot.number, name=step.name, act=lambda: act(self.world, random.Random(step.seed)))

    def _after(self, slot: Slot) -> str:
        if slot.crash is not None and not isinstance(slot.crash, OperationalError | InterfaceError):
            self.world.complain(f"{slot.name} crashed: {type(slot.crash).__name__}: {slot.crash}")
        return slot.point if slot.is_busy else "done"

    def _come_to_rest(self) -> Run:
        """No more faults: everybody finishes, repeats what had no answer, and sweeps run until nothing moves."""
        for step in self._closing_steps():
            self.run.calm_steps += 1
            self._calm(step)
            if self.run.broken:
                return self.run
        self.run.broken = self._judge.at_rest() or self._same_after_repeats()
        return self.run

    def _closing_steps(self) -> Iterator[str]:
        engine = self.world.shop.sandbox.engine
        engine.faults.clear()
        engine.webhook_faults.clear()
        for slot in self.stage.slots:
            while slot.is_busy:
                yield f"go {slot.number}"
        for _ in range(3):
            yield from ["repeat", "deliver", "work", "sweep"]
        # Two days, beyond every hold, key and back-off, in spans that grow.
        for minutes in [2] * 8 + [20] * 6 + [180] * 16 + [1500] * 8:
            self.world.shop.pass_time(minutes=minutes)
            yield from ["deliver", "work", "sweep", "work"]

    def _calm(self, what: str) -> None:
        self.world.broker.fresh.clear()
        match what.split():
            case ["go", number]:
                self._after(self.stage.go_on(int(number)))
            case ["repeat"]:
                for customer in self.world.customers:
                    for request in list(customer.unanswered):
                        self.world.send(customer, request)
            case ["deliver"]:
                self.world.shop.deliver()
            case ["work"]:
                while self.world.broker.waiting:
                    wake = self.world.broker.waiting.pop(0)
                    workers.TASKS[wake.name](**dict(wake.ids))
            case ["sweep"]:
                for sweep in workers.SWEEPS.values():
                    sweep()
        self.run.broken = self._judge.after_step()

    def _same_after_repeats(self) -> list[Finding]:
        """Every event once more, in another order: the same facts give the same state."""
        if not self._judge.compares("repeats_change_nothing"):
            return []
        before = fingerprint()
        world, dice = self.world, random.Random(self.run.seed)
        events = [row[0] for row in world.shop.sandbox.engine.store.rows("SELECT id FROM events")]
        dice.shuffle(events)
        for event_id in events:
            world.shop.sandbox.engine.deliveries.redeliver(event_id)
        world.shop.deliver()
        after = fingerprint()
        return [
            Finding("repeats_change_nothing", f"repeats changed {old} to {new}")
            for old, new in zip(before, after, strict=True)
            if old != new
        ]
