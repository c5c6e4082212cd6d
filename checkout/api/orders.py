"""A customer's own orders over HTTP."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import principal_of
from checkout import answers
from core.api import MoneyShape, ProblemShape, StrictSerializer, answer, validated_query
from core.wire import encode
from orders.selectors import NoSuchOrder, order_page

PAGE_SIZE = 20


class OrderSummaryShape(serializers.Serializer[Any]):
    """One order of the history; `orders/{id}` has the whole truth."""

    order_id = serializers.CharField()
    number = serializers.CharField()
    status = serializers.CharField()
    phase = serializers.CharField()
    message = serializers.CharField()
    next_actions = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    total = MoneyShape()
    lines_count = serializers.IntegerField()
    first_line = serializers.CharField(help_text="The name of what stands first.")


class OrderPageShape(serializers.Serializer[Any]):
    """Up to 20 orders, newest first."""

    orders = OrderSummaryShape(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="Send it as `?cursor=`; null on the last page.")


class OrdersView(APIView):
    """GET orders."""

    @extend_schema_serializer(component_name="OrderQuery")
    class Query(StrictSerializer):
        """Where to go on."""

        cursor = serializers.CharField(required=False, default="", max_length=40, help_text="From `next_cursor`.")

    @extend_schema(
        operation_id="listOrders",
        parameters=[Query],
        responses={200: OrderPageShape, 400: ProblemShape, 404: ProblemShape},
    )
    def get(self, request: Request) -> HttpResponse:
        """Your orders, newest first. Orders placed as a guest are not among them, whatever address they carry."""
        customer_id = principal_of(request).customer_id
        if customer_id is None:
            raise NoSuchOrder
        page = order_page(
            customer_id=customer_id, size=PAGE_SIZE, cursor=validated_query(self.Query, request)["cursor"]
        )
        body = {"orders": answers.summaries_json(page.orders), "next_cursor": page.next_cursor}
        return answer(encode(body), status=200)
