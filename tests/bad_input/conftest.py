"""A world that bad input meets, watched."""

import pytest

from tests.bad_input.world import Watch, World, everything_stored, open_world
from tests.shop import Shop


@pytest.fixture
def world(shop: Shop) -> World:
    return open_world(shop)


@pytest.fixture
def watch(world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Watch:
    """It sends, checks each refusal and fails with all that is wrong at once."""
    capfd.readouterr()
    caplog.clear()
    return Watch(world=world, caplog=caplog, capfd=capfd, stored=everything_stored())
