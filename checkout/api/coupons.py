"""Codes of a cart over HTTP."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import principal_of
from checkout import services
from checkout.api.access import cart_of
from checkout.api.carts import CART_TOKENS, cart_body
from checkout.api.serializers import CartShape
from core import clock
from core.api import ProblemShape, answer, caller_address, nothing_sent
from core.db import transaction
from core.throttles import take_try
from core.wire import encode


class CartCouponView(APIView):
    """PUT and DELETE one code."""

    @extend_schema(
        operation_id="addCartCoupon",
        parameters=CART_TOKENS,
        request=None,
        responses={200: CartShape, 400: ProblemShape, 404: ProblemShape, 409: ProblemShape, 429: ProblemShape},
    )
    def put(self, request: Request, cart_id: str, code: str) -> HttpResponse:
        """Enter a code, in whatever case and spelling it was read. Unknown, ended and foreign ones answer alike; too
        many tries answer 429. A code that applies to nothing yet stays in the cart with a warning in the quote.
        """
        nothing_sent(request)
        cart, now = cart_of(request, cart_id), clock.now()
        principal = principal_of(request)
        device = request.headers.get("X-Device-Id", "")[:64]
        callers = {
            "cart": cart.public_id,
            "principal": device if principal.kind == "guest" else principal.key,
            "address": caller_address(request),
        }
        take_try("coupons", callers=callers, now=now)
        with transaction("checkout.add_coupon"):
            cart = services.add_coupon(cart_id, code=code, now=now)
        return answer(encode(cart_body(cart, request)), status=200)

    @extend_schema(
        operation_id="removeCartCoupon",
        parameters=CART_TOKENS,
        request=None,
        responses={200: CartShape, 404: ProblemShape, 409: ProblemShape},
    )
    def delete(self, request: Request, cart_id: str, code: str) -> HttpResponse:
        """Take a code out; one that is not in the cart changes nothing."""
        cart_of(request, cart_id)
        with transaction("checkout.remove_coupon"):
            cart = services.remove_coupon(cart_id, code=code, now=clock.now())
        return answer(encode(cart_body(cart, request)), status=200)
