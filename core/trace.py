"""One id from the request through the worker to the history row."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

from core.ids import new_public_id

TRACE_ID = re.compile(r"trc_[0-9A-HJKMNP-TV-Z]{26}")
_current: ContextVar[str] = ContextVar("trace_id", default="")


def current() -> str:
    """This will return the trace id of what is going on, making one when nothing has begun a trace."""
    if not _current.get():
        _current.set(new_public_id("trc"))
    return _current.get()


@contextmanager
def trace(trace_id: str | None = None) -> Iterator[str]:
    """This will carry `trace_id` (a new one unless it is well-formed) through the block and its log lines."""
    chosen = trace_id if trace_id and TRACE_ID.fullmatch(trace_id) else new_public_id("trc")
    token = _current.set(chosen)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=chosen):
            yield chosen
    finally:
        _current.reset(token)
