"""Start, resume, cancel and read over HTTP."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import principal_of
from accounts.models import AccessToken
from checkout import answers, services
from checkout.api.access import (
    cart_of,
    cause_of,
    is_other_device,
    note_decline,
    order_of,
    refuse_declined,
    take_payment_try,
    take_return_try,
)
from checkout.api.carts import CART_TOKEN, OWN_ORDER_TOKEN
from checkout.api.serializers import (
    AttributionInput,
    CheckoutShape,
    ContactInput,
    DeviceInput,
    OrderShape,
    PaymentInput,
    ReturnShape,
)
from checkout.services import FinalAnswer
from core import clock
from core.api import ProblemShape, StrictSerializer, answer, keyed_request, with_etag
from core.cause import Cause
from core.fields import PlainText, refuse_card_numbers_in_names
from core.wire import encode
from orders.selectors import NoSuchOrder, active_checkout_of
from orders.services import ContactDetails

PURPOSE = AccessToken.Purpose
ORDER_TOKEN = OpenApiParameter("X-Order-Token", str, OpenApiParameter.HEADER, description="What a guest got at start.")
REQUIRED_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True, description="1–255 visible ASCII characters."
)
REFUSALS = dict.fromkeys((400, 404, 409, 422, 503), ProblemShape)
PAYMENT_REFUSALS = {**REFUSALS, 429: ProblemShape}
NO_WISHES = {"method": "stripe", "token": "", "return_url": "", "exemption": ""}


def _sent(final: FinalAnswer) -> HttpResponse:
    headers = {"Retry-After": "2"} if final.status == 202 else None
    return answer(final.body, status=final.status, is_replay=final.is_replay, headers=headers)


class StartCheckoutView(APIView):
    """POST checkout/start."""

    @extend_schema_serializer(component_name="StartCheckout")
    class Input(StrictSerializer):
        """Nothing here decides prices, totals or states."""

        cart_id = serializers.CharField(max_length=40)
        quote_hash = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
        contact = ContactInput()
        consents = serializers.DictField(
            child=serializers.BooleanField(),
            required=False,
            default=dict,
            validators=[refuse_card_numbers_in_names],
        )
        payment = PaymentInput(required=False)
        device = DeviceInput(required=False)
        attribution = AttributionInput(required=False)

    @extend_schema(
        operation_id="startCheckout",
        parameters=[REQUIRED_KEY, CART_TOKEN, OWN_ORDER_TOKEN],
        request=Input,
        responses={200: CheckoutShape, 201: CheckoutShape, 202: CheckoutShape, **PAYMENT_REFUSALS},
    )
    def post(self, request: Request) -> HttpResponse:
        """Make the cart an order and try to pay it. A decline is 201 with `decline`; an outcome not known yet is
        202. 409 `insufficient_stock` names in `your_orders` what unpaid orders of the buyer keep the units.
        """
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        cart = cart_of(request, given["cart_id"])
        take_payment_try(request, cart=cart.public_id)
        payment = given.get("payment") or NO_WISHES
        refuse_declined(request, token=payment["token"], cart=cart.public_id)
        contact = given["contact"]
        command = services.StartCommand(
            cart_id=cart.public_id,
            principal=principal_of(request),
            contact=ContactDetails(
                email=contact["email"],
                phone=contact["phone"],
                name=contact["name"],
                address=dict(contact.get("address") or {}),
            ),
            locale=contact["locale"],
            method=payment["method"],
            quote_hash=given["quote_hash"],
            payment_token=payment["token"],
            return_url=payment["return_url"],
            exemption=payment["exemption"],
            order_token=request.headers.get("X-Order-Token", ""),
            context={
                "device": given.get("device") or {},
                "attribution": given.get("attribution") or {},
                "consents": given["consents"],
                "client_version": request.headers.get("X-Client-Version", "")[:64],
            },
        )
        key = keyed_request(request, principal=f"cart:{cart.public_id}", operation="checkout.start")
        final = services.start_checkout(command, request=key, cause=cause_of(request))
        if final.declined_card is not None:
            note_decline(request, token=payment["token"], card=final.declined_card, cart=cart.public_id)
        return _sent(final)


class PaymentAttemptsView(APIView):
    """POST orders/{id}/payment-attempts."""

    @extend_schema_serializer(component_name="ResumePayment")
    class Input(StrictSerializer):
        """`replace` asks for another card or method."""

        payment = PaymentInput(required=False)
        replace = serializers.BooleanField(default=False)

    @extend_schema(
        operation_id="resumePayment",
        parameters=[REQUIRED_KEY, ORDER_TOKEN],
        request=Input,
        responses={200: CheckoutShape, 201: CheckoutShape, 202: CheckoutShape, **PAYMENT_REFUSALS},
    )
    def post(self, request: Request, order_id: str) -> HttpResponse:
        """The living attempt again, or a new one once the old is surely dead; a paid order answers as it stands."""
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        order = order_of(request, order_id, PURPOSE.PAY)
        take_payment_try(request, order=order.public_id)
        payment = form.validated_data.get("payment") or NO_WISHES
        refuse_declined(request, token=payment["token"], order=order.public_id)
        command = services.ResumeCommand(
            order_id=order.public_id,
            principal=principal_of(request),
            method=payment["method"],
            payment_token=payment["token"],
            return_url=payment["return_url"],
            exemption=payment["exemption"],
            replace=form.validated_data["replace"],
            is_other_device=is_other_device(request, order),
        )
        key = keyed_request(request, principal=f"order:{order.public_id}", operation="orders.payment_attempts")
        final = services.resume_payment(command, request=key, cause=cause_of(request))
        if final.declined_card is not None:
            note_decline(request, token=payment["token"], card=final.declined_card, order=order.public_id)
        return _sent(final)


class CancelOrderView(APIView):
    """POST orders/{id}/cancel."""

    @extend_schema_serializer(component_name="CancelOrder")
    class Input(StrictSerializer):
        """Why, for the record."""

        reason = PlainText(max_length=200, required=False, default="", allow_blank=True)

    @extend_schema(
        operation_id="cancelOrder",
        parameters=[REQUIRED_KEY, ORDER_TOKEN],
        request=Input,
        responses={200: OrderShape, 202: OrderShape, **REFUSALS},
    )
    def post(self, request: Request, order_id: str) -> HttpResponse:
        """Cancel while nothing was asked to leave the house. 202 while the provider could still take money, which then
        goes back by itself, and while money that was taken is on its way back.
        """
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        order = order_of(request, order_id, PURPOSE.PAY)
        key = keyed_request(request, principal=f"order:{order.public_id}", operation="orders.cancel")
        reason = form.validated_data["reason"]
        return _sent(services.cancel_order(order.public_id, reason=reason, request=key, cause=cause_of(request)))


class OrderView(APIView):
    """GET orders/{id}."""

    @extend_schema(
        operation_id="readOrder", parameters=[ORDER_TOKEN], responses={200: OrderShape, 304: None, 404: ProblemShape}
    )
    def get(self, request: Request, order_id: str) -> HttpResponse:
        """The whole truth; send the ETag back as If-None-Match to be told that nothing changed."""
        order = order_of(request, order_id, PURPOSE.VIEW)
        return with_etag(
            request, version=str(order.version), render=lambda: answers.order_json(answers.view_order(order))
        )


class CheckoutReturnView(APIView):
    """POST checkout/return."""

    # Whoever comes back may be another browser, or hold a session that has ended: nothing of that is asked for.
    authentication_classes = ()

    @extend_schema_serializer(component_name="CheckoutReturn")
    class Input(StrictSerializer):
        """What stood in the address as `state`."""

        state = serializers.CharField(max_length=300)

    @extend_schema(
        operation_id="returnToCheckout",
        auth=[],
        request=Input,
        responses={200: ReturnShape, **dict.fromkeys((400, 404, 429, 503), ProblemShape)},
    )
    def post(self, request: Request) -> HttpResponse:
        """Say that the customer is back from the provider's page. The server asks the provider; what the browser
        was told there decides nothing. May be repeated.
        """
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        take_return_try(request)
        cause = Cause(actor="guest:returning", source="checkout", now=clock.now())
        order_id = services.note_return(form.validated_data["state"], cause=cause)
        return answer(encode(answers.return_json(order_id)), status=200)


class ActiveCheckoutView(APIView):
    """GET checkout/active."""

    @extend_schema(
        operation_id="readActiveCheckout",
        parameters=[CART_TOKEN, OpenApiParameter("cart_id", str, description="A guest names the cart it holds.")],
        responses={200: CheckoutShape, 204: None, 404: ProblemShape},
    )
    def get(self, request: Request) -> HttpResponse:
        """What was under way when the app was killed: the customer's newest unpaid order, or that of the guest's
        cart.
        """
        customer_id = principal_of(request).customer_id
        cart_id = str(request.query_params.get("cart_id", ""))
        if cart_id:
            order_id = cart_of(request, cart_id).order_public_id
        elif customer_id is not None:
            active = active_checkout_of(customer_id=customer_id)
            order_id = active.public_id if active else ""
        else:
            raise NoSuchOrder
        if not order_id:
            return HttpResponse(status=204)
        return answer(encode(answers.checkout_answer(order_id).body), status=200)
