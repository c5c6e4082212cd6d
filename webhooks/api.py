"""The webhook door: a plain view, because it must be fast and must see the bytes exactly as they were signed."""

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from core import clock
from core.api import BodyTooLarge, problem, problem_of
from core.errors import DomainError, Invalid, Unavailable
from webhooks import selectors, services

log = structlog.get_logger()

BODY_MAX_BYTES = 512 * 1024
RECEIVED = b'{"received": true}'


class BodyUnreadable(Invalid):
    """The connection ended before the body did."""

    code = "body_unreadable"
    title = "The request body could not be read."


@csrf_exempt
def receive(request: HttpRequest, provider: str, account: str) -> HttpResponse:
    """This will answer 200 once the delivery is durable, else say why not; a provider repeats what was not 200."""
    if request.method != "POST":
        return problem(
            status=405, code="method_not_allowed", title="Webhooks are delivered with POST.", headers={"Allow": "POST"}
        )
    try:
        body = _read_body(request)
        services.receive(provider=provider, account_slug=account, body=body, headers=request.headers, now=clock.now())
    except DomainError as refusal:
        return problem_of(refusal)
    except (OperationalError, InterfaceError) as error:
        return _store_away(error)
    return HttpResponse(RECEIVED, content_type="application/json")


def _read_body(request: HttpRequest) -> bytes:
    """Read at most one byte too many: what a Content-Length promises decides nothing but an early refusal."""
    if _declared_bytes(request) > BODY_MAX_BYTES:
        raise BodyTooLarge
    # Django reads nothing at all without a Content-Length, so a chunked body comes from the server's own stream.
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    stream = request.META["wsgi.input"] if is_chunked else request
    parts: list[bytes] = []
    left_bytes = BODY_MAX_BYTES + 1
    try:
        while left_bytes and (part := stream.read(left_bytes)):
            parts.append(part)
            left_bytes -= len(part)
    except (UnreadablePostError, OSError) as error:
        raise BodyUnreadable from error
    if not left_bytes:
        raise BodyTooLarge
    return b"".join(parts)


def _declared_bytes(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _store_away(error: Exception) -> HttpResponse:
    log.error("webhook_store_away", error=type(error).__name__)
    return problem_of(Unavailable())


def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """This will say whether the door can do its work: the database answers its role."""
    try:
        selectors.check_store()
    except (OperationalError, InterfaceError) as error:
        return _store_away(error)
    return HttpResponse(b'{"status": "ready"}', content_type="application/json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """This will answer what is no request to us, as one for another host."""
    return problem(status=400, code="bad_request", title="The request is not valid.")


def page_missing(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """This will answer for every other address of the door."""
    return problem(status=404, code="not_found", title="There is nothing here.")


def crashed(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """This will answer for what nobody foresaw; Django has logged it."""
    return problem(
        status=500, code="internal_error", title="Something broke on our side. The same request may be repeated."
    )
