"""How often somebody may try something: counters in windows of time, for edges to ask before they look anything up.

Counters lie in Django's cache (Redis). While that is away each process counts for itself: limits then hold per process,
and nobody is kept from buying by a store that only counts. Numbers are the policy `throttles`.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.core.cache import BaseCache, caches
from redis.exceptions import RedisError

from core import crypto, policies
from core.errors import DomainError, Kind

log = structlog.get_logger()

IN_PROCESS = "in_process"
# A cache that does not answer costs its time-out; it is not asked again for so long.
AWAY_SECONDS = 5.0


class TooManyTries(DomainError):
    """The window's tries are used up; `retry_after_seconds` is what is left of it."""

    code = "too_many_tries"
    title = "That was tried too often. Please wait a moment."
    kind = Kind.THROTTLED

    def __init__(self, *, retry_after_seconds: int) -> None:
        """Keep how long to wait."""
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class _Store:
    away_until = float("-inf")
    era = ""


def forget_tries() -> None:
    """This will let this process count from zero and ask its cache again, for tests that share one cache."""
    _Store.away_until = float("-inf")
    _Store.era = uuid.uuid4().hex


def take_try(operation: str, *, callers: Mapping[str, str], now: datetime) -> None:
    """This will count a try of `operation` for each caller, kind to value: `{"cart": "cart_1", "address": "::1"}`.

    The policy's `<operation>_seconds` is the window and `<operation>_<kind>_max` what a caller of that kind may try in
    it; a caller without a value (a device that does not say its id) is not counted. All are counted before anyone is
    refused, so tries at the same moment cannot pass together. Raises: TooManyTries.
    """
    policy, window = policies.current("throttles"), _window(operation, now=now)
    counts = note_tries(operation, callers=callers, now=now)
    if any(count > policy[f"{operation}_{kind}_max"] for kind, count in counts.items()):
        raise TooManyTries(retry_after_seconds=window.left_seconds)


def note_tries(operation: str, *, callers: Mapping[str, str], now: datetime) -> dict[str, int]:
    """This will count for each caller and refuse nobody, for what is only known afterwards. Returns counts by kind."""
    window = _window(operation, now=now)
    return {
        kind: _count(window.key(operation, kind, value), keep_seconds=2 * window.seconds)
        for kind, value in callers.items()
        if value
    }


def refuse_spent(operation: str, *, callers: Mapping[str, str], now: datetime) -> None:
    """This will refuse who has used up what `note_tries` counts, and count nothing. Raises: TooManyTries."""
    policy, window = policies.current("throttles"), _window(operation, now=now)
    for kind, value in callers.items():
        if value and (_read(window.key(operation, kind, value)) or 0) >= policy[f"{operation}_{kind}_max"]:
            raise TooManyTries(retry_after_seconds=window.left_seconds)


def note_alias(kind: str, value: str, *, of: str) -> None:
    """This will keep, for a day, that one value of this kind stands for another: a payment token for its card."""
    day = _Window(0, 86_400, 86_400)
    _ask_store(lambda cache: cache.set(day.key("alias", kind, value), of, timeout=day.seconds))


def alias_of(kind: str, value: str) -> str:
    """This will return what the value stands for, "" where nothing is known."""
    return str(_read(_Window(0, 86_400, 86_400).key("alias", kind, value)) or "") if value else ""


@dataclass(frozen=True, slots=True)
class _Window:
    number: int
    seconds: int
    left_seconds: int

    def key(self, operation: str, kind: str, value: str) -> str:
        who = crypto.keyed_digest(value, purpose="throttle")[:32]
        return f"tries:{_Store.era}{operation}:{kind}:{who}:{self.number}"


def _window(operation: str, *, now: datetime) -> _Window:
    seconds = int(policies.current("throttles")[f"{operation}_seconds"])
    number, spent_seconds = divmod(int(now.timestamp()), seconds)
    return _Window(number, seconds, seconds - spent_seconds)


def _count(key: str, *, keep_seconds: int) -> int:
    return int(_ask_store(lambda cache: _count_in(cache, key, keep_seconds=keep_seconds)))


def _read(key: str) -> Any:
    return _ask_store(lambda cache: cache.get(key))


def _ask_store(question: Callable[[BaseCache], Any]) -> Any:
    """Ask the shared cache, or this process's own while that is away."""
    if time.monotonic() >= _Store.away_until:
        try:
            return question(caches["default"])
        except (RedisError, OSError) as error:
            _Store.away_until = time.monotonic() + AWAY_SECONDS
            log.warning("throttle_store_away", error=type(error).__name__)
    return question(caches[IN_PROCESS])


def _count_in(cache: BaseCache, key: str, *, keep_seconds: int) -> int:
    cache.add(key, 0, timeout=keep_seconds)
    try:
        return int(cache.incr(key))
    except ValueError:
        # Evicted between the two: whoever empties the store gives everybody new tries, and loses nothing else.
        return 1
