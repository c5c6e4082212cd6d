"""Stripe's idempotency keys.

The answer is stored in the transaction of its effect, so a killed process leaves neither or both.
Source: docs.stripe.com/api/idempotent_requests.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.clock import Clock
from sandbox.dialects.stripe.errors import InvalidParametersError, StripeError
from sandbox.dialects.stripe.forms import Form
from sandbox.store import Store

KEPT_SECONDS = 24 * 3600
PRUNE_EVERY_SECONDS = 60


@dataclass(frozen=True)
class SavedAnswer:
    """What the first call with the key was answered."""

    status: int
    body: bytes
    request_id: str


class Keys:
    """The account's idempotency keys."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._guard = threading.Lock()
        self._in_use: set[str] = set()
        self._pruned_at = clock.now()

    @contextmanager
    def claimed(self, key: str | None) -> Iterator[None]:
        """This will hold the key while its call runs; raises 409 when another call holds it."""
        if key is None:
            yield
            return
        if len(key) > 255:
            raise InvalidParametersError("Idempotency keys may have up to 255 characters.", parameter=None)
        with self._guard:
            if key in self._in_use:
                raise key_in_use(key)
            self._in_use.add(key)
        try:
            yield
        finally:
            with self._guard:
                self._in_use.discard(key)

    def recall(self, key: str, *, fingerprint: str) -> SavedAnswer | None:
        """This will return what the key was answered; raises when it stood for something else."""
        self._prune_now_and_then()
        found = self._store.rows(
            "SELECT fingerprint, status, body, request_id FROM idempotency_keys WHERE key = ? AND created > ?",
            (key, self._clock.now() - KEPT_SECONDS),
        )
        if not found:
            return None
        if found[0][0] != fingerprint:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request.",
                kind="idempotency_error",
            )
        return SavedAnswer(*found[0][1:])

    def save(self, key: str, *, fingerprint: str, answer: SavedAnswer) -> None:
        """This will remember the answer, in the caller's transaction."""
        self._store.execute(
            "INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)",
            (
                key,
                fingerprint,
                answer.status,
                answer.body,
                answer.request_id,
                self._clock.now(),
            ),
        )

    def prune(self, *, kept_seconds: float = KEPT_SECONDS) -> int:
        """This will forget keys of that age; they then run again as new. Returns how many."""
        return self._store.execute(
            "DELETE FROM idempotency_keys WHERE created <= ?", (self._clock.now() - kept_seconds,)
        )

    def _prune_now_and_then(self) -> None:
        if self._clock.now() - self._pruned_at >= PRUNE_EVERY_SECONDS:
            self._pruned_at = self._clock.now()
            self.prune()


def fingerprint_of(path: str, form: Form) -> str:
    """This will return a digest of what the call asks for, whatever the order of parameters."""
    text = json.dumps([path, form], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def key_in_use(key: str | None) -> StripeError:
    """This will return the refusal of a key whose first call still runs."""
    return StripeError(
        409,
        "There is currently another in-progress request using this Idempotent Key "
        f"(that probably means you submitted twice, and the other request is still going through): "
        f"{key}. Please try again later.",
        code="idempotency_key_in_use",
    )
