"""Every write to an order."""

from orders.services.cancel import CannotCancel, cancel, confirm_cancellation_refund, request_cancel
from orders.services.change import TransitionRefused, order_transaction, record_fact
from orders.services.create import ContactDetails, NewOrder, create_order
from orders.services.expire import expire, extend_reservation, keep_units_again, keeps_units, note_stock_returned
from orders.services.holds import open_hold, release_hold
from orders.services.money import MoneyColumns, adjust_due, set_money
from orders.services.pay import (
    mark_authorized,
    mark_capture_failed,
    mark_paid,
    mark_payment_failed,
    mark_payment_started,
)
from orders.services.returns import carry_refunds, owe_again

__all__ = [
    "CannotCancel",
    "ContactDetails",
    "MoneyColumns",
    "NewOrder",
    "TransitionRefused",
    "adjust_due",
    "cancel",
    "carry_refunds",
    "confirm_cancellation_refund",
    "create_order",
    "expire",
    "extend_reservation",
    "keep_units_again",
    "keeps_units",
    "mark_authorized",
    "mark_capture_failed",
    "mark_paid",
    "mark_payment_failed",
    "mark_payment_started",
    "note_stock_returned",
    "open_hold",
    "order_transaction",
    "owe_again",
    "record_fact",
    "release_hold",
    "request_cancel",
    "set_money",
]
