"""The only way to a provider: an HTTP client that refuses to run inside a transaction or to write without a key."""

from typing import Any

import httpx2

from core import killpoints
from core.db import TransactionStanceError, in_transaction

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
_WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class MissingOperationKeyError(AssertionError):
    """Our bug: a write to a provider had no operation key, so repeating it could act twice."""


class GuardedTransport(httpx2.BaseTransport):
    """Passes requests on, unless a transaction is open or a write lacks its operation key.

    `key_header` names the provider's idempotency header; None is an adapter's declared `no_key` (list before retry).
    """

    def __init__(self, *, inner: httpx2.BaseTransport, key_header: str | None) -> None:
        """Wrap the transport that does the work: the network's, or the sandbox's in process."""
        self._inner = inner
        self._key_header = key_header

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Check the two rules, then send; the three kill points stand around the call."""
        if in_transaction():
            raise TransactionStanceError(f"{request.method} {request.url.path} was about to run inside a transaction")
        if request.method in _WRITES and self._key_header and not request.headers.get(self._key_header):
            raise MissingOperationKeyError(f"{request.method} {request.url.path} carries no {self._key_header}")
        point = f"call:{request.method}:{request.url.path.strip('/').split('/')[1] if '/' in request.url.path else ''}"
        killpoints.reach(f"{point}:before")
        response = self._inner.handle_request(request)
        killpoints.reach(f"{point}:during")
        response.read()
        killpoints.reach(f"{point}:after")
        return response

    def close(self) -> None:
        """Close the wrapped transport."""
        self._inner.close()


def provider_client(
    *, key_header: str | None, inner: httpx2.BaseTransport | None = None, **options: Any
) -> httpx2.Client:
    """This will return a pooled client for one provider: connect 2 s, read 10 s, TLS verified, guarded."""
    transport = GuardedTransport(inner=inner or httpx2.HTTPTransport(retries=0), key_header=key_header)
    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    return httpx2.Client(transport=transport, timeout=timeout, follow_redirects=False, **options)
