"""What a refund would be: of which payment how much, or why it cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.db import transaction_required
from orders.models import Order, OrderState
from orders.models.money import PAID_STATES
from orders.refunding import AmountBeyondLeft, Shares, refund_shares
from payments.models import LOST_DISPUTES, OPEN_DISPUTES, OPEN_REFUNDS, Dispute, PaymentAttempt, Refund
from payments.providers.registry import adapter_for
from payments.selectors import disputes_of, lock_attempts, refunds_of
from payments.services.refunding.shares import given_of, sold_of, split
from payments.services.refunding.terms import NotRefundable, RefundLocked, RefundsChanged, RefundWish


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes back of one payment."""

    attempt: PaymentAttempt
    shares: Shares


@transaction_required
def plan_refund(order: Order, wish: RefundWish) -> list[Plan]:
    """This will work out what a wish gives back of the locked `order`: mostly of one payment, else a part of each that
    has to bear it. Locks its attempts; nothing is written.

    Raises: NotRefundable, RefundsChanged, RefundLocked and the errors of orders.refunding.
    """
    refunds, disputes = refunds_of(order), disputes_of(order)
    _require_refundable(order, refunds, wish)
    require_undisputed(order, disputes, is_override=wish.overrides_dispute)
    sold = sold_of(order)
    lost = [dispute for dispute in disputes if dispute.status in LOST_DISPUTES]
    attempts = lock_attempts(order)
    shares = refund_shares(
        sold,
        given=given_of(refunds, lost=lost, sold=sold),
        wanted=wish.wanted,
        step_minor=_step_of(attempts, order, wish),
    )
    return _plan(order, attempts, refunds, shares, is_offline=wish.destination != "provider")


def require_undisputed(order: Order, disputes: Sequence[Dispute], *, is_override: bool) -> None:
    """This will refuse to give back what a bank may give back as well, unless somebody takes that risk.

    Raises: RefundLocked.
    """
    if not is_override and any(dispute.status in OPEN_DISPUTES for dispute in disputes):
        raise RefundLocked(order_id=order.public_id)


def _require_refundable(order: Order, refunds: Sequence[Refund], wish: RefundWish) -> None:
    newest = refunds[-1].public_id if refunds else ""
    if wish.last_known_refund_id != newest:
        raise RefundsChanged(order_id=order.public_id, last_refund_id=newest)
    if order.paid_at is None or order.state not in {*PAID_STATES, OrderState.CLOSED} or order.accepted_minor == 0:
        raise NotRefundable(order_id=order.public_id, state=order.state)


def _step_of(attempts: Sequence[PaymentAttempt], order: Order, wish: RefundWish) -> int:
    if wish.destination != "provider" or not attempts:
        return 1
    return adapter_for(attempts[-1].account).capabilities.amount_steps.get(order.currency, 1)


def _plan(
    order: Order,
    attempts: Sequence[PaymentAttempt],
    refunds: Sequence[Refund],
    shares: Shares,
    *,
    is_offline: bool,
) -> list[Plan]:
    """Which payment bears how much: the first that can bear all, else as many as it takes."""
    rooms = {row.pk: _room(row, refunds) for row in attempts if row.captured_minor}
    bearing = [row for row in attempts if rooms.get(row.pk, 0) > 0]
    total = shares.total_minor
    alone = [row for row in bearing if rooms[row.pk] >= total] or (bearing[:1] if is_offline else [])
    if alone:
        return [Plan(alone[0], shares)]
    taken: list[tuple[PaymentAttempt, int]] = []
    for row in bearing:
        part = min(rooms[row.pk], total - sum(amount for _, amount in taken))
        if part:
            taken.append((row, part))
    if sum(amount for _, amount in taken) < total:
        raise AmountBeyondLeft(amount_minor=total, left_minor=sum(rooms.values()), order_id=order.public_id)
    portions = split(shares, [amount for _, amount in taken])
    return [Plan(row, portion) for (row, _), portion in zip(taken, portions, strict=True)]


def _room(attempt: PaymentAttempt, refunds: Sequence[Refund]) -> int:
    """What this payment's provider could still give back of what was accepted, minor units."""
    under_way = sum(
        row.amount_minor - row.excess_minor
        for row in refunds
        if row.attempt_id == attempt.pk and row.status in OPEN_REFUNDS
    )
    accepted = attempt.captured_minor - attempt.excess_minor
    return accepted - attempt.returned_minor - attempt.beyond_minor - under_way
