"""Pay on another device, over HTTP."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import AccessToken
from checkout import services
from checkout.api.access import cause_of, order_of, take_link_try
from checkout.api.checkout import ORDER_TOKEN
from checkout.api.serializers import PaymentLinkShape, TradedLinkShape
from core.api import ProblemShape, StrictSerializer, answer, nothing_sent
from core.wire import encode, instant_json


class PaymentLinkView(APIView):
    """POST orders/{id}/payment-link."""

    @extend_schema(
        operation_id="createPaymentLink",
        parameters=[ORDER_TOKEN],
        request=None,
        responses={201: PaymentLinkShape, 404: ProblemShape, 409: ProblemShape, 429: ProblemShape},
    )
    def post(self, request: Request, order_id: str) -> HttpResponse:
        """A link to see and pay this one order on another device, for an hour. Each call makes a new one."""
        nothing_sent(request)
        order = order_of(request, order_id, AccessToken.Purpose.PAY)
        take_link_try(request, order_id=order.public_id)
        link = services.issue_payment_link(order, cause=cause_of(request))
        body = {
            "url": services.link_address(order, link, shop_url=settings.SURETY_URL),
            "link_token": link.token,
            "expires_at": instant_json(link.expires_at),
        }
        return answer(encode(body), status=201)


class TradePaymentLinkView(APIView):
    """POST orders/{id}/payment-link/token."""

    # The link is the credential: a session of somebody else's on that device is not asked for.
    authentication_classes = ()

    @extend_schema_serializer(component_name="TradePaymentLink")
    class Input(StrictSerializer):
        """What stood behind the # of the link."""

        link_token = serializers.CharField(max_length=128)

    @extend_schema(
        operation_id="tradePaymentLink",
        auth=[],
        request=Input,
        responses={200: TradedLinkShape, 400: ProblemShape, 404: ProblemShape, 429: ProblemShape},
    )
    def post(self, request: Request, order_id: str) -> HttpResponse:
        """Trade the link for an order token that sees and pays this order until the link ends. May be repeated."""
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        take_link_try(request, order_id=order_id)
        link_token = form.validated_data["link_token"]
        traded = services.trade_payment_link(order_id, link_token=link_token, cause=cause_of(request))
        body = {"order_id": order_id, "order_token": traded.token, "expires_at": instant_json(traded.expires_at)}
        return answer(encode(body), status=200)
