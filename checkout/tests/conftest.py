"""The shop with its provider in this process, for tests of the HTTP operations."""

import uuid
from collections.abc import Iterator

import pytest
from django.test import override_settings
from pytest_django.fixtures import Settings

from core import clock
from payments.providers.registry import use_adapter
from tests.shop import Shop, ShopClock, open_shop


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    """A shop whose clock and provider belong to the test."""
    opened = open_shop()
    with clock.use(ShopClock(opened.virtual)), override_settings(ROOT_URLCONF="tests.urls"):
        yield opened
    use_adapter(opened.account, None)
    opened.sandbox.engine.store.close()


@pytest.fixture(autouse=True)
def own_rate_limits(settings: Settings) -> None:
    """Tries of other tests, in this run or one beside it, do not count."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}
