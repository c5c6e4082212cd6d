"""What can be asked of the refunding services, and why they refuse."""

from dataclasses import dataclass
from typing import Literal

from core.errors import DomainError, Invalid
from orders.refunding import Wanted
from payments.models import RefundClaim

Destination = Literal["provider", "credit", "offline"]


class NotRefundable(DomainError):
    """The order was never paid, or nothing of it can be given back this way."""

    code = "not_refundable"
    title = "This order cannot be refunded now."


class RefundLocked(DomainError):
    """A dispute is open: the bank may give the money back by itself, and a refund on top would lose it twice."""

    code = "refund_locked_by_dispute"
    title = "A dispute about this payment is open. A refund now could give the money back twice."


class RefundsChanged(DomainError):
    """Somebody else gave something back since the caller looked; fact `last_refund_id` is what they did."""

    code = "refunds_changed"
    title = "This order was refunded meanwhile. Look at it again before you give anything back."


class UnknownReason(Invalid):
    """Reasons come from oversight's closed list."""

    code = "unknown_reason"
    title = "There is no such reason for a refund."


class RefundDecided(DomainError):
    """The refund waits for nobody's approval any more."""

    code = "refund_decided"
    title = "This refund was decided already."


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What shall go back of an order, why and where to.

    `last_known_refund_id` is the newest refund the caller saw, "" for none: two people who clicked at the same moment
    saw the same, and the second is told. `restocks` puts the units back into stock once the money has gone.
    `overrides_dispute` takes the risk of paying twice. `bank` names the account an offline refund was paid from.
    `claim` is the customer's request that it answers.
    """

    order_id: str
    wanted: Wanted
    reason_code: str
    last_known_refund_id: str
    note: str = ""
    restocks: bool = False
    destination: Destination = "provider"
    overrides_dispute: bool = False
    bank: str = ""
    claim: RefundClaim | None = None
