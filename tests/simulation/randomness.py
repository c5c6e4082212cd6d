"""Ids from the seed and caches that age with the shop, so that one seed is one history however fast it is played.

Nowhere else in this package is randomness but in scripts.
"""

import base64
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch


class _Seeded:
    """What core.ids asks the module `secrets` for."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def randbits(self, count: int) -> int:
        return self._random.getrandbits(count)

    def token_urlsafe(self, count: int) -> str:
        return base64.urlsafe_b64encode(self._random.randbytes(count)).rstrip(b"=").decode()


class _ShopTime:
    """What caches ask the module `time` for."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.monotonic = now


@contextmanager
def caches_age(now: Callable[[], float]) -> Iterator[None]:
    """This will let what a process remembers for seconds (policies, webhook addresses) age by this clock."""
    with patch("core.policies.time", _ShopTime(now)), patch("webhooks.selectors.time", _ShopTime(now)):
        yield


@contextmanager
def seeded_ids(seed: int) -> Iterator[None]:
    """This will make ids and tokens repeatable inside the block."""
    with patch("core.ids.secrets", _Seeded(seed)):
        yield
