"""Refund requests over HTTP."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import AccessToken
from checkout import answers, services
from checkout.api.access import cause_of, order_of, refuse_too_many_lines
from checkout.api.checkout import ORDER_TOKEN, REFUSALS, REQUIRED_KEY
from checkout.api.serializers import LineInput, refuse_repeated_skus
from core.api import MoneyShape, ProblemShape, StrictSerializer, answer, keyed_request
from core.fields import PlainText
from core.wire import encode
from orders.selectors import NoSuchOrder
from payments.models import CUSTOMER_REASONS
from payments.selectors import NoSuchClaim, claims_of, find_claim

PURPOSE = AccessToken.Purpose


class RefundLineShape(serializers.Serializer[Any]):
    """Units of one line."""

    sku = serializers.CharField()
    quantity = serializers.IntegerField()


class RefundShape(serializers.Serializer[Any]):
    """Money on its way back. `succeeded` is said only once the provider did; unknown values may come."""

    refund_id = serializers.CharField()
    status = serializers.CharField()
    amount = MoneyShape()
    settled_at = serializers.DateTimeField(allow_null=True)


class RefundRequestShape(serializers.Serializer[Any]):
    """What was asked for and what became of it. `lines` is empty where everything was asked for.

    `status` is waiting (for a person), refused, refund_pending, refunded or refund_failed; unknown values may come.
    """

    refund_request_id = serializers.CharField()
    order_id = serializers.CharField()
    status = serializers.CharField()
    message = serializers.CharField()
    amount = MoneyShape()
    lines = RefundLineShape(many=True)
    reason = serializers.CharField()
    requested_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    refunds = RefundShape(many=True)


class RefundRequestsShape(serializers.Serializer[Any]):
    """All of an order, newest first."""

    refund_requests = RefundRequestShape(many=True)


class OrderRefundRequestsView(APIView):
    """POST and GET orders/{id}/refund-requests."""

    @extend_schema_serializer(component_name="RequestRefund")
    class Input(StrictSerializer):
        """What shall come back, and why. Without `lines` everything, shipping and fees included."""

        # None at all is no wish for everything: who means that leaves the field out.
        lines = LineInput(many=True, required=False, allow_empty=False)
        reason = serializers.ChoiceField(choices=[code.value for code in CUSTOMER_REASONS])
        note = PlainText(max_length=500, required=False, default="", allow_blank=True)

        def validate_lines(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
            """A SKU stands once."""
            return refuse_repeated_skus(value)

    @extend_schema(
        operation_id="requestRefund",
        parameters=[REQUIRED_KEY, ORDER_TOKEN],
        request=Input,
        responses={201: RefundRequestShape, **REFUSALS},
    )
    def post(self, request: Request, order_id: str) -> HttpResponse:
        """Ask for money back. Rules decide at once, or a person does later: ask `refund-requests/{id}`."""
        order = order_of(request, order_id, PURPOSE.PAY)
        refuse_too_many_lines(request)
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        final = services.ask_for_refund(
            order.public_id,
            quantities={line["sku"]: line["quantity"] for line in given.get("lines", [])},
            reason_code=given["reason"],
            note=given["note"],
            request=keyed_request(request, principal=f"order:{order.public_id}", operation="orders.refund_requests"),
            cause=cause_of(request),
        )
        return answer(final.body, status=final.status, is_replay=final.is_replay)

    @extend_schema(
        operation_id="listRefundRequests",
        parameters=[ORDER_TOKEN],
        responses={200: RefundRequestsShape, 404: ProblemShape},
    )
    def get(self, request: Request, order_id: str) -> HttpResponse:
        """What was asked back of this order, newest first."""
        order = order_of(request, order_id, PURPOSE.VIEW)
        shown = [answers.claim_json(claim, order) for claim in claims_of(order)]
        return answer(encode({"refund_requests": shown}), status=200)


class RefundRequestView(APIView):
    """GET refund-requests/{id}."""

    @extend_schema(
        operation_id="readRefundRequest",
        parameters=[ORDER_TOKEN],
        responses={200: RefundRequestShape, 404: ProblemShape},
    )
    def get(self, request: Request, refund_request_id: str) -> HttpResponse:
        """What became of it."""
        claim = find_claim(refund_request_id)
        try:
            order = order_of(request, claim.order.public_id, PURPOSE.VIEW)
        except NoSuchOrder as stranger:
            raise NoSuchClaim from stranger
        return answer(encode(answers.claim_json(claim, order)), status=200)
