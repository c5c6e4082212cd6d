"""The table: what each operation takes. An operation of the API without its row here fails a test.

Everything else about bad input is derived from the schema and from these rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core import clock
from payments.services.return_state import with_state
from tests.bad_input.operations import Operation
from tests.bad_input.world import EMAIL, Call, World, address


@dataclass(frozen=True, slots=True)
class Row:
    """A request that is answered with `status`. `body` holds every field the schema knows, so that each is tried.

    `names` replaces what stands in the address. `who` is customer where only somebody signed in is served.
    """

    status: int
    body: Callable[[World], Any] | None = None
    query: Callable[[World], str] | None = None
    names: dict[str, str] = field(default_factory=dict)
    who: str = "guest"
    # Which of the guest's orders it is about.
    order: str = "order"
    # Facts of the row that is asked for belong to nobody: a stranger sees the same.
    is_public: bool = False


ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "1 High St",
    "line2": "Flat 2",
    "city": "London",
    "region": "London",
    "postcode": "N1 9GU",
    "country": "GB",
    "phone": "+44 20 7946 0018",
    "tax_id": "GB980780684",
}


def a_start(world: World) -> dict[str, Any]:
    """This will return a body of checkout/start with every field."""
    marks = ("source", "medium", "campaign", "term", "content")
    return {
        "cart_id": world.cart[0],
        "quote_hash": "",
        "contact": {
            "email": EMAIL,
            "phone": "+44 20 7946 0018",
            "name": "Ada Lovelace",
            "locale": "en-GB",
            "address": ADDRESS,
        },
        "consents": {"terms": True},
        "payment": a_payment(),
        "device": {"id": "device-1", "app_version": "1.0", "browser": {"language": "en"}},
        "attribution": {
            **{f"utm_{mark}": "spring" for mark in marks},
            "referrer": "https://news.example/",
            "click_id": "click-1",
            "session_id": "session-1",
        },
    }


def a_payment() -> dict[str, Any]:
    """This will return how to pay."""
    return {"method": "stripe", "token": "pm_card_visa", "return_url": "https://shop.example/back", "exemption": "tra"}


def a_state(world: World) -> str:
    """This will return what the provider's page sends a browser back with."""
    attempt_id = world.order["payment_attempt_id"]
    back = with_state("https://shop.example/", attempt_id=attempt_id, now=clock.now())
    return parse_qs(urlsplit(back).query)["state"][0]


ROWS: dict[str, Row] = {
    "listProducts": Row(200, query=lambda _: "q=mug&currency=GBP", is_public=True),
    "readProduct": Row(200, query=lambda _: "currency=GBP", is_public=True),
    "listCategories": Row(200, is_public=True),
    "createCart": Row(201, body=lambda _: {"currency": "GBP", "country": "GB", "country_label": "Great Britain"}),
    "readCart": Row(200),
    "readMe": Row(200, who="customer"),
    "changeMe": Row(200, body=lambda _: {"name": "Ada", "locale": "en-GB"}, who="customer"),
    "listMyAddresses": Row(200, who="customer"),
    "addMyAddress": Row(201, body=lambda _: {**ADDRESS, "is_default": True}, who="customer"),
    "changeMyAddress": Row(200, body=lambda _: {**ADDRESS, "is_default": True}, who="customer"),
    "removeMyAddress": Row(204, who="customer"),
    "listOrders": Row(200, who="customer"),
    "changeCart": Row(200, body=lambda _: {"currency": "EUR", "country": "DE"}),
    "addCartCoupon": Row(200),
    "removeCartCoupon": Row(200),
    "setCartAddresses": Row(200, body=lambda _: {"shipping": ADDRESS, "billing": ADDRESS}),
    "claimCart": Row(200, who="customer"),
    "listPaymentMethods": Row(200),
    "deleteCart": Row(204),
    "copyCart": Row(201),
    "replaceCartLines": Row(200, body=lambda _: {"lines": [{"sku": "LAMP", "quantity": 2}]}),
    "setCartLine": Row(200, body=lambda _: {"quantity": 3}),
    "removeCartLine": Row(200, names={"sku": "MUG-RED"}),
    "quoteCart": Row(200),
    "listShippingMethods": Row(200),
    "chooseShippingMethod": Row(200, body=lambda _: {"code": "post"}),
    "startCheckout": Row(201, body=a_start),
    "readActiveCheckout": Row(204, query=lambda world: f"cart_id={world.cart[0]}"),
    "readOrder": Row(200),
    "cancelOrder": Row(202, body=lambda _: {"reason": "changed my mind"}),
    "returnToCheckout": Row(200, body=lambda world: {"state": a_state(world)}),
    "createPaymentLink": Row(201),
    "tradePaymentLink": Row(200, body=lambda world: {"link_token": world.link}),
    "requestRefund": Row(201, order="paid", body=lambda _: a_wish()),
    "listRefundRequests": Row(200, order="asked"),
    "readRefundRequest": Row(200, order="asked"),
    "resumePayment": Row(200, body=lambda _: {"payment": a_payment(), "replace": False}),
}


def a_wish() -> dict[str, Any]:
    """This will return a body of refund-requests with every field."""
    return {"lines": [{"sku": "MUG-RED", "quantity": 1}], "reason": "damaged", "note": "It leaks."}


def names_of(world: World, operation: Operation) -> dict[str, str]:
    """This will return what stands for each name in the address of an operation."""
    row = ROWS[operation.id]
    return {**world.names(order=row.order), **row.names}


def good(world: World, operation: Operation) -> Call:
    """This will return the row's own request."""
    row = ROWS[operation.id]
    headers = world.headers(order=row.order)
    shown = {name: value for name, value in headers.items() if name in operation.header_names}
    if row.who == "customer":
        shown["X-Session-Token"] = world.session_token
    return Call(
        method=operation.method,
        path=address(operation, names_of(world, operation)),
        headers=shown,
        body=row.body(world) if row.body else None,
        query=row.query(world) if row.query else "",
    )
