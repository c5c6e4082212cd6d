"""Disputes: money a provider takes away while somebody disputes a charge, and what becomes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.cause import Cause
from core.db import transaction_required
from core.models import ProviderAccount
from core.money import Money
from ledger import chart
from ledger.models import Posting
from ledger.services.posting import DoesNotBalance, Fact, Line, event_of_round, post


@dataclass(frozen=True, slots=True)
class DisputePosting:
    """What moved for a dispute, minor units of `money.currency`; `account` is read with its channel.

    `money` is the amount disputed, more than nothing. `fee_minor` ≥ 0 is what moved beside it: charged when it opened,
    given back when it was won; the other postings do not read it. `round` counts from 1 how often it was opened.
    """

    source_id: str
    account: ProviderAccount
    order_public_id: str
    attempt_public_id: str
    money: Money
    fee_minor: int = 0
    round: int = 1


@transaction_required
def post_dispute_opened(dispute: DisputePosting, *, cause: Cause) -> Posting:
    """This will note that the provider withdrew funds: Dr dispute_hold amount, dispute_fees fee / Cr clearing.

    An inquiry that moves nothing is not posted.
    """
    amount_minor, attempt = dispute.money.amount_minor, dispute.attempt_public_id
    lines = [
        Line(_hold_of(dispute), amount_minor, attempt),
        Line(chart.DISPUTE_FEES, dispute.fee_minor, attempt),
        Line(_clearing_of(dispute), -amount_minor, attempt),
        Line(_clearing_of(dispute), -dispute.fee_minor),
    ]
    return _post(dispute, "dispute_opened", lines, cause=cause)


@transaction_required
def post_dispute_fee(dispute: DisputePosting, *, cause: Cause) -> Posting:
    """This will note what the provider charges for a dispute: Dr dispute_fees / Cr clearing `fee_minor`.

    `round` counts from 1 how often the provider changed what it charges.
    """
    return _post(dispute, "dispute_fee", _fee_lines(dispute, dispute.fee_minor), cause=cause)


@transaction_required
def post_dispute_fee_returned(dispute: DisputePosting, *, cause: Cause) -> Posting:
    """This will note that the provider gave `fee_minor` of what it charged back: Dr clearing / Cr dispute_fees."""
    return _post(dispute, "dispute_fee_returned", _fee_lines(dispute, -dispute.fee_minor), cause=cause)


def _fee_lines(dispute: DisputePosting, fee_minor: int) -> list[Line]:
    return [
        Line(chart.DISPUTE_FEES, fee_minor, dispute.attempt_public_id),
        Line(_clearing_of(dispute), -fee_minor),
    ]


@transaction_required
def post_dispute_won(dispute: DisputePosting, *, cause: Cause) -> Posting:
    """This will note that the funds came back: Dr clearing / Cr dispute_hold amount, dispute_fees fee when given."""
    amount_minor, attempt = dispute.money.amount_minor, dispute.attempt_public_id
    lines = [
        Line(_clearing_of(dispute), amount_minor, attempt),
        Line(_clearing_of(dispute), dispute.fee_minor),
        Line(_hold_of(dispute), -amount_minor, attempt),
        Line(chart.DISPUTE_FEES, -dispute.fee_minor, attempt),
    ]
    return _post(dispute, "dispute_won", lines, cause=cause)


@transaction_required
def post_dispute_lost(
    dispute: DisputePosting, *, taxes_minor: Mapping[str, int] | None = None, cause: Cause
) -> Posting:
    """This will note that the funds are gone: Dr chargeback_loss net, tax relief by jurisdiction / Cr dispute_hold.

    `taxes_minor` is the relief where the law gives one; the whole amount is a loss without it.
    """
    lines = [*_loss(dispute, taxes_minor or {}), _line(_hold_of(dispute), -dispute.money.amount_minor, dispute)]
    return _post(dispute, "dispute_lost", lines, cause=cause)


@transaction_required
def post_dispute_loss_reversed(
    dispute: DisputePosting, *, taxes_minor: Mapping[str, int] | None = None, cause: Cause
) -> Posting:
    """This will note that a dispute that was lost was won after all: Dr clearing / Cr chargeback_loss net, and the tax
    relief that was posted with the loss, by jurisdiction.
    """
    loss = [_line(line.code, -line.amount_minor, dispute) for line in _loss(dispute, taxes_minor or {})]
    lines = [_line(_clearing_of(dispute), dispute.money.amount_minor, dispute), *loss]
    return _post(dispute, "dispute_loss_reversed", lines, cause=cause)


def _loss(dispute: DisputePosting, taxes_minor: Mapping[str, int]) -> list[Line]:
    net_minor = dispute.money.amount_minor - sum(taxes_minor.values())
    if min([net_minor, *taxes_minor.values()]) < 0:
        raise DoesNotBalance(
            detail="Tax relief is a share of the amount disputed.", source_id=dispute.source_id, event="dispute_lost"
        )
    return [
        _line(chart.CHARGEBACK_LOSS, net_minor, dispute),
        *(_line(chart.tax(place), minor, dispute) for place, minor in sorted(taxes_minor.items())),
    ]


def _line(code: str, amount_minor: int, dispute: DisputePosting) -> Line:
    return Line(code, amount_minor, dispute.attempt_public_id)


def _post(dispute: DisputePosting, event: str, lines: Sequence[Line], *, cause: Cause) -> Posting:
    if dispute.money.amount_minor <= 0 or dispute.fee_minor < 0:
        raise DoesNotBalance(detail="A dispute is about more than nothing.", source_id=dispute.source_id, event=event)
    fact = Fact(
        source_kind="dispute",
        source_id=dispute.source_id,
        event=event_of_round(event, dispute.round),
        channel=dispute.account.channel,
        currency=dispute.money.currency,
        is_livemode=dispute.account.is_livemode,
        lines=lines,
        order_public_id=dispute.order_public_id,
    )
    return post(fact, cause=cause)


def _clearing_of(dispute: DisputePosting) -> str:
    return chart.clearing(provider=dispute.account.provider, account=dispute.account.slug)


def _hold_of(dispute: DisputePosting) -> str:
    return chart.dispute_hold(provider=dispute.account.provider, account=dispute.account.slug)
