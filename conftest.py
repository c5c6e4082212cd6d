"""A real PostgreSQL for every test that asks for `database`: tests run as the application's own role and really commit.

Nothing is wrapped in a rolled-back transaction, because services open durable ones and providers refuse to be called
inside one. `tests/databases.py` makes and empties the databases.
"""

import os
import secrets
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from core import jobs, policies, throttles
from tests import databases
from webhooks.selectors import forget_addresses

# Drawn before the workers start, which inherit it: they must agree on the names of their tests.
os.environ.setdefault("SIMULATION_FRESH", str(secrets.randbits(31)))


def pytest_report_header() -> str:
    """This will say from where on seeds of the simulation are played that nobody has seen before."""
    return f"simulation: fresh seeds from {os.environ['SIMULATION_FRESH']} on, again with SIMULATION_FRESH"


@pytest.fixture(scope="session")
def database_name(request: pytest.FixtureRequest) -> str:
    """The worker's own test database."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    return f"{settings.DATABASES['default']['TEST']['NAME']}_{worker}"


@pytest.fixture(scope="session")
def migrated_database(database_name: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A fresh database, migrated by its owner, with the roles' grants; the application's role connects to it."""
    with django_db_blocker.unblock(), databases.migrated(database_name):
        yield database_name


@pytest.fixture(scope="session")
def emptying_statement(migrated_database: str) -> str:
    """One multi-DELETE over every table of ours."""
    return databases.emptying_statement()


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
        databases.empty(migrated_database, statement=emptying_statement)
