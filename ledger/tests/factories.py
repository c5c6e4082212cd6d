"""A shop and its account at a provider, as the books need them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.cause import Cause
from core.db import transaction
from core.ids import new_public_id
from core.models import ProviderAccount, SalesChannel
from core.money import Money
from ledger.models import Entry, Period, Posting
from ledger.services import DisputePosting, Movement, RefundPosting, Sale, close_period

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
DAY, NEXT = date(2026, 6, 15), date(2026, 6, 16)
TWO_DAYS_LATER = NOON + timedelta(days=2)
ENTITY = "Surety Ltd"


def a_cause(*, now: datetime = NOON, occurred_at: datetime | None = None) -> Cause:
    """This will return why something is posted: the funnel learned it from a webhook."""
    return Cause(actor="system:webhook", source="webhook", now=now, occurred_at=occurred_at)


def a_channel(slug: str = "main") -> SalesChannel:
    """This will insert a British shop that sells in pounds."""
    return SalesChannel.objects.create(
        slug=slug,
        name="Surety",
        legal_entity="Surety Ltd",
        time_zone="Europe/London",
        default_locale="en-GB",
        default_currency="GBP",
        currencies=["GBP", "EUR"],
        countries=["GB"],
        tax_entry="gross",
        order_series="ORD",
        invoice_series="INV",
        mail_from="shop@example.com",
        terms_version="2026-01",
        is_livemode=False,
        created_at=NOON,
    )


def an_account(channel: SalesChannel, *, slug: str = "main") -> ProviderAccount:
    """This will insert the shop's test account at Stripe."""
    return ProviderAccount.objects.create(
        public_id=new_public_id("acct"),
        channel=channel,
        slug=slug,
        provider="stripe",
        legal_entity=channel.legal_entity,
        currencies=["GBP", "EUR"],
        is_livemode=False,
        api_key_ref="STRIPE_SECRET_KEY",
        created_at=NOON,
    )


def a_sale(channel: SalesChannel, *, order_public_id: str = "ord_1", due_minor: int = 1200) -> Sale:
    """This will return a sale of £12.00: £10.00 of goods and £2.00 of British tax."""
    return Sale(
        channel=channel,
        order_public_id=order_public_id,
        is_livemode=False,
        currency="GBP",
        due_minor=due_minor,
        sales_minor=due_minor - 200,
        taxes_minor={"GB": 200},
    )


def a_movement(
    account: ProviderAccount, *, source_id: str = "op_1", order_public_id: str = "ord_1", amount_minor: int = 1200
) -> Movement:
    """This will return pounds that moved at the provider for the order's attempt."""
    return Movement(
        source_kind="operation",
        source_id=source_id,
        account=account,
        order_public_id=order_public_id,
        attempt_public_id="payatt_1",
        money=Money(amount_minor, "GBP"),
    )


def a_refund(account: ProviderAccount, *, source_id: str = "ref_1", amount_minor: int = 600) -> RefundPosting:
    """This will return a refund of pounds, a sixth of them British tax."""
    tax_minor = amount_minor // 6
    return RefundPosting(
        source_id=source_id,
        account=account,
        order_public_id="ord_1",
        attempt_public_id="payatt_1",
        money=Money(amount_minor, "GBP"),
        net_minor=amount_minor - tax_minor,
        taxes_minor={"GB": tax_minor},
    )


def a_dispute(
    account: ProviderAccount, *, source_id: str = "dsp_1", amount_minor: int = 1200, fee_minor: int = 0, number: int = 1
) -> DisputePosting:
    """This will return a dispute about pounds, opened for the `number`th time."""
    return DisputePosting(
        source_id=source_id,
        account=account,
        order_public_id="ord_1",
        attempt_public_id="payatt_1",
        money=Money(amount_minor, "GBP"),
        fee_minor=fee_minor,
        round=number,
    )


def posted(verb: Callable[..., Posting], what: object, *, cause: Cause | None = None, **more: Any) -> Posting:
    """This will post in a transaction of its own."""
    with transaction("test"):
        return verb(what, cause=cause or a_cause(), **more)


def sides(posting: Posting) -> dict[str, int]:
    """This will return the posting's entries by account, those of one account added up."""
    totals: dict[str, int] = {}
    for code, amount_minor in Entry.objects.filter(posting=posting).values_list("account__code", "amount_minor"):
        totals[code] = totals.get(code, 0) + amount_minor
    return totals


def close(day: date = DAY, *, now: datetime = TWO_DAYS_LATER) -> Period:
    """This will close a day of the shop's books."""
    return close_period(legal_entity=ENTITY, kind=Period.Kind.DAY, on=day, cause=a_cause(now=now))
