"""The addresses of a cart, and how they go along into the order."""

from typing import Any

import pytest

from checkout.models import Cart, CartAddress
from checkout.selectors import Destination, destination_of
from orders.models import Contact, Order
from tests.shop import Shop

LONDON = {
    "name": "Ada Lovelace",
    "line1": "12 Mill Lane",
    "city": "London",
    "postcode": "sw1y4jh",
    "country": "GB",
}
BERLIN = {"line1": "Unter den Linden 6", "city": "Berlin", "postcode": "10117", "country": "DE"}
KEPT_LONDON = {**LONDON, "postcode": "SW1Y 4JH"}


def put(shop: Shop, cart: tuple[str, str], **body: Any) -> Any:
    """This will set a guest's addresses."""
    return shop.api("PUT", f"carts/{cart[0]}/addresses", body, x_cart_token=cart[1])


def fields_of(answer: Any) -> list[str]:
    """This will name the fields an answer refuses."""
    assert answer.status_code == 400, answer.content
    return sorted(error["field"] for error in answer.json()["errors"])


class TestSetting:
    def test_answers_with_the_cart_and_keeps_the_country_s_form(self, shop: Shop) -> None:
        cart = shop.a_cart()

        answer = put(shop, cart, shipping={**LONDON, "phone": "020 7930 7705"}, billing=BERLIN)

        shipping = answer.json()["addresses"]["shipping"]
        assert (shipping["postcode"], shipping["phone"], shipping["region"]) == ("SW1Y 4JH", "+442079307705", "")
        assert answer.json()["addresses"]["billing"]["country"] == "DE"
        assert answer.json()["quote"]["total"]["amount_minor"] == 1999
        assert shop.api("GET", f"carts/{cart[0]}", x_cart_token=cart[1]).json() == answer.json()

    def test_a_repeat_changes_nothing_and_what_is_left_out_goes_away(self, shop: Shop) -> None:
        cart = shop.a_cart()
        put(shop, cart, shipping=LONDON, billing=BERLIN)
        put(shop, cart, shipping=LONDON, billing=BERLIN)
        assert CartAddress.objects.count() == 2

        answer = put(shop, cart, shipping=LONDON)

        assert answer.json()["addresses"]["billing"] is None
        assert CartAddress.objects.count() == 1

    def test_another_country_takes_the_cart_there(self, shop: Shop) -> None:
        cart = shop.a_cart()

        answer = put(shop, cart, shipping=BERLIN)

        row = Cart.objects.get()
        assert (answer.json()["country"], row.country, row.country_label) == ("DE", "DE", "DE")
        assert destination_of(row) == Destination("DE", "", "10117")

    def test_where_the_shop_does_not_sell_is_refused(self, shop: Shop) -> None:
        cart = shop.a_cart()
        paris = {"line1": "1 rue X", "city": "Paris", "postcode": "75001", "country": "FR"}

        refused = put(shop, cart, shipping=paris)
        assert (refused.status_code, refused.json()["code"]) == (400, "not_sold_there")
        assert Cart.objects.get().country == "GB"

        assert put(shop, cart, shipping=LONDON, billing=paris).status_code == 200

    def test_a_cart_put_away_forgets_where_it_went(self, shop: Shop) -> None:
        cart = shop.a_cart()
        put(shop, cart, shipping=LONDON, billing=BERLIN)

        shop.api("DELETE", f"carts/{cart[0]}", x_cart_token=cart[1])

        assert not CartAddress.objects.exists()

    def test_a_cart_that_is_an_order_is_not_sent_elsewhere(self, shop: Shop) -> None:
        cart = shop.a_cart()
        shop.start(cart)

        assert put(shop, cart, shipping=LONDON).json()["code"] == "cart_checked_out"


class TestRefusing:
    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"postcode": "10117"}, ["shipping.postcode"]),
            ({"postcode": ""}, ["shipping.postcode"]),
            ({"line1": "", "city": ""}, ["shipping.city", "shipping.line1"]),
            ({"country": "XX"}, ["shipping.country"]),
            ({"country": "gb"}, ["shipping.country"]),
            ({"country": None}, ["shipping.country"]),
            ({"line1": "x" * 201}, ["shipping.line1"]),
            ({"line2": "4242 4242 4242 4242"}, ["shipping.line2"]),
            ({"name": 7.5, "total": 1}, ["shipping.total"]),
            ({"postcode": ["SW1Y 4JH"]}, ["shipping.postcode"]),
        ],
        ids=str,
    )
    def test_names_the_fields(self, shop: Shop, changes: dict[str, Any], fields: list[str]) -> None:
        assert fields_of(put(shop, shop.a_cart(), shipping={**LONDON, **changes})) == fields
        assert not CartAddress.objects.exists()

    def test_a_number_nobody_can_call(self, shop: Shop) -> None:
        answer = put(shop, shop.a_cart(), shipping={**LONDON, "phone": "12"})

        assert (answer.status_code, answer.json()["code"]) == (400, "phone_invalid")

    @pytest.mark.parametrize("body", [{}, {"shipping": None}, {"shipping": []}, {"billing": LONDON}, {"home": LONDON}])
    def test_a_body_without_a_shipping_address(self, shop: Shop, body: dict[str, Any]) -> None:
        assert put(shop, shop.a_cart(), **body).status_code == 400

    def test_says_nothing_of_the_address_in_the_problem(self, shop: Shop) -> None:
        answer = put(shop, shop.a_cart(), shipping={**LONDON, "postcode": "nonsense"})

        assert "Lovelace" not in answer.content.decode()


class TestIntoTheOrder:
    def test_start_takes_the_cart_s_addresses_along(self, shop: Shop) -> None:
        cart = shop.a_cart()
        put(shop, cart, shipping={**LONDON, "phone": "020 7930 7705"}, billing=BERLIN)

        assert shop.start(cart).status_code == 201

        contact = Contact.objects.get()
        assert contact.address == {**KEPT_LONDON, "phone": "+442079307705"}
        assert contact.billing_address == BERLIN
        assert (contact.name, contact.phone) == ("Ada Lovelace", "+442079307705")
        assert Order.objects.get().snapshot["postcode_prefix"] == "SW1"

    def test_an_address_sent_with_the_contact_wins_and_is_written_properly(self, shop: Shop) -> None:
        cart = shop.a_cart()
        put(shop, cart, shipping=LONDON)
        contact = {
            "email": "ada@example.com",
            "name": "A. L.",
            "address": {"line1": "1 Mill Lane", "postcode": "m11ae"},
        }

        assert shop.start(cart, contact=contact).status_code == 201

        kept = Contact.objects.get()
        assert kept.address == {"line1": "1 Mill Lane", "postcode": "M1 1AE", "country": "GB"}
        assert kept.name == "A. L."

    def test_an_address_elsewhere_moves_the_order_there(self, shop: Shop) -> None:
        contact = {"email": "ada@example.com", "address": BERLIN}

        assert shop.start(shop.a_cart(), contact=contact).status_code == 201

        assert Order.objects.get().snapshot["country"] == "DE"

    @pytest.mark.parametrize(
        ("address", "code"),
        [
            ({"country": "FR"}, "not_sold_there"),
            ({"postcode": "10117"}, "address_invalid"),
            ({"country": "XX"}, "address_invalid"),
        ],
        ids=str,
    )
    def test_one_that_cannot_be_right_is_refused(self, shop: Shop, address: dict[str, str], code: str) -> None:
        cart = shop.a_cart()

        answer = shop.start(cart, contact={"email": "ada@example.com", "address": address})

        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert not Order.objects.exists()
        assert not CartAddress.objects.exists()
        assert Cart.objects.get().country == "GB"

    def test_without_any_it_is_still_an_order(self, shop: Shop) -> None:
        assert shop.start(shop.a_cart()).status_code == 201

        contact = Contact.objects.get()
        assert (contact.address, contact.billing_address) == ({}, {})
