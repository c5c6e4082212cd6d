"""A real PostgreSQL for every test that asks for `database`: tests run as the application's own role and really commit.

Nothing is wrapped in a rolled-back transaction, because services open durable ones and providers refuse to be called
inside one. After each test a superuser empties the tables in one statement with triggers off: append-only tables cannot
be truncated, and this is faster as well.
"""

import io
import os
from collections.abc import Iterator

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from core import jobs, policies, throttles
from webhooks.selectors import forget_addresses

SUPERUSER_URL = os.environ.get("DATABASE_SUPERUSER_URL", "postgres://surety_superuser@/surety")
OWNER, APP = "surety_owner", "surety_app"
KEPT_TABLES = {"django_migrations", "django_content_type", "auth_permission", "core_policy"}


def superuser(database: str) -> psycopg.Connection:
    """This will open an autocommit connection that may do everything, to `database`."""
    return psycopg.connect(SUPERUSER_URL, dbname=database, autocommit=True)


@pytest.fixture(scope="session")
def database_name(request: pytest.FixtureRequest) -> str:
    """The worker's own test database."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    return f"{settings.DATABASES['default']['TEST']['NAME']}_{worker}"


@pytest.fixture(scope="session")
def migrated_database(database_name: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A fresh database, migrated by its owner, with the roles' grants; the application's role connects to it."""
    with superuser("postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database_name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{database_name}" OWNER {OWNER}')
    default = connections["default"]
    with django_db_blocker.unblock():
        default.close()
        default.settings_dict["NAME"] = database_name
        default.settings_dict["USER"] = OWNER
        call_command("migrate", verbosity=0)
        call_command("provision_roles", verbosity=0, stdout=io.StringIO())
        close_connections()
        default.settings_dict["USER"] = APP
        yield database_name
        close_connections()
    with superuser("postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database_name}" WITH (FORCE)')


def close_connections() -> None:
    """This will close this thread's connection and the pool behind it."""
    default = connections["default"]
    default.close()
    if hasattr(default, "close_pool"):
        default.close_pool()


@pytest.fixture(scope="session")
def emptying_statement(migrated_database: str) -> str:
    """One multi-DELETE over every table of ours."""
    tables = sorted(
        {
            model._meta.db_table  # noqa: SLF001 - Django's own name for it
            for model in apps.get_models(include_auto_created=True)
        }
        - KEPT_TABLES
    )
    deletes = ", ".join(f'd{index} AS (DELETE FROM "{table}")' for index, table in enumerate(tables))
    return f"WITH {deletes} SELECT 1"


@pytest.fixture
def database(migrated_database: str, emptying_statement: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The migrated database for one test; everything it commits is gone afterwards. Gives the database's name."""
    with django_db_blocker.unblock():
        policies.forget_cached()
        forget_addresses()
        jobs.forget_outage()
        throttles.forget_tries()
        yield migrated_database
        connections["default"].close()
        with superuser(migrated_database) as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(emptying_statement)
            connection.execute("DELETE FROM core_policy WHERE version > 1")
