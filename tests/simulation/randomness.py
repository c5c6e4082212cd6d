"""Ids from the seed, so that one seed is one history; nowhere else in this package is randomness but in scripts."""

import base64
import random
from collections.abc import Iterator
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


@contextmanager
def seeded_ids(seed: int) -> Iterator[None]:
    """This will make ids and tokens repeatable inside the block."""
    with patch("core.ids.secrets", _Seeded(seed)):
        yield
