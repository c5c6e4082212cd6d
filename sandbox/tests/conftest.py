"""Fixtures of the sandbox's tests; none needs Django."""

from collections.abc import Iterator

import pytest

from sandbox.tests.clients import InProcess


@pytest.fixture
def sandbox() -> Iterator[InProcess]:
    """An empty sandbox in this process."""
    opened = InProcess()
    yield opened
    opened.engine.store.close()
