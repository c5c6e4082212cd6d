"""Structured logs on standard output: one line an event, with the trace id, without personal data or tokens."""

from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": _SHARED,
        }
    },
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"handlers": ["stdout"], "level": "WARNING"},
    "loggers": {
        # A refused request is an answer, not an event for operators.
        "django.request": {"level": "ERROR"},
        # These repeat what somebody wrote into an address, which may be a card number.
        "django.security.csrf": {"level": "ERROR"},
        "django.security.DisallowedModelAdminToField": {"level": "CRITICAL"},
        "stripe": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
    },
}
