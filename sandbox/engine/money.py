"""Movements of the merchant's balance. There are no fees yet."""

from sandbox.engine.desk import Desk
from sandbox.records import BalanceTransaction, Charge, Refund

AVAILABLE_AFTER_SECONDS = 2 * 24 * 3600


def book_charge(desk: Desk, *, charge: Charge, captured: int) -> str:
    """This will book a captured charge and return the movement's id.

    A partial capture is booked as the provider's reports show it: the full charge, and a
    reversal of what was not taken.
    """
    movement_id = _book(desk, kind="charge", category="charge", amount=charge.amount, source=charge)
    if captured < charge.amount:
        _book(
            desk,
            kind="refund",
            category="partial_capture_reversal",
            amount=captured - charge.amount,
            source=charge,
        )
    return movement_id


def book_refund(desk: Desk, *, refund: Refund) -> str:
    """This will book money given back and return the movement's id."""
    return _book(desk, kind="refund", category="refund", amount=-refund.amount, source=refund)


def book_refund_failure(desk: Desk, *, refund: Refund) -> str:
    """This will book money that came back because the refund did not arrive."""
    return _book(
        desk,
        kind="refund_failure",
        category="refund_failure",
        amount=refund.amount,
        source=refund,
    )


def _book(desk: Desk, *, kind: str, category: str, amount: int, source: Charge | Refund) -> str:
    movement = BalanceTransaction(
        id=desk.new_id("txn"),
        kind=kind,
        reporting_category=category,
        amount=amount,
        fee=0,
        currency=source.currency,
        source=source.id,
        created=desk.now(),
        available_on=desk.now() + AVAILABLE_AFTER_SECONDS,
    )
    desk.store.insert(movement)
    return movement.id
