"""What the books say of a refund, by how far it got: accepted while it may arrive, settled once it did.

| status | refunds_payable holds it | clearing gave it |
|---|---|---|
| requested, awaiting approval, rejected, cancelled, failed, reversed | no | no |
| sent, pending, requires_action, unknown | yes | no |
| succeeded | no | yes |

A refund that moves is posted as the difference between two rows of this table.
"""

from core.cause import Cause
from core.db import transaction_required
from core.money import Money
from ledger import services as ledger
from orders.models import Order
from payments.models import Refund, RefundStatus

_S = RefundStatus
OWED = {_S.SENT, _S.PENDING, _S.REQUIRES_ACTION, _S.UNKNOWN}


@transaction_required
def post_accepted(order: Order, refund: Refund, *, cause: Cause) -> None:
    """This will post that we owe the refund. What nobody owed is no refund of a sale and has no acceptance."""
    if refund.amount_minor > refund.excess_minor:
        ledger.post_refund_accepted(_posting(order, refund), round=refund.round, cause=cause)


@transaction_required
def post_settled_elsewhere(order: Order, refund: Refund, *, cause: Cause) -> None:
    """This will post a refund that no provider pays: store credit, or a transfer from one of our banks."""
    if refund.origin == Refund.Origin.CREDIT:
        ledger.post_refund_as_credit(_posting(order, refund), cause=cause)
    else:
        ledger.post_refund_offline(_posting(order, refund), bank=refund.bank or "main", cause=cause)


@transaction_required
def post_move(order: Order, refund: Refund, *, before: str, cause: Cause) -> None:
    """This will post what a refund's move from `before` to its present status changed."""
    was_paid, is_paid = before == _S.SUCCEEDED, refund.status == _S.SUCCEEDED
    was_owed, is_owed = before in OWED, refund.status in OWED
    posting = _posting(order, refund)
    if was_paid and not is_paid:
        if refund.amount_minor > refund.excess_minor:
            ledger.post_refund_returned(posting, round=refund.round, cause=cause)
            ledger.post_refund_dropped(posting, round=refund.round, cause=cause)
        _post_excess(order, refund, is_back=True, cause=cause)
    elif was_owed and not is_owed and not is_paid:
        if refund.amount_minor > refund.excess_minor:
            ledger.post_refund_dropped(posting, round=refund.round, cause=cause)
    elif is_paid and not was_paid:
        if refund.amount_minor > refund.excess_minor:
            ledger.post_refund_succeeded(posting, round=refund.round, cause=cause)
        _post_excess(order, refund, is_back=False, cause=cause)


def _post_excess(order: Order, refund: Refund, *, is_back: bool, cause: Cause) -> None:
    if not refund.excess_minor:
        return
    movement = ledger.Movement(
        source_kind="refund",
        source_id=refund.public_id,
        account=refund.attempt.account,
        order_public_id=order.public_id,
        attempt_public_id=refund.attempt.public_id,
        money=Money(refund.excess_minor, refund.currency),
    )
    post = ledger.post_give_back_returned if is_back else ledger.post_give_back
    post(movement, cause=cause)


def _posting(order: Order, refund: Refund) -> ledger.RefundPosting:
    return ledger.RefundPosting(
        source_id=refund.public_id,
        account=refund.attempt.account,
        order_public_id=order.public_id,
        attempt_public_id=refund.attempt.public_id,
        money=Money(refund.amount_minor - refund.excess_minor, refund.currency),
        net_minor=refund.net_minor - refund.excess_minor,
        taxes_minor={tax.jurisdiction: tax.amount_minor for tax in refund.taxes.all()},
    )
