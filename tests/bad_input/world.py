"""Whom the bad input meets: a guest with a cart and an order, a stranger with both, a customer; and what is watched."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import connection

from accounts.addresses import PostalAddress
from accounts.models import AccessToken
from accounts.services import add_address, create_customer, issue_token
from accounts.tests.test_authentication import signed_in
from catalog.tests.factories import a_coupon, a_way_to_ship
from core import clock
from core.db import transaction
from tests.bad_input.operations import Operation
from tests.shop import Shop

CARD = "4242424242424242"
EMAIL = "ada.lovelace@example.com"
SECRETS = ("whsec_sandbox", "sk_test_sandbox")
PASSWORD = "a long enough one"
# Who somebody is, as typed and as it is kept: name, telephone, street, tax id; and what lets them in.
PERSONAL = (
    "Ada", "Lovelace", "20 7946 0018", "442079460018", "High St", "Mill Lane", "N1 9GU", "LS1 4DY", "980780684",
    PASSWORD,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `raw` takes the place of the body."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bytes | None = None
    content_type: str = "application/json"
    query: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    def with_header(self, name: str, value: str | None) -> "Call":
        """This will return the call with another value of a header; None leaves it out."""
        others = {key: kept for key, kept in self.headers.items() if key != name}
        return replace(self, headers=others if value is None else {**others, name: value})


@dataclass
class World:
    """Somebody's cart and order, and a stranger's."""

    shop: Shop
    cart: tuple[str, str]
    order: dict[str, Any]
    # Paid, and paid and asked back.
    paid: dict[str, Any]
    asked: dict[str, Any]
    refund_request_id: str
    foreign_cart: tuple[str, str]
    foreign_order: dict[str, Any]
    session_token: str
    address_id: str
    foreign_address_id: str
    link: str
    client_secret: str

    def names(self, *, order: str = "order") -> dict[str, str]:
        """This will return what stands for each name in an address, with one of the guest's orders."""
        return {
            "cart_id": self.cart[0],
            "order_id": getattr(self, order)["order_id"],
            "refund_request_id": self.refund_request_id,
            "sku": "LAMP",
            "slug": "MUG-RED",
            "code": "SPRING10",
            "address_id": self.address_id,
        }

    def headers(self, *, order: str = "order") -> dict[str, str]:
        """This will return what its owner shows."""
        return {
            "X-Cart-Token": self.cart[1],
            "X-Order-Token": getattr(self, order)["order_token"],
            "X-Device-Id": "device-0123456789",
            "Idempotency-Key": "a-key-of-this-request",
        }

    def secrets(self) -> list[str]:
        """This will return what no log may hold."""
        return [
            CARD,
            EMAIL,
            *SECRETS,
            self.cart[1],
            self.order["order_token"],
            self.paid["order_token"],
            self.asked["order_token"],
            self.foreign_cart[1],
            self.foreign_order["order_token"],
            self.session_token,
            self.link,
            self.client_secret,
            "a-key-of-this-request",
            *PERSONAL,
        ]


def open_world(shop: Shop) -> World:
    """This will let two guests fill carts and place orders, and a customer sign in."""
    a_way_to_ship(shop.channel, price_minor=0)
    a_coupon(shop.channel)
    contact = {"email": EMAIL}
    orders = [shop.start(shop.a_cart(), key=f"order-{n}", contact=contact).json() for n in range(2)]
    paid, asked = [
        shop.start(shop.a_cart(), key=f"paid-{n}", contact=contact, token="pm_card_visa").json() for n in range(2)
    ]
    path = f"orders/{asked['order_id']}/refund-requests"
    token = asked["order_token"]
    claim = shop.api("POST", path, {"reason": "damaged"}, x_order_token=token, idempotency_key="asked").json()
    with transaction("test"):
        customer = create_customer(email=EMAIL, password=PASSWORD, now=clock.now())
        home = PostalAddress(country="GB", line1="1 Mill Lane", city="Leeds", postcode="LS1 4DY")
        stranger = create_customer(email="eve@example.com", password=PASSWORD, now=clock.now())
        kept, foreign = [
            add_address(who.pk, address=home, is_default=True, now=clock.now()) for who in (customer, stranger)
        ]
        link = issue_token(
            subject_id=orders[0]["order_id"],
            purposes=[AccessToken.Purpose.LINK],
            lifetime=timedelta(hours=1),
            now=clock.now(),
        )
    return World(
        shop=shop,
        cart=shop.a_cart(),
        order=orders[0],
        paid=paid,
        asked=asked,
        refund_request_id=claim["refund_request_id"],
        foreign_cart=shop.a_cart(),
        foreign_order=orders[1],
        session_token=signed_in(customer).session_key,
        address_id=kept.public_id,
        foreign_address_id=foreign.public_id,
        link=link,
        client_secret=orders[0]["client_secret"],
    )


def send(world: World, call: Call) -> Any:
    """This will send the request as it is."""
    raw = call.raw
    if raw is None:
        raw = b"" if call.body is None else json.dumps(call.body).encode()
    return world.shop.client.generic(
        call.method, call.path + (f"?{call.query}" if call.query else ""), raw, content_type=call.content_type,
        headers=call.headers, **call.meta,
    )  # fmt: skip


def address(operation: Operation, names: dict[str, str]) -> str:
    """This will fill in an address; values are percent-encoded unless they already are."""
    filled = operation.path
    for name in operation.path_names:
        value = names[name]
        filled = filled.replace(f"{{{name}}}", value if "%" in value else quote(value, safe=""))
    return filled


def everything_stored() -> dict[str, tuple[int, int]]:
    """This will return, for each table, how many rows it has and a sum over all they hold."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)})
    parts = [f"SELECT '{name}', count(*), coalesce(sum(hashtext(t::text)), 0) FROM \"{name}\" AS t" for name in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {name: (rows, content) for name, rows, content in cursor.fetchall()}


def text_of_everything_stored() -> str:
    """This will return all rows of all tables as text, bytes in their escaped form."""
    found: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("SET bytea_output = 'escape'")
        for name in sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)}):
            cursor.execute(f'SELECT t::text FROM "{name}" AS t')
            found += [row[0] for row in cursor.fetchall()]
        cursor.execute("RESET bytea_output")
    return "\n".join(found)


@dataclass
class Watch:
    """Sends what must be refused and collects everything that is wrong with how it was."""

    world: World
    caplog: pytest.LogCaptureFixture
    capfd: pytest.CaptureFixture[str]
    stored: dict[str, tuple[int, int]]
    wrong: list[str] = field(default_factory=list)
    count: int = 0

    def refuse(self, what: str, call: Call, *, statuses: range | tuple[int, ...] = range(400, 500)) -> dict[str, Any]:
        """This will send a request, check that it was refused properly, and return the problem."""
        self.count += 1
        response = send(self.world, call)
        said = f"{call.method} {call.path[:120]} {what[:160]}: {response.status_code} {response.content[:300]!r}"
        if response.status_code not in statuses:
            self.wrong.append(f"status: {said}")
        return self._problem(call, response, said)

    def _problem(self, call: Call, response: Any, said: str) -> dict[str, Any]:
        if call.method == "HEAD" or response.status_code < 400:
            return {}
        if response.get("Content-Type") != "application/problem+json":
            self.wrong.append(f"no problem+json: {said}")
            return {}
        problem: dict[str, Any] = response.json()
        if not problem.get("code") or not problem.get("trace_id", "").startswith("trc_"):
            self.wrong.append(f"no code or trace: {said}")
        if problem.get("status") != response.status_code or not problem.get("title"):
            self.wrong.append(f"no status or title: {said}")
        if "no-store" not in response.get("Cache-Control", ""):
            self.wrong.append(f"may be kept: {said}")
        return problem

    def expect(self, is_so: object, what: str) -> None:
        """This will note what is not as it should be."""
        if not is_so:
            self.wrong.append(what)

    def nothing_stored(self, by: str) -> None:
        """This will note every table that is not as it was."""
        after = everything_stored()
        changed = [name for name in after if after[name] != self.stored[name]]
        self.expect(not changed, f"stored by {by}: {changed}")
        self.stored = after

    def finish(self) -> None:
        """This will fail if anything was wrong, anything sensitive was logged or any row is not as it was."""
        assert self.count, "nothing was sent"
        captured = self.capfd.readouterr()
        logged = "\n".join([self.caplog.text, *map(str, self.caplog.records), captured.out, captured.err])
        leaks = [secret for secret in self.world.secrets() if secret in logged]
        self.nothing_stored("the last ones")
        assert self.wrong == [], "\n".join([f"{len(self.wrong)} of {self.count}:", *self.wrong[:25]])
        assert leaks == []
