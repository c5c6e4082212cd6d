"""What must hold after every step, and what must have become of everything at the end.

Each check has a name; a judge may be given a few of them, which shows what each alone would have found.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core import clock
from orders.models import Hold, HoldReason, Order, OrderState
from orders.models.money import BEFORE_PAYMENT
from oversight.models import Case, CaseType
from payments.models import OPEN_STATUSES, Operation
from reconciliation.invariants import CHECKS, Check, Violation, combined, hashes, provider
from tests.databases import ONLOOKER
from tests.journeys.facts import _records
from tests.simulation.tables import read_by
from tests.simulation.world import World
from webhooks.models import Event

SQL_CHECKS = {check.name: check for check in CHECKS}
HASH_CHECKS = {"snapshots_make_their_hash": hashes.altered_snapshots}
OWN_CHECKS = (
    "provider_acts_on_rows",  # nothing is at the provider that was not committed here first
    "one_act_at_the_provider",  # and no attempt or operation became two things there
    "provider_hears_our_keys",  # every key it was ever sent is an operation's own, committed before
    "refusals_are_the_providers",  # no operation counts as refused that the provider carried out at the first try
    "processed_events_took_effect",  # a success that was processed is known to its attempt
    "answers_are_final",  # what was stored as a key's final answer is not stored again
    "answers_make_sense",  # no 5xx but 503, nothing crashed, one cart is one order, one key has one answer
    "nothing_in_doubt",
    "every_event_is_processed",
    "every_order_is_decided",
    "repeats_change_nothing",  # every event once more, in another order
)
CHECK_NAMES: tuple[str, ...] = (*SQL_CHECKS, *provider.COMPARISONS, *HASH_CHECKS, *OWN_CHECKS)

PROVIDER_TABLES = ("intents", "refunds", "idempotency_keys")
OURS = """
SELECT id, json_extract(metadata, '$.attempt_id') FROM intents WHERE json_extract(metadata, '$.stranger') IS NULL
"""
# Payments that are there, open or taken, and of which no try ever failed.
CARRIED_OUT = """
SELECT id, json_extract(metadata, '$.attempt_id') FROM intents
WHERE status <> 'canceled' AND last_error IS NULL
    AND id NOT IN (SELECT subject_id FROM events WHERE kind = 'payment_intent.payment_failed')
"""
# What we believe of the provider and its own word for it, as far as our own tables show it.
HEARSAY = (
    Check(
        "I11",
        "processed_events_took_effect",
        "A failure that was processed is about an attempt that is known, or about a payment people were told of.",
        """
        SELECT event.public_id AS subject, concat('is about ', event.object_id, ', which nobody knows, and was dropped')
            AS detail
        FROM webhooks_event AS event
        WHERE event.type = 'payment_intent.payment_failed' AND event.status IN ('processed', 'ignored') AND NOT EXISTS (
            SELECT 1 FROM payments_paymentattempt AS attempt WHERE attempt.provider_reference = event.object_id)
            AND NOT EXISTS (SELECT 1 FROM oversight_case AS told
            WHERE told.type = 'amount_mismatch' AND told.subject_id = event.object_id)
        """,
    ),
)
STANDING = """
SELECT intents.id, charges.created FROM intents JOIN charges ON charges.id = intents.latest_charge
WHERE intents.status = 'succeeded'
"""
REFUSED = """
SELECT operation.public_id, attempt.public_id, attempt.provider_reference FROM payments_operation AS operation
JOIN payments_paymentattempt AS attempt ON attempt.id = operation.attempt_id
WHERE operation.kind = 'authorize' AND operation.status IN ('declined', 'failed') AND operation.created_at <= $1
ORDER BY operation.id
"""
WITHOUT_EFFECT = """
SELECT event.public_id, event.object_id, extract(epoch FROM event.occurred_at) FROM webhooks_event AS event
WHERE event.type = 'payment_intent.succeeded' AND event.status = 'processed' AND event.received_at <= $1
    AND NOT EXISTS (SELECT 1 FROM payments_paymentattempt AS attempt
    WHERE attempt.provider_reference = event.object_id
        AND (attempt.captured_minor > 0 OR attempt.reversals_count > 0 OR attempt.reversed_minor > 0))
    AND NOT EXISTS (SELECT 1 FROM oversight_case AS told
    WHERE told.type = 'amount_mismatch' AND told.subject_id = event.object_id)
"""
ANSWERED = """
SELECT concat('key ', id), finished_at::text FROM core_idempotencykey WHERE finished_at <= $1
"""

# After weeks of rest whoever was not paid has ended.
UNDECIDED = frozenset(BEFORE_PAYMENT) - {OrderState.EXPIRED}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is broken, in words, and by which check it was found."""

    check: str
    text: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.text} [{self.check}]"


class Looks:
    """Checks as prepared statements, one for those that read the same tables, and statements beside them: see Note
    [Asked again].
    """

    def __init__(self, checks: Iterable[Check], *, beside: Iterable[str] = ()) -> None:
        """Write them."""
        groups: defaultdict[frozenset[str], list[Check]] = defaultdict(list)
        for check in checks:
            groups[read_by(check.sql)].append(check)
        self._checking = [combined(group).replace("%s", "$1") for group in groups.values()]
        self._tables = {statement: read_by(statement) for statement in (*self._checking, *beside)}
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def findings(self, changed: Collection[str] | None) -> list[Finding]:
        """This will ask again all that reads tables that changed, everything for None, and return what checks find."""
        due = [
            statement
            for statement, tables in self._tables.items()
            if changed is None or statement not in self._rows or not tables.isdisjoint(changed)
        ]
        asked = dict(zip(due, ONLOOKER.look(due, clock.now().isoformat()), strict=True))
        self._rows |= asked
        found = [row for statement in self._checking for row in asked.get(statement, ())]
        return [Finding(row[3], str(Violation(*row))) for row in found]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """This will return what a statement that is asked beside the checks said last."""
        return self._rows[statement]


class Judge:
    """Looks after each step; keeps nothing but how many provider rows it has compared."""

    def __init__(self, world: World, *, checks: Collection[str] = CHECK_NAMES) -> None:
        """Look at this world with these checks, all of them unless told otherwise. Raises: KeyError."""
        unknown = set(checks) - set(CHECK_NAMES)
        if unknown:
            raise KeyError(f"no such check: {', '.join(sorted(unknown))}")
        self._world = world
        self._checks = frozenset(checks)
        self._compared: tuple[int, ...] = (0, 0, 0)
        self._answered: dict[str, str] = {}
        chosen = [check for check in (*SQL_CHECKS.values(), *HEARSAY) if check.name in self._checks]
        lasting = [check for check in chosen if not check.is_liveness]
        self._always = Looks(lasting, beside=[REFUSED, WITHOUT_EFFECT, ANSWERED])
        self._at_rest = Looks(chosen)

    def after_step(self, changed: Collection[str] | None = None) -> list[Finding]:
        """This will return what is broken now: our invariants, the provider's truth against our rows, complaints.

        `changed` are the tables that were written since the last look; None where nobody knows.
        """
        found = self._always.findings(changed)
        own = (*self._provider_acts(), *self._misheard(), *self._unheard(), *self._answered_again())
        found += [one for one in own if one.check in self._checks]
        return found + self._complaints()

    def at_rest(self) -> list[Finding]:
        """This will return what did not converge after the last sweeps."""
        found = self._at_rest.findings(None)
        passes: dict[str, Callable[[], Iterator[Violation]]] = dict(HASH_CHECKS)
        chosen = {name: compare for name, compare in provider.COMPARISONS.items() if name in self._checks}
        if chosen:
            truth = provider.read_truth(_records(self._world.shop), since=clock.now() + timedelta(days=1))
            truth = provider.without_told(truth)
            passes |= {name: partial(compare, truth) for name, compare in chosen.items()}
        found += [Finding(name, str(one)) for name, look in passes.items() if name in self._checks for one in look()]
        found += [one for one in _left_undone() if one.check in self._checks]
        return found + self._complaints()

    def compares(self, check: str) -> bool:
        """This will tell whether a check is switched on."""
        return check in self._checks

    def _complaints(self) -> list[Finding]:
        return [
            Finding("answers_make_sense", text)
            for text in self._world.complaints
            if self.compares("answers_make_sense")
        ]

    def _provider_acts(self) -> Iterator[Finding]:
        """Nothing is at the provider that was not committed here first, and no operation acted twice there."""
        store = self._world.shop.sandbox.engine.store
        counts = tuple(store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in PROVIDER_TABLES)
        if counts == self._compared:
            return
        self._compared = counts
        yield from self._strange_keys()
        attempts = [row[1] for row in store.rows(OURS) if row[0] not in self._world.made_twice]
        operations = [
            row[0]
            for row in store.rows(
                "SELECT json_extract(metadata, '$.operation_id') FROM refunds "
                "WHERE status IN ('pending', 'succeeded') AND json_extract(metadata, '$.operation_id') IS NOT NULL"
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

    def _strange_keys(self) -> Iterator[Finding]:
        """Keys at the provider that no operation of ours has: the next repeat would make another one."""
        store = self._world.shop.sandbox.engine.store
        sent = {key for (key,) in store.rows("SELECT key FROM idempotency_keys") if not key.startswith("stranger-")}
        ours = set(Operation.objects.filter(provider_key__in=sent).values_list("provider_key", flat=True))
        for key in sorted(sent - ours):
            yield Finding("provider_hears_our_keys", f"I2 {key} was sent to the provider and is no operation's key")

    def _misheard(self) -> Iterator[Finding]:
        """Whom the provider carried out, though we count it as refused."""
        refused = self._always.rows(REFUSED)
        if not refused:
            return
        store = self._world.shop.sandbox.engine.store
        carried_out: defaultdict[str, set[str]] = defaultdict(set)
        for intent_id, attempt_id in store.rows(CARRIED_OUT):
            carried_out[attempt_id].add(intent_id)
        for operation_id, attempt_id, reference in refused:
            if attempt_id in self._world.line.late_attempts:
                continue
            # Of a payment that was made twice either may be the one we know; people are told of the other.
            theirs = carried_out[attempt_id]
            if reference in theirs or (reference is None and theirs - self._world.made_twice):
                text = f"I12 {operation_id} counts as refused, the provider carried it out"
                yield Finding("refusals_are_the_providers", text)

    def _unheard(self) -> Iterator[Finding]:
        """Successes that were processed and taken from nobody's card, though the money is still there; a charge made
        after the event is another success.
        """
        without_effect = self._always.rows(WITHOUT_EFFECT)
        if not without_effect:
            return
        store = self._world.shop.sandbox.engine.store
        made_at = {row[0]: row[1] for row in store.rows(STANDING)}
        for event_id, reference, said_at in without_effect:
            if reference in made_at and made_at[reference] <= said_at:
                text = f"I11 {event_id} says that {reference} succeeded, is processed and had no effect"
                yield Finding("processed_events_took_effect", text)

    def _answered_again(self) -> Iterator[Finding]:
        """Keys whose final answer was stored once more, by somebody who had lost the right to."""
        answered = {row[0]: row[1] for row in self._always.rows(ANSWERED)}
        for key, finished_at in self._answered.items():
            if answered.get(key, finished_at) != finished_at:
                text = f"I2 {key} was answered at {finished_at} and again at {answered[key]}"
                yield Finding("answers_are_final", text)
        self._answered = answered


def unprocessed_events() -> QuerySet[Event]:
    """This will return the events without their effect, but for those about a payment nobody knows: people were told.

    The oldest is first.
    """
    told = Event.objects.filter(status="parked", case_opened_at__isnull=False)
    return Event.objects.exclude(status__in=["processed", "ignored"]).exclude(pk__in=told).order_by("id")


def _left_undone() -> Iterator[Finding]:
    for operation in Operation.objects.filter(status__in=OPEN_STATUSES).order_by("id"):
        text = f"in doubt: {operation.public_id} {operation.kind} {operation.status}"
        yield Finding("nothing_in_doubt", text)
    for event in unprocessed_events():
        yield Finding("every_event_is_processed", f"never processed: {event.public_id} {event.type} {event.status}")
    # Money that the provider will not give back waits for a person; the order waits with it.
    refused = Case.objects.filter(type=CaseType.GIVE_BACK_FAILED).exclude(status=Case.Status.RESOLVED)
    waiting = Order.objects.filter(state__in=UNDECIDED)
    # A bank that has not decided a dispute keeps the order waiting for its word. So does another amount than ours: not
    # even a cancelled order's money goes back before people decide.
    blocked = Hold.objects.filter(reason__in=[HoldReason.DISPUTE, HoldReason.AMOUNT_MISMATCH], released_at=None)
    waiting = waiting.exclude(pk__in=blocked.values("order_id"))
    for order in waiting.exclude(public_id__in=refused.values("order_public_id")).order_by("id"):
        yield Finding("every_order_is_decided", f"left behind: {order.public_id} {order.state}")


def fingerprint() -> list[tuple[object, ...]]:
    """This will return what money and state every order ended with, to compare before and after repeats."""
    columns = ("public_id", "state", "captured_minor", "excess_minor", "excess_returned_minor", "returned_minor")
    return list(Order.objects.order_by("id").values_list(*columns))
