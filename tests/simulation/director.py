"""Plays a script: one step, one look, until something is broken or the script ends; then lets all come to rest."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Self
from unittest.mock import patch

from django.db import InterfaceError, OperationalError
from django.test import override_settings

from core import clock, jobs, killpoints, policies, throttles
from orders.models import Order, OrderEvent
from payments.providers.registry import use_adapter
from tests.shop import ShopClock, open_shop
from tests.simulation.furniture import furnish
from tests.simulation.judge import CHECK_NAMES, Finding, Judge, fingerprint
from tests.simulation.odds import ACTS, GROUPS, HAPPENINGS, odds_for
from tests.simulation.randomness import caches_age, seeded_ids
from tests.simulation.rest import Calm, calm_steps
from tests.simulation.script import SLOTS, Draw, Odds, Step
from tests.simulation.stage import Slot, Stage
from tests.simulation.world import World, now_seconds
from webhooks.selectors import forget_addresses


@dataclass(frozen=True)
class Entry:
    """A line of the event log: which step, when on the shop's clock, what, where it paused or ended, what befell it."""

    number: int
    seconds: float
    step: Step
    ended_at: str
    statements: int
    hurt: str = ""


@dataclass(frozen=True)
class Sight:
    """What there was to see after a line of the log: who was in the middle of what, by place, and each order's state by
    its number.
    """

    busy: dict[int, str]
    orders: dict[str, str]


@dataclass
class Run:
    """What a script came to."""

    seed: int
    steps: list[Step] = field(default_factory=list)
    log: list[Entry] = field(default_factory=list)
    # One for each line of the log and one of the end, of a run that is watched.
    sights: list[Sight] = field(default_factory=list)
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
        groups: Collection[str] = GROUPS,
        odds: Odds | None = None,
        people: int = 4,
        checks: Collection[str] = CHECK_NAMES,
        is_watched: bool = False,
    ) -> None:
        """Remember; `__enter__` opens. `odds` in the place of the seed's own; who watches keeps sights."""
        self.run = Run(seed)
        self._odds = odds or odds_for(seed, groups=groups)
        self._people = people
        self._checks = checks
        self._is_watched = is_watched
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
        self.stage = Stage(
            slots=SLOTS, on_lost_commit=self.world.broker.lose_fresh, always_pause=self._odds.always_pauses
        )
        self._open.callback(self.stage.close)
        self.world.befalls = self._odds.world
        self.world.doom = self.stage.doom
        self.world.standing = lambda: [slot.point for slot in self.stage.slots if slot.is_busy]
        enter(killpoints.listen(self.stage.reach))
        self._judge = Judge(self.world, checks=self._checks)
        self.world.turn_page = self.stage.turn_page
        return self

    def __exit__(self, *_: object) -> None:
        """Count what was seen and close."""
        self._watch()
        moves = OrderEvent.objects.filter(kind="transition").values_list("from_state", "to_state")
        self.run.transitions.update(moves)
        self.run.done = self.world.done + Counter({f"fault: {name}": n for name, n in self.stage.injuries.items()})
        self.run.points, self.run.kills = self.stage.points, self.stage.kills
        self.run.calm_statements = self.stage.statements - self.run.statements
        self._open.close()

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
        match step.kind:
            case "world":
                return self._scene(step, partial(self._befall, step))
            case "begin" if step.name in self._odds.stories:
                return self._tell(slot, step)
            case "begin":
                return self._scene(step, partial(self._begin, slot, step))
            case _:
                return self._scene(step, partial(self._go_on, step, injury=step.name))

    def _tell(self, slot: Slot, step: Step) -> bool:
        """A story, scene by scene: nobody comes between, and each is looked at and counts as a step."""
        self._end_processes()
        is_well = self._scene(step, partial(self._begin, slot, step))
        while is_well and slot.is_busy:
            is_well = self._scene(step, partial(self._go_on, step))
        return is_well

    def _scene(self, step: Step, act: Callable[[], str]) -> bool:
        """Let something happen, count it, write it down and look. Returns whether all is well."""
        self.world.broker.fresh.clear()
        self.stage.hurt = ""
        before, writes_before = self._effects(), self._writes()
        ended_at = act()
        effects = self._effects() - before
        self.run.log.append(Entry(len(self.run.steps), now_seconds(), step, ended_at, effects, self.stage.hurt))
        self._watch()
        self.run.counted_steps += effects > 0
        self.run.statements = self.stage.statements
        # A step that only read anything left all as it was looked at before.
        has_changed = self._writes() != writes_before or bool(self.world.complaints) or step.kind == "world"
        self.run.broken = self._look(is_counted=step.kind != "world") if has_changed else []
        return not self.run.broken

    def _look(self, *, is_counted: bool = True) -> list[Finding]:
        """What is broken now; of what was not done by counted statements nobody knows what it changed."""
        changed = frozenset(self.stage.changed) if is_counted else None
        self.stage.changed.clear()
        return self._judge.after_step(changed)

    def _watch(self) -> None:
        if self._is_watched:
            busy = {slot.number: slot.name for slot in self.stage.slots if slot.is_busy}
            self.run.sights.append(Sight(busy, dict(Order.objects.order_by("id").values_list("number", "state"))))

    def _effects(self) -> int:
        """Statements and provider calls of actors so far; the judge's own are not among them."""
        return self.stage.statements + self.stage.calls

    def _writes(self) -> int:
        """What may have changed something: statements that do not only read, and calls to the provider."""
        return self.stage.writes + self.stage.calls

    def _end_processes(self) -> None:
        """Nobody stands in the middle of a request for hours: servers and workers are restarted before that.

        Otherwise a process that slept between the look at its key's life and the call would send a key the provider
        has forgotten; no code of ours could know.
        """
        for slot in self.stage.slots:
            while slot.is_busy:
                self.stage.go_on(slot.number, injury="kill")

    def _befall(self, step: Step) -> str:
        if step.name == "days_pass":
            self._end_processes()
        HAPPENINGS[step.name][1](self.world, random.Random(step.seed))
        return ""

    def _begin(self, slot: Slot, step: Step) -> str:
        act = partial(ACTS[step.name][1], self.world, random.Random(step.seed))
        self.world.done[f"act: {step.name}"] += 1
        return self._after(self.stage.begin(slot.number, name=step.name, act=act, passes=step.passes))

    def _go_on(self, step: Step, *, injury: str = "") -> str:
        return self._after(self.stage.go_on(step.slot, injury=injury, passes=step.passes))

    def _after(self, slot: Slot) -> str:
        if slot.crash is not None and not isinstance(slot.crash, OperationalError | InterfaceError):
            self.world.complain(f"{slot.name} crashed: {type(slot.crash).__name__}: {slot.crash}")
        return slot.point if slot.is_busy else "done"

    def _come_to_rest(self) -> Run:
        """No more faults: everybody finishes, repeats what had no answer, and sweeps run until nothing moves."""
        for what in calm_steps(self.world, self.stage, go_on=self._finish):
            if not self._calm(what):
                return self.run
        self.run.broken = self._judge.at_rest() or self._same_after_repeats()
        return self.run

    def _finish(self, slot: Slot) -> None:
        self._after(self.stage.go_on(slot.number, passes=9))

    def _calm(self, what: Calm) -> bool:
        """Do one thing of the rest and look. Returns whether all is well; what changed nothing is no step."""
        name, act = what
        writes_before = self._writes()
        self.world.broker.fresh.clear()
        with self.stage.counting():
            try:
                act()
            except Exception as crash:  # noqa: BLE001 - the judge judges it
                self.world.complain(f"{name} crashed at rest: {type(crash).__name__}: {crash}")
        if self._writes() != writes_before or self.world.complaints:
            self.run.calm_steps += 1
            self.run.broken = self._look()
        return not self.run.broken

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
