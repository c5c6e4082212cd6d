"""The customer's own account over HTTP. Whoever is not signed in finds nothing here."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import services
from accounts.addresses import address_of, as_json
from accounts.models import CustomerAddress, User
from accounts.selectors import addresses_of_customer
from accounts.serializers import AddressInput, AddressShape
from core import clock
from core.api import ProblemShape, StrictSerializer, answer
from core.db import transaction
from core.errors import NotFound
from core.fields import LocaleField, PlainText
from core.wire import encode, instant_json

REFUSALS = {400: ProblemShape, 404: ProblemShape, 409: ProblemShape}


class NobodySignedIn(NotFound):
    """To a guest, a program and a stranger there is no account."""

    code = "not_signed_in"
    title = "Nobody is signed in. Send the session's X-Session-Token."


class MeShape(serializers.Serializer[Any]):
    """The customer's own account."""

    customer_id = serializers.CharField()
    email = serializers.CharField()
    name = serializers.CharField()
    locale = serializers.CharField()
    created_at = serializers.DateTimeField()


class CustomerAddressShape(AddressShape):
    """An address of the customer's book."""

    address_id = serializers.CharField()
    is_default = serializers.BooleanField()


class CustomerAddressesShape(serializers.Serializer[Any]):
    """The whole book, the default first."""

    addresses = CustomerAddressShape(many=True)


class MeView(APIView):
    """GET and PATCH me."""

    @extend_schema_serializer(component_name="MeChange")
    class Input(StrictSerializer):
        """What is left out stays. The e-mail address is the login and is not changed here."""

        name = PlainText(max_length=150, required=False, allow_blank=True)
        locale = LocaleField(required=False)

    @extend_schema(operation_id="readMe", responses={200: MeShape, 404: ProblemShape})
    def get(self, request: Request) -> HttpResponse:
        """Who is signed in."""
        return answer(encode(_me_json(_customer(request))), status=200)

    @extend_schema(operation_id="changeMe", request=Input, responses={200: MeShape, **REFUSALS})
    def patch(self, request: Request) -> HttpResponse:
        """Change how you are called and in which language we write to you."""
        customer = _customer(request)
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        with transaction("accounts.change_me"):
            services.change_customer(customer, **form.validated_data)
        return answer(encode(_me_json(customer)), status=200)


class CustomerAddressInput(AddressInput):
    """An address for the book. The first one is the default, and later ones when they say so."""

    is_default = serializers.BooleanField(required=False, default=False)


class MyAddressesView(APIView):
    """GET and POST me/addresses."""

    @extend_schema(operation_id="listMyAddresses", responses={200: CustomerAddressesShape, 404: ProblemShape})
    def get(self, request: Request) -> HttpResponse:
        """Your addresses, the default first."""
        found = addresses_of_customer(_customer(request).pk)
        return answer(encode({"addresses": [_address_json(row) for row in found]}), status=200)

    @extend_schema(
        operation_id="addMyAddress", request=CustomerAddressInput, responses={201: CustomerAddressShape, **REFUSALS}
    )
    def post(self, request: Request) -> HttpResponse:
        """Add an address. The same once more is the one that is there, so a repeat is harmless."""
        customer = _customer(request)
        form = CustomerAddressInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        with transaction("accounts.add_address"):
            row = services.add_address(
                customer.pk, address=address_of(given), is_default=given["is_default"], now=clock.now()
            )
        return answer(encode(_address_json(row)), status=201)


class MyAddressView(APIView):
    """PUT and DELETE me/addresses/{id}."""

    @extend_schema(
        operation_id="changeMyAddress", request=CustomerAddressInput, responses={200: CustomerAddressShape, **REFUSALS}
    )
    def put(self, request: Request, address_id: str) -> HttpResponse:
        """Write the whole address anew."""
        customer = _customer(request)
        form = CustomerAddressInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        with transaction("accounts.change_address"):
            row = services.change_address(
                customer.pk,
                address_id=address_id,
                address=address_of(given),
                is_default=given["is_default"],
                now=clock.now(),
            )
        return answer(encode(_address_json(row)), status=200)

    @extend_schema(operation_id="removeMyAddress", responses={204: None, 404: ProblemShape})
    def delete(self, request: Request, address_id: str) -> HttpResponse:
        """Take an address out; orders keep theirs."""
        customer = _customer(request)
        with transaction("accounts.remove_address"):
            services.remove_address(customer.pk, address_id=address_id)
        return HttpResponse(status=204, headers={"Cache-Control": "private, no-store"})


def _customer(request: Request) -> User:
    if not isinstance(request.user, User):
        raise NobodySignedIn
    return request.user


def _me_json(customer: User) -> dict[str, Any]:
    return {
        "customer_id": customer.public_id,
        "email": customer.email,
        "name": customer.name,
        "locale": customer.locale,
        "created_at": instant_json(customer.created_at),
    }


def _address_json(row: CustomerAddress) -> dict[str, Any]:
    return {"address_id": row.public_id, "is_default": row.is_default, **as_json(row.as_address())}
