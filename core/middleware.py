"""A trace id for every request, given by the client when well-formed, returned in the answer."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core import trace


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
