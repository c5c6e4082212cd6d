"""Who asks, as far as rules and idempotency rows need to know."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in customer, a program with a credential, or a guest, who is known by tokens of carts and orders alone.

    `id` is the user's public id, the credential's name or the guest's device id. `customer_id` is the user's row id and
    only customers have one; only services have scopes.
    """

    kind: Literal["customer", "service", "guest"]
    id: str
    customer_id: int | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """What stands in idempotency rows: `customer:usr_…`, `service:replay`, `guest:…`."""
        return f"{self.kind}:{self.id}"


# A guest whose device is not known; guests' keys are bound to their cart or order wherever there is one.
GUEST = Principal(kind="guest", id="anonymous")
