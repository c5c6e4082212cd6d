"""How often somebody may try something: counters in windows of time, for edges to ask before they look anything up.

Counters lie in Django's cache (Redis). While that is away each process counts for itself: limits then hold per process,
and nobody is kept from buying by a store that only counts. Numbers are the policy `throttles`.
"""

import time
import uuid
from collections.abc import Mapping
from datetime import datetime

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
    policy = policies.current("throttles")
    window_seconds = int(policy[f"{operation}_seconds"])
    window, spent_seconds = divmod(int(now.timestamp()), window_seconds)
    is_over = False
    for kind, value in callers.items():
        if value:
            who = crypto.keyed_digest(value, purpose="throttle")[:32]
            count = _count(f"tries:{_Store.era}{operation}:{kind}:{who}:{window}", keep_seconds=2 * window_seconds)
            is_over = is_over or count > policy[f"{operation}_{kind}_max"]
    if is_over:
        raise TooManyTries(retry_after_seconds=window_seconds - spent_seconds)


def _count(key: str, *, keep_seconds: int) -> int:
    if time.monotonic() >= _Store.away_until:
        try:
            return _count_in(caches["default"], key, keep_seconds=keep_seconds)
        except (RedisError, OSError) as error:
            _Store.away_until = time.monotonic() + AWAY_SECONDS
            log.warning("throttle_store_away", error=type(error).__name__)
    return _count_in(caches[IN_PROCESS], key, keep_seconds=keep_seconds)


def _count_in(cache: BaseCache, key: str, *, keep_seconds: int) -> int:
    cache.add(key, 0, timeout=keep_seconds)
    try:
        return int(cache.incr(key))
    except ValueError:
        # Evicted between the two: whoever empties the store gives everybody new tries, and loses nothing else.
        return 1
