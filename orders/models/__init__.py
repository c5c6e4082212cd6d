"""The order, its lines and contact, its append-only history, its holds and its refused transitions."""

from orders.models.history import OrderEvent, Reason, RefusedTransition
from orders.models.order import Contact, Order, OrderLine, OrderState
from orders.models.supervision import DueAdjustment, Hold, HoldReason

__all__ = [
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
