"""Refunds of a recognised sale: accepted by us, sent, come back, settled some other way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.cause import Cause
from core.db import transaction_required
from core.models import ProviderAccount
from core.money import Money
from ledger import chart, selectors
from ledger.models import Posting
from ledger.services.posting import DoesNotBalance, Fact, Line, event_of_round, post
from ledger.services.reversals import fact_reversing

SOURCE_KIND = "refund"


@dataclass(frozen=True, slots=True)
class RefundPosting:
    """A refund in shares of its order's snapshot, minor units of `money.currency`, all ≥ 0.

    `source_id` is its public id, `account` is read with its channel. `net_minor` and `taxes_minor` (by jurisdiction,
    empty when a provider collects the tax) make `money`; only `post_refund_accepted` reads them.
    """

    source_id: str
    account: ProviderAccount
    order_public_id: str
    attempt_public_id: str
    money: Money
    net_minor: int = 0
    taxes_minor: Mapping[str, int] = field(default_factory=dict)


@transaction_required
def post_refund_accepted(refund: RefundPosting, *, round: int = 1, cause: Cause) -> Posting:  # noqa: A002
    """This will note that we owe a refund: Dr contra:refunds net, tax shares / Cr refunds_payable.

    `round` counts from 1 how often it was accepted: what had failed and was dropped may arrive after all.
    Raises: DoesNotBalance when the shares do not make the amount or one of them is negative.
    """
    if min([refund.net_minor, *refund.taxes_minor.values()]) < 0:
        raise DoesNotBalance(detail="A share of a refund is not negative.", source_id=refund.source_id)
    attempt = refund.attempt_public_id
    lines = [
        Line(chart.REFUNDS, refund.net_minor, attempt),
        *(Line(chart.tax(place), minor, attempt) for place, minor in sorted(refund.taxes_minor.items())),
        Line(chart.REFUNDS_PAYABLE, -refund.money.amount_minor, attempt),
    ]
    return _post(refund, event_of_round("refund_accepted", round), lines, cause=cause)


@transaction_required
def post_refund_dropped(refund: RefundPosting, *, round: int = 1, cause: Cause) -> Posting:  # noqa: A002
    """This will take the acceptance of that round back, because the refund was rejected, cancelled or given up:
    Dr refunds_payable / Cr contra:refunds net, tax shares, exactly as they were posted.

    Raises: Posting.DoesNotExist when it was not accepted.
    """
    source: dict[str, str] = {"source_kind": SOURCE_KIND, "source_id": refund.source_id}
    accepted = selectors.find_posting(**source, event=event_of_round("refund_accepted", round))
    dropped = fact_reversing(accepted, **source, event=event_of_round("refund_dropped", round))
    return post(dropped, cause=cause)


@transaction_required
def post_refund_succeeded(refund: RefundPosting, *, round: int, cause: Cause) -> Posting:  # noqa: A002
    """This will note that the provider gave the money back: Dr refunds_payable / Cr clearing.

    `round` counts from 1 how often the refund was sent; each is posted once.
    """
    event = event_of_round("refund_succeeded", round)
    return _settle(refund, event, credit=_clearing_of(refund), cause=cause)


@transaction_required
def post_refund_returned(refund: RefundPosting, *, round: int, cause: Cause) -> Posting:  # noqa: A002
    """This will note that the refund of that round failed after it had succeeded, so that it is owed again: Dr clearing
    / Cr refunds_payable.
    """
    event = event_of_round("refund_returned", round)
    amount_minor, attempt = refund.money.amount_minor, refund.attempt_public_id
    lines = [Line(_clearing_of(refund), amount_minor, attempt), Line(chart.REFUNDS_PAYABLE, -amount_minor, attempt)]
    return _post(refund, event, lines, cause=cause)


@transaction_required
def post_refund_as_credit(refund: RefundPosting, *, cause: Cause) -> Posting:
    """This will note that the customer took store credit instead: Dr refunds_payable / Cr customer_credit."""
    return _settle(refund, "refund_as_credit", credit=chart.CUSTOMER_CREDIT, cause=cause)


@transaction_required
def post_refund_offline(refund: RefundPosting, *, bank: str, cause: Cause) -> Posting:
    """This will note that we paid it from the bank account of that name: Dr refunds_payable / Cr bank."""
    return _settle(refund, "refund_offline", credit=chart.bank(bank), cause=cause)


def _settle(refund: RefundPosting, event: str, *, credit: str, cause: Cause) -> Posting:
    amount_minor, attempt = refund.money.amount_minor, refund.attempt_public_id
    lines = [Line(chart.REFUNDS_PAYABLE, amount_minor, attempt), Line(credit, -amount_minor, attempt)]
    return _post(refund, event, lines, cause=cause)


def _post(refund: RefundPosting, event: str, lines: Sequence[Line], *, cause: Cause) -> Posting:
    if refund.money.amount_minor <= 0:
        raise DoesNotBalance(detail="A refund is more than nothing.", source_id=refund.source_id, event=event)
    fact = Fact(
        source_kind=SOURCE_KIND,
        source_id=refund.source_id,
        event=event,
        channel=refund.account.channel,
        currency=refund.money.currency,
        is_livemode=refund.account.is_livemode,
        lines=lines,
        order_public_id=refund.order_public_id,
    )
    return post(fact, cause=cause)


def _clearing_of(refund: RefundPosting) -> str:
    return chart.clearing(provider=refund.account.provider, account=refund.account.slug)
