"""Carts over HTTP."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import principal_of
from accounts.models import AccessToken
from accounts.services import remember_token
from catalog.pricing import SoldOut
from checkout import answers, services
from checkout.api.access import cart_of, refuse_too_many_lines, take_cart_try
from checkout.api.serializers import CartShape, LineInput, QuoteShape, refuse_repeated_skus
from checkout.models import Cart
from checkout.selectors import own_orders_keeping, quantities_of, quote_cart, seen_prices_of
from core import clock, crypto, idempotency, policies
from core.api import ProblemShape, StrictSerializer, answer, asked_locale, keyed_request, nothing_sent
from core.channels import default_channel
from core.db import transaction
from core.errors import Invalid
from core.fields import PlainText
from core.idempotency import StoredAnswer
from core.ids import new_token
from core.principal import Principal
from core.wire import encode

CART_TOKEN = OpenApiParameter("X-Cart-Token", str, OpenApiParameter.HEADER, description="What a guest was given.")
OWN_ORDER_TOKEN = OpenApiParameter(
    "X-Order-Token", str, OpenApiParameter.HEADER, description="A guest's, to be told that their own order keeps units."
)
CART_TOKENS = [CART_TOKEN, OWN_ORDER_TOKEN]
KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="1–255 visible ASCII characters.")
DEVICE = OpenApiParameter("X-Device-Id", str, OpenApiParameter.HEADER, description="A guest's key is bound to it.")


class DeviceRequired(Invalid):
    """A guest's key must be bound to something that is theirs."""

    code = "device_id_required"
    title = "Send X-Device-Id (16 to 64 characters) with a guest's Idempotency-Key, so that no other guest can meet it."


class CartsView(APIView):
    """POST carts."""

    @extend_schema_serializer(component_name="NewCart")
    class Input(StrictSerializer):
        """What may be chosen; the price never."""

        currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)
        country = serializers.RegexField(r"^[A-Z]{2}$", required=False)
        country_label = PlainText(max_length=80, required=False, default="", allow_blank=True)

    @extend_schema(
        operation_id="createCart",
        parameters=[KEY, DEVICE],
        request=Input,
        responses={201: CartShape, 400: ProblemShape, 409: ProblemShape, 429: ProblemShape},
    )
    def post(self, request: Request) -> HttpResponse:
        """Open a cart. A guest gets its token in this answer and never again."""
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        take_cart_try(request)
        principal, now = _keyed_principal(request), clock.now()
        has_key = "Idempotency-Key" in request.headers
        with transaction("checkout.create_cart"):
            key = keyed_request(request, principal=principal.key, operation="carts.create") if has_key else None
            claim = idempotency.claim(key, now=now) if key else None
            if claim and claim.answer:
                return answer(claim.answer.body, status=claim.answer.status, is_replay=True)
            channel = default_channel()
            new = services.NewCart(
                currency=form.validated_data.get("currency") or channel.default_currency,
                country=form.validated_data.get("country") or channel.countries[0],
                country_label=form.validated_data["country_label"],
            )
            cart = services.create_cart(new, channel=channel, principal=principal, now=now)
            body = cart_body(cart, request)
            if principal.kind == "guest":
                body["cart_token"] = _token_for(cart, raw_key=key.raw_key if key else "", now=now)
            stored = StoredAnswer(status=201, body=encode(body))
            if key and claim:
                idempotency.finish(claim, request=key, answer=stored, now=now)
        return answer(stored.body, status=201)


class CartView(APIView):
    """GET, PATCH and DELETE one cart."""

    @extend_schema_serializer(component_name="CartChange")
    class Input(StrictSerializer):
        """What is left out stays."""

        currency = serializers.RegexField(r"\A[A-Z]{3}\Z", required=False, default="")
        country = serializers.RegexField(r"\A[A-Z]{2}\Z", required=False, default="")

    @extend_schema(operation_id="readCart", parameters=CART_TOKENS, responses={200: CartShape, 404: ProblemShape})
    def get(self, request: Request, cart_id: str) -> HttpResponse:
        """The cart with its present quote."""
        return answer(encode(cart_body(cart_of(request, cart_id), request)), status=200)

    @extend_schema(
        operation_id="changeCart",
        parameters=CART_TOKENS,
        request=Input,
        responses={200: CartShape, 400: ProblemShape, 404: ProblemShape, 409: ProblemShape},
    )
    def patch(self, request: Request, cart_id: str) -> HttpResponse:
        """See the cart in another currency or for another country; addresses elsewhere are forgotten."""
        cart_of(request, cart_id)
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        with transaction("checkout.change_cart"):
            cart = services.change_cart(cart_id, **form.validated_data, now=clock.now())
        return answer(encode(cart_body(cart, request)), status=200)

    @extend_schema(operation_id="deleteCart", parameters=[CART_TOKEN], responses={204: None, 404: ProblemShape})
    def delete(self, request: Request, cart_id: str) -> HttpResponse:
        """Put an open cart away."""
        cart_of(request, cart_id)
        with transaction("checkout.archive_cart"):
            services.archive_cart(cart_id, now=clock.now())
        return HttpResponse(status=204)


class CartLinesView(APIView):
    """PUT all lines of a cart at once."""

    @extend_schema_serializer(component_name="CartLines")
    class Input(StrictSerializer):
        """The whole list; quantities are absolute."""

        lines = LineInput(many=True)

        def validate_lines(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
            """A SKU stands once."""
            return refuse_repeated_skus(value)

    @extend_schema(
        operation_id="replaceCartLines",
        parameters=CART_TOKENS,
        request=Input,
        responses={200: CartShape, 400: ProblemShape, 404: ProblemShape, 409: ProblemShape},
    )
    def put(self, request: Request, cart_id: str) -> HttpResponse:
        """Make the cart hold exactly these lines, up to 2,000."""
        found = cart_of(request, cart_id)
        refuse_too_many_lines(request)
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        units = {line["sku"]: line["quantity"] for line in form.validated_data["lines"]}
        with transaction("checkout.set_lines"):
            # Writing notes what this answer shows, so the answer itself compares with what was shown before.
            seen = seen_prices_of(found)
            cart = services.set_lines(cart_id, units=units, now=clock.now())
        return answer(encode(cart_body(cart, request, seen=seen)), status=200)


class CartLineView(APIView):
    """PUT and DELETE one line."""

    @extend_schema_serializer(component_name="CartLineQuantity")
    class Input(StrictSerializer):
        """How many; 0 removes the line."""

        quantity = serializers.IntegerField(min_value=0, max_value=1_000_000)

    @extend_schema(
        operation_id="setCartLine",
        parameters=CART_TOKENS,
        request=Input,
        responses={200: CartShape, 400: ProblemShape, 404: ProblemShape, 409: ProblemShape},
    )
    def put(self, request: Request, cart_id: str, sku: str) -> HttpResponse:
        """Set how many of one article."""
        cart = cart_of(request, cart_id)
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        return self._set(request, cart, sku=sku, quantity=form.validated_data["quantity"])

    @extend_schema(operation_id="removeCartLine", parameters=CART_TOKENS, responses={200: CartShape, 404: ProblemShape})
    def delete(self, request: Request, cart_id: str, sku: str) -> HttpResponse:
        """Take one article out."""
        return self._set(request, cart_of(request, cart_id), sku=sku, quantity=0)

    def _set(self, request: Request, found: Cart, *, sku: str, quantity: int) -> HttpResponse:
        with transaction("checkout.set_line"):
            seen = seen_prices_of(found)
            cart = services.set_line(found.public_id, sku=sku, quantity=quantity, now=clock.now())
        return answer(encode(cart_body(cart, request, seen=seen)), status=200)


class CartQuoteView(APIView):
    """GET a cart's quote."""

    @extend_schema(operation_id="quoteCart", parameters=[CART_TOKEN], responses={200: QuoteShape, 404: ProblemShape})
    def get(self, request: Request, cart_id: str) -> HttpResponse:
        """Lines, discounts, tax, shipping, fees, total, quote_hash and warnings."""
        cart = cart_of(request, cart_id)
        locale = asked_locale(request, channel=cart.channel)
        seen = seen_prices_of(cart)
        priced = quote_cart(cart, quantities=quantities_of(cart), now=clock.now(), seen=seen, locale=locale)
        return answer(encode(answers.quote_json(priced, locale=locale)), status=200)


class CartCopyView(APIView):
    """POST carts/{id}/copy."""

    @extend_schema(
        operation_id="copyCart", parameters=CART_TOKENS, request=None, responses={201: CartShape, 404: ProblemShape}
    )
    def post(self, request: Request, cart_id: str) -> HttpResponse:
        """Open a new cart with the same lines, for ordering again."""
        nothing_sent(request)
        source, now = cart_of(request, cart_id), clock.now()
        principal = principal_of(request)
        with transaction("checkout.copy_cart"):
            cart = services.copy_cart(source, principal=principal, now=now)
            body = cart_body(cart, request)
            if principal.kind == "guest":
                body["cart_token"] = _token_for(cart, raw_key="", now=now)
        return answer(encode(body), status=201)


def cart_body(cart: Cart, request: Request, *, seen: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The cart with its quote in the language asked for; warnings compare with the prices shown before, those of the
    rows unless given. What is sold out is looked for among the orders of who asks.
    """
    seen, now = seen_prices_of(cart) if seen is None else seen, clock.now()
    locale = asked_locale(request, channel=cart.channel)
    priced = quote_cart(cart, quantities=quantities_of(cart), now=now, seen=seen, locale=locale)
    missing = {each.sku: each.requested - each.available for each in priced.warnings if isinstance(each, SoldOut)}
    token = request.headers.get("X-Order-Token", "")
    own_orders = own_orders_keeping(missing, principal=principal_of(request), token=token, now=now)
    return answers.cart_json(cart, priced, locale=locale, own_orders=own_orders)


def _keyed_principal(request: Request) -> Principal:
    principal = principal_of(request)
    if principal.kind != "guest" or "Idempotency-Key" not in request.headers:
        return principal
    device = request.headers.get("X-Device-Id", "")
    if not 16 <= len(device) <= 64:
        raise DeviceRequired
    return Principal(kind="guest", id=crypto.digest(device)[:32])


def _token_for(cart: Cart, *, raw_key: str, now: Any) -> str:
    secret = raw_key or new_token()
    token = crypto.derived_token(purpose=f"cart-token:{cart.public_id}", client_secret=secret)
    lifetime = timedelta(days=policies.current("tokens")["cart_days"])
    purposes = [AccessToken.Purpose.CART]
    remember_token(token, subject_id=cart.public_id, purposes=purposes, lifetime=lifetime, now=now)
    return token
