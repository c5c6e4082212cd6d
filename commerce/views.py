"""The developers' page, and the pages for when there is none."""

import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from commerce.selectors import describe_installation
from core import clock, trace
from core.api import problem, problem_of
from core.errors import NotFound, Unavailable

API = "/api/"
RETRY_AFTER_SECONDS = "5"


@require_safe
def developers(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Show what this installation holds and where everything is."""
    try:
        installation = describe_installation()
    except (OperationalError, InterfaceError):
        return _records_away()
    facts = {"installation": installation, "sandbox_url": settings.SANDBOX_PUBLIC_URL, "now": clock.now()}
    return _page("developers.html", facts)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Say that there is nothing at this address, to programs and to people."""
    if request.path_info.startswith(API):
        return problem_of(NotFound())
    return _page("404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Say that the request is none we can answer: an unknown host, a forged session."""
    if request.path_info.startswith(API):
        return problem(status=400, code="bad_request", title="The request is not valid.")
    return _page("400.html", status=400)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Say that this may not be done; what is not theirs is simply not there for strangers."""
    if request.path_info.startswith(API):
        return problem(status=403, code="refused", title="The request was refused.")
    return _page("403.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say whose fault it is and what it means; a store that is away is not a mistake of ours but a wait."""
    is_api = request.path_info.startswith(API)
    if isinstance(sys.exception(), OperationalError | InterfaceError | RedisError):
        return problem_of(Unavailable()) if is_api else _records_away()
    if is_api:
        title = "The shop made a mistake and stopped. Ask for the order before you try again."
        return problem(status=500, code="internal_error", title=title)
    return _page("500.html", status=500)


def _records_away() -> HttpResponse:
    response = _page("503.html", status=503)
    response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _page(template: str, facts: dict[str, object] | None = None, *, status: int = 200) -> HttpResponse:
    """Render without the request: no session, no user, nothing that could ask a store that is away."""
    html = render_to_string(template, {"trace_id": trace.current(), **(facts or {})})
    return HttpResponse(html, status=status, headers={"Cache-Control": "no-store"})
