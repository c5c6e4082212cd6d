"""What every request passes: a trace id, given by the client when well-formed and returned in the answer, and for the
API the refusal of what no operation can use.
"""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, QueryDict

from core import trace
from core.api import BODY_MAX_BYTES, BodyTooLarge, LengthRequired, NotJson, NotStorable, problem_of, refuse_card_numbers
from core.errors import DomainError

SIGN_IN = "/_allauth/"
API_PREFIXES = ("/api/", SIGN_IN)
# What a client says of itself in a header and is kept with its order.
KEPT_HEADERS = ("X-Client-Version",)


class TraceMiddleware:
    """Opens the trace that ends in history rows and logs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next in line."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer inside the trace."""
        with trace.trace(request.headers.get("X-Trace-Id")) as trace_id:
            response = self.get_response(request)
            response["X-Trace-Id"] = trace_id
            return response


class ApiEdgeMiddleware:
    """Refuses at the API's edge, before anything is read or looked up: NUL in addresses and headers, which no database
    holds; bodies whose size is unknown or too large; card numbers where logs and rows would keep them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next in line."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on what can be used."""
        if request.path_info.startswith(API_PREFIXES):
            try:
                _refuse_unusable(request)
            except DomainError as refusal:
                return problem_of(refusal)
        return self.get_response(request)


def _refuse_unusable(request: HttpRequest) -> None:
    asked = QueryDict(request.META.get("QUERY_STRING", ""))
    words = [*asked, *(value for values in asked.lists() for value in values[1])]
    if any("\x00" in text for text in (request.path_info, *words, *request.headers.values())):
        raise NotStorable
    length = request.META.get("CONTENT_LENGTH") or "0"
    # Nothing is read of a body without a length, so a request sent in pieces would count as an empty one.
    if not (length.isascii() and length.isdigit()) or (length == "0" and "Transfer-Encoding" in request.headers):
        raise LengthRequired
    if len(length) > 18 or int(length) > BODY_MAX_BYTES:
        raise BodyTooLarge
    refuse_card_numbers({name: asked.getlist(name) for name in asked})
    if request.path_info.startswith(SIGN_IN):
        refuse_card_numbers(_sign_in_form(request))
    refuse_card_numbers({name: request.headers.get(name, "") for name in KEPT_HEADERS})


def _sign_in_form(request: HttpRequest) -> dict[str, object]:
    """What is sent to sign in, which no parser of ours reads. A password is kept as its hash alone. Raises: NotJson."""
    try:
        form = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(form, dict):
        return {}
    # Django's forms would write every value they refuse into their answer, and a deep one breaks them.
    if any(isinstance(value, dict | list) for value in form.values()):
        raise NotJson
    return {name: value for name, value in form.items() if "password" not in name}
