"""Databases of our own for tests and simulations: made by a superuser, migrated by the owner, used by the application.

Tests really commit, so a database is emptied by a superuser in one statement with triggers off: append-only tables
cannot be truncated, and this is faster as well.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connections

SUPERUSER_URL = os.environ.get("DATABASE_SUPERUSER_URL", "postgres://surety_superuser@/surety")
OWNER, APP = "surety_owner", "surety_app"
KEPT_TABLES = {"django_migrations", "django_content_type", "auth_permission", "core_policy"}


def superuser(database: str) -> psycopg.Connection:
    """This will open an autocommit connection that may do everything, to `database`."""
    return psycopg.connect(SUPERUSER_URL, dbname=database, autocommit=True)


class Onlooker:
    """A session of its own that only looks, kept for as long as its process looks at one database.

    Statements are prepared by hand and stay: a session of Django's forgets its own with every rollback.
    """

    def __init__(self) -> None:
        """Begin without a session."""
        self._session: psycopg.Connection | None = None
        self._prepared: dict[str, str] = {}

    def close(self) -> None:
        """This will end the session; the next look opens another."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def look(self, statement: str, argument: str) -> list[tuple[str, ...]]:
        """This will run a statement with one timestamp as its `$1` and return its rows of text."""
        database = connections["default"].settings_dict["NAME"]
        if self._session is None or self._session.closed or self._session.info.dbname != database:
            self._session = psycopg.connect(SUPERUSER_URL, dbname=database, autocommit=True, prepare_threshold=None)
            # The tables of a test have no statistics worth a plan for each instant.
            self._session.execute("SET plan_cache_mode = force_generic_plan")
            self._prepared.clear()
        name = self._prepared.get(statement)
        if name is None:
            name = self._prepared[statement] = f"look_{len(self._prepared)}"
            self._session.execute(f"PREPARE {name} (timestamptz) AS {statement}".encode())
        return self._session.execute(f"EXECUTE {name} ('{argument}')".encode()).fetchall()


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
    """This will close this thread's connection and the pool behind it."""
    default = connections["default"]
    default.close()
    if hasattr(default, "close_pool"):
        default.close_pool()


def emptying_statement() -> str:
    """This will return one multi-DELETE over every table of ours."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - KEPT_TABLES)
    deletes = ", ".join(f'd{index} AS (DELETE FROM "{table}")' for index, table in enumerate(tables))
    return f"WITH {deletes} SELECT 1"


def empty(name: str, *, statement: str) -> None:
    """This will remove every row but the policies' first versions."""
    with superuser(name) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(statement)
        connection.execute("DELETE FROM core_policy WHERE version > 1")
