"""The shop in one process, and the whole stack in processes of its own, for tests that cross apps."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from core import clock
from payments.providers.registry import use_adapter
from tests.running import Checkout, a_copy
from tests.shop import Shop, ShopClock, open_shop


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    """A shop whose clock and provider belong to the test; web and webhook roles share the process."""
    opened = open_shop()
    with clock.use(ShopClock(opened.virtual)), override_settings(ROOT_URLCONF="tests.urls"):
        yield opened
    use_adapter(opened.account, None)
    opened.sandbox.engine.store.close()


@pytest.fixture(scope="module")
def copied_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with a_copy(tmp_path_factory.mktemp("checkout")) as checkout:
        yield checkout
