"""The ways to send a cart, over HTTP."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from checkout import answers, services
from checkout.api.access import cart_of
from checkout.api.carts import CART_TOKEN, CART_TOKENS, cart_body
from checkout.api.serializers import CartShape
from checkout.selectors import offer_for, quantities_of
from core import clock
from core.api import MoneyShape, ProblemShape, StrictSerializer, answer, asked_locale
from core.db import transaction
from core.fields import PlainText
from core.wire import encode


class CartShippingMethodView(APIView):
    """GET and PUT carts/{id}/shipping-method."""

    @extend_schema_serializer(component_name="ShippingMethodChoice")
    class Input(StrictSerializer):
        """One of the codes offered."""

        code = PlainText(max_length=40)

    @extend_schema_serializer(component_name="ShippingMethods")
    class Output(serializers.Serializer[Any]):
        """What is offered, the cheapest first; empty where nothing has to be carried or nothing goes there."""

        @extend_schema_serializer(component_name="ShippingMethod")
        class Method(serializers.Serializer[Any]):
            """One way, its price before discounts, and how many days it takes."""

            code = serializers.CharField()
            name = serializers.CharField()
            description = serializers.CharField()
            price = MoneyShape()
            days_min = serializers.IntegerField()
            days_max = serializers.IntegerField()
            is_selected = serializers.BooleanField()

        methods = Method(many=True)

    @extend_schema(
        operation_id="listShippingMethods", parameters=[CART_TOKEN], responses={200: Output, 404: ProblemShape}
    )
    def get(self, request: Request, cart_id: str) -> HttpResponse:
        """The ways to send these goods to where the cart goes."""
        cart = cart_of(request, cart_id)
        offer = offer_for(cart, quantities=quantities_of(cart), now=clock.now())
        locale = asked_locale(request, channel=cart.channel)
        return answer(encode(answers.shipping_methods_json(offer, locale=locale)), status=200)

    @extend_schema(
        operation_id="chooseShippingMethod",
        parameters=CART_TOKENS,
        request=Input,
        responses={200: CartShape, 400: ProblemShape, 404: ProblemShape, 409: ProblemShape},
    )
    def put(self, request: Request, cart_id: str) -> HttpResponse:
        """Pick one. Where it is not offered any more, the cheapest counts."""
        cart_of(request, cart_id)
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        with transaction("checkout.choose_shipping_method"):
            cart = services.choose_shipping_method(cart_id, code=form.validated_data["code"], now=clock.now())
        return answer(encode(cart_body(cart, request)), status=200)
