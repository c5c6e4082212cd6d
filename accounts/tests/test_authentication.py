"""Who calls: programs, customers, guests, and those who only say so."""

from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.authentication import (
    CustomerAuthentication,
    ServiceAuthentication,
    ServiceUnknown,
    SessionEnded,
    principal_of,
)
from accounts.models import ServiceCredential, User
from accounts.services import create_customer, create_service_credential
from core import clock
from core.db import transaction

pytestmark = pytest.mark.usefixtures("database")

SERVICE_TOKEN = "replay-token-of-sufficient-length"


def incoming(**headers: str) -> Request:
    """A request as a view sees it."""
    raw = APIRequestFactory().get("/api/v1/me", headers=headers)
    return Request(raw, authenticators=[ServiceAuthentication(), CustomerAuthentication()])


@pytest.fixture
def customer() -> User:
    with transaction("test"):
        return create_customer(email="ada@example.org", password="a long enough one", now=clock.now())


def signed_in(user: User) -> Any:
    """A session as allauth's headless client holds one: its key is the session token."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session


class TestGuest:
    def test_shows_nothing_and_is_a_guest(self) -> None:
        principal = principal_of(incoming())

        assert (principal.kind, principal.customer_id, principal.scopes) == ("guest", None, frozenset())

    def test_another_scheme_is_not_ours_to_judge(self) -> None:
        assert principal_of(incoming(Authorization="Basic YTpi")).kind == "guest"


class TestService:
    def test_is_known_by_its_bearer_token(self) -> None:
        with transaction("test"):
            create_service_credential(name="replay", token=SERVICE_TOKEN, scopes=["backdate"], now=clock.now())

        request = incoming(Authorization=f"Bearer {SERVICE_TOKEN}")
        principal = principal_of(request)

        assert isinstance(request.auth, ServiceCredential)
        assert not isinstance(request.user, User)
        assert (principal.key, principal.scopes) == ("service:replay", frozenset({"backdate"}))

    @pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "bearer", "Bearer \t"])
    def test_a_wrong_token_is_refused_not_ignored(self, header: str) -> None:
        with pytest.raises(ServiceUnknown):
            principal_of(incoming(Authorization=header))

    def test_a_revoked_token_is_refused(self) -> None:
        with transaction("test"):
            create_service_credential(name="replay", token=SERVICE_TOKEN, scopes=[], now=clock.now())
        ServiceCredential.objects.update(revoked_at=clock.now())

        with pytest.raises(ServiceUnknown):
            principal_of(incoming(Authorization=f"Bearer {SERVICE_TOKEN}"))


class TestCustomer:
    def test_is_known_by_the_session_token(self, customer: User) -> None:
        session = signed_in(customer)

        principal = principal_of(incoming(**{"X-Session-Token": session.session_key}))

        assert (principal.key, principal.customer_id) == (f"customer:{customer.public_id}", customer.pk)

    @pytest.mark.parametrize("token", ["wrong", "0" * 32, "ü", "'; --"])
    def test_an_unknown_token_is_refused(self, token: str) -> None:
        with pytest.raises(SessionEnded):
            principal_of(incoming(**{"X-Session-Token": token}))

    def test_ends_with_the_session(self, customer: User) -> None:
        session = signed_in(customer)
        token = session.session_key
        session.flush()

        with pytest.raises(SessionEnded):
            principal_of(incoming(**{"X-Session-Token": token}))

    def test_ends_with_a_new_password(self, customer: User) -> None:
        session = signed_in(customer)
        customer.set_password("another long enough one")
        customer.save()

        with pytest.raises(SessionEnded):
            principal_of(incoming(**{"X-Session-Token": session.session_key}))

    def test_ends_when_the_account_is_closed(self, customer: User) -> None:
        session = signed_in(customer)
        User.objects.update(is_active=False)

        with pytest.raises(SessionEnded):
            principal_of(incoming(**{"X-Session-Token": session.session_key}))

    def test_a_cookie_is_no_token(self, customer: User) -> None:
        session = signed_in(customer)
        raw = APIRequestFactory().get("/api/v1/me")
        raw.COOKIES[settings.SESSION_COOKIE_NAME] = session.session_key

        assert principal_of(Request(raw, authenticators=[CustomerAuthentication()])).kind == "guest"
