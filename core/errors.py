"""Anticipated errors: a code for programs, a sentence for people, facts for both; mapped to HTTP in core/api.py
alone.
"""

from enum import Enum


class Kind(Enum):
    """What an error means to its caller; the edge gives each kind its HTTP status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNPROCESSABLE = "unprocessable"
    LENGTH_REQUIRED = "length_required"
    TOO_LARGE = "too_large"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class DomainError(Exception):
    """An anticipated refusal. Subclasses stand at the top of the services.py that raises them."""

    code: str = "refused"
    title: str = "The request was refused."
    kind: Kind = Kind.CONFLICT
    retry_after_seconds: int | None = None

    def __init__(self, *, detail: str | None = None, **facts: object) -> None:
        """Keep a sentence for this occurrence and the facts a client or an operator needs."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts


class Invalid(DomainError):
    """The input cannot be what the caller meant."""

    code = "invalid"
    title = "The request is not valid."
    kind = Kind.INVALID


class NotFound(DomainError):
    """Absent and foreign look the same."""

    code = "not_found"
    title = "There is nothing here."
    kind = Kind.NOT_FOUND


class Unavailable(DomainError):
    """A store we need is away; nothing was done and the same request works later."""

    code = "temporarily_unavailable"
    title = "The shop cannot reach its records right now. Nothing was done; the same request works in a moment."
    kind = Kind.UNAVAILABLE
    retry_after_seconds = 2
