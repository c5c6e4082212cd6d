"""What must hold after every step, and what must have become of everything at the end."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection

from core import clock
from orders.models import Order
from payments.models import OPEN_STATUSES, Operation
from reconciliation.invariants import ALWAYS, AT_REST, find_violations, hashes, provider
from tests.journeys.facts import _records
from tests.simulation.world import World
from webhooks.models import Event

# Intents carry the attempt that was committed before they were made; refunds the operation.
THEIRS = "SELECT metadata, amount, currency, status FROM {table}"


class Judge:
    """Looks after each step; keeps nothing but how many provider rows it has compared."""

    def __init__(self, world: World) -> None:
        """Look at this world."""
        self._world = world
        self._compared = (0, 0)

    def after_step(self) -> list[str]:
        """This will return what is broken now: our invariants, the provider's truth against our rows, complaints."""
        found = [str(one) for one in find_violations(ALWAYS, now=clock.now())]
        found += self._provider_acts_on_rows()
        found += self._world.complaints
        return found

    def _provider_acts_on_rows(self) -> Iterator[str]:
        """Nothing is at the provider that was not committed here first, and no operation acted twice there."""
        store = self._world.shop.sandbox.engine.store
        counts = tuple(store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("intents", "refunds"))
        if counts == self._compared:
            return
        self._compared = counts
        attempts = [row[0] for row in store.rows("SELECT json_extract(metadata, '$.attempt_id') FROM intents")]
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
                    yield f"I3 {public_id} the provider acted for an {kind} that is not in our books"
                if times > 1:
                    yield f"I2 {public_id} one {kind} became {times} at the provider"

    def at_rest(self) -> list[str]:
        """This will return what did not converge after the last sweeps."""
        truth = provider.read_truth(_records(self._world.shop), since=clock.now() + timedelta(days=1))
        found = [str(one) for one in find_violations(AT_REST, now=clock.now())]
        found += [str(one) for one in provider.differences(truth)]
        found += [str(one) for one in hashes.altered_snapshots()]
        found += self._world.complaints
        found += [
            f"in doubt: {row.public_id} {row.kind} {row.status}"
            for row in Operation.objects.filter(status__in=OPEN_STATUSES).order_by("id")
        ]
        found += [
            f"never processed: {row.public_id} {row.type} {row.status}"
            for row in Event.objects.exclude(status__in=["processed", "ignored"]).order_by("id")
        ]
        found += [
            f"left behind: {order.public_id} {order.state}"
            for order in Order.objects.filter(state__in=["draft", "payment_pending"]).order_by("id")
        ]
        return found


def fingerprint() -> list[tuple[object, ...]]:
    """This will return what money and state every order ended with, to compare before and after repeats."""
    columns = ("public_id", "state", "captured_minor", "excess_minor", "excess_returned_minor", "returned_minor")
    return list(Order.objects.order_by("id").values_list(*columns))
