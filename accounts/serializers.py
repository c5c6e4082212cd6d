"""Addresses on the wire."""

from typing import Any

from rest_framework import serializers

from core.api import StrictSerializer
from core.fields import PlainText


class AddressInput(StrictSerializer):
    """Where to, as people type it. What a country needs is asked for by name; postcodes and numbers may be written
    freely.
    """

    name = PlainText(max_length=200, required=False, allow_blank=True, help_text="Who receives it.")
    line1 = PlainText(max_length=200, required=False, allow_blank=True)
    line2 = PlainText(max_length=200, required=False, allow_blank=True)
    city = PlainText(max_length=120, required=False, allow_blank=True)
    region = PlainText(max_length=80, required=False, allow_blank=True, help_text="A state's code or name.")
    postcode = PlainText(max_length=16, required=False, allow_blank=True)
    country = serializers.RegexField(r"\A[A-Z]{2}\Z", required=False, help_text="ISO 3166-1 alpha-2.")
    phone = PlainText(max_length=32, required=False, allow_blank=True)
    tax_id = PlainText(
        max_length=32,
        required=False,
        allow_blank=True,
        help_text="A business's VAT number, as in DE136695976; without letters one of the address's country.",
    )


class AddressShape(serializers.Serializer[Any]):
    """An address in its country's form."""

    name = serializers.CharField()
    line1 = serializers.CharField()
    line2 = serializers.CharField()
    city = serializers.CharField()
    region = serializers.CharField()
    postcode = serializers.CharField()
    country = serializers.CharField()
    phone = serializers.CharField()
    tax_id = serializers.CharField()
