"""What must hold after every step, and what must have become of everything at the end.

Each check has a name; a judge may be given a few of them, which shows what each alone would have found.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import connection

from core import clock
from orders.models import Order
from oversight.models import Case, CaseType
from payments.models import OPEN_STATUSES, Operation
from reconciliation.invariants import CHECKS, Check, Violation, combined, find_violations, hashes, provider
from tests.journeys.facts import _records
from tests.simulation.world import World
from webhooks.models import Event

SQL_CHECKS = {check.name: check for check in CHECKS}
HASH_CHECKS = {"snapshots_make_their_hash": hashes.altered_snapshots}
OWN_CHECKS = (
    "provider_acts_on_rows",  # nothing is at the provider that was not committed here first
    "one_act_at_the_provider",  # and no attempt or operation became two things there
    "refusals_are_the_providers",  # no operation counts as refused that the provider carried out at the first try
    "processed_events_took_effect",  # a success that was processed is known to its attempt
    "answers_make_sense",  # no 5xx but 503, nothing crashed, one cart is one order, one key has one answer
    "nothing_in_doubt",
    "every_event_is_processed",
    "every_order_is_decided",
    "repeats_change_nothing",  # every event once more, in another order
)
CHECK_NAMES: tuple[str, ...] = (*SQL_CHECKS, *provider.COMPARISONS, *HASH_CHECKS, *OWN_CHECKS)

OURS = "SELECT json_extract(metadata, '$.attempt_id') FROM intents WHERE json_extract(metadata, '$.stranger') IS NULL"
# Payments that are there, open or taken, and of which no try ever failed.
CARRIED_OUT = """
SELECT json_extract(metadata, '$.attempt_id') FROM intents
WHERE status <> 'canceled' AND last_error IS NULL
    AND id NOT IN (SELECT subject_id FROM events WHERE kind = 'payment_intent.payment_failed')
"""
DROPPED = """
SELECT event.public_id, event.object_id FROM webhooks_event AS event
WHERE event.type = 'payment_intent.payment_failed' AND event.status IN ('processed', 'ignored') AND NOT EXISTS (
    SELECT 1 FROM payments_paymentattempt AS attempt WHERE attempt.provider_reference = event.object_id)
"""
WITHOUT_EFFECT = """
SELECT event.public_id, event.object_id FROM webhooks_event AS event
WHERE event.type = 'payment_intent.succeeded' AND event.status = 'processed' AND NOT EXISTS (
    SELECT 1 FROM payments_paymentattempt AS attempt
    WHERE attempt.provider_reference = event.object_id AND attempt.captured_minor > 0)
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is broken, in words, and by which check it was found."""

    check: str
    text: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.text} [{self.check}]"


class Judge:
    """Looks after each step; keeps nothing but how many provider rows it has compared."""

    def __init__(self, world: World, *, checks: Collection[str] = CHECK_NAMES) -> None:
        """Look at this world with these checks, all of them unless told otherwise. Raises: KeyError."""
        unknown = set(checks) - set(CHECK_NAMES)
        if unknown:
            raise KeyError(f"no such check: {', '.join(sorted(unknown))}")
        self._world = world
        self._checks = frozenset(checks)
        self._compared = (0, 0)
        chosen = [check for name, check in SQL_CHECKS.items() if name in self._checks]
        self._always = _statement([check for check in chosen if not check.is_liveness])
        self._at_rest = _statement(chosen)

    def after_step(self) -> list[Finding]:
        """This will return what is broken now: our invariants, the provider's truth against our rows, complaints."""
        found = self._in_sql(self._always)
        found += [one for one in (*self._provider_acts(), *self._misheard()) if one.check in self._checks]
        return found + self._complaints()

    def at_rest(self) -> list[Finding]:
        """This will return what did not converge after the last sweeps."""
        found = self._in_sql(self._at_rest)
        passes: dict[str, Callable[[], Iterator[Violation]]] = dict(HASH_CHECKS)
        chosen = {name: compare for name, compare in provider.COMPARISONS.items() if name in self._checks}
        if chosen:
            truth = provider.read_truth(_records(self._world.shop), since=clock.now() + timedelta(days=1))
            passes |= {name: partial(compare, truth) for name, compare in chosen.items()}
        found += [Finding(name, str(one)) for name, look in passes.items() if name in self._checks for one in look()]
        found += [one for one in _left_undone() if one.check in self._checks]
        return found + self._complaints()

    def compares(self, check: str) -> bool:
        """This will tell whether a check is switched on."""
        return check in self._checks

    def _in_sql(self, statement: str) -> list[Finding]:
        return (
            [Finding(one.check, str(one)) for one in find_violations(statement, now=clock.now())] if statement else []
        )

    def _complaints(self) -> list[Finding]:
        return [
            Finding("answers_make_sense", text)
            for text in self._world.complaints
            if self.compares("answers_make_sense")
        ]

    def _provider_acts(self) -> Iterator[Finding]:
        """Nothing is at the provider that was not committed here first, and no operation acted twice there."""
        store = self._world.shop.sandbox.engine.store
        counts = tuple(store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("intents", "refunds"))
        if counts == self._compared:
            return
        self._compared = counts
        attempts = [row[0] for row in store.rows(OURS)]
        operations = [
            row[0]
            for row in store.rows(
                "SELECT json_extract(metadata, '$.operation_id') FROM refunds WHERE status IN ('pending', 'succeeded')"
            )
        ]
        for kind, table, theirs in (
            ("attempt", "payments_paymentattempt", attempts), ("operation", "payments_operation", operations),
        ):  # fmt: skip
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT public_id FROM {table} WHERE public_id = ANY(%s)", [theirs])
                ours = {row[0] for row in cursor.fetchall()}
            for public_id, times in Counter(theirs).items():
                if public_id not in ours:
                    text = f"I3 {public_id} the provider acted for an {kind} that is not in our books"
                    yield Finding("provider_acts_on_rows", text)
                if times > 1:
                    yield Finding(
                        "one_act_at_the_provider", f"I2 {public_id} one {kind} became {times} at the provider"
                    )

    def _misheard(self) -> Iterator[Finding]:
        """What we believe of the provider and its own word for it."""
        store = self._world.shop.sandbox.engine.store
        taken = {row[0] for row in store.rows(CARRIED_OUT)}
        refused = Operation.objects.filter(kind="authorize", status__in=["declined", "failed"])
        for operation_id, attempt_id in refused.values_list("public_id", "attempt__public_id"):
            if attempt_id in taken - self._world.line.late_attempts:
                text = f"I12 {operation_id} counts as refused, the provider carried it out"
                yield Finding("refusals_are_the_providers", text)
        with connection.cursor() as cursor:
            cursor.execute(WITHOUT_EFFECT)
            for event_id, reference in cursor.fetchall():
                text = f"I11 {event_id} says that {reference} succeeded, is processed and had no effect"
                yield Finding("processed_events_took_effect", text)
            cursor.execute(DROPPED)
            for event_id, reference in cursor.fetchall():
                text = f"I11 {event_id} is about {reference}, which nobody knows, and was dropped"
                yield Finding("processed_events_took_effect", text)


def _statement(checks: list[Check]) -> str:
    return combined(checks) if checks else ""


def _left_undone() -> Iterator[Finding]:
    for operation in Operation.objects.filter(status__in=OPEN_STATUSES).order_by("id"):
        text = f"in doubt: {operation.public_id} {operation.kind} {operation.status}"
        yield Finding("nothing_in_doubt", text)
    # What is about a payment nobody knows waits for people.
    told = Event.objects.filter(status="parked", case_opened_at__isnull=False)
    for event in Event.objects.exclude(status__in=["processed", "ignored"]).exclude(pk__in=told).order_by("id"):
        yield Finding("every_event_is_processed", f"never processed: {event.public_id} {event.type} {event.status}")
    # Money that the provider will not give back waits for a person; the order waits with it.
    refused = Case.objects.filter(type=CaseType.GIVE_BACK_FAILED).exclude(status=Case.Status.RESOLVED)
    waiting = Order.objects.filter(state__in=["draft", "payment_pending"])
    for order in waiting.exclude(public_id__in=refused.values("order_public_id")).order_by("id"):
        yield Finding("every_order_is_decided", f"left behind: {order.public_id} {order.state}")


def fingerprint() -> list[tuple[object, ...]]:
    """This will return what money and state every order ended with, to compare before and after repeats."""
    columns = ("public_id", "state", "captured_minor", "excess_minor", "excess_returned_minor", "returned_minor")
    return list(Order.objects.order_by("id").values_list(*columns))
