"""Staff with and without a second factor, and a customer."""

import uuid
from collections.abc import Iterator

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import create_customer, create_staff
from core import clock
from core.db import transaction
from support.tests.factories import PASSWORD, SECRET, come_in
from webhooks.tests.factories import KEY_REFERENCE


@pytest.fixture(autouse=True)
def own_rate_limits(settings: Settings) -> None:
    """Tries and used codes of other tests, in this run or one beside it, do not count."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}


@pytest.fixture
def traveller() -> Iterator[time_machine.Traveller]:
    """Time stands still, so that a code does not end between being read and being typed."""
    with time_machine.travel(clock.now(), tick=False) as moved:
        yield moved


@pytest.fixture
def newcomer(database: str) -> User:
    """A member of staff without a second factor."""
    with transaction("test"):
        return create_staff(email="grace@example.org", password=PASSWORD, now=clock.now(), is_superuser=True)


@pytest.fixture
def staff(newcomer: User) -> User:
    """A member of staff with an authenticator app."""
    TOTP.activate(newcomer, SECRET)
    return newcomer


@pytest.fixture
def customer(database: str) -> User:
    """A customer who knows their password."""
    with transaction("test"):
        return create_customer(email="ada@example.org", password=PASSWORD, now=clock.now())


@pytest.fixture
def console(staff: User, traveller: time_machine.Traveller) -> Client:
    """The browser of a member of staff who came in."""
    return come_in(staff)


@pytest.fixture
def provider_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop's account has a key, which nothing here sends anywhere."""
    monkeypatch.setenv(KEY_REFERENCE, "sk_test_nothing")
