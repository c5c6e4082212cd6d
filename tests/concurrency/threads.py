"""Acts at the same moment on real threads, each with its own connection, and PostgreSQL's own word about deadlocks."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BoundedSemaphore
from typing import Any, LiteralString

import psycopg
from django.db import connections

from tests import databases

# Below the pool's size: the test itself holds a session, and who waits waits here, not for the pool's time-out.
SESSIONS = 7
SESSIONS_END_SECONDS = 10.0
LIVING_SESSIONS = """
    SELECT array_agg(concat_ws(' ', pid, application_name, state, 'since', backend_start, 'last', left(query, 200)))
    FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = %s"

Act = Callable[[], Any]


def at_once(acts: list[Act]) -> list[Any]:
    """This will run all acts together, each in a thread with its own connection; returns what they returned."""
    start, sessions = Barrier(len(acts)), BoundedSemaphore(SESSIONS)

    def one(act: Act) -> Any:
        start.wait()
        with sessions:
            try:
                return act()
            finally:
                connections.close_all()

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return list(pool.map(one, acts))


def deadlocks(database: str) -> int:
    """This will return PostgreSQL's own count for `database`, after every session of this process has reported its own.

    A session reports at most once a second while it lives and the rest when it ends, before it leaves the list of
    sessions; so the pool is closed and its sessions waited for.
    """
    databases.close_connections()
    deadline = time.monotonic() + SESSIONS_END_SECONDS
    with databases.superuser("postgres") as outside:
        while living := _one(outside, LIVING_SESSIONS, database):
            assert time.monotonic() < deadline, f"somebody holds a session of {database}: {living}"
            time.sleep(0.01)
        return int(_one(outside, DEADLOCKS, database))


def _one(connection: psycopg.Connection, statement: LiteralString, database: str) -> Any:
    row = connection.execute(statement, [database]).fetchone()
    return row[0] if row else None
