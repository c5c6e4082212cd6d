"""Fixtures: secrets in the environment, wake-ups caught, and the door as a process of its own would serve it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from celery import current_app
from django.db import connections
from django.test import Client
from pytest_django.fixtures import Settings

from core.models import ProviderAccount
from payments.models import PaymentAttempt
from webhooks import selectors
from webhooks.models import Event
from webhooks.tests.factories import (
    KEY_REFERENCE,
    SECRET,
    SECRET_REFERENCE,
    add_secret,
    an_event,
    an_open_payment,
    event_body,
    make_account,
    paid_intent,
)

DOOR_ROLE = "surety_webhooks"
DOOR_MIDDLEWARE = ["core.middleware.TraceMiddleware", "django.middleware.security.SecurityMiddleware"]

Door = Callable[[], AbstractContextManager[Client]]
Wakes = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def _known_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_REFERENCE, SECRET)
    monkeypatch.setenv(KEY_REFERENCE, "sk_test_of_the_tests")
    selectors.forget_addresses()


@pytest.fixture
def account(database: str) -> ProviderAccount:
    """A test account at Stripe whose deliveries the door believes."""
    made = make_account()
    add_secret(made)
    return made


@pytest.fixture(autouse=True)
def wakes(monkeypatch: pytest.MonkeyPatch) -> Wakes:
    """Every wake-up that was sent: task name and row ids."""
    sent: Wakes = []

    def send_task(name: str, *, kwargs: dict[str, Any], **_: Any) -> None:
        sent.append((name, kwargs))

    monkeypatch.setattr(current_app, "send_task", send_task)
    return sent


@contextmanager
def database_role(role: str) -> Iterator[None]:
    """This will let the block's queries run as another database role."""
    default = connections["default"]
    before = default.settings_dict["USER"]
    reconnect(user=role)
    try:
        yield
    finally:
        reconnect(user=before)


def reconnect(**changes: str) -> None:
    """This will drop every connection and make the next one with changed settings."""
    default: Any = connections["default"]
    default.close()
    default.close_pool()
    default.settings_dict.update({name.upper(): value for name, value in changes.items()})


@pytest.fixture
def door(database: str, settings: Settings) -> Door:
    """A client of the door: its addresses, its short chain of middleware, its database role."""
    settings.ROOT_URLCONF = "commerce.urls_webhooks"
    settings.MIDDLEWARE = DOOR_MIDDLEWARE

    @contextmanager
    def opened() -> Iterator[Client]:
        with database_role(DOOR_ROLE):
            yield Client(raise_request_exception=False)

    return opened


@pytest.fixture
def attempt(account: ProviderAccount) -> PaymentAttempt:
    """An order's payment that Stripe has yet to decide."""
    return an_open_payment(account)


@pytest.fixture
def paid_event(account: ProviderAccount, attempt: PaymentAttempt) -> Event:
    """The event that tells that the payment succeeded, stored and not yet processed."""
    return an_event(account, event_body(about=paid_intent(attempt)))
