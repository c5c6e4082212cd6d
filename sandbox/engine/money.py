"""Movements of the merchant's balance: what came, what went, and what the provider kept."""

from dataclasses import dataclass

from sandbox.engine.desk import Desk
from sandbox.records import BalanceTransaction, Charge, Dispute, Payout, Refund


@dataclass(frozen=True)
class Movement:
    """One movement to be booked: signed, in minor units; `fee` is what the provider keeps besides."""

    kind: str
    category: str
    amount: int
    fee: int = 0
    is_at_once: bool = False


def book_capture(desk: Desk, *, charge: Charge, amount: int, is_pair: bool) -> str:
    """This will book money taken, less the account's fee, and return the movement's id.

    `is_pair` books it as reports and older versions of the API show it: the full charge, and a reversal of what was
    not taken.
    """
    fee = desk.account.charge_fee(amount, charge.currency)
    booked = charge.amount if is_pair else amount
    movement_id = _book(desk, Movement("charge", "charge", booked, fee), source=charge)
    if is_pair and amount < charge.amount:
        _book(desk, Movement("refund", "partial_capture_reversal", amount - charge.amount), source=charge)
    return movement_id


def book_reversal(desk: Desk, *, charge: Charge, amount: int) -> str:
    """This will book captured money that the bank took back. The fee is kept."""
    return _book(desk, Movement("payment_failure_refund", "charge_failure", -amount), source=charge)


def book_refund(desk: Desk, *, refund: Refund) -> str:
    """This will book money given back and return the movement's id."""
    return _book(desk, Movement("refund", "refund", -refund.amount), source=refund)


def book_refund_failure(desk: Desk, *, refund: Refund) -> str:
    """This will book money that came back because the refund did not arrive."""
    return _book(desk, Movement("refund_failure", "refund_failure", refund.amount), source=refund)


def book_withdrawal(desk: Desk, *, dispute: Dispute, fee: int) -> str:
    """This will book disputed money that the provider takes for the time of the dispute, and its fee."""
    return _book(desk, Movement("adjustment", "dispute", -dispute.amount, fee, is_at_once=True), source=dispute)


def book_reinstatement(desk: Desk, *, dispute: Dispute, fee_returned: int) -> str:
    """This will book disputed money that came back, with as much of the fee as is returned."""
    movement = Movement("adjustment", "dispute_reversal", dispute.amount, -fee_returned, is_at_once=True)
    return _book(desk, movement, source=dispute)


def book_payout(desk: Desk, *, payout: Payout) -> str:
    """This will book money sent to the merchant's bank."""
    return _book(desk, Movement("payout", "payout", -payout.amount, is_at_once=True), source=payout)


def book_payout_return(desk: Desk, *, payout: Payout) -> str:
    """This will book a payout that came back or was called off."""
    kind = "payout_cancel" if payout.status == "canceled" else "payout_failure"
    return _book(desk, Movement(kind, "payout_reversal", payout.amount, is_at_once=True), source=payout)


def _book(desk: Desk, movement: Movement, *, source: Charge | Refund | Dispute | Payout) -> str:
    wait = 0.0 if movement.is_at_once else desk.account.available_after_seconds
    booked = BalanceTransaction(
        id=desk.new_id("txn"),
        kind=movement.kind,
        reporting_category=movement.category,
        amount=movement.amount,
        fee=movement.fee,
        currency=source.currency,
        source=source.id,
        created=desk.now(),
        available_on=desk.now() + int(wait),
        intent_id=None if isinstance(source, Payout) else source.intent_id,
        payout=source.id if isinstance(source, Payout) and source.is_automatic and movement.kind == "payout" else None,
    )
    desk.store.insert(booked)
    return booked.id
