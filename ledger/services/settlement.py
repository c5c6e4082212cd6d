"""What a provider's report says beside captures and refunds: fees, payouts, exchanges, reserves, lines unexplained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.cause import Cause
from core.db import transaction_required
from core.models import ProviderAccount
from core.money import Money
from ledger import chart
from ledger.models import Posting
from ledger.services.posting import DoesNotBalance, Fact, Line, post


@dataclass(frozen=True, slots=True)
class FeePosting:
    """A fee as the provider's report has it, posted once for its source, for example the operation or report line.

    `money` is positive and all that left clearing; `vat_minor` the part of it we recover, by jurisdiction.
    """

    source_kind: str
    source_id: str
    account: ProviderAccount
    money: Money
    vat_minor: Mapping[str, int] = field(default_factory=dict)
    order_public_id: str = ""
    attempt_public_id: str = ""


@dataclass(frozen=True, slots=True)
class PayoutPosting:
    """A payout by the provider's or our id (≤ 40 characters), to the bank account of that name.

    `money` is negative when the provider collects what we owe it.
    """

    source_id: str
    account: ProviderAccount
    money: Money
    bank: str


@dataclass(frozen=True, slots=True)
class ExchangePosting:
    """An exchange at the provider's rate, both amounts positive.

    `booked_minor` is what our own rate makes of `sold`, in minor units of `bought.currency`; None when we keep no rate,
    and then nothing is gained or lost.
    """

    source_kind: str
    source_id: str
    account: ProviderAccount
    sold: Money
    bought: Money
    booked_minor: int | None = None


@dataclass(frozen=True, slots=True)
class ReportLinePosting:
    """A line of a provider's report; `money` is signed as seen from our balance there: positive came, negative left."""

    source_kind: str
    source_id: str
    account: ProviderAccount
    money: Money


@transaction_required
def post_fee(fee: FeePosting, *, cause: Cause) -> Posting:
    """This will note what the provider kept: Dr provider_fees net, recoverable VAT / Cr clearing."""
    return _post_fee(fee, "fee", sign=1, cause=cause)


@transaction_required
def post_fee_returned(fee: FeePosting, *, cause: Cause) -> Posting:
    """This will note a fee given back to us: Dr clearing / Cr provider_fees net, recoverable VAT."""
    return _post_fee(fee, "fee_returned", sign=-1, cause=cause)


@transaction_required
def post_payout_announced(payout: PayoutPosting, *, cause: Cause) -> Posting:
    """This will note that the provider sends what it owes us: Dr payout_in_transit / Cr clearing."""
    return _post_payout(payout, "payout_announced", _transit_of(payout), _clearing_of(payout.account), cause=cause)


@transaction_required
def post_payout_paid(payout: PayoutPosting, *, cause: Cause) -> Posting:
    """This will note that the bank statement shows it: Dr bank / Cr payout_in_transit."""
    return _post_payout(payout, "payout_paid", chart.bank(payout.bank), _transit_of(payout), cause=cause)


@transaction_required
def post_payout_failed(payout: PayoutPosting, *, cause: Cause) -> Posting:
    """This will note that it never reached the bank: Dr clearing / Cr payout_in_transit."""
    return _post_payout(payout, "payout_failed", _clearing_of(payout.account), _transit_of(payout), cause=cause)


@transaction_required
def post_payout_returned(payout: PayoutPosting, *, cause: Cause) -> Posting:
    """This will note that the bank sent back what it had shown: Dr clearing / Cr bank."""
    return _post_payout(payout, "payout_returned", _clearing_of(payout.account), chart.bank(payout.bank), cause=cause)


@transaction_required
def post_settlement_fx(exchange: ExchangePosting, *, cause: Cause) -> Posting:
    """This will note an exchange, in two currencies: Dr fx_exchange / Cr clearing what was sold; Dr clearing what was
    bought, Dr or Cr expense:fx the difference / Cr fx_exchange what we had booked.
    """
    sold, bought = exchange.sold, exchange.bought
    booked_minor = bought.amount_minor if exchange.booked_minor is None else exchange.booked_minor
    if min(sold.amount_minor, bought.amount_minor, booked_minor) <= 0 or sold.currency == bought.currency:
        raise DoesNotBalance(detail="An exchange has two amounts in two currencies.", source_id=exchange.source_id)
    clearing = _clearing_of(exchange.account)
    lines = [
        Line(chart.FX_EXCHANGE, sold.amount_minor, currency=sold.currency),
        Line(clearing, -sold.amount_minor, currency=sold.currency),
        Line(clearing, bought.amount_minor, currency=bought.currency),
        Line(chart.FX_DIFFERENCE, booked_minor - bought.amount_minor, currency=bought.currency),
        Line(chart.FX_EXCHANGE, -booked_minor, currency=bought.currency),
    ]
    source = (exchange.source_kind, exchange.source_id, "settlement_fx")
    return _post(source, exchange.account, sold.currency, lines, cause=cause)


@transaction_required
def post_reserve_moved(line: ReportLinePosting, *, cause: Cause) -> Posting:
    """This will note a rolling reserve. Held back (negative): Dr reserve / Cr clearing; released: Dr clearing / Cr
    reserve.
    """
    code = chart.reserve(provider=line.account.provider, account=line.account.slug)
    return _post_line(line, "reserve_moved", against=code, cause=cause)


@transaction_required
def post_unexplained(line: ReportLinePosting, *, cause: Cause) -> Posting:
    """This will keep a line nobody can explain where it is seen, beside its case. Money that came: Dr clearing / Cr
    suspense; that left: Dr suspense / Cr clearing. Once explained it is reversed and posted as what it is.
    """
    code = chart.suspense(provider=line.account.provider, account=line.account.slug)
    return _post_line(line, "unexplained", against=code, cause=cause)


def _post_fee(fee: FeePosting, event: str, *, sign: int, cause: Cause) -> Posting:
    net_minor = fee.money.amount_minor - sum(fee.vat_minor.values())
    if fee.money.amount_minor <= 0 or min([net_minor, *fee.vat_minor.values()]) < 0:
        raise DoesNotBalance(
            detail="A fee is more than nothing, and its VAT a part of it.", source_id=fee.source_id, event=event
        )
    lines = [
        Line(chart.PROVIDER_FEES, sign * net_minor, fee.attempt_public_id),
        *(Line(chart.tax(place), sign * minor) for place, minor in sorted(fee.vat_minor.items())),
        Line(_clearing_of(fee.account), -sign * fee.money.amount_minor),
    ]
    fact = Fact(
        source_kind=fee.source_kind,
        source_id=fee.source_id,
        event=event,
        channel=fee.account.channel,
        currency=fee.money.currency,
        is_livemode=fee.account.is_livemode,
        lines=lines,
        order_public_id=fee.order_public_id,
    )
    return post(fact, cause=cause)


def _post_payout(payout: PayoutPosting, event: str, debit: str, credit: str, *, cause: Cause) -> Posting:
    lines = [Line(debit, payout.money.amount_minor), Line(credit, -payout.money.amount_minor)]
    return _post(("payout", payout.source_id, event), payout.account, payout.money.currency, lines, cause=cause)


def _post_line(line: ReportLinePosting, event: str, *, against: str, cause: Cause) -> Posting:
    amount_minor = line.money.amount_minor
    lines = [Line(_clearing_of(line.account), amount_minor), Line(against, -amount_minor)]
    return _post((line.source_kind, line.source_id, event), line.account, line.money.currency, lines, cause=cause)


def _post(
    source: tuple[str, str, str], account: ProviderAccount, currency: str, lines: Sequence[Line], *, cause: Cause
) -> Posting:
    """Post what belongs to no order; `source` is kind, id and event."""
    source_kind, source_id, event = source
    fact = Fact(
        source_kind=source_kind,
        source_id=source_id,
        event=event,
        channel=account.channel,
        currency=currency,
        is_livemode=account.is_livemode,
        lines=lines,
    )
    return post(fact, cause=cause)


def _clearing_of(account: ProviderAccount) -> str:
    return chart.clearing(provider=account.provider, account=account.slug)


def _transit_of(payout: PayoutPosting) -> str:
    return chart.payout_in_transit(provider=payout.account.provider, account=payout.account.slug)
