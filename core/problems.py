"""Problem details (RFC 9457) as plain JSON values, so that a refusal can be stored and replayed."""

from typing import Any

from core import trace
from core.errors import DomainError, Kind

STATUS_OF_KIND = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.LENGTH_REQUIRED: 411,
    Kind.TOO_LARGE: 413,
    Kind.UNPROCESSABLE: 422,
    Kind.THROTTLED: 429,
    Kind.UNAVAILABLE: 503,
}
OWN_MEMBERS = {"status", "code", "title", "detail"}


def problem_json(*, status: int, code: str, title: str, detail: str = "", **facts: Any) -> dict[str, Any]:
    """This will return the body of a problem; `facts` become extension members."""
    return {
        "type": f"urn:surety:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "code": code,
        "trace_id": trace.current(),
        **facts,
    }


def error_json(error: DomainError) -> dict[str, Any]:
    """This will return the body for an anticipated error."""
    facts = {name: fact for name, fact in error.facts.items() if name not in OWN_MEMBERS}
    status = STATUS_OF_KIND[error.kind]
    return problem_json(status=status, code=error.code, title=error.title, detail=error.detail, **facts)
