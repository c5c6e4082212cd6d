"""Orders go through the front door, several at a time: each is placed by a thread that plays its customer.

Note [Once]: the invoice's number is the Idempotency-Key of the cart and of the checkout, and the replay signs in as one
service. So a second start meets the same carts and orders: it sets no price, places nothing, and confirms only what
still waits for its customer.
"""

import queue
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from catalog.selectors import available_units, find_variants
from catalog.services import NewProduct, NewVariant, create_products, receive_stock, set_prices
from commerce.retail.door import (
    GOOD_CARD,
    OTHER_CARD,
    Answer,
    DeclinedAtDoorError,
    FrontDoor,
    PaymentForm,
    RefusedAtDoorError,
)
from commerce.retail.prices import PriceBoard
from commerce.retail.reading import Article, RetailOrder, country_code, read_orders
from core import clock
from core.db import transaction
from core.models import SalesChannel

CURRENCY = "GBP"
# Far more than all the invoices of the data set together; a second start then finds enough.
STOCK_UNITS = 1_000_000_000
PRODUCTS_PER_TRANSACTION = 500
# What the shop calls an order that waits for its customer.
CUSTOMERS_TURN = "action_required"
# And one whose card was declined.
DECLINED = "payment_failed"
# What the demo shop's tax tables leave untaxed everywhere.
INVOICED = "invoiced"
# A customer gives up after so many declines in a row.
CARDS = (GOOD_CARD, OTHER_CARD, GOOD_CARD, OTHER_CARD)
# Documentation addresses (RFC 3849): customers by their number, guests by that of their invoice.
CUSTOMER_ADDRESS = "2001:db8:c::{}"
GUEST_ADDRESS = "2001:db8:9::{}"


@dataclass(frozen=True, slots=True)
class Placed:
    """How an order of a file went. `start_seconds` is None for one placed by an earlier start; `problem` is empty
    when all went well.
    """

    file: str
    order: RetailOrder
    order_id: str = ""
    start_seconds: float | None = None
    problem: str = ""


def stock_shop(articles: Mapping[str, Article], *, channel: SalesChannel) -> int:
    """This will make the products that the shop lacks and see to it that there are units enough. Returns how many it
    made.

    Opens its own transactions. Raises: InvalidProduct for a code that can be no SKU.
    """
    known = find_variants(channel_id=channel.pk, skus=articles)
    missing = [sku for sku in articles if sku not in known]
    for start in range(0, len(missing), PRODUCTS_PER_TRANSACTION):
        products = [_product(sku, articles[sku]) for sku in missing[start : start + PRODUCTS_PER_TRANSACTION]]
        with transaction("retail.create_products"):
            create_products(channel=channel, products=products, now=clock.now())
    left = available_units(variant_ids=[variant.pk for variant in known.values()])
    short = {sku: articles[sku].units for sku, available in left.values() if available < articles[sku].units}
    if short:
        with transaction("retail.receive_stock"):
            receive_stock(channel=channel, units=short, now=clock.now())
    return len(missing)


def _product(sku: str, article: Article) -> NewProduct:
    # A SKU's characters that no slug may have are written as their codes, so that two SKUs never share an address.
    slug = "".join(
        character if character.isalnum() or character == "-" else f"_{ord(character):x}" for character in sku
    )
    # An invoice's prices are what was paid, and its parcel was a line of its own: no tax comes on top and no shipping.
    variant = NewVariant(sku=sku, prices={CURRENCY: article.price_minor}, units=STOCK_UNITS, is_physical=False)
    return NewProduct(slug=f"retail-{slug}", name=article.name, variants=[variant], tax_category=INVOICED)


class Replay:
    """Places the orders of the files with as many customers at a time as asked for."""

    def __init__(
        self, *, door: FrontDoor, form: PaymentForm, service_token: str, channel: SalesChannel, customers: int
    ) -> None:
        """Keep what every customer needs."""
        self._door = door
        self._form = form
        self._service_token = service_token
        self._channel = channel
        self._customers = customers
        self._board = PriceBoard()
        self._results: queue.SimpleQueue[Placed | BaseException | None] = queue.SimpleQueue()
        self._reading = threading.Lock()
        self._is_over = False

    def run(self, paths: list[Path], *, invoices_max: int | None = None) -> Generator[Placed]:
        """This will place every order and yield each as it is done; the files are read as customers become free.

        Closing the iterator lets the customers finish what they are at.
        """
        orders = ((path.name, order) for path in paths for order in read_orders(path, invoices_max=invoices_max))
        threads = [
            threading.Thread(target=self._serve, args=(orders,), name=f"customer-{number}")
            for number in range(self._customers)
        ]
        for thread in threads:
            thread.start()
        try:
            working = len(threads)
            while working:
                result = self._results.get()
                if isinstance(result, BaseException):
                    raise result
                if result is None:
                    working -= 1
                else:
                    yield result
        finally:
            self._is_over = True
            for thread in threads:
                thread.join()

    def _serve(self, orders: Iterator[tuple[str, RetailOrder]]) -> None:
        try:
            while (taken := self._next(orders)) is not None:
                file, order = taken
                self._results.put(self._place(file, order))
        except BaseException as error:  # noqa: BLE001 - raised again by `run`, in the thread that can do something
            self._results.put(error)
        finally:
            connection.close()
            self._results.put(None)

    def _next(self, orders: Iterator[tuple[str, RetailOrder]]) -> tuple[str, RetailOrder] | None:
        with self._reading:
            return None if self._is_over else next(orders, None)

    def _place(self, file: str, order: RetailOrder) -> Placed:
        order_id, start_seconds = "", None
        try:
            cart_id, is_checked_out = self._fill_cart(order)
            if is_checked_out:
                answer = self._start(order, cart_id)
            else:
                with self._board.hold(order.prices):
                    with transaction("retail.set_prices"):
                        set_prices(channel=self._channel, currency=CURRENCY, prices=order.prices, now=clock.now())
                    started_at = time.perf_counter()
                    answer = self._start(order, cart_id)
                    start_seconds = None if answer.is_replay else time.perf_counter() - started_at
            order_id = answer.body["order_id"]
            self._pay(order, answer)
        except RefusedAtDoorError as error:
            return Placed(file, order, order_id, problem=str(error))
        return Placed(file, order, order_id, start_seconds)

    def _fill_cart(self, order: RetailOrder) -> tuple[str, bool]:
        """Open the invoice's cart and put its lines in, unless it has become an order before."""
        choices = {
            "currency": CURRENCY,
            "country": country_code(order.country_label),
            "country_label": order.country_label,
        }
        cart = self._door.call("POST", "carts", headers=self._headers(order), body=choices, accept=(201,))
        cart_id: str = cart.body["cart_id"]
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in order.quantities.items()]
        filled = self._door.call(
            "PUT", f"carts/{cart_id}/lines", headers=self._headers(order), body={"lines": lines}, accept=(200, 409)
        )
        if filled.status == 409 and filled.body["code"] != "cart_checked_out":
            raise RefusedAtDoorError(f"PUT carts/{cart_id}/lines: {filled.body['code']}")
        return cart_id, filled.status == 409

    def _start(self, order: RetailOrder, cart_id: str) -> Answer:
        email = f"customer-{order.customer}" if order.customer else f"guest-{order.invoice_no}"
        body = {
            "cart_id": cart_id,
            "contact": {"email": f"{email}@retail.example"},
            "device": {"id": _device_of(order.customer or order.invoice_no)},
        }
        return self._door.call("POST", "checkout/start", headers=self._headers(order), body=body, accept=(200, 201))

    def _pay(self, order: RetailOrder, answer: Answer) -> None:
        shown = answer.body
        if answer.is_replay:
            # The stored answer tells how things stood then; whether the customer confirmed since, the order tells.
            order_id = answer.body["order_id"]
            shown = self._door.call("GET", f"orders/{order_id}", headers=self._headers(order), accept=(200,)).body
        if shown["status"] == CUSTOMERS_TURN:
            self._confirm(answer.body["client_secret"])
        elif shown["status"] == DECLINED:
            self._pay_again(order, answer.body["order_id"])

    def _pay_again(self, order: RetailOrder, order_id: str) -> None:
        """Ask the shop for a payment that lives, as a customer does who comes back after a decline."""
        headers = {**self._headers(order), "Idempotency-Key": f"{order.key}-again"}
        path = f"orders/{order_id}/payment-attempts"
        shown = self._door.call("POST", path, headers=headers, body={}, accept=(200, 201)).body
        if shown["client_secret"]:
            self._confirm(shown["client_secret"])

    def _confirm(self, client_secret: str) -> None:
        for card in CARDS[:-1]:
            try:
                self._form.confirm(client_secret, card=card)
            except DeclinedAtDoorError:
                continue
            return
        self._form.confirm(client_secret, card=CARDS[-1])

    def _headers(self, order: RetailOrder) -> dict[str, str]:
        return headers_of(order.customer, invoice_no=order.invoice_no, key=order.key, service_token=self._service_token)


def headers_of(customer: str, *, key: str, service_token: str, invoice_no: str = "") -> dict[str, str]:
    """This will return what the device of a customer, or of the guest of an invoice, sends along."""
    address = (CUSTOMER_ADDRESS if customer else GUEST_ADDRESS).format(_as_group(customer or invoice_no))
    return {
        "Authorization": f"Bearer {service_token}",
        "Idempotency-Key": key,
        "X-Device-Id": _device_of(customer or invoice_no),
        "X-Forwarded-For": address,
    }


def _device_of(number: str) -> str:
    return f"retail-device-{number}"


def _as_group(number: str) -> str:
    """Write a number of up to eight digits as the last groups of an IPv6 address."""
    digits = "".join(character for character in number if character.isdigit())[-8:] or "1"
    return f"{digits[:-4] or '0'}:{digits[-4:]}"
