"""Sales channels and accounts at providers; secrets are looked up by the name that stands in the row."""

import os
import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from django.db.models import QuerySet

from core.db import transaction_required
from core.errors import Invalid, NotFound, Unavailable
from core.ids import new_public_id
from core.locales import writable
from core.models import ProviderAccount, SalesChannel, WebhookSecret
from core.money import RoundingMode, RoundingScope, exponent
from core.written import written

# The account without a provider: what a total of zero is paid with.
FREE = "free"


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


def read_wiring(reference: str) -> str:
    """This will return the environment variable `reference`, "" when it is not set: the provider's own address then."""
    return os.environ.get(reference, "") if reference else ""


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
    accounts = _live_accounts(channel.pk, provider)
    if not accounts:
        raise NoSuchAccount(provider=provider)
    return accounts[0]


@written
def _live_accounts(channel_id: int, provider: str) -> QuerySet[ProviderAccount]:
    rows = ProviderAccount.objects.filter(channel_id=channel_id, provider=provider, archived_at=None)
    return rows.select_related("channel").order_by("id")


def account_to_pay(channel: SalesChannel, *, method: str, due_minor: int) -> ProviderAccount:
    """This will return the channel's account for what is due: at the provider asked for, or, whatever was asked for,
    the one without a provider when nothing is due. Raises: NoSuchAccount.
    """
    return account_for(channel, provider=method if due_minor else FREE)


@dataclass(frozen=True, slots=True)
class NewShop:
    """What a shop is born with. `is_livemode` decides for ever whether its orders are real money.

    `locale` is what its catalog is typed in, `locales` are those it is translated into. `account_slug` stands in the
    webhook address; without one the shop's own slug does. `home_country` is where its tax office is: without one nobody
    is let off a tax because they account for it themselves.
    """

    slug: str
    name: str
    legal_entity: str
    time_zone: str
    locale: str
    currencies: tuple[str, ...]
    countries: tuple[str, ...]
    mail_from: str
    is_livemode: bool
    locales: tuple[str, ...] = ()
    account_slug: str = ""
    home_country: str = ""
    return_hosts: tuple[str, ...] = ()
    return_schemes: tuple[str, ...] = ()


class ShopInvalid(Invalid):
    """The shop cannot be set up like this."""

    code = "shop_invalid"
    title = "The shop cannot be set up like this."


@transaction_required
def set_up_shop(new: NewShop, *, now: datetime) -> SalesChannel:
    """This will store the shop, its Stripe account and the one for free orders.

    Secrets stay in the environment under the usual names.

    Doing it again with the same slug changes nothing. Raises: ShopInvalid, UnknownCurrency.
    """
    for currency in new.currencies:
        exponent(currency)
    if not new.currencies or not new.countries or new.time_zone not in available_timezones():
        raise ShopInvalid(detail="A shop needs a known time zone, a currency and a country.")
    if any("_" in locale or writable(locale) != locale for locale in new.locales):
        raise ShopInvalid(detail="A language is written as in de or de-AT, and must be one we can write amounts in.")
    _refuse_no_country(new.home_country)
    channel, is_new = SalesChannel.objects.get_or_create(
        slug=new.slug,
        defaults={
            "name": new.name,
            "legal_entity": new.legal_entity,
            "time_zone": new.time_zone,
            "default_locale": new.locale,
            "locales": list(new.locales),
            "default_currency": new.currencies[0],
            "currencies": list(new.currencies),
            "countries": list(new.countries),
            "home_country": new.home_country,
            "tax_entry": SalesChannel.TaxEntry.GROSS,
            "order_series": new.slug[:16],
            "invoice_series": new.slug[:16],
            "mail_from": new.mail_from,
            "return_hosts": list(new.return_hosts),
            "return_schemes": list(new.return_schemes),
            "terms_version": now.date().isoformat(),
            "is_livemode": new.is_livemode,
            "created_at": now,
        },
    )
    if is_new:
        account = ProviderAccount.objects.create(
            public_id=new_public_id("acct"),
            channel=channel,
            slug=new.account_slug or new.slug,
            provider="stripe",
            legal_entity=new.legal_entity,
            currencies=list(new.currencies),
            is_livemode=new.is_livemode,
            api_base_ref="STRIPE_API_BASE",
            hosted_pages_ref="STRIPE_HOSTED_PAGES",
            api_key_ref="STRIPE_SECRET_KEY",
            publishable_key_ref="STRIPE_PUBLISHABLE_KEY",
            created_at=now,
        )
        WebhookSecret.objects.create(account=account, reference="STRIPE_WEBHOOK_SECRETS", active_from=now)
        add_free_account(channel, now=now)
    return channel


@transaction_required
def set_rounding(channel: SalesChannel, *, mode: RoundingMode, scope: RoundingScope) -> None:
    """This will round the shop's taxes, discounts and conversions like this from now on.

    Orders are untouched; a quote whose figures change with it has to be agreed to again. Needs its caller's
    transaction.
    """
    channel.rounding_mode, channel.rounding_scope = mode.value, scope.value
    channel.save(update_fields=["rounding_mode", "rounding_scope"])


@transaction_required
def set_home_country(channel: SalesChannel, *, country: str) -> None:
    """This will say where the shop's tax office is, "" for nowhere: from now on businesses of other countries may
    account for their tax themselves, those of this one may not. Orders are untouched. Needs its caller's transaction.

    Raises: ShopInvalid.
    """
    _refuse_no_country(country)
    channel.home_country = country
    channel.save(update_fields=["home_country"])


@transaction_required
def add_free_account(channel: SalesChannel, *, now: datetime) -> ProviderAccount:
    """This will store the account that free orders are paid with: a provider's in form, with nobody behind it."""
    return ProviderAccount.objects.create(
        public_id=new_public_id("acct"),
        channel=channel,
        slug=channel.slug,
        provider=FREE,
        legal_entity=channel.legal_entity,
        currencies=channel.currencies,
        is_livemode=channel.is_livemode,
        created_at=now,
    )


def _refuse_no_country(country: str) -> None:
    if country and re.fullmatch("[A-Z]{2}", country) is None:
        raise ShopInvalid(detail="The shop's own country is written with two capital letters, as in GB.")
