"""The sandbox inside the caller's process: no port, no thread, and any clock."""

from collections.abc import Iterator

import httpx2

from sandbox.answers import Answer
from sandbox.application import Application
from sandbox.clock import Clock
from sandbox.dialects.stripe import StripeSettings
from sandbox.engine import Engine
from sandbox.errors import ConnectionLostError
from sandbox.store import Store


def open_application(
    *,
    clock: Clock,
    settings: StripeSettings | None = None,
    path: str = ":memory:",
    seed: int | None = None,
) -> Application:
    """This will return a sandbox of its own. `seed` makes its ids repeatable."""
    engine = Engine(Store(path), clock, seed=seed)
    return Application(engine, settings or StripeSettings())


class _Stream(httpx2.SyncByteStream):
    def __init__(self, body: Iterator[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return self._body


class SandboxTransport(httpx2.BaseTransport):
    """Answers an `httpx2.Client` from an application in this process.

    Faults arrive as a network shows them: lost before execution is a connect time-out, lost after
    it a read error, and an answer slower than the client's read time-out a read time-out (after
    the effect, as with a real server).
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """This will answer one request."""
        clock = self._application.engine.clock
        started_at = clock.now()
        try:
            answer = self._application.handle(request.method, str(request.url), dict(request.headers), request.read())
        except ConnectionLostError as lost:
            if lost.is_executed:
                raise httpx2.ReadError("the sandbox reset the connection", request=request) from lost
            raise httpx2.ConnectTimeout("the sandbox did not accept", request=request) from lost
        allowed = request.extensions.get("timeout", {}).get("read")
        # Only an API call can be slow; the control API may have moved the clock itself.
        is_call = request.url.path.startswith("/v1/")
        if is_call and allowed is not None and clock.now() - started_at > allowed:
            raise httpx2.ReadTimeout("the sandbox answered too late", request=request)
        return _response(answer)


def _response(answer: Answer) -> httpx2.Response:
    headers = dict(answer.headers)
    if isinstance(answer.body, bytes):
        return httpx2.Response(answer.status, headers=headers, content=answer.body)
    return httpx2.Response(answer.status, headers=headers, stream=_Stream(answer.body))
