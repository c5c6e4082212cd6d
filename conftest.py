"""A real PostgreSQL for every test that asks for `database`: tests run as the application's own role and really commit.

Nothing is wrapped in a rolled-back transaction, because services open durable ones and providers refuse to be called
inside one. `tests/databases.py` makes and empties the databases.
"""

import gc
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

SESSIONS_BACK_SECONDS = 5.0
# Drawn before the workers start, which inherit it: they must agree on the names of their tests.
os.environ.setdefault("SIMULATION_FRESH", str(secrets.randbits(31)))


# Long files of few tests come first: two workers take file after file, and whoever began one of these last would work
# alone at the end. Everything else as it was found.
LONG_FILES = (
    "tests/crashes/test_crashes.py",
    "tests/chaos/test_chaos.py",
    "tests/simulation/seeds/test_lower.py",
    "tests/simulation/seeds/test_upper.py",
    "tests/stack/test_eight_journeys.py",
    "tests/journeys/test_any_order.py",
    "tests/browser/test_shop_journeys.py",
    "tests/journeys/test_random_refunds.py",
    "tests/simulation/seeds/test_fresh.py",
    "commerce/tests/test_replay_retail.py",
    "tests/browser/test_shop_pages.py",
    "tests/stack/test_workers.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """This will refuse a long file that is not there any more."""
    gone = [name for name in LONG_FILES if not (config.rootpath / name).exists()]
    if gone:
        raise pytest.UsageError(f"LONG_FILES names what is not there: {', '.join(gone)}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """This will put long files first."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


def pytest_collection_finish() -> None:
    """This will take what is loaded by now out of the garbage collector's sight: it stays, and is large."""
    gc.collect()
    gc.freeze()


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
        held = databases.sessions_held(seconds_max=SESSIONS_BACK_SECONDS)
        if held:
            databases.close_connections()
        databases.empty(migrated_database, statement=emptying_statement)
        assert not held, f"{held} sessions were not given back: a thread of this test ended without closing its own"
