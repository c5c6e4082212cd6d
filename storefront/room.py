"""What every page of the shop knows: whose shop it is and in which currency it shows its prices."""

from dataclasses import dataclass
from urllib.parse import urlencode

from babel import Locale
from babel.numbers import get_currency_name, get_currency_symbol

from accounts.addresses import has_addresses, needed_parts
from core.models import SalesChannel


@dataclass(frozen=True, slots=True)
class CurrencyChoice:
    """One currency to show prices in."""

    code: str
    symbol: str
    name: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Room:
    """The frame around a page. `in_currency` is what every link inside the shop ends with, so that a choice of
    currency lasts without a cookie; empty for the shop's own.
    """

    channel: SalesChannel
    currency: str
    in_currency: str
    currencies: tuple[CurrencyChoice, ...]

    @property
    def country(self) -> str:
        """The country a new basket is for until its owner says another."""
        return str(self.channel.countries[0])

    @property
    def sign_in_address(self) -> str:
        """The query that leads from signing in back to the checkout."""
        return self.address_with(next="checkout")

    def address_with(self, **parameters: str | None) -> str:
        """The query of an address with these parameters, those that say something, and the currency."""
        kept = {name: value for name, value in parameters.items() if value}
        if self.in_currency:
            kept["currency"] = self.currency
        return f"?{urlencode(kept)}" if kept else ""


def furnish(channel: SalesChannel, *, currency: str) -> Room:
    """Make the frame for one page."""
    locale = channel.default_locale.replace("-", "_")
    return Room(
        channel=channel,
        currency=currency,
        in_currency="" if currency == channel.default_currency else f"?{urlencode({'currency': currency})}",
        currencies=tuple(
            CurrencyChoice(
                code=code,
                symbol=get_currency_symbol(code, locale=locale),
                name=get_currency_name(code, locale=locale),
                is_shown=code == currency,
            )
            for code in channel.currencies
        ),
    )


@dataclass(frozen=True, slots=True)
class CountryChoice:
    """A country to send to; `needs` are the parts of an address a parcel there must carry, with spaces between."""

    code: str
    name: str
    needs: str


def countries_of(channel: SalesChannel) -> list[CountryChoice]:
    """The countries that can be chosen, the shop's own first and the others by name."""
    names = Locale.parse(channel.default_locale.replace("-", "_")).territories
    known = [
        CountryChoice(code=code, name=names[code], needs=" ".join(sorted(needed_parts(code))))
        for code in channel.countries
        if has_addresses(code)
    ]
    return [*known[:1], *sorted(known[1:], key=lambda choice: choice.name)]
