"""Sales channels and accounts at providers; secrets are looked up by the name that stands in the row."""

import os
from datetime import datetime

from core.errors import NotFound, Unavailable
from core.models import ProviderAccount, SalesChannel, WebhookSecret


class NoSuchAccount(NotFound):
    """No live account stands at this address."""

    code = "no_such_account"
    title = "There is no such account."


class SecretMissing(Unavailable):
    """An environment variable named by an account is not set."""

    code = "secret_missing"
    title = "A provider account is not configured."


def read_secret(reference: str) -> str:
    """This will return the environment variable `reference`.

    Raises: SecretMissing.
    """
    value = os.environ.get(reference, "")
    if not value:
        raise SecretMissing(reference=reference)
    return value


def default_channel() -> SalesChannel:
    """This will return the shop this installation serves; one row to begin with.

    Raises: NotFound when none was set up (`manage.py seed_demo`).
    """
    channel = SalesChannel.objects.filter(archived_at=None).order_by("id").first()
    if channel is None:
        raise NotFound(detail="No sales channel is set up yet.")
    return channel


def account_for(channel: SalesChannel, *, provider: str) -> ProviderAccount:
    """This will return the channel's live account at `provider`. Raises: NoSuchAccount."""
    account = (
        ProviderAccount.objects.filter(channel=channel, provider=provider, archived_at=None)
        .select_related("channel")
        .first()
    )
    if account is None:
        raise NoSuchAccount(provider=provider)
    return account


def webhook_secrets(account: ProviderAccount, *, now: datetime) -> list[str]:
    """This will return every signing secret that counts now; during a rotation there are two."""
    rows = WebhookSecret.objects.filter(account=account, active_from__lte=now).exclude(active_until__lte=now)
    return [secret.strip() for row in rows for secret in read_secret(row.reference).split(",") if secret.strip()]
