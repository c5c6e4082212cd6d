"""Input shapes shared by endpoints, strict: an unknown field is an error, not a wish."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from accounts.serializers import AddressInput, AddressShape
from checkout.services.return_urls import RETURN_URL_MAX
from core.api import MoneyShape, StrictSerializer
from core.fields import DEFAULT_LOCALE, LocaleField, PlainText, refuse_card_numbers, refuse_card_numbers_in_names
from payments.models import Exemption

EXEMPTIONS = [exemption.value for exemption in Exemption]
TOKEN = re.compile(r"\A[A-Za-z0-9_]{3,255}\Z")  # anchored, because a RegexField searches in the text


class ContactInput(StrictSerializer):
    """Who to reach."""

    email = serializers.EmailField(max_length=254, validators=[refuse_card_numbers])
    phone = PlainText(max_length=32, required=False, allow_blank=True, default="")
    name = PlainText(max_length=200, required=False, allow_blank=True, default="")
    locale = LocaleField(required=False, default=DEFAULT_LOCALE)
    address = AddressInput(required=False)


class PaymentInput(StrictSerializer):
    """How to pay. With a token the server confirms; without one the client does, with the client secret.

    A total of zero is `free`, whatever is asked for. `exemption` asks that the bank need not ask its customer; the bank
    decides. `mit` and `recurring` are for the shop's own programs: 400 `exemption_not_yours` for all others. After a
    decline with code `authentication_required` every further try on the order asks for a challenge.
    """

    method = serializers.ChoiceField(choices=["stripe", "free"], default="stripe")
    token = serializers.RegexField(
        TOKEN, required=False, default="", allow_blank=True, validators=[refuse_card_numbers]
    )
    return_url = serializers.CharField(max_length=RETURN_URL_MAX, required=False, default="", allow_blank=True)
    exemption = serializers.ChoiceField(choices=EXEMPTIONS, required=False, default="", allow_blank=True)


class DeviceInput(StrictSerializer):
    """What the client says about itself; recorded, never trusted."""

    id = PlainText(max_length=64, required=False, allow_blank=True)
    app_version = PlainText(max_length=64, required=False, allow_blank=True)
    browser = serializers.DictField(
        child=PlainText(max_length=300, allow_blank=True), required=False, validators=[refuse_card_numbers_in_names]
    )


class AttributionInput(StrictSerializer):
    """Where the customer came from; null where unknown."""

    utm_source = PlainText(max_length=200, required=False, allow_null=True)
    utm_medium = PlainText(max_length=200, required=False, allow_null=True)
    utm_campaign = PlainText(max_length=200, required=False, allow_null=True)
    utm_term = PlainText(max_length=200, required=False, allow_null=True)
    utm_content = PlainText(max_length=200, required=False, allow_null=True)
    referrer = PlainText(max_length=500, required=False, allow_null=True)
    click_id = PlainText(max_length=200, required=False, allow_null=True)
    session_id = PlainText(max_length=200, required=False, allow_null=True)


@extend_schema_serializer(component_name="CartLine")
class LineInput(StrictSerializer):
    """Units of one article."""

    sku = serializers.CharField(max_length=64, trim_whitespace=False)
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000)


def refuse_repeated_skus(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """This will return the lines, none of which names the SKU of another. Raises: ValidationError."""
    if len({line["sku"] for line in lines}) != len(lines):
        raise serializers.ValidationError("A SKU stands on two lines.")
    return lines


class DeclineShape(serializers.Serializer[Any]):
    """Why a payment failed, for the customer."""

    code = serializers.CharField()
    message = serializers.CharField()
    may_retry = serializers.BooleanField()


class NextActionShape(serializers.Serializer[Any]):
    """What the customer must do at the provider. With `redirect` the client simply goes to `url`."""

    type = serializers.CharField(
        help_text="redirect, challenge, app_switch, voucher, bank_transfer_instructions or wait; more may come."
    )
    url = serializers.CharField(required=False)
    sdk = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField(allow_null=True)


class PaymentShape(serializers.Serializer[Any]):
    """The current attempt."""

    payment_attempt_id = serializers.CharField()
    provider = serializers.CharField()
    method = serializers.CharField()
    status = serializers.CharField()
    amount = MoneyShape()
    next_action = NextActionShape(allow_null=True)
    decline = DeclineShape(allow_null=True)


class OrderLineShape(serializers.Serializer[Any]):
    """One line of the snapshot."""

    sku = serializers.CharField()
    name = serializers.CharField()
    variant = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneyShape()
    subtotal = MoneyShape()
    discount = MoneyShape()
    total = MoneyShape()


class ShippingShape(serializers.Serializer[Any]):
    """The way to the customer, and its price before discounts."""

    code = serializers.CharField()
    name = serializers.CharField()
    price = MoneyShape()


class FeeShape(serializers.Serializer[Any]):
    """A fee, as the shop's prices are entered."""

    code = serializers.CharField()
    name = serializers.CharField()
    amount = MoneyShape()


class AppliedDiscountShape(serializers.Serializer[Any]):
    """What one promotion took off. `code` is the coupon's, "" where none was needed."""

    promotion_id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    amount = MoneyShape()


class TaxLineShape(serializers.Serializer[Any]):
    """One tax of the whole. `rate` is a decimal fraction; unknown treatments may come. With `reverse_charge` the buyer
    is a business that accounts for the tax itself, which has to be said on the invoice.
    """

    code = serializers.CharField()
    region = serializers.CharField()
    rate = serializers.CharField()
    treatment = serializers.CharField()
    basis = MoneyShape()
    amount = MoneyShape()


class TermsShape(serializers.Serializer[Any]):
    """How a quote or an order is taxed, carried, charged and discounted. With tax included the total is
    subtotal + shipping + fees − discount − tax relief; otherwise the tax comes on top. The relief is the tax in the
    prices that a business pays to its own tax office, zero for everybody else.
    """

    is_tax_included = serializers.BooleanField()
    requires_shipping = serializers.BooleanField()
    shipping_method = ShippingShape(allow_null=True)
    fee_lines = FeeShape(many=True)
    discounts = AppliedDiscountShape(many=True)
    tax_lines = TaxLineShape(many=True)
    tax_relief = MoneyShape()


class OrderShape(TermsShape):
    """The whole truth for the customer. `status` and `phase` may gain values; treat unknown ones as `processing`."""

    order_id = serializers.CharField()
    number = serializers.CharField()
    status = serializers.CharField()
    phase = serializers.CharField()
    message = serializers.CharField()
    next_actions = serializers.ListField(child=serializers.CharField())
    poll_after_ms = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    subtotal = MoneyShape()
    discount = MoneyShape()
    tax = MoneyShape()
    shipping = MoneyShape()
    fees = MoneyShape()
    total = MoneyShape()
    due = MoneyShape()
    paid = MoneyShape()
    returned = MoneyShape()
    lines = OrderLineShape(many=True)
    payment = PaymentShape(allow_null=True)
    live_url = serializers.CharField(allow_null=True)


class PaymentLinkShape(serializers.Serializer[Any]):
    """A link for another device; `link_token` is what stands behind its #."""

    url = serializers.CharField()
    link_token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TradedLinkShape(serializers.Serializer[Any]):
    """The `X-Order-Token` of the other device."""

    order_id = serializers.CharField()
    order_token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ReturnShape(serializers.Serializer[Any]):
    """How the payment stands, for a browser that carries nothing but the state: nothing personal."""

    number = serializers.CharField()
    status = serializers.CharField()
    message = serializers.CharField()
    poll_after_ms = serializers.IntegerField(allow_null=True)
    is_paid = serializers.BooleanField()


class CheckoutShape(serializers.Serializer[Any]):
    """The answer of checkout/start and payment-attempts."""

    order_id = serializers.CharField()
    order_token = serializers.CharField(required=False)
    payment_attempt_id = serializers.CharField(allow_null=True)
    client_secret = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    next_action = NextActionShape(allow_null=True)
    decline = DeclineShape(allow_null=True)
    poll_after_ms = serializers.IntegerField(allow_null=True)
    order = OrderShape()


class QuoteShape(TermsShape):
    """What the cart costs now; send `quote_hash` along to be told when it changed."""

    currency = serializers.CharField()
    quote_hash = serializers.CharField()
    subtotal = MoneyShape()
    discount = MoneyShape()
    tax = MoneyShape()
    shipping = MoneyShape()
    fees = MoneyShape()
    total = MoneyShape()
    lines = serializers.ListField(child=serializers.DictField())
    warnings = serializers.ListField(child=serializers.DictField())


class PaymentMethodShape(serializers.Serializer[Any]):
    """One way to pay. `hosted` is a page of the provider's to go to, `embedded` a form in yours."""

    method = serializers.CharField(help_text="What checkout/start takes as `payment.method`.")
    # Declared over DRF's argument of the same name.
    label = serializers.CharField()  # type: ignore[assignment]
    client_mode = serializers.CharField()
    frame_origins = serializers.ListField(child=serializers.CharField())


class PaymentMethodsShape(serializers.Serializer[Any]):
    """What can be used here."""

    methods = PaymentMethodShape(many=True)


class CartAddressesShape(serializers.Serializer[Any]):
    """Where the cart and its bill go; null where nobody said."""

    shipping = AddressShape(allow_null=True)
    billing = AddressShape(allow_null=True)


class OwnOrderShape(serializers.Serializer[Any]):
    """An unpaid order of whoever asks: to be paid, or cancelled so that its units can be had again."""

    order_id = serializers.CharField()
    number = serializers.CharField()
    status = serializers.CharField()
    message = serializers.CharField()
    next_actions = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)


class CartShape(serializers.Serializer[Any]):
    """A cart with its present quote; `your_orders` keep for you what is sold out for it."""

    cart_id = serializers.CharField()
    cart_token = serializers.CharField(required=False)
    currency = serializers.CharField()
    country = serializers.CharField()
    order_id = serializers.CharField(allow_null=True)
    changed_at = serializers.DateTimeField()
    addresses = CartAddressesShape()
    quote = QuoteShape()
    your_orders = OwnOrderShape(many=True)
