"""What is a customer's own: account, addresses, orders; and what nobody else ever sees of it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CustomerAddress, User
from accounts.tests.signing import App, code_of
from catalog.tests.factories import a_product
from checkout.tests.customers import Customer, a_customer, sign_in
from core import policies
from core.db import transaction
from core.tests.factories import NOW
from orders.models import Order
from tests.shop import Shop

HOME = {"name": "Ada", "line1": "1 Mill Lane", "city": "Leeds", "postcode": "ls14dy", "country": "GB"}
WORK = {**HOME, "line1": "2 Mill Lane"}


@pytest.fixture
def ada(shop: Shop) -> Customer:
    """A customer who signed in."""
    return a_customer(shop)


class TestMe:
    def test_shows_and_changes_who_is_signed_in(self, ada: Customer) -> None:
        changed = ada.api("PATCH", "me", {"name": "Ada Lovelace", "locale": "de"})

        shown = ada.api("GET", "me")
        assert changed.json() == shown.json()
        assert shown.json()["customer_id"] == ada.user.public_id
        assert (shown.json()["email"], shown.json()["name"]) == ("ada@example.com", "Ada Lovelace")
        assert shown.json()["locale"] == "de"
        assert shown["Cache-Control"] == "private, no-store"

    @pytest.mark.parametrize("body", [{"email": "eve@example.com"}, {"is_staff": True}, {"customer_id": "usr_1"}])
    def test_nothing_else_is_changed(self, ada: Customer, body: dict[str, Any]) -> None:
        assert ada.api("PATCH", "me", body).status_code == 400

        user = User.objects.get()
        assert (user.email, user.is_staff, user.public_id) == ("ada@example.com", False, ada.user.public_id)


class TestAddresses:
    def book(self, ada: Customer) -> list[tuple[str, bool]]:
        found = ada.api("GET", "me/addresses").json()["addresses"]
        return [(address["line1"], address["is_default"]) for address in found]

    def test_the_first_is_the_default_and_another_takes_its_place(self, ada: Customer) -> None:
        first = ada.api("POST", "me/addresses", HOME)
        assert (first.status_code, first.json()["postcode"]) == (201, "LS1 4DY")
        ada.api("POST", "me/addresses", WORK)
        assert self.book(ada) == [("1 Mill Lane", True), ("2 Mill Lane", False)]

        ada.api("POST", "me/addresses", {**WORK, "is_default": True})

        assert self.book(ada) == [("2 Mill Lane", True), ("1 Mill Lane", False)]

    def test_the_same_once_more_is_the_one_that_is_there(self, ada: Customer) -> None:
        ids = {ada.api("POST", "me/addresses", HOME).json()["address_id"] for _ in range(3)}

        assert len(ids) == CustomerAddress.objects.count() == 1

    def test_is_written_anew_and_taken_out(self, ada: Customer) -> None:
        home = ada.api("POST", "me/addresses", HOME).json()["address_id"]
        work = ada.api("POST", "me/addresses", WORK).json()["address_id"]

        changed = ada.api("PUT", f"me/addresses/{work}", {**WORK, "line1": "3 Mill Lane"})
        assert (changed.status_code, changed.json()["line1"]) == (200, "3 Mill Lane")

        assert ada.api("DELETE", f"me/addresses/{home}").status_code == 204
        assert self.book(ada) == [("3 Mill Lane", True)]
        assert ada.api("DELETE", f"me/addresses/{home}").status_code == 404

    def test_must_be_complete(self, ada: Customer) -> None:
        refused = ada.api("POST", "me/addresses", {"country": "GB", "line1": "1 Mill Lane"})

        assert [error["field"] for error in refused.json()["errors"]] == ["city", "postcode"]

    def test_keeps_a_business_s_number_in_one_form_and_none_that_cannot_be_right(self, ada: Customer) -> None:
        kept = ada.api("POST", "me/addresses", {**HOME, "tax_id": "980 7806 84"}).json()
        refused = ada.api("PUT", f"me/addresses/{kept['address_id']}", {**HOME, "tax_id": "GB 980 7806 85"})

        assert [error["field"] for error in refused.json()["errors"]] == ["tax_id"]
        assert [row["tax_id"] for row in ada.api("GET", "me/addresses").json()["addresses"]] == ["GB980780684"]

    def test_a_book_is_full_some_day(self, ada: Customer) -> None:
        with transaction("test"):
            policies.change("addresses", values={"per_customer_max": 1}, reason="test", now=NOW)
        ada.api("POST", "me/addresses", HOME)

        assert ada.api("POST", "me/addresses", WORK).json()["code"] == "too_many_addresses"
        assert ada.api("POST", "me/addresses", HOME).status_code == 201


class TestOrders:
    def test_newest_first_by_pages_without_gaps(self, shop: Shop, ada: Customer, monkeypatch: Any) -> None:
        monkeypatch.setattr("checkout.api.orders.PAGE_SIZE", 2)
        placed = [ada.an_order(key=f"key-{number}", token="pm_card_visa")["order_id"] for number in range(5)]

        seen, query = [], ""
        for _ in range(3):
            page = ada.api("GET", f"orders{query}").json()
            seen += [order["order_id"] for order in page["orders"]]
            query = f"?cursor={page['next_cursor']}"

        assert seen == placed[::-1]
        assert page["next_cursor"] is None

    def test_each_says_how_it_stands(self, ada: Customer) -> None:
        ada.an_order(token="pm_card_visa")

        (order,) = ada.api("GET", "orders").json()["orders"]

        assert (order["status"], order["lines_count"], order["first_line"]) == ("paid", 1, "Product MUG-RED")
        assert order["total"]["amount_minor"] == 1999

    def test_costs_the_same_however_many_they_are(self, shop: Shop, ada: Customer) -> None:
        a_product(shop.channel, sku="SHELF", stock=50)
        counted = []
        for number in range(6):
            ada.an_order(key=f"key-{number}", token="pm_card_visa")
            if number in {0, 5}:
                with CaptureQueriesContext(connection) as queries:
                    ada.api("GET", "orders")
                counted.append(len(queries))

        assert counted[0] == counted[1]

    def test_a_foreign_cursor_is_not_there(self, shop: Shop, ada: Customer) -> None:
        eve = a_customer(shop, email="eve@example.com")
        order = eve.an_order()

        assert ada.api("GET", f"orders?cursor={order['order_id']}").status_code == 404

    @pytest.mark.pains("L8")
    def test_whoever_signs_up_with_a_guest_s_address_sees_none_of_their_orders(
        self, shop: Shop, mailoutbox: list[Any]
    ) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_visa").json()
        app = App()
        app.sign_up("ada@example.com")
        unproven = shop.api("GET", "orders", x_session_token=app.token)
        app.verify(code_of(mailoutbox[-1]))

        proven = shop.api("GET", "orders", x_session_token=app.token)
        by_id = shop.api("GET", f"orders/{order['order_id']}", x_session_token=app.token)
        active = shop.api("GET", "checkout/active", x_session_token=app.token)

        assert unproven.status_code == 401
        assert proven.json() == {"orders": [], "next_cursor": None}
        assert (by_id.status_code, active.status_code) == (404, 204)
        assert Order.objects.get().customer is None


class TestActiveCheckout:
    def test_leads_the_customer_back_on_another_device(self, shop: Shop, ada: Customer) -> None:
        started = ada.an_order()
        tablet = sign_in(shop, ada.user)

        active = tablet.api("GET", "checkout/active").json()

        assert active["order_id"] == started["order_id"]
        assert active["client_secret"] == started["client_secret"]

    def test_is_nothing_once_paid_or_cancelled(self, shop: Shop, ada: Customer) -> None:
        assert ada.api("GET", "checkout/active").status_code == 204
        ada.an_order(token="pm_card_visa")
        assert ada.api("GET", "checkout/active").status_code == 204

        unpaid = ada.an_order(key="key-2")["order_id"]
        ada.api("POST", f"orders/{unpaid}/cancel", {}, idempotency_key="cancel")
        assert ada.api("GET", "checkout/active").status_code == 204


class TestStrangers:
    """Object × actor × verb: whoever is not its owner finds nothing, and cannot tell it from what never was."""

    def asked(self, ada: Customer) -> list[tuple[str, str, Any]]:
        cart, order = ada.a_cart(), ada.an_order()["order_id"]
        address = ada.api("POST", "me/addresses", HOME).json()["address_id"]
        start = {"cart_id": cart, "contact": {"email": "eve@example.com"}}
        return [
            ("GET", f"carts/{cart}", None),
            ("PATCH", f"carts/{cart}", {"country": "DE"}),
            ("DELETE", f"carts/{cart}", None),
            ("PUT", f"carts/{cart}/lines", {"lines": []}),
            ("PUT", f"carts/{cart}/lines/LAMP", {"quantity": 1}),
            ("DELETE", f"carts/{cart}/lines/LAMP", None),
            ("PUT", f"carts/{cart}/addresses", {"shipping": HOME}),
            ("GET", f"carts/{cart}/quote", None),
            ("GET", f"carts/{cart}/payment-methods", None),
            ("POST", f"carts/{cart}/claim", None),
            ("POST", f"carts/{cart}/copy", None),
            ("POST", "checkout/start", start),
            ("GET", f"checkout/active?cart_id={cart}", None),
            ("GET", f"orders/{order}", None),
            ("POST", f"orders/{order}/cancel", {}),
            ("POST", f"orders/{order}/payment-attempts", {}),
            ("POST", f"orders/{order}/payment-link", None),
            ("GET", f"orders?cursor={order}", None),
            ("PUT", f"me/addresses/{address}", WORK),
            ("DELETE", f"me/addresses/{address}", None),
        ]

    @pytest.mark.pains("L1")
    @pytest.mark.parametrize("actor", ["guest", "other guest", "other customer", "signed out"])
    def test_find_nothing_whatever_they_ask(self, shop: Shop, ada: Customer, actor: str) -> None:
        asked = self.asked(ada)
        cart = shop.a_cart()
        order = shop.start(shop.a_cart(), key="guest").json()
        tokens: dict[str, str] = {
            "guest": {},
            "other guest": {"x_cart_token": cart[1], "x_order_token": order["order_token"]},
            "other customer": {
                **a_customer(shop, email="eve@example.com").headers,
                "x_cart_token": cart[1],
                "x_order_token": order["order_token"],
            },
            "signed out": {},
        }[actor]
        if actor == "signed out":
            leaving = sign_in(shop, ada.user)
            leaving.app.call("DELETE", "auth/session")
            tokens = leaving.headers
        before = [list(model.objects.order_by("pk").values()) for model in (Order, CustomerAddress)]

        answers = [shop.api(verb, path, body, idempotency_key="eve", **tokens) for verb, path, body in asked]

        expected = 401 if actor == "signed out" else 404
        assert [(answer.status_code, answer["Cache-Control"]) for answer in answers] == [
            (expected, "no-store") for _ in asked
        ]
        assert before == [list(model.objects.order_by("pk").values()) for model in (Order, CustomerAddress)]
        assert ada.api("GET", asked[0][1]).json()["country"] == "GB"

    @pytest.mark.parametrize("path", ["me", "me/addresses", "orders", "checkout/active"])
    def test_a_guest_has_no_account(self, shop: Shop, path: str) -> None:
        assert shop.api("GET", path).status_code == 404
