"""What a fresh process makes of a death: leases lapse, sweeps and workers run until quiet, the customer asks again.

Note [Who comes first]: after a death either the customer is back before any sweep, or the sweeps are done before the
customer is, and before the post. Both must come to the same end, so both are played.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orders.models import Order
from orders.models.money import BEFORE_PAYMENT
from oversight.models import Case
from payments.models import OPEN_STATUSES, Operation
from tests.crashes.house import post_then_sweep, sweep_then_post
from tests.crashes.scenario import Ending, Said, Scenario
from tests.journeys.facts import given_back, held, shelf, taken
from tests.simulation.judge import Finding, Judge
from tests.simulation.world import Request, World
from webhooks.models import Event

ROUNDS = {"house": sweep_then_post, "customer": post_then_sweep}
FIRST = tuple(ROUNDS)
# Over the leases of keys, operations and events (a minute at most) and the first spacings of looks.
PATIENCE_SECONDS = 20
ASKS_MAX = 6
MINUTES = (2.0,) * 5
# Until quiet, beyond every hold and back-off, in spans that grow.
REST_MINUTES = (2.0,) * 5 + (20.0,) * 8 + (180.0,) * 16 + (1500.0,) * 8


@dataclass
class Recovery:
    """One recovery: the scenario, what the customer repeats, who comes first, and all that was found on the way."""

    world: World
    scenario: Scenario
    request: Request
    expected: Ending
    first: str
    found: list[str] = field(default_factory=list)
    answers: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Appoint the judge."""
        self._judge = Judge(self.world)

    def run(self) -> list[str]:
        """This will recover and return what is wrong; nothing when all is well."""
        self._look()
        if self.first == "customer":
            self._customer_asks(meanwhile=lambda: None)
        self._house_works(MINUTES)
        self._customer_asks(meanwhile=self._house_works_once)
        self._house_works(REST_MINUTES)
        self._note(self._judge.at_rest())
        self._compare()
        return self.found

    def _look(self) -> None:
        self._note(self._judge.after_step())

    def _note(self, findings: Sequence[Finding]) -> None:
        self.found += [str(one) for one in findings if str(one) not in self.found]

    def _house_works(self, spans: tuple[float, ...]) -> None:
        for minutes in spans:
            self.world.shop.pass_time(minutes=minutes)
            self._house_works_once()
            if is_quiet(self.world):
                break
        self._look()

    def _house_works_once(self) -> None:
        ROUNDS[self.first](self.world)

    def _customer_asks(self, *, meanwhile: Callable[[], None]) -> None:
        """The very same request, again and again until the answer is final; then once more, for the same bytes."""
        for _ in range(ASKS_MAX):
            answer = self._ask()
            if answer.is_final:
                self._ask_the_same(answer)
                break
            self.world.shop.pass_time(seconds=PATIENCE_SECONDS)
            meanwhile()
        self._look()

    def _ask(self) -> Said:
        answer = self.scenario.ask(self.world, self.request)
        self.answers.append(answer)
        return answer

    def _ask_the_same(self, before: Said) -> None:
        """A refusal was never stored and carries an id of its own; it must only be the same refusal."""
        after = self._ask()
        if after.word != before.word or (after.status < 400 and after.body != before.body):
            self.found.append(f"one request, two answers: {before.word} and {after.word}")

    def _compare(self) -> None:
        orders = {answer.order_id for answer in self.answers if answer.order_id}
        if Order.objects.count() != 1 or not orders <= {Order.objects.get().public_id}:
            self.found.append(f"{Order.objects.count()} orders, and the customer was told of {sorted(orders)}")
            return
        ended = self._ended()
        if ended != self.expected:
            self.found.append(f"ended as {ended}, not as {self.expected}")
        if any(held(self.world.shop)):
            self.found.append(f"the provider still holds {held(self.world.shop)}")

    def _ended(self) -> Ending:
        shop = self.world.shop
        return Ending(
            answer=self.answers[-1].word,
            state=shop.order().state,
            taken=tuple(amount for amount in taken(shop) if amount),
            given_back=tuple(given_back(shop)),
            shelf=shelf(),
            cases=tuple(Case.objects.exclude(status="resolved").order_by("type").values_list("type", flat=True)),
        )


def is_quiet(world: World) -> bool:
    """This will tell whether nothing waits for time or for anybody any more, here and at the provider."""
    engine = world.shop.sandbox.engine
    return not (
        Operation.objects.filter(status__in=OPEN_STATUSES).exists()
        or Event.objects.exclude(status__in=["processed", "ignored"]).exists()
        or Order.objects.filter(state__in=BEFORE_PAYMENT, expires_at__isnull=False).exists()
        or Order.objects.filter(state__in=BEFORE_PAYMENT, cancel_requested_at__isnull=False).exists()
        or engine.deliveries.next_due_at() is not None
        or engine.store.rows("SELECT 1 FROM timers LIMIT 1")
    )
