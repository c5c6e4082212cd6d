"""Why something changes: who did it, through which door, when it happened there and when we wrote it down."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from core import trace


@dataclass(frozen=True, slots=True)
class Cause:
    """Goes into every history, audit and ledger row. `actor` is `customer:usr_…`, `staff:usr_…` or `system:<part>`."""

    actor: str
    source: str
    now: datetime
    occurred_at: datetime | None = None
    provider: str = ""
    provider_event_id: str = ""
    trace_id: str = field(default_factory=trace.current)

    @property
    def happened_at(self) -> datetime:
        """Their clock when we know it, ours otherwise."""
        return self.occurred_at or self.now

    def because_of_event(self, *, provider: str, event_id: str, occurred_at: datetime) -> "Cause":
        """This will name the provider's event that told us."""
        return replace(self, provider=provider, provider_event_id=event_id, occurred_at=occurred_at)


def system(part: str, *, now: datetime) -> Cause:
    """This will return the cause of something the machine does by itself, for example part `sweep`."""
    return Cause(actor=f"system:{part}", source=part, now=now)
