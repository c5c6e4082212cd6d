"""Lantern & Lark itself: its channel, its account at the sandbox, its credentials and where it sells."""

from accounts.models import StaffRole
from commerce.retail.reading import COUNTRY_CODES, UNKNOWN_COUNTRY
from core.channels import NewShop, set_home_country
from core.db import transaction_required
from core.models import SalesChannel

HOME_COUNTRY = "GB"
COUNTRIES = [HOME_COUNTRY, *sorted(set(COUNTRY_CODES.values()) - {HOME_COUNTRY, UNKNOWN_COUNTRY}), UNKNOWN_COUNTRY]
GERMAN = "de"
SHOP = NewShop(
    slug="lantern-and-lark",
    name="Lantern & Lark",
    legal_entity="Lantern & Lark Ltd",
    time_zone="Europe/London",
    locale="en-GB",
    locales=(GERMAN,),
    currencies=("GBP", "EUR", "JPY", "KWD"),
    countries=tuple(COUNTRIES),
    mail_from="hello@lantern-and-lark.example",
    is_livemode=False,
    home_country=HOME_COUNTRY,
    # The sandbox delivers its webhooks to /webhooks/stripe/demo.
    account_slug="demo",
    return_hosts=("127.0.0.1", "localhost"),
    return_schemes=("lanternandlark",),
)
# One of each role; the console's user is the administrator.
STAFF = {
    "console@lantern-and-lark.example": StaffRole.ADMINISTRATOR,
    "finance@lantern-and-lark.example": StaffRole.FINANCE,
    "supervisor@lantern-and-lark.example": StaffRole.SUPERVISOR,
    "support@lantern-and-lark.example": StaffRole.SUPPORT,
}
REPLAY_SERVICE = "replay"
REPLAY_SCOPES = ["checkout"]


@transaction_required
def widen_countries(channel: SalesChannel) -> None:
    """This will let the channel sell to every country that a file may name. Needs its caller's transaction."""
    missing = [code for code in COUNTRIES if code not in channel.countries]
    if missing:
        channel.countries = [*channel.countries, *missing]
        channel.save(update_fields=["countries"])


@transaction_required
def teach_languages(channel: SalesChannel) -> None:
    """This will let a channel that was made before there were translations have German ones. Needs its caller's
    transaction.
    """
    if GERMAN not in channel.locales:
        channel.locales = [*channel.locales, GERMAN]
        channel.save(update_fields=["locales"])


@transaction_required
def settle_at_home(channel: SalesChannel) -> None:
    """This will tell a channel that was made before it mattered where its tax office is; one that was told otherwise
    stays. Needs its caller's transaction.
    """
    if not channel.home_country:
        set_home_country(channel, country=HOME_COUNTRY)
