"""A cart is read in the language asked for, and its order keeps the customer's for ever."""

import pytest

from catalog import services
from catalog.services import ProductWords, Texts
from core.db import transaction
from orders.models import Order
from tests.shop import Shop


@pytest.fixture
def german(shop: Shop) -> Shop:
    """The shop, translated."""
    shop.channel.locales = ["de"]
    shop.channel.save()
    with transaction("test"):
        services.set_texts(
            channel=shop.channel, texts=Texts(locale="de", products={"MUG-RED": ProductWords(name="Roter Becher")})
        )
    return shop


class TestCart:
    @pytest.mark.parametrize(
        ("query", "header", "name", "total"),
        [
            ("", "", "Product MUG-RED", "£19.99"),
            ("", "de-AT,de;q=0.9", "Roter Becher", "£\xa019,99"),
            ("?locale=de", "en", "Roter Becher", "19,99\xa0£"),
            ("?locale=fr", "de", "Product MUG-RED", "£19.99"),
        ],
    )
    def test_is_read_in_the_language_asked_for(
        self, german: Shop, query: str, header: str, name: str, total: str
    ) -> None:
        cart_id, token = german.a_cart()

        cart = german.api("GET", f"carts/{cart_id}{query}", x_cart_token=token, accept_language=header).json()
        quote = german.api("GET", f"carts/{cart_id}/quote{query}", x_cart_token=token, accept_language=header).json()

        assert cart["quote"] == quote
        assert (quote["lines"][0]["product_name"], quote["total"]["display"]) == (name, total)

    def test_answers_a_change_in_the_language_asked_for(self, german: Shop) -> None:
        cart_id, token = german.a_cart()

        answer = german.api(
            "PUT", f"carts/{cart_id}/lines/MUG-RED", {"quantity": 2}, x_cart_token=token, accept_language="de"
        )

        assert answer.json()["quote"]["lines"][0]["product_name"] == "Roter Becher"

    def test_refuses_what_is_no_locale(self, german: Shop) -> None:
        cart_id, token = german.a_cart()

        assert german.api("GET", f"carts/{cart_id}?locale=DE", x_cart_token=token).status_code == 400


class TestOrder:
    @pytest.mark.parametrize(("locale", "name"), [("de", "Roter Becher"), ("en-GB", "Product MUG-RED")])
    def test_speaks_the_customer_s_language_whatever_the_cart_was_read_in(
        self, german: Shop, locale: str, name: str
    ) -> None:
        cart = german.a_cart()
        quote = german.api("GET", f"carts/{cart[0]}/quote?locale=de", x_cart_token=cart[1]).json()

        answer = german.start(
            cart, contact={"email": "ada@example.com", "locale": locale}, quote_hash=quote["quote_hash"]
        )

        assert answer.status_code == 201, answer.content
        assert answer.json()["order"]["lines"][0]["name"] == name
        assert Order.objects.get().lines.get().name == name
        assert Order.objects.get().snapshot["lines"][0]["product_name"] == name
