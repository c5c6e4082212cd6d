"""The order, its lines and contact, its append-only history, its holds and its refused transitions."""

from orders.models.history import OrderEvent, Reason, RefusedTransition
from orders.models.money import BEFORE_PAYMENT, CANCELLED_STATES, MONEY_COLUMNS, PAID_STATES, OrderState
from orders.models.order import Order
from orders.models.parts import Contact, OrderLine
from orders.models.supervision import BLOCKS_GIVE_BACK, DueAdjustment, Hold, HoldReason

__all__ = [
    "BEFORE_PAYMENT",
    "BLOCKS_GIVE_BACK",
    "CANCELLED_STATES",
    "MONEY_COLUMNS",
    "PAID_STATES",
    "Contact",
    "DueAdjustment",
    "Hold",
    "HoldReason",
    "Order",
    "OrderEvent",
    "OrderLine",
    "OrderState",
    "Reason",
    "RefusedTransition",
]
