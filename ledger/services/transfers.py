"""Money that comes straight to one of our bank accounts."""

from dataclasses import dataclass

from core.cause import Cause
from core.db import transaction_required
from core.models import SalesChannel
from core.money import Money
from ledger import chart
from ledger.models import Posting
from ledger.services.posting import DoesNotBalance, Fact, Line, post


@dataclass(frozen=True, slots=True)
class TransferPosting:
    """A transfer on the bank account of that name, posted once for its source, for example the statement's line.

    `money` is positive. `due_minor` ≥ 0 is what the order still owes: 0 before its sale is recognised, and for a
    transfer nobody can place.
    """

    source_kind: str
    source_id: str
    channel: SalesChannel
    is_livemode: bool
    bank: str
    money: Money
    due_minor: int
    order_public_id: str = ""
    attempt_public_id: str = ""


@transaction_required
def post_over_payment(transfer: TransferPosting, *, cause: Cause) -> Posting:
    """This will note a transfer of more, or less, than is due: Dr bank / Cr receivable up to what is due,
    customer_credit the rest.
    """
    amount_minor, attempt = transfer.money.amount_minor, transfer.attempt_public_id
    if amount_minor <= 0 or transfer.due_minor < 0:
        raise DoesNotBalance(
            detail="A transfer is more than nothing.", source_id=transfer.source_id, event="transfer_received"
        )
    owed_minor = min(amount_minor, transfer.due_minor)
    fact = Fact(
        source_kind=transfer.source_kind,
        source_id=transfer.source_id,
        event="transfer_received",
        channel=transfer.channel,
        currency=transfer.money.currency,
        is_livemode=transfer.is_livemode,
        lines=[
            Line(chart.bank(transfer.bank), amount_minor, attempt),
            Line(chart.RECEIVABLE, -owed_minor, attempt),
            Line(chart.CUSTOMER_CREDIT, owed_minor - amount_minor, attempt),
        ],
        order_public_id=transfer.order_public_id,
    )
    return post(fact, cause=cause)
