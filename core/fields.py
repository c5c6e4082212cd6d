"""Fields of requests that several apps take: text without card numbers, languages."""

from typing import Any

from rest_framework import serializers

from core.api import LOCALE_HELP
from core.cards import holds_card_number
from core.locales import LOCALE, writable

DEFAULT_LOCALE = "en-GB"


def refuse_card_numbers(value: str) -> None:
    """This will refuse text with what passes the check of a card number (ISO/IEC 7812)."""
    if holds_card_number(value):
        raise serializers.ValidationError("Card numbers are never sent to the shop; use the payment form.")


class PlainText(serializers.CharField):
    """Text without card numbers."""

    def to_internal_value(self, data: Any) -> str:
        """Check every such field."""
        text = super().to_internal_value(data)
        refuse_card_numbers(text)
        return text


def refuse_card_numbers_in_names(value: dict[Any, Any]) -> None:
    """This will refuse a dictionary one of whose names holds a card number."""
    for name in value:
        refuse_card_numbers(name)


class LocaleField(serializers.CharField):
    """A language and perhaps a country. One we cannot write in falls back: nobody is kept from buying by a setting."""

    def to_internal_value(self, data: Any) -> str:
        """This will return the locale if texts and amounts can be written in it, else its language, else English."""
        given = super().to_internal_value(data)
        if LOCALE.fullmatch(given) is None:
            raise serializers.ValidationError(LOCALE_HELP)
        return writable(given) or DEFAULT_LOCALE
