"""Databases of our own for tests and simulations: made by a superuser, migrated by the owner, used by the application.

Tests really commit, so a database is emptied by a superuser in one statement with triggers off: append-only tables
cannot be truncated, and this is faster as well.
"""

import io
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connections

SUPERUSER_URL = os.environ.get("DATABASE_SUPERUSER_URL", "postgres://surety_superuser@/surety")
OWNER, APP = "surety_owner", "surety_app"
# A process that lost its client has nothing left to do but to roll back.
SESSION_ENDS_SECONDS = 30.0
KEPT_TABLES = {"django_migrations", "django_content_type", "auth_permission", "core_policy"}


def superuser(database: str) -> psycopg.Connection:
    """This will open an autocommit connection that may do everything, to `database`."""
    return psycopg.connect(SUPERUSER_URL, dbname=database, autocommit=True)


def keep_together(session: psycopg.Connection[Any]) -> None:
    """This will let the server's process behind a session run where this process may: the two never work at the same
    moment, and to wake one on another processor takes longer than many a statement. Where the server is elsewhere, or
    another user's, nothing changes.
    """
    if session.info.host.startswith("/") and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            os.sched_setaffinity(session.info.backend_pid, os.sched_getaffinity(0))


def wait_for_end_of(pid: int) -> None:
    """This will wait until a process of a server on this machine has ended, and with it every lock it held."""
    deadline = time.monotonic() + SESSION_ENDS_SECONDS
    while _is_there(pid):
        assert time.monotonic() < deadline, f"the server's process {pid} does not end"
        time.sleep(0.0005)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # Another user's.
    return True


class KeptSession:
    """A superuser's session to one database, kept with its prepared statements for as long as its process works there:
    planning a long statement anew each time takes many times as long as running it.
    """

    def __init__(self) -> None:
        """Begin without a session."""
        self._session: psycopg.Connection | None = None
        self._pid = os.getpid()
        self._inherited: list[psycopg.Connection] = []

    def close(self) -> None:
        """This will end the session; the next use opens another. One that a fork brought along is its parent's: it is
        not even let go, which would end it too.
        """
        session, self._session = self._session, None
        if session is None:
            return
        if self._pid == os.getpid():
            session.close()
        else:
            self._inherited.append(session)

    def _opened(self, name: str) -> psycopg.Connection:
        session = self._session
        if session is None or self._pid != os.getpid() or session.closed or session.info.dbname != name:
            self.close()
            session = self._session = superuser(name)
            self._pid = os.getpid()
            keep_together(session)
            self._has_opened(session)
        return session

    def _has_opened(self, session: psycopg.Connection) -> None:
        """Make a new session ready."""
        raise NotImplementedError


class Onlooker(KeptSession):
    """Only looks. Its statements are prepared by hand and stay: a session of Django's forgets its own with every
    rollback.
    """

    def __init__(self) -> None:
        """Begin without a session."""
        super().__init__()
        self._prepared: dict[str, str] = {}

    def look(self, statements: Sequence[str], argument: str) -> list[list[tuple[Any, ...]]]:
        """This will run statements with one timestamp as their `$1`, all in one go, and return the rows of each."""
        session = self._opened(connections["default"].settings_dict["NAME"])
        for statement in statements:
            if statement not in self._prepared:
                name = self._prepared[statement] = f"look_{len(self._prepared)}"
                session.execute(f"PREPARE {name} (timestamptz) AS {statement}".encode())
        if not statements:
            return []
        words = "; ".join(f"EXECUTE {self._prepared[statement]} ('{argument}')" for statement in statements)
        cursor = session.execute(words.encode())
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        return found

    def _has_opened(self, session: psycopg.Connection) -> None:
        session.prepare_threshold = None
        # The tables of a test have no statistics worth a plan for each instant.
        session.execute("SET plan_cache_mode = force_generic_plan")
        self._prepared.clear()


@contextmanager
def migrated(name: str) -> Iterator[str]:
    """This will make the database anew, migrate it, give the roles their grants and connect as the application."""
    with superuser("postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER}')
    default = connections["default"]
    default.close()
    default.settings_dict["NAME"] = name
    default.settings_dict["USER"] = OWNER
    call_command("migrate", verbosity=0)
    call_command("provision_roles", verbosity=0, stdout=io.StringIO())
    close_connections()
    default.settings_dict["USER"] = APP
    try:
        yield name
    finally:
        close_connections()
        with superuser("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def close_connections() -> None:
    """This will close this thread's connection, the pool behind it and the sessions that empty and look on."""
    EMPTIER.close()
    ONLOOKER.close()
    default = connections["default"]
    default.close()
    if hasattr(default, "close_pool"):
        default.close_pool()


def sessions_held(*, seconds_max: float) -> int:
    """This will return how many of the pool's sessions nobody gave back within this time, usually none at once."""
    pool = getattr(connections["default"], "pool", None)
    if pool is None or pool.closed:
        return 0
    deadline = time.monotonic() + seconds_max
    while True:
        stats = pool.get_stats()
        held = stats.get("pool_size", 0) - stats.get("pool_available", 0)
        if not held or time.monotonic() > deadline:
            return int(held)
        time.sleep(0.01)


def emptying_statement() -> str:
    """This will return one multi-DELETE over every table of ours."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - KEPT_TABLES)
    deletes = ", ".join(f'd{index} AS (DELETE FROM "{table}")' for index, table in enumerate(tables))
    return f"WITH {deletes} SELECT 1"


class Emptier(KeptSession):
    """Removes what a test left."""

    def empty(self, name: str, *, statement: str) -> None:
        """This will remove every row but the policies' first versions."""
        session = self._opened(name)
        with session.transaction():
            session.execute("SET LOCAL session_replication_role = replica")
            session.execute(statement.encode())
            session.execute("DELETE FROM core_policy WHERE version > 1")

    def _has_opened(self, session: psycopg.Connection) -> None:
        session.prepare_threshold = 0


# One of each for each process.
EMPTIER, ONLOOKER = Emptier(), Onlooker()


def empty(name: str, *, statement: str) -> None:
    """This will remove every row but the policies' first versions."""
    EMPTIER.empty(name, statement=statement)
