"""What else is done with a cart over HTTP: its addresses, who it belongs to, how it can be paid."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.addresses import address_of
from accounts.authentication import principal_of
from accounts.serializers import AddressInput
from checkout import services
from checkout.api.access import cart_of, claimable_cart_of
from checkout.api.carts import CART_TOKEN, CART_TOKENS, cart_body
from checkout.api.serializers import CartShape, PaymentMethodsShape
from checkout.selectors import NoSuchCart, quantities_of, quote_cart
from core import clock
from core.api import ProblemShape, StrictSerializer, answer, nothing_sent
from core.db import transaction
from core.wire import encode
from payments.selectors import payment_methods

REFUSALS = {400: ProblemShape, 404: ProblemShape, 409: ProblemShape}


class CartAddressesView(APIView):
    """PUT carts/{id}/addresses."""

    @extend_schema_serializer(component_name="CartAddressesInput")
    class Input(StrictSerializer):
        """Without `billing` the bill goes along."""

        shipping = AddressInput()
        billing = AddressInput(required=False, allow_null=True)

    @extend_schema(
        operation_id="setCartAddresses", parameters=CART_TOKENS, request=Input, responses={200: CartShape, **REFUSALS}
    )
    def put(self, request: Request, cart_id: str) -> HttpResponse:
        """Say where the cart goes: tax and shipping of the quote follow, and checkout/start takes it along."""
        cart = cart_of(request, cart_id)
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        shipping = address_of({"country": cart.country, **given["shipping"]})
        billing = address_of({"country": shipping.country, **given["billing"]}) if given.get("billing") else None
        with transaction("checkout.set_addresses"):
            cart = services.set_addresses(cart_id, shipping=shipping, billing=billing, now=clock.now())
        return answer(encode(cart_body(cart, request)), status=200)


class CartClaimView(APIView):
    """POST carts/{id}/claim."""

    @extend_schema(
        operation_id="claimCart", parameters=CART_TOKENS, request=None, responses={200: CartShape, **REFUSALS}
    )
    def post(self, request: Request, cart_id: str) -> HttpResponse:
        """After signing in: make the guest's cart yours and merge your open one into it, the greater quantity winning.

        Takes the session and the guest's X-Cart-Token, which opens nothing else from then on. A repeat is harmless.
        """
        claimable_cart_of(request, cart_id)
        nothing_sent(request)
        customer_id = principal_of(request).customer_id
        if customer_id is None:
            raise NoSuchCart
        with transaction("checkout.claim_cart"):
            cart = services.claim_cart(cart_id, customer_id=customer_id, now=clock.now())
        return answer(encode(cart_body(cart, request)), status=200)


class CartPaymentMethodsView(APIView):
    """GET carts/{id}/payment-methods."""

    @extend_schema(
        operation_id="listPaymentMethods",
        parameters=[CART_TOKEN],
        responses={200: PaymentMethodsShape, 404: ProblemShape, 503: ProblemShape},
    )
    def get(self, request: Request, cart_id: str) -> HttpResponse:
        """How this cart can be paid now. Your pay page may show frames of `frame_origins`, and of nobody else."""
        cart = cart_of(request, cart_id)
        priced = quote_cart(cart, quantities=quantities_of(cart), now=clock.now())
        found = payment_methods(cart.channel, currency=cart.currency, due_minor=priced.total_minor)
        body = {
            "methods": [
                {
                    "method": each.method,
                    "label": each.label,
                    "client_mode": each.client_mode,
                    "frame_origins": list(each.frame_origins),
                }
                for each in found
            ]
        }
        return answer(encode(body), status=200)
