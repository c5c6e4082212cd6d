"""Every write to an order."""

from orders.services.cancel import (
    CannotCancel,
    cancel,
    confirm_cancellation_refund,
    is_at_home,
    may_be_cancelled,
    request_cancel,
)
from orders.services.change import TransitionRefused, order_transaction, record_fact
from orders.services.close import close
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
from orders.services.reversals import note_reinstated, reverse_capture
from orders.services.standing import carry_on, owe_again
from orders.services.units import (
    NotFulfillable,
    UnknownUnits,
    give_units_back,
    record_fulfillment,
    request_fulfillment,
    take_units_again,
)

__all__ = [
    "CannotCancel",
    "ContactDetails",
    "MoneyColumns",
    "NewOrder",
    "NotFulfillable",
    "TransitionRefused",
    "UnknownUnits",
    "adjust_due",
    "cancel",
    "carry_on",
    "close",
    "confirm_cancellation_refund",
    "create_order",
    "expire",
    "extend_reservation",
    "give_units_back",
    "is_at_home",
    "keep_units_again",
    "keeps_units",
    "mark_authorized",
    "mark_capture_failed",
    "mark_paid",
    "mark_payment_failed",
    "mark_payment_started",
    "may_be_cancelled",
    "note_reinstated",
    "note_stock_returned",
    "open_hold",
    "order_transaction",
    "owe_again",
    "record_fact",
    "record_fulfillment",
    "release_hold",
    "request_cancel",
    "request_fulfillment",
    "reverse_capture",
    "set_money",
    "take_units_again",
]
