"""A scenario: what went before, the act in which the process dies, and the literal end it must come to whatever dies.

Note [What customers hold]: a customer outlives our processes. What is repeated afterwards is the very request that
was sent before, byte for byte, which is all they have.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.world import Request, World

# Not the last word on a request: the same one is sent again a little later.
NOT_YET = {"request_in_progress", "payment_being_verified"}


@dataclass(frozen=True)
class Said:
    """An answer as the customer reads it: the order's word, or the problem's code."""

    status: int
    word: str
    order_id: str
    body: bytes

    @property
    def is_final(self) -> bool:
        """Whether the customer need not ask again."""
        return self.status in {200, 201} or (400 <= self.status < 500 and self.word not in NOT_YET)


@dataclass(frozen=True)
class Ending:
    """What must have come of it: the answer to the repeat, the order, the provider's money, the shelf, the cases."""

    answer: str
    state: str
    taken: tuple[int, ...] = ()
    given_back: tuple[int, ...] = ()
    # Mugs available, held, sold.
    shelf: tuple[int, int, int] = (10, 0, 0)
    cases: tuple[str, ...] = ()


def post(world: World, request: Request) -> Said:
    """This will send a request of the customer's to the API."""
    answer = world.post(request)
    return said(answer.status_code, bytes(answer.content))


def said(status: int, body: bytes) -> Said:
    """This will read an answer."""
    shown: dict[str, Any] = json.loads(body) if body else {}
    word = shown.get("status") if status < 400 else shown.get("code")
    return Said(status, str(word or ""), str(shown.get("order_id", "")), body)


Prepare = Callable[[World], Request]
Act = Callable[[World, Request], object]
Ask = Callable[[World, Request], Said]


@dataclass(frozen=True)
class Scenario:
    """`prepare` brings the shop to where `act` begins and returns what the customer will repeat through `ask`."""

    name: str
    prepare: Prepare
    ending: Ending
    act: Act = post
    ask: Ask = post
