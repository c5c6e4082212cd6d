"""The shop and its account at a provider that tests of every app start from."""

from datetime import UTC, datetime
from typing import Any

from core.channels import add_free_account
from core.db import transaction
from core.ids import new_public_id
from core.models import ProviderAccount, SalesChannel, WebhookSecret

# A fixed instant: tests move time by adding to it, never by waiting.
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_channel(**changes: Any) -> SalesChannel:
    """This will store a British shop that sells in pounds, euros, yen and dinars, prices entered with tax."""
    fields: dict[str, Any] = {
        "slug": "shop",
        "name": "Surety",
        "legal_entity": "Surety Demo Ltd",
        "time_zone": "Europe/London",
        "default_locale": "en-GB",
        "default_currency": "GBP",
        "currencies": ["GBP", "EUR", "JPY", "KWD"],
        "countries": ["GB", "DE", "JP", "KW"],
        "tax_entry": SalesChannel.TaxEntry.GROSS,
        "order_series": "S",
        "invoice_series": "SI",
        "mail_from": "shop@example.com",
        "terms_version": "2026-11",
        "is_livemode": False,
        "created_at": NOW,
    }
    return SalesChannel.objects.create(**fields | changes)


def an_account(channel: SalesChannel, **changes: Any) -> ProviderAccount:
    """This will store the shop's test account at Stripe with one signing secret, both by reference."""
    fields: dict[str, Any] = {
        "public_id": new_public_id("acct"),
        "channel": channel,
        "slug": channel.slug,
        "provider": "stripe",
        "legal_entity": channel.legal_entity,
        "currencies": channel.currencies,
        "is_livemode": channel.is_livemode,
        "api_base_ref": "STRIPE_API_BASE",
        "hosted_pages_ref": "STRIPE_HOSTED_PAGES",
        "api_key_ref": "STRIPE_SECRET_KEY",
        "publishable_key_ref": "STRIPE_PUBLISHABLE_KEY",
        "created_at": NOW,
    }
    account = ProviderAccount.objects.create(**fields | changes)
    WebhookSecret.objects.create(account=account, reference="STRIPE_WEBHOOK_SECRETS", active_from=NOW)
    return account


def a_free_account(channel: SalesChannel) -> ProviderAccount:
    """This will store what the shop's free orders are paid with."""
    with transaction("test"):
        return add_free_account(channel, now=NOW)
