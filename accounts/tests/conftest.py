"""Limits that belong to one test."""

import uuid

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def own_rate_limits(settings: Settings) -> None:
    """Tries of other tests, in this run or one beside it, do not count."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}
