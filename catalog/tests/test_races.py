"""Buyers at the same moment: real threads and sessions, as many at a time as the pool of a web process lets in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, BoundedSemaphore

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from catalog import services
from catalog.models import Reservation, Variant
from catalog.tests.factories import a_product, shelf, units_on_live_reservations
from core.db import transaction
from core.tests.factories import NOW, a_channel

pytestmark = pytest.mark.usefixtures("database")

# Below the pool's size, because the test itself holds a session: buyers then wait here and not for the pool's time-out.
SESSIONS = 7


def at_once(buyers: int, buy: Callable[[int], None]) -> list[str]:
    """This will run `buy(0)` … `buy(buyers - 1)` together; returns "done" or the error's class name for each."""
    start, sessions = Barrier(buyers), BoundedSemaphore(SESSIONS)

    def one(number: int) -> str:
        start.wait()
        try:
            with sessions:
                try:
                    buy(number)
                finally:
                    connections.close_all()
        except services.InsufficientStock as refusal:
            return type(refusal).__name__
        except OperationalError as error:
            # A deadlock must reach the assertion as a name: it is what these tests are looking for.
            return type(error.__cause__).__name__
        return "done"

    with ThreadPoolExecutor(max_workers=buyers) as pool:
        return list(pool.map(one, range(buyers)))


def reserve(owner: str, channel_id: int, quantities: dict[int, int]) -> None:
    with transaction("test"):
        services.reserve(owner_id=owner, channel_id=channel_id, quantities=quantities, now=NOW)


def deadlocks_counted(database: str) -> int:
    """This will return PostgreSQL's own count of deadlocks, after the sessions of this process have reported theirs."""
    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = %s", [database])
        return int(cursor.fetchone()[0])


class TestLastUnit:
    @pytest.mark.pains("E1")
    def test_twenty_buyers_one_gets_it(self) -> None:
        variant = a_product(a_channel(), stock=1)

        outcomes = at_once(20, lambda number: reserve(f"ord_{number}", variant.channel_id, {variant.pk: 1}))

        assert sorted(outcomes) == ["InsufficientStock"] * 19 + ["done"]
        assert shelf(variant) == (0, 1, 0)
        assert Reservation.objects.count() == 1

    @pytest.mark.pains("E1")
    def test_fifty_buyers_of_one_to_three_units_never_get_more_than_five(self) -> None:
        variant = a_product(a_channel(), stock=5)

        at_once(50, lambda number: reserve(f"ord_{number}", variant.channel_id, {variant.pk: 1 + number % 3}))

        available, held, _ = shelf(variant)
        assert available + held == 5
        assert available < 3
        assert units_on_live_reservations() == {"MUG-RED": (held, 0)}


class TestCrossedBaskets:
    @pytest.mark.pains("E5")
    def test_a_hundred_complete_without_a_deadlock(self, database: str) -> None:
        channel = a_channel()
        first, second = a_product(channel, sku="A", stock=1000), a_product(channel, sku="B", stock=1000)
        baskets = [{first.pk: 1, second.pk: 2}, {second.pk: 2, first.pk: 1}]
        before = deadlocks_counted(database)

        outcomes = at_once(100, lambda number: reserve(f"ord_{number}", channel.pk, baskets[number % 2]))

        assert outcomes == ["done"] * 100
        assert deadlocks_counted(database) == before
        assert (shelf(first), shelf(second)) == ((900, 100, 0), (800, 200, 0))

    @pytest.mark.pains("E5")
    def test_every_way_to_touch_the_same_shelf_keeps_one_order(self, database: str) -> None:
        channel = a_channel()
        variants = [a_product(channel, sku=f"S{number}", stock=1000) for number in range(6)]
        before = deadlocks_counted(database)

        outcomes = at_once(40, lambda number: self.live_an_order(number, variants))

        assert outcomes == ["done"] * 40
        assert deadlocks_counted(database) == before
        for variant in variants:
            _, held, committed = shelf(variant)
            assert units_on_live_reservations()[variant.sku] == (held, committed)

    def live_an_order(self, number: int, variants: list[Variant]) -> None:
        """This will reserve in a direction of its own, then sell, give back, receive or sweep."""
        basket = variants if number % 2 else list(reversed(variants))
        owner, channel = f"ord_{number}", variants[0].channel
        reserve(owner, channel.pk, {variant.pk: 1 + number % 3 for variant in basket})
        if number % 5 == 0:
            services.release_capped(now=NOW + timedelta(hours=2), limit=1)
            return
        with transaction("test"):
            services.receive_stock(channel=channel, units={variant.sku: 1 for variant in basket}, now=NOW)
        with transaction("test"):
            try:
                services.commit(owner_id=owner, now=NOW)
            except services.ReservationOver:
                services.reserve_again(owner_id=owner, channel_id=channel.pk, now=NOW)


class TestOneReservation:
    def test_units_go_back_once_however_many_say_so(self) -> None:
        variant = a_product(a_channel(), stock=10)
        reserve("ord_1", variant.channel_id, {variant.pk: 4})
        ends: list[Callable[..., Reservation]] = [services.release, services.expire]

        def end(number: int) -> None:
            with transaction("test"):
                ends[number % 2](owner_id="ord_1", now=NOW)

        assert at_once(20, end) == ["done"] * 20
        assert shelf(variant) == (10, 0, 0)

    def test_sweeps_side_by_side_give_back_once(self) -> None:
        variant = a_product(a_channel(), stock=40)
        for number in range(40):
            reserve(f"ord_{number}", variant.channel_id, {variant.pk: 1})
        named: list[str] = []

        def sweep(_: int) -> None:
            while owners := services.release_capped(now=NOW + timedelta(hours=2), limit=3):
                named.extend(owners)

        assert at_once(4, sweep) == ["done"] * 4
        assert sorted(named) == sorted(f"ord_{number}" for number in range(40))
        assert shelf(variant) == (40, 0, 0)


class TestTheStatementItself:
    @pytest.mark.pains("E5")
    def test_waits_its_turn_and_then_sees_what_the_other_left(self, database: str) -> None:
        """One session holds the lock while another asks for the last unit: the second waits and is refused."""
        variant = a_product(a_channel(), stock=1)
        waiting = Barrier(2)

        def buy(number: int) -> None:
            if number == 0:
                with transaction("test"):
                    services.reserve(
                        owner_id="ord_0", channel_id=variant.channel_id, quantities={variant.pk: 1}, now=NOW
                    )
                    waiting.wait()
                    wait_for_a_lock_queue(database)
            else:
                waiting.wait()
                reserve("ord_1", variant.channel_id, {variant.pk: 1})

        assert at_once(2, buy) == ["done", "InsufficientStock"]
        assert shelf(variant) == (0, 1, 0)


def wait_for_a_lock_queue(database: str) -> None:
    """This will return once another session of `database` waits for a lock."""
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as observer:
        for _ in range(2000):
            row = observer.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", [database]
            ).fetchone()
            if row and row[0]:
                return
            observer.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("nobody waits for the lock")
