"""Is the process up, is the database ready, is the work being done? For machines; no session, no cookie."""

import time
from collections.abc import Mapping
from datetime import datetime

from django.db import InterfaceError, OperationalError, ProgrammingError
from django.http import HttpRequest, JsonResponse

from commerce.selectors import heartbeats, oldest_due, ping, unapplied_migrations
from core import clock, policies
from core.api import read_only

# Beat asks each queue every 15 seconds: after three answers missing the workers are not working.
HEARTBEAT_SECONDS_MAX = 60
QUEUES = ("urgent", "default", "bulk")
# The sweeps come every 15 seconds: a row due for longer than this was passed over several times.
OPERATION_OVERDUE_SECONDS_MAX = 120
ORDER_OVERDUE_SECONDS_MAX = 300
# Migrations that were all applied stay so while this process lives, but for somebody migrating backwards.
MIGRATIONS_RECHECK_SECONDS = 60

DATABASE_ERRORS = (OperationalError, InterfaceError)


class _Migrations:
    known_complete_until = float("-inf")


def forget_migrations() -> None:
    """This will make the next look at /readyz compare the migrations again."""
    _Migrations.known_complete_until = float("-inf")


@read_only
def process(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Answer: the process serves requests."""
    return _answer({"status": "up"})


@read_only
def ready(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Answer whether requests can be served: the database answers and has every migration of this code."""
    try:
        ping()
        missing = _missing_migrations()
    except DATABASE_ERRORS:
        return _answer({"status": "database_away"}, is_red=True)
    if missing:
        return _answer({"status": "migrations_missing", "migrations": missing}, is_red=True)
    return _answer({"status": "ready"})


@read_only
def work(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Answer whether workers complete tasks and no row waits much longer than its time."""
    now = clock.now()
    try:
        beats, due = heartbeats(), oldest_due(now=now)
        webhook_seconds_max = policies.current("webhooks")["lag_alert_seconds"]
    except DATABASE_ERRORS:
        return _answer({"status": "database_away"}, is_red=True)
    except (ProgrammingError, KeyError):
        return _answer({"status": "migrations_missing"}, is_red=True)
    limits = {
        "operations": OPERATION_OVERDUE_SECONDS_MAX,
        "webhook_events": webhook_seconds_max,
        "orders": ORDER_OVERDUE_SECONDS_MAX,
    }
    queues = {name: _measure(beats.get(name), now=now, seconds_max=HEARTBEAT_SECONDS_MAX) for name in QUEUES}
    for queue in queues.values():
        queue["is_late"] = queue["is_late"] or queue["age_seconds"] is None
    rows = {name: _measure(since, now=now, seconds_max=limits[name]) for name, since in due.items()}
    is_red = any(measure["is_late"] for measure in [*queues.values(), *rows.values()])
    body = {"status": "stalled" if is_red else "working", "last_heartbeat": queues, "oldest_due": rows}
    return _answer(body, is_red=is_red)


def _missing_migrations() -> list[str]:
    if time.monotonic() < _Migrations.known_complete_until:
        return []
    missing = unapplied_migrations()
    if not missing:
        _Migrations.known_complete_until = time.monotonic() + MIGRATIONS_RECHECK_SECONDS
    return missing


def _measure(since: datetime | None, *, now: datetime, seconds_max: int) -> dict[str, int | bool | None]:
    age = None if since is None else max(0, int((now - since).total_seconds()))
    return {"age_seconds": age, "seconds_max": seconds_max, "is_late": age is not None and age > seconds_max}


def _answer(body: Mapping[str, object], *, is_red: bool = False) -> JsonResponse:
    return JsonResponse(dict(body), status=503 if is_red else 200, headers={"Cache-Control": "no-store"})
