"""The one way an order changes: a move or a fact, its version and its history row in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django_fsm import TransitionNotAllowed

from core.cause import Cause
from core.db import transaction, transaction_required
from core.errors import DomainError
from core.ids import new_public_id
from orders.models import Order, OrderEvent, Reason, RefusedTransition
from orders.models.money import MONEY_COLUMNS


class TransitionRefused(DomainError):
    """The order's table has no such way from here, or its guard does not hold. Nothing was changed."""

    code = "transition_refused"
    title = "The order cannot do this in its present state. Nothing was changed."

    def __init__(self, *, order: Order, transition: str, cause: Cause, reason: str) -> None:
        """Keep what the refusal's record needs."""
        super().__init__(
            detail=f"An order that is {order.state} cannot be {transition.replace('_', ' ')}.",
            order_id=order.public_id,
            state=order.state,
        )
        self.record = RefusedTransition(
            order_public_id=order.public_id,
            from_state=order.state,
            transition=transition,
            detail=self.detail,
            actor=cause.actor,
            reason=reason,
            trace_id=cause.trace_id,
            recorded_at=cause.now,
        )


@dataclass(frozen=True, slots=True)
class Because:
    """Why, for the history row: the reason code, its facts, the attempt concerned."""

    reason: Reason
    cause: Cause
    attempt_public_id: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@contextmanager
def order_transaction(name: str) -> Iterator[None]:
    """This will open a transaction; a refused transition rolls it back and is then recorded in one of its own."""
    try:
        with transaction(name):
            yield
    except TransitionRefused as refusal:
        with transaction(f"{name}.refused"):
            refusal.record.save(force_insert=True)
        raise


@transaction_required
def move(order: Order, transition: Callable[[], None], because: Because, *, also: Sequence[str] = ()) -> Order:
    """This will take `transition` (a bound method of the locked `order`), save it with its money columns and write
    history.

    `also` names further columns the caller has set. Raises: TransitionRefused.
    """
    source = order.state
    name = transition.__name__
    try:
        transition()
    except TransitionNotAllowed as refusal:
        raise TransitionRefused(order=order, transition=name, cause=because.cause, reason=because.reason) from refusal
    _write(order, because, columns=["state", *MONEY_COLUMNS, *also], from_state=source, to_state=order.state)
    return order


@transaction_required
def record_fact(order: Order, because: Because, *, also: Sequence[str] = ()) -> Order:
    """This will write a fact beside the state of the locked `order`; `also` names columns the caller has set."""
    _write(order, because, columns=list(also))
    return order


def _write(order: Order, because: Because, *, columns: list[str], from_state: str = "", to_state: str = "") -> None:
    order.version += 1
    order.save(update_fields=[*columns, "version"])
    event_of(order, because, from_state=from_state, to_state=to_state).save(force_insert=True)


def event_of(order: Order, because: Because, *, from_state: str, to_state: str) -> OrderEvent:
    """This will return the unsaved history row of a change that made `order` its present version."""
    cause = because.cause
    return OrderEvent(
        public_id=new_public_id("evt"),
        order=order,
        sequence=order.version,
        kind=OrderEvent.Kind.TRANSITION if to_state else OrderEvent.Kind.FACT,
        from_state=from_state,
        to_state=to_state,
        reason=because.reason,
        facts=because.facts,
        actor=cause.actor,
        source=cause.source,
        provider=cause.provider,
        provider_event_id=cause.provider_event_id,
        attempt_public_id=because.attempt_public_id,
        trace_id=cause.trace_id,
        occurred_at=cause.happened_at,
        recorded_at=cause.now,
    )
