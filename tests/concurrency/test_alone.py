"""Work that only one process does at a time: a sweep that takes longer than its period does not take all workers."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection

from core import db
from core.db import TransactionStanceError, alone, transaction
from reconciliation import tasks
from tests import databases
from tests.concurrency.threads import at_once


def elsewhere(act: Callable[[], Any]) -> Any:
    """This will return what an act returns on a thread with a session of its own."""
    return at_once([act])[0]


def told(name: str = "work") -> bool:
    """This will return what somebody else is told of their being alone."""

    def ask() -> bool:
        with alone(name) as is_alone:
            return is_alone

    return bool(elsewhere(ask))


@pytest.mark.usefixtures("database")
class TestAlone:
    def test_is_one_of_many_at_once(self) -> None:
        inside, all_there = [], threading.Barrier(5)

        def come() -> None:
            with alone("work") as is_alone:
                inside.append(is_alone)
                all_there.wait(timeout=30)

        at_once([come] * 5)

        assert sorted(inside) == [False] * 4 + [True]

    def test_ends_with_the_block_however_that_ends(self) -> None:
        with alone("work") as is_alone:
            assert (is_alone, told(), told("other work")) == (True, False, True)
        with pytest.raises(ZeroDivisionError), alone("work"):
            raise ZeroDivisionError

        assert told()

    def test_ends_with_the_session_and_the_error_that_ended_it_stays_the_one_seen(self) -> None:
        def break_off() -> None:
            with alone("work"):
                session = connection.connection.info.backend_pid
                connection.connection.close()
                # The server notices a moment later.
                databases.wait_for_end_of(session)
                assert told()
                raise KeyError

        with pytest.raises(KeyError):
            break_off()

    def test_is_taken_from_who_has_been_silent_for_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A frozen process keeps its session; PostgreSQL ends that."""
        monkeypatch.setattr(db, "SILENT_SECONDS_MAX", 1)
        with alone("work"):
            time.sleep(2)
            assert told()
            with pytest.raises((OperationalError, InterfaceError)), connection.cursor() as cursor:
                cursor.execute("SELECT 1")

    def test_leaves_the_session_as_it_was(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(db, "SILENT_SECONDS_MAX", 1)
        with alone("work"):
            pass
        time.sleep(2)

        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def test_is_refused_in_a_transaction(self) -> None:
        with transaction("test"), pytest.raises(TransactionStanceError), alone("work"):
            pass


@pytest.mark.usefixtures("database")
class TestSweeps:
    def test_are_left_to_who_is_at_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        task = tasks.sweep_expired_orders
        ran: list[Any] = []
        monkeypatch.setattr(task, "run", lambda: ran.append(1))

        with alone(task.name):
            elsewhere(task)
        task()

        assert ran == [1]

    def test_two_workers_beat_at_the_same_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        task = tasks.heartbeat
        ran: list[Any] = []
        monkeypatch.setattr(task, "run", lambda _: ran.append(1))

        with alone(task.name):
            elsewhere(partial(task, "urgent"))

        assert ran == [1]
