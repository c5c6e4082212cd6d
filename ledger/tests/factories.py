"""A shop and its account at a provider, as the books need them."""

from datetime import UTC, datetime

from core.cause import Cause
from core.ids import new_public_id
from core.models import ProviderAccount, SalesChannel
from core.money import Money
from ledger.services import Movement, Sale

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


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


def an_account(channel: SalesChannel) -> ProviderAccount:
    """This will insert the shop's test account at Stripe."""
    return ProviderAccount.objects.create(
        public_id=new_public_id("acct"),
        channel=channel,
        slug="main",
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
