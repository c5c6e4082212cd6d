"""Where a cart goes, as taxes and shipping see it."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from checkout.models import Cart, CartAddress
from checkout.selectors import Destination, destination_of
from core import clock
from tests.shop import Shop


@pytest.fixture
def cart(shop: Shop) -> Cart:
    """A guest's cart that goes to Britain."""
    return Cart.objects.get(public_id=shop.a_cart()[0])


def address(cart: Cart, **changes: Any) -> CartAddress:
    """This will store an address of the cart."""
    fields: dict[str, Any] = {"purpose": "shipping", "country": "GB", "region": "Kent", "postcode": "CT1 2EH"}
    return CartAddress.objects.create(cart=cart, changed_at=clock.now(), **fields | changes)


class TestDestination:
    def test_is_the_country_alone_until_there_is_an_address(self, cart: Cart) -> None:
        assert destination_of(cart) == Destination("GB")

    def test_is_the_shipping_address_in_one_query(self, cart: Cart) -> None:
        address(cart, purpose="billing", region="", postcode="M1 1AE")
        address(cart)

        with CaptureQueriesContext(connection) as queries:
            assert destination_of(cart) == Destination("GB", "Kent", "CT1 2EH")

        assert len(queries) == 1

    def test_the_buyer_s_tax_id_is_that_of_the_address_the_bill_goes_to(self, cart: Cart) -> None:
        address(cart, tax_id="GB980780684")
        assert destination_of(cart) == Destination("GB", "Kent", "CT1 2EH", "GB980780684")

        billing = address(cart, purpose="billing", country="DE", tax_id="DE136695976")
        assert destination_of(cart).tax_id == "DE136695976"

        # Whoever receives it is not who buys it.
        billing.tax_id = ""
        billing.save()
        assert destination_of(cart).tax_id == ""

    def test_an_address_elsewhere_says_nothing(self, cart: Cart) -> None:
        address(cart, country="DE", postcode="10115", tax_id="DE136695976")

        assert destination_of(cart) == Destination("GB")

    @pytest.mark.parametrize("purpose", ["shipping", "gift"])
    def test_the_database_keeps_one_address_per_known_purpose(self, cart: Cart, purpose: str) -> None:
        address(cart)

        with pytest.raises(IntegrityError), transaction.atomic():
            address(cart, purpose=purpose)
