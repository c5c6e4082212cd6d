"""Money taken at a provider, and money given back that no sale is owed.

Note [Before the sale]: until an order is paid no sale is recognised and nothing is receivable. Money that arrives
earlier, in part or for an order that ended, is a debt of ours: it stands in customer_credit (`post_unowed_capture`)
and leaves by `post_give_back`, or becomes the order's by `reclassify_unowed` when the order turns out to be paid
after all. So a give-back before any sale has one route, and receivable is never negative. Money for a sale that a
bank undid goes the same way out, by `reclassify_owed`, when the order ends before it was paid again.
"""

from dataclasses import dataclass

from core.cause import Cause
from core.db import transaction_required
from core.models import ProviderAccount
from core.money import Money
from ledger import chart, selectors
from ledger.models import Posting
from ledger.services.posting import DoesNotBalance, Fact, Line, event_of_round, post


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved at a provider for an attempt. The source is what it is posted once for, for example the
    operation.

    `account` is read with its channel. `money` is positive; the verb gives it its direction.
    """

    source_kind: str
    source_id: str
    account: ProviderAccount
    order_public_id: str
    attempt_public_id: str
    money: Money


@transaction_required
def post_capture(movement: Movement, *, round: int = 1, cause: Cause) -> Posting:  # noqa: A002
    """This will note money taken for an order whose sale is recognised: Dr clearing / Cr receivable.

    `round` counts from 1 how often it was taken, because a provider may take a capture back and give it again.
    """
    event = event_of_round("capture", round)
    return _post_movement(movement, event=event, debit=_clearing_of(movement), credit=chart.RECEIVABLE, cause=cause)


@transaction_required
def post_unowed_capture(movement: Movement, *, round: int = 1, cause: Cause) -> Posting:  # noqa: A002
    """This will note money taken that no sale is owed: Dr clearing / Cr customer_credit. See Note [Before the sale]."""
    event = event_of_round("unowed_capture", round)
    return _post_movement(
        movement, event=event, debit=_clearing_of(movement), credit=chart.CUSTOMER_CREDIT, cause=cause
    )


@transaction_required
def reclassify_unowed(movement: Movement, *, cause: Cause) -> Posting:
    """This will turn money first booked as unowed into the order's: Dr customer_credit / Cr receivable."""
    return _post_movement(
        movement, event="became_owed", debit=chart.CUSTOMER_CREDIT, credit=chart.RECEIVABLE, cause=cause
    )


@transaction_required
def reclassify_owed(movement: Movement, *, cause: Cause) -> Posting:
    """This will turn money booked for a sale into nobody's but the customer's, each time once more: Dr receivable / Cr
    customer_credit.
    """
    before = selectors.count_postings(
        source_kind=movement.source_kind, source_id=movement.source_id, event="became_unowed"
    )
    event = event_of_round("became_unowed", before + 1)
    return _post_movement(movement, event=event, debit=chart.RECEIVABLE, credit=chart.CUSTOMER_CREDIT, cause=cause)


@transaction_required
def post_give_back(movement: Movement, *, cause: Cause) -> Posting:
    """This will note money given back that no sale is owed: Dr customer_credit / Cr clearing."""
    return _post_movement(
        movement, event="give_back", debit=chart.CUSTOMER_CREDIT, credit=_clearing_of(movement), cause=cause
    )


@transaction_required
def post_give_back_returned(movement: Movement, *, cause: Cause) -> Posting:
    """This will note a give-back that came back to us, so that we owe it again: Dr clearing / Cr customer_credit."""
    return _post_movement(
        movement, event="give_back_returned", debit=_clearing_of(movement), credit=chart.CUSTOMER_CREDIT, cause=cause
    )


@transaction_required
def post_capture_reversed(movement: Movement, *, round: int = 1, cause: Cause) -> Posting:  # noqa: A002
    """This will note a capture of a recognised sale that the provider took back: Dr receivable / Cr clearing."""
    event = event_of_round("capture_reversed", round)
    return _post_movement(movement, event=event, debit=chart.RECEIVABLE, credit=_clearing_of(movement), cause=cause)


@transaction_required
def post_unowed_capture_reversed(movement: Movement, *, round: int = 1, cause: Cause) -> Posting:  # noqa: A002
    """This will note a capture that no sale was owed and that the provider took back: Dr customer_credit / Cr
    clearing.
    """
    event = event_of_round("unowed_reversed", round)
    return _post_movement(
        movement, event=event, debit=chart.CUSTOMER_CREDIT, credit=_clearing_of(movement), cause=cause
    )


def _post_movement(movement: Movement, *, event: str, debit: str, credit: str, cause: Cause) -> Posting:
    amount_minor = movement.money.amount_minor
    if amount_minor <= 0:
        raise DoesNotBalance(detail="Money that moved is more than nothing.", source_id=movement.source_id, event=event)
    fact = Fact(
        source_kind=movement.source_kind,
        source_id=movement.source_id,
        event=event,
        channel=movement.account.channel,
        currency=movement.money.currency,
        is_livemode=movement.account.is_livemode,
        lines=[
            Line(debit, amount_minor, movement.attempt_public_id),
            Line(credit, -amount_minor, movement.attempt_public_id),
        ],
        order_public_id=movement.order_public_id,
    )
    return post(fact, cause=cause)


def _clearing_of(movement: Movement) -> str:
    return chart.clearing(provider=movement.account.provider, account=movement.account.slug)
