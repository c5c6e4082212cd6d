"""Keys of every operation that takes one: what they are bound to, who takes over from where, what repeats hear."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from core import clock, idempotency
from core.models import IdempotencyKey
from orders.models import Order
from tests.journeys.buyers import cancel, pay_again, read
from tests.journeys.facts import shelf, taken, violations
from tests.shop import Shop

Send = Callable[[Shop, Any, str, dict[str, Any]], Any]


@dataclass(frozen=True)
class Keyed:
    """An operation under a key: what it acts on, how it is sent, two bodies that differ."""

    name: str
    subject: Callable[[Shop], Any]
    send: Send
    body: dict[str, Any]
    other_body: dict[str, Any]
    status: int


def a_cart(shop: Shop) -> tuple[str, str]:
    return shop.a_cart()


def an_order(shop: Shop) -> dict[str, Any]:
    number = Order.objects.count()
    started: dict[str, Any] = shop.start(shop.a_cart(), key=f"first-{number}", token="pm_card_chargeDeclined").json()
    return started


def a_device(shop: Shop) -> str:
    return f"device-{IdempotencyKey.objects.count():012}"


def send_cart(shop: Shop, device: str, key: str, body: dict[str, Any]) -> Any:
    return shop.api("POST", "carts", body, idempotency_key=key, x_device_id=device)


def send_start(shop: Shop, cart: tuple[str, str], key: str, body: dict[str, Any]) -> Any:
    body = {"cart_id": cart[0], **body}
    return shop.api("POST", "checkout/start", body, x_cart_token=cart[1], idempotency_key=key)


def to_order(path: str) -> Send:
    def send(shop: Shop, order: dict[str, Any], key: str, body: dict[str, Any]) -> Any:
        headers = {"x_order_token": order["order_token"], "idempotency_key": key}
        return shop.api("POST", f"orders/{order['order_id']}/{path}", body, **headers)

    return send


PAID = {"payment": {"method": "stripe", "token": "pm_card_visa"}}
KEYED = [
    Keyed("carts", a_device, send_cart, {}, {"currency": "GBP"}, 201),
    Keyed(
        "start",
        a_cart,
        send_start,
        {"contact": {"email": "ada@example.com"}, **PAID},
        {"contact": {"email": "eve@example.com"}, **PAID},
        201,
    ),
    Keyed("payment_attempts", an_order, to_order("payment-attempts"), PAID, {**PAID, "replace": True}, 201),
    Keyed("cancel", an_order, to_order("cancel"), {"reason": "a"}, {"reason": "b"}, 202),
]


@pytest.mark.parametrize("keyed", KEYED, ids=lambda keyed: str(keyed.name))
class TestEachOperation:
    def test_takes_a_key_quoted_or_bare_as_one(self, shop: Shop, keyed: Keyed) -> None:
        subject = keyed.subject(shop)
        keyed.send(shop, subject, "one", keyed.body)
        shop.work()
        final = keyed.send(shop, subject, "one", keyed.body)

        quoted = keyed.send(shop, subject, '"one"', keyed.body)

        assert (quoted.status_code, quoted.content) == (final.status_code, final.content)
        assert quoted["Idempotent-Replayed"] == "true"

    def test_refuses_another_body_and_stays_as_it_is(self, shop: Shop, keyed: Keyed) -> None:
        subject = keyed.subject(shop)
        first = keyed.send(shop, subject, "one", keyed.body)
        assert first.status_code == keyed.status

        other = keyed.send(shop, subject, "one", keyed.other_body)

        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert keyed.send(shop, subject, "one", keyed.body).status_code in {keyed.status, 200}

    def test_keeps_the_keys_of_others_apart(self, shop: Shop, keyed: Keyed) -> None:
        ours = keyed.subject(shop)
        first = keyed.send(shop, ours, "one", keyed.body)
        theirs = keyed.subject(shop)

        second = keyed.send(shop, theirs, "one", keyed.body)

        assert (first.status_code, second.status_code) == (keyed.status, keyed.status)
        assert second.content != first.content

    @pytest.mark.pains("D2")
    def test_without_its_store_is_503_and_the_same_key_works_afterwards(
        self, shop: Shop, keyed: Keyed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subject = keyed.subject(shop)
        kept, payments, stock = IdempotencyKey.objects.count(), len(shop.truth()), shelf()

        def away(*_args: object, **_more: object) -> None:
            raise OperationalError("the server closed the connection unexpectedly")

        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "lock_idempotency_key", away)
            answer = keyed.send(shop, subject, "one", keyed.body)

        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert answer["Retry-After"] == "2"
        assert (IdempotencyKey.objects.count(), shelf()) == (kept, stock)
        assert sum(taken(shop)) == 0
        assert len(shop.truth()) == payments
        assert keyed.send(shop, subject, "one", keyed.body).status_code == keyed.status


class TestOneKeyForTwoOperations:
    def test_is_two_keys(self, shop: Shop) -> None:
        order = an_order(shop)

        paid = pay_again(shop, order, token="pm_card_visa", key="one")
        cancelled = cancel(shop, order, key="one")

        assert paid.json()["status"] == "paid"
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelling")


class Died(Exception):
    """The process is gone."""


class TestTakeover:
    """Whoever repeats a key after its lease goes on from what was committed, with the same operation."""

    def die(self, operation: str) -> None:
        """This will leave the key as a process does that died after its first transaction."""
        lease_expires_at = clock.now() + timedelta(seconds=30)
        changed = IdempotencyKey.objects.filter(operation=operation).update(lease_expires_at=lease_expires_at)
        assert changed == 1

    def die_before_recording(self, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """This will let a process die with the provider's answer in its hands."""

        def dies(*_args: object, **_more: object) -> None:
            raise Died

        with monkeypatch.context() as patched:
            patched.setattr("checkout.services.keyed.payments.record_answer", dies)
            with pytest.raises(Died):
                act()

    def test_of_a_start_whose_provider_call_never_left(self, shop: Shop) -> None:
        cart = shop.a_cart()
        shop.sandbox.engine.faults.add({"kind": "timeout_before", "operation": "payment_intents.create", "times": 3})
        shop.start(cart, token="pm_card_visa")
        self.die("checkout.start")

        assert shop.start(cart, token="pm_card_visa").json()["code"] == "request_in_progress"
        shop.pass_time(seconds=31)

        assert shop.start(cart, token="pm_card_visa").json()["status"] == "paid"
        assert (taken(shop), Order.objects.count(), violations(shop)) == ([1999], 1, [])

    def test_of_a_start_that_was_carried_out_without_an_answer(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cart = shop.a_cart()
        self.die_before_recording(lambda: shop.start(cart, token="pm_card_visa"), monkeypatch)
        assert shop.start(cart, token="pm_card_visa").json()["code"] == "request_in_progress"
        shop.pass_time(seconds=31)

        repeated = shop.start(cart, token="pm_card_visa")

        assert (repeated.status_code, repeated.json()["status"]) == (201, "paid")
        assert read(shop, repeated.json()).status_code == 200
        assert (taken(shop), violations(shop)) == ([1999], [])

    def test_of_a_resume_whose_provider_call_never_left(self, shop: Shop) -> None:
        order = an_order(shop)
        shop.sandbox.engine.faults.add({"kind": "timeout_before", "operation": "payment_intents.create", "times": 3})
        assert pay_again(shop, order, token="pm_card_visa").status_code == 202
        self.die("orders.payment_attempts")

        assert pay_again(shop, order, token="pm_card_visa").json()["code"] == "request_in_progress"
        shop.pass_time(seconds=31)

        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"
        assert (taken(shop), violations(shop)) == ([0, 1999], [])

    def test_of_a_resume_that_was_carried_out_without_an_answer(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = an_order(shop)
        self.die_before_recording(lambda: pay_again(shop, order, token="pm_card_visa"), monkeypatch)
        assert pay_again(shop, order, token="pm_card_visa").json()["code"] == "request_in_progress"
        shop.pass_time(seconds=31)

        repeated = pay_again(shop, order, token="pm_card_visa")

        assert (repeated.status_code, repeated.json()["status"]) == (201, "paid")
        assert (taken(shop), violations(shop)) == ([0, 1999], [])

    def test_of_a_cancellation_that_was_opened(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        assert cancel(shop, order).status_code == 202
        self.die("orders.cancel")

        assert cancel(shop, order).json()["code"] == "request_in_progress"
        shop.pass_time(seconds=31)
        shop.work()

        assert (cancel(shop, order).status_code, cancel(shop, order).json()["status"]) == (200, "cancelled")
        assert (shelf(), violations(shop)) == ((10, 0, 0), [])


class TestWhileNothingIsKnown:
    """202 is the present state; once it is final, the bytes stay."""

    def unknown(self, shop: Shop) -> None:
        shop.sandbox.engine.faults.add({"kind": "timeout_after", "operation": "payment_intents.create", "times": 3})

    def test_repeats_of_a_resume_show_the_present_and_then_the_end(self, shop: Shop) -> None:
        order = an_order(shop)
        self.unknown(shop)

        during = [pay_again(shop, order, token="pm_card_visa") for _ in range(2)]
        shop.pass_time(seconds=61)
        shop.sweep()
        final = [pay_again(shop, order, token="pm_card_visa") for _ in range(2)]

        assert [(answer.status_code, answer.json()["status"]) for answer in during] == [(202, "processing")] * 2
        assert [answer.json()["status"] for answer in final] == ["paid", "paid"]
        assert final[0].content == final[1].content
        assert ("Idempotent-Replayed" in final[0], final[1]["Idempotent-Replayed"]) == (False, "true")
        assert taken(shop) == [0, 1999]

    def test_another_device_with_another_key_waits_for_the_same_order(self, shop: Shop) -> None:
        cart = shop.a_cart()
        self.unknown(shop)
        first = shop.start(cart, key="here", token="pm_card_visa").json()

        elsewhere = shop.start(cart, key="there", token="pm_card_visa")
        assert (elsewhere.status_code, elsewhere.json()["order_id"]) == (202, first["order_id"])
        shop.pass_time(seconds=61)
        shop.sweep()

        final = [shop.start(cart, key=key, token="pm_card_visa").json() for key in ("here", "there")]
        assert [answer["status"] for answer in final] == ["paid", "paid"]
        assert read(shop, elsewhere.json()).json()["status"] == "paid"
        assert taken(shop) == [1999]
