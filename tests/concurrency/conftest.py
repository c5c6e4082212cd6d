"""What holds after everybody met, whatever they did."""

from collections.abc import Iterator

import pytest

from tests.concurrency.threads import deadlocks
from tests.journeys.facts import errors, violations
from tests.shop import Shop


@pytest.fixture
def sound(shop: Shop, database: str, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """This will look, after the test, for errors in the log, broken invariants and deadlocks."""
    before = deadlocks(database)
    yield
    assert errors(caplog) == []
    assert violations(shop) == []
    assert deadlocks(database) == before
