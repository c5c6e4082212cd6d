"""What an address of the shop may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass

from django import forms

from catalog.window import window_currency
from core.api import refuse_card_numbers
from core.errors import Invalid
from core.models import SalesChannel


class AddressInvalid(Invalid):
    """The address was not written by this shop."""

    code = "address_invalid"
    title = "This address asks for something the shop cannot read."


class AddressForm(forms.Form):
    """The parameters the shop's own links carry; others (a campaign's, say) are nobody's business here."""

    q = forms.CharField(required=False, max_length=100)
    cursor = forms.CharField(required=False, max_length=40)
    currency = forms.RegexField(r"\A[A-Z]{3}\Z", required=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for; `currency` is one the shop sells in."""

    q: str
    cursor: str
    currency: str


def read(parameters: Mapping[str, str], *, channel: SalesChannel) -> Asked:
    """Read an address's parameters. Raises: AddressInvalid, CurrencyNotForSale, CardNumberSent.

    What was searched for stands in the page, which everybody may keep; other people's parameters stand nowhere.
    """
    form = AddressForm(parameters)
    refuse_card_numbers({name: parameters.get(name, "") for name in form.fields})
    if not form.is_valid():
        raise AddressInvalid
    given = form.cleaned_data
    currency = window_currency(channel, asked=given["currency"])
    return Asked(q=given["q"], cursor=given["cursor"], currency=currency)
