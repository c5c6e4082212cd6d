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
from orders.models import Order, OrderEvent, OrderState
from orders.models.money import BEFORE_PAYMENT
from payments.models import OPEN_STATUSES, Operation
from payments.providers.registry import use_adapter
from tests.shop import ShopClock, open_shop
from tests.simulation import workers
from tests.simulation.furniture import furnish
from tests.simulation.judge import CHECK_NAMES, ONLOOKER, Finding, Judge, fingerprint
from tests.simulation.odds import ACTS, HAPPENINGS, USUAL_GROUPS, odds_for
from tests.simulation.randomness import caches_age, seeded_ids
from tests.simulation.script import SLOTS, Draw, Odds, Step, place_of
from tests.simulation.stage import Slot, Stage
from tests.simulation.world import World, now_seconds
from webhooks.models import Event
from webhooks.selectors import forget_addresses

# Spans between the last sweeps, in minutes: over every hold, key, back-off and authorization.
CALM_MINUTES = [2, 2, 2, 4, 8, 16, 20, 20, 40, 60, 120, 180, 360, *[720] * 4, *[1500] * 10]


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
    calm_statements: int = 0
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

    def __init__(
        self,
        *,
        seed: int,
        groups: Collection[str] = USUAL_GROUPS,
        odds: Odds | None = None,
        people: int = 4,
        checks: Collection[str] = CHECK_NAMES,
    ) -> None:
        """Remember; `__enter__` opens. `odds` in the place of the seed's own."""
        self.run = Run(seed)
        self._odds = odds or odds_for(seed, groups=groups)
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
        enter(caches_age(shop.virtual.now))
        enter(override_settings(ROOT_URLCONF="tests.urls"))
        self.world = World(shop, customers=self._people)
        furnish(shop)
        self.world.line.connect()
        enter(patch("core.jobs.current_app", self.world.broker))
        fragile = self._odds.fragile
        self.stage = Stage(
            slots=SLOTS, on_lost_commit=self.world.broker.lose_fresh,
            always_pause=lambda point: place_of(point) in fragile,
        )  # fmt: skip
        self._open.callback(self.stage.close)
        self.world.befalls = self._odds.world
        self.world.standing = lambda: [slot.point for slot in self.stage.slots if slot.is_busy]
        enter(killpoints.listen(self.stage.reach))
        self._judge = Judge(self.world, checks=self._checks)
        return self

    def __exit__(self, *_: object) -> None:
        """Count what was seen and close."""
        moves = OrderEvent.objects.filter(kind="transition").values_list("from_state", "to_state")
        self.run.transitions.update(moves)
        self.run.done = self.world.done + Counter({f"fault: {name}": n for name, n in self.stage.injuries.items()})
        self.run.points, self.run.kills = self.stage.points, self.stage.kills
        self.run.calm_statements = self.stage.statements - self.run.statements
        self._open.close()
        # Who counts deadlocks waits until every session of the database has ended.
        ONLOOKER.close()

    def draw(self, count: int) -> Run:
        """This will draw from the seed and play until `count` steps did something, then come to rest.

        A step that found nothing to do, or let time pass, is played and not counted.
        """
        dice = Draw(self.run.seed, self._odds)
        while self.run.counted_steps < count:
            free = [slot.number for slot in self.stage.slots if not slot.is_busy]
            standing = {slot.number: slot.point for slot in self.stage.slots if slot.is_busy}
            if not self._play(dice.next(free=free, standing=standing)):
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
                if step.name in self._odds.stories:
                    self._end_processes()
                ended_at = self._after(self._begin(slot, step))
            case _:
                ended_at = self._after(self.stage.go_on(step.slot, injury=step.name, passes=step.passes))
        effects = self._effects() - before
        self.run.log.append(Entry(len(self.run.steps), now_seconds(), step, ended_at, effects))
        self.run.counted_steps += effects > 0
        self.run.statements = self.stage.statements
        self.run.broken = self._judge.after_step() if effects else []
        return not self.run.broken

    def _effects(self) -> int:
        """Statements and provider calls of actors so far; the judge's own are not among them."""
        return self.stage.statements + self.stage.calls

    def _end_processes(self) -> None:
        """Nobody stands in the middle of a request for hours: servers and workers are restarted before that.

        Otherwise a process that slept between the look at its key's life and the call would send a key the provider
        has forgotten; no code of ours could know.
        """
        for slot in self.stage.slots:
            while slot.is_busy:
                self.stage.go_on(slot.number, injury="kill")

    def _begin(self, slot: Slot, step: Step) -> Slot:
        act = ACTS[step.name][1]
        self.world.done[f"act: {step.name}"] += 1
        return self.stage.begin(
            slot.number, name=step.name, act=lambda: act(self.world, random.Random(step.seed)), passes=step.passes
        )

    def _after(self, slot: Slot) -> str:
        if slot.crash is not None and not isinstance(slot.crash, OperationalError | InterfaceError):
            self.world.complain(f"{slot.name} crashed: {type(slot.crash).__name__}: {slot.crash}")
        return slot.point if slot.is_busy else "done"

    def _come_to_rest(self) -> Run:
        """No more faults: everybody finishes, repeats what had no answer, and sweeps run until nothing moves."""
        for step in self._closing_steps():
            if not self._calm(step):
                return self.run
        self.run.broken = self._judge.at_rest() or self._same_after_repeats()
        return self.run

    def _closing_steps(self) -> Iterator[str]:
        engine = self.world.shop.sandbox.engine
        self.world.end_faults(engine.faults, title="provider")
        self.world.end_faults(engine.webhook_faults, title="webhook")
        self.world.line.clear()
        self.world.done.update(f"fault: line {met}" for met in self.world.line.met)
        for slot in self.stage.slots:
            while slot.is_busy:
                yield f"go {slot.number}"
        for _ in range(3):
            yield from ["repeat", "deliver", "work", "sweep"]
        for minutes in CALM_MINUTES:
            if self._is_quiet():
                break
            self.world.pass_time(minutes=minutes)
            yield from ["deliver", "work", "sweep", "work"]
        # Nothing is left that could move. If something is, two weeks bring it to light.
        self.world.pass_time(days=14)
        yield from ["deliver", "work", "sweep", "work", "deliver"]

    def _is_quiet(self) -> bool:
        """Whether nobody waits for anything: no order, operation, event, task, delivery, nor the provider."""
        engine = self.world.shop.sandbox.engine
        return (
            not self.world.broker.waiting
            and engine.deliveries.next_due_at() is None
            and not Operation.objects.filter(status__in=OPEN_STATUSES).exists()
            and not Event.objects.exclude(status__in=["processed", "ignored"]).exists()
            and not Order.objects.filter(state__in=set(BEFORE_PAYMENT) - {OrderState.EXPIRED}).exists()
        )

    def _calm(self, what: str) -> bool:
        """Do one thing of the rest and look. Returns whether all is well; what did nothing is no step."""
        before = self._effects()
        with self.stage.counting():
            self._do_calmly(what)
        if self._effects() != before:
            self.run.calm_steps += 1
            self.run.broken = self._judge.after_step()
        return not self.run.broken

    def _do_calmly(self, what: str) -> None:
        self.world.broker.fresh.clear()
        match what.split():
            case ["go", number]:
                self._after(self.stage.go_on(int(number), passes=9))
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
