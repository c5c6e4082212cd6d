"""Two who read an order in the same state and want different things of it: one of them, and the other is refused."""

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event
from typing import Any, NamedTuple

import pytest
from django.db import IntegrityError
from django_fsm import TransitionNotAllowed, can_proceed

from core import clock
from core.cause import system
from ledger.models import Posting
from orders.models import Order, OrderEvent, Reason, RefusedTransition
from orders.selectors import lock_order
from orders.services import TransitionRefused, cancel, expire, mark_paid, mark_payment_failed, order_transaction
from orders.services.change import Because, move
from orders.tests.factories import an_order_in
from tests.concurrency.threads import at_once, deadlocks
from tests.journeys.facts import shelf

# States and columns in which the guards let something happen; what is due are 2,000 pence.
SITUATIONS: list[tuple[str, dict[str, Any]]] = [
    ("draft", {}),
    ("payment_pending", {}),
    ("payment_pending", {"authorized_minor": 2000}),
    ("payment_pending", {"captured_minor": 2000}),
    ("payment_authorized", {"authorized_minor": 2000}),
    ("payment_failed", {}),
    ("capture_failed", {"captured_minor": 2000}),
    ("expired", {}),
    ("cancelled", {"captured_minor": 2000, "returned_minor": 2000}),
    ("paid", {"captured_minor": 2000}),
    ("paid", {"captured_minor": 2000, "returned_minor": 500}),
    ("paid", {"captured_minor": 2000, "returned_minor": 2000}),
    ("fulfillment_pending", {"captured_minor": 2000}),
    ("partially_fulfilled", {"captured_minor": 2000}),
    ("fulfilled", {"captured_minor": 2000, "returned_minor": 2000}),
    ("partially_refunded", {"captured_minor": 2000}),
    ("refunded", {"captured_minor": 2000, "returned_minor": 500}),
    ("cancelled_with_refund", {"captured_minor": 2000}),
]


@pytest.fixture(autouse=True)
def _without_deadlock(database: str) -> Iterator[None]:
    before = deadlocks(database)
    yield
    assert deadlocks(database) == before


class Conflict(NamedTuple):
    """Two ways out of one state, of which the second is gone once the first was taken."""

    state: str
    columns: dict[str, Any]
    first: str
    second: str


def ways() -> dict[str, tuple[set[str], str]]:
    """This will return the sources and the target of each transition by the name of its method."""
    field: Any = Order._meta.get_field("state")
    found: dict[str, tuple[set[str], str]] = {}
    for entry in field.get_all_transitions(Order):
        sources, _ = found.setdefault(entry.method.__name__, (set(), str(entry.target)))
        sources.add(str(entry.source))
    return found


def conflicts() -> list[Conflict]:
    """This will return every two transitions that are possible at the same time and not one after the other."""
    found = []
    for state, columns in SITUATIONS:
        order = Order(state=state, total_minor=2000, due_minor=2000, currency="GBP", **columns)
        possible = [name for name in ways() if can_proceed(getattr(order, name))]
        found += [
            Conflict(state, columns, first, second)
            for first in possible
            for second in possible
            if ways()[first][1] not in ways()[second][0]
        ]
    return found


def because() -> Because:
    """This will say why, for the history."""
    return Because(reason=Reason.WINDOWS_OVER, cause=system("test", now=clock.now()))


def refusal_of(act: Callable[[], object]) -> TransitionRefused | None:
    """This will act and return the refusal, if there was one."""
    try:
        act()
    except TransitionRefused as refusal:
        return refusal
    return None


def read(order: Order, name: str) -> Order:
    """This will read the order as somebody does who wants that transition and sees that it is possible."""
    stale = Order.objects.get(pk=order.pk)
    assert can_proceed(getattr(stale, name))
    return stale


def take(stale: Order, name: str, *, holds: Event | None = None, after: Event | None = None) -> None:
    """This will take a transition as services do: lock the order, and ask the machine about what was locked."""
    if after is not None:
        assert after.wait(timeout=10)
    with order_transaction("test"):
        locked = lock_order(stale.public_id)
        if holds is not None:
            holds.set()
        move(locked, getattr(locked, name), because())


def serve(order: Order, service: Callable[[Order, Because], object]) -> None:
    """This will lock the order and let a service change it."""
    with order_transaction("test"):
        service(lock_order(order.public_id), because())


@pytest.mark.pains("J4")
@pytest.mark.usefixtures("database")
class TestConflictingTransitions:
    def test_stand_in_every_situation(self) -> None:
        found = {(one.state, *sorted(one.columns.items())) for one in conflicts()}

        assert found == {(state, *sorted(columns.items())) for state, columns in SITUATIONS}
        assert len(conflicts()) > 50

    def test_the_second_waits_for_the_lock_and_finds_that_its_way_is_gone(self) -> None:
        for conflict in conflicts():
            order, is_held = an_order_in(conflict.state, **conflict.columns), Event()
            acts = [
                partial(take, read(order, conflict.first), conflict.first, holds=is_held),
                partial(take, read(order, conflict.second), conflict.second, after=is_held),
            ]

            won, lost = at_once([partial(refusal_of, act) for act in acts])

            assert (won, type(lost and lost.__cause__)) == (None, TransitionNotAllowed), conflict
            self.one_row_says(order, conflict.first)

    def test_whoever_of_two_comes_first_wins_and_the_other_is_refused(self) -> None:
        known = conflicts()
        mutual = [one for one in known if one._replace(first=one.second, second=one.first) in known]
        assert len(mutual) > 20

        for conflict in mutual:
            order = an_order_in(conflict.state, **conflict.columns)
            names = (conflict.first, conflict.second)
            acts = [partial(take, read(order, name), name) for name in names]

            refusals = at_once([partial(refusal_of, act) for act in acts])

            won = [name for name, refusal in zip(names, refusals, strict=True) if refusal is None]
            assert len(won) == 1, conflict
            self.one_row_says(order, won[0])

    def test_whoever_moves_what_they_read_without_the_lock_is_refused_by_the_database(self) -> None:
        for conflict in conflicts():
            order = an_order_in(conflict.state, **conflict.columns)
            stale = read(order, conflict.second)
            take(read(order, conflict.first), conflict.first)

            with pytest.raises(IntegrityError), order_transaction("test"):
                move(stale, getattr(stale, conflict.second), because())

            self.one_row_says(order, conflict.first, refused_count=0)

    def one_row_says(self, order: Order, name: str, *, refused_count: int = 1) -> None:
        """Check that one transition has happened since, and that whoever was refused is on record."""
        since = OrderEvent.objects.filter(order=order, sequence__gt=order.version)
        assert list(since.values_list("from_state", "to_state")) == [(order.state, ways()[name][1])]
        assert Order.objects.get(pk=order.pk).version == order.version + 1
        assert RefusedTransition.objects.filter(order_public_id=order.public_id).count() == refused_count


@pytest.mark.pains("J4")
@pytest.mark.usefixtures("database")
class TestOneServiceTwice:
    @pytest.mark.parametrize(
        ("service", "columns", "ended", "units"),
        [
            (cancel, {}, "cancelled", (1000, 0, 0)),
            (expire, {}, "expired", (1000, 0, 0)),
            (mark_payment_failed, {}, "payment_failed", (998, 2, 0)),
            (partial(mark_paid, may_reserve_again=True), {"captured_minor": 2000}, "paid", (998, 0, 2)),
        ],
        ids=["cancel", "expire", "mark_payment_failed", "mark_paid"],
    )
    def test_at_the_same_moment_changes_the_order_and_its_units_once(
        self, service: Callable[[Order, Because], object], columns: dict[str, int], ended: str, units: tuple[int, ...]
    ) -> None:
        order = an_order_in("payment_pending", **columns)

        refusals = at_once([partial(refusal_of, partial(serve, order, service))] * 5)

        assert [type(one.__cause__) for one in refusals if one] == [TransitionNotAllowed] * 4
        assert list(OrderEvent.objects.filter(to_state=ended).values_list("from_state", flat=True)) == [
            "payment_pending"
        ]
        assert RefusedTransition.objects.count() == 4
        assert shelf() == units
        assert Posting.objects.filter(event="sale").count() == (ended == "paid")
