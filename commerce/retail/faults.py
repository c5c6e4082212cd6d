"""The troubles of a real provider, put into the sandbox for the time of a replay and taken out again.

Note [Each by itself]: a rule counts the calls, or the events, of one name only. One count over all of them would fall
into step with their order (create, confirm, create, confirm…) and always hit the same one.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from django.conf import settings

DROP_EVERY = 3
DUPLICATE_EVERY = 4
LOSE_ANSWER_EVERY = 20
DECLINE_EVERY = 50
CONFIRM = "payment_intents.confirm"
CALLS = (
    "payment_intents.create",
    CONFIRM,
    "payment_intents.retrieve",
    "payment_intents.list",
    "payment_intents.cancel",
    "refunds.create",
    "refunds.list",
)
EVENTS = (
    "payment_intent.created",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.succeeded",
    "charge.failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
)
# The first rule that hits wins: a decline goes before a lost answer, a drop before a duplicate.
PLANS: dict[str, list[dict[str, Any]]] = {
    "faults": [
        {"kind": "decline", "operation": CONFIRM, "every": DECLINE_EVERY},
        *({"kind": "timeout_after", "operation": call, "every": LOSE_ANSWER_EVERY} for call in CALLS),
    ],
    "webhook_faults": [
        {"kind": kind, "every": every, "types": [event]}
        for kind, every in (("drop", DROP_EVERY), ("duplicate", DUPLICATE_EVERY))
        for event in EVENTS
    ],
}
# Its whole truth of months is told in one answer.
TIMEOUT = httpx2.Timeout(60.0, connect=5.0)


class FaultsNotSetError(Exception):
    """The sandbox's control API did not do what was asked."""


@dataclass(slots=True)
class FaultsHappened:
    """How often each kind really hit, by the sandbox's own counters."""

    dropped: int = 0
    duplicated: int = 0
    answers_lost: int = 0
    declined: int = 0


class FaultControl:
    """The part of the sandbox's control API that sets faults and tells how often they hit."""

    def __init__(self, client: httpx2.Client) -> None:
        """Keep the client, whose base URL is the sandbox's."""
        self._client = client

    @contextmanager
    def in_force(self) -> Iterator[FaultsHappened]:
        """This will put the faults in the place of all others and remove them at the end, however that comes.

        What is yielded has its counts once the end is reached. Raises: FaultsNotSetError.
        """
        happened = FaultsHappened()
        # Whoever is told to end takes the faults away first, as for Ctrl-C.
        earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            for scope, rules in PLANS.items():
                self._call("DELETE", scope)
                for rule in rules:
                    self._call("POST", scope, rule)
            yield happened
        finally:
            try:
                self._count(happened)
            finally:
                for scope in PLANS:
                    self._call("DELETE", scope)
                signal.signal(signal.SIGTERM, earlier)

    def _count(self, happened: FaultsHappened) -> None:
        hits: Counter[str] = Counter()
        for scope in PLANS:
            for rule in self._call("GET", scope)[scope]:
                hits[rule["kind"]] += rule["hits"]
        happened.dropped, happened.duplicated = hits["drop"], hits["duplicate"]
        happened.answers_lost, happened.declined = hits["timeout_after"], hits["decline"]

    def _call(self, method: str, scope: str, rule: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._client.request(method, f"/_control/{scope}", json=rule)
        except httpx2.TransportError as error:
            said = f"the sandbox cannot be reached ({type(error).__name__})"
            raise FaultsNotSetError(f"{method} {scope}: {said}") from error
        if response.status_code not in {200, 201}:
            raise FaultsNotSetError(f"{method} {scope}: the sandbox answers {response.status_code}")
        answer: dict[str, Any] = response.json()
        return answer


def open_control() -> httpx2.Client:
    """This will return a client of the control API of the sandbox at SANDBOX_URL."""
    return httpx2.Client(base_url=settings.SANDBOX_URL, timeout=TIMEOUT, trust_env=False)
