"""Who calls the HTTP API: a program with a bearer token, a customer with a session token, or else a guest.

A credential that is shown and does not count is refused, not ignored: a client whose session has ended must learn it
instead of being served as a guest.
"""

from typing import Any

from allauth.headless.internal.sessionkit import authenticate_by_x_session_token
from django.contrib.sessions.backends.base import SessionBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.models import ServiceCredential, User
from accounts.selectors import find_service
from core import clock
from core.errors import DomainError, Kind
from core.principal import GUEST, Principal


class ServiceUnknown(DomainError):
    """The bearer token is not, or no longer, a credential of ours."""

    code = "service_unknown"
    title = "This service token is not valid."
    kind = Kind.UNAUTHENTICATED


class SessionEnded(DomainError):
    """The session token is unknown, expired or signed out."""

    code = "session_ended"
    title = "This session has ended. Sign in again; carts and orders are kept."
    kind = Kind.UNAUTHENTICATED


class ServiceAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`. `request.auth` is the credential and there is no `request.user`."""

    def authenticate(self, request: Request) -> tuple[None, ServiceCredential] | None:
        """This will find the service. Raises: ServiceUnknown."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        credential = find_service(token.strip(), now=clock.now())
        if credential is None:
            raise ServiceUnknown
        return None, credential

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """Name the scheme of a 401."""
        return "Bearer"


class CustomerAuthentication(BaseAuthentication):
    """`X-Session-Token` of allauth's headless `app` client. `request.auth` is the session."""

    def authenticate(self, request: Request) -> tuple[User, SessionBase] | None:
        """This will find the customer. Raises: SessionEnded."""
        token = request.headers.get("X-Session-Token", "")
        if not token:
            return None
        found: tuple[User, SessionBase] | None = authenticate_by_x_session_token(token)
        if found is None:
            raise SessionEnded
        return found


def principal_of(request: Request) -> Principal:
    """This will return who makes this request."""
    if isinstance(request.auth, ServiceCredential):
        return Principal(kind="service", id=request.auth.name, scopes=frozenset(request.auth.scopes))
    if isinstance(request.user, User):
        return Principal(kind="customer", id=request.user.public_id, customer_id=request.user.pk)
    return GUEST


class ServiceScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The bearer token in the API's description."""

    target_class = ServiceAuthentication
    name = "service"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - spectacular's signature
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "description": "A program's own token, with scopes."}


class CustomerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session token in the API's description."""

    target_class = CustomerAuthentication
    name = "customer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - spectacular's signature
        """Describe the header."""
        return {"type": "apiKey", "in": "header", "name": "X-Session-Token"}
