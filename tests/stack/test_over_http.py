"""The promises that only real processes can keep: many clients at once, a database that goes away."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commerce.devstack.install import is_installed
from core.ids import new_public_id
from tests.running import wait_until
from tests.stack.client import Shopper

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not is_installed(), reason="needs the .venv that ./run makes"),
]


class TestAtOnce:
    def test_one_key_fifty_times_is_one_order_one_attempt_one_intent(self, shopper: Shopper) -> None:
        cart = shopper.a_cart(shopper.sku_with(available=100))

        first = shopper.start_many([(cart, "tap")] * 50)
        for answer in first:
            assert answer.status_code in {201, 409}, answer.text
            assert answer.status_code == 201 or answer.headers["Retry-After"]
        later = shopper.start_many([(cart, "tap")] * 50)

        assert {answer.status_code for answer in later} == {201}
        assert len({answer.content for answer in [*later, *(a for a in first if a.status_code == 201)]}) == 1
        [(order_id, state)] = shopper.orders_of(cart)
        assert state == "paid"
        assert (
            len(
                shopper.rows(
                    "SELECT 1 FROM payments_paymentattempt p JOIN orders_order o ON o.id = p.order_id "
                    "WHERE o.public_id = %s",
                    order_id,
                )
            )
            == 1
        )
        assert len(shopper.intents_of(order_id)) == 1

    def test_one_cart_with_fifty_keys_is_one_order(self, shopper: Shopper) -> None:
        cart = shopper.a_cart(shopper.sku_with(available=100))

        answers = shopper.start_many([(cart, f"device-{number}") for number in range(50)])

        assert {answer.status_code for answer in answers} <= {200, 201, 202}
        [(order_id, _)] = shopper.orders_of(cart)
        assert {answer.json()["order_id"] for answer in answers} == {order_id}
        assert len(shopper.intents_of(order_id)) == 1

    def test_the_last_unit_goes_to_one_of_twenty_and_nineteen_are_told(self, shopper: Shopper) -> None:
        sku = shopper.sku_with(available=1)
        carts = [shopper.a_cart(sku) for _ in range(20)]

        answers = shopper.start_many([(cart, "mine") for cart in carts])

        refused = [answer for answer in answers if answer.status_code == 409]
        assert len(refused) == 19
        assert {answer.json()["code"] for answer in refused} == {"insufficient_stock"}
        assert all(sku in answer.text for answer in refused)
        assert len(shopper.orders_of(*carts)) == 1

    def test_postgresql_saw_no_deadlock(self, shopper: Shopper) -> None:
        log = Path(shopper.env["SURETY_POSTGRES_LOG"]).read_text(errors="replace")

        assert "deadlock detected" not in log


class TestCustomerConfirms:
    def test_the_signed_webhook_and_a_worker_make_it_paid(self, shopper: Shopper) -> None:
        cart = shopper.a_cart(shopper.sku_with(available=100))
        answer = shopper.start(cart, key="phone", token="").json()

        shopper.confirm(answer)

        wait_until(lambda: shopper.orders_of(cart)[0][1] == "paid", seconds_max=20)
        [(actor,)] = shopper.rows(
            "SELECT actor FROM orders_orderevent e JOIN orders_order o ON o.id = e.order_id "
            "WHERE o.public_id = %s AND to_state = 'paid'",
            answer["order_id"],
        )
        assert actor == "system:webhook"


class TestAnotherCard:
    def test_is_taken_at_the_first_asking(self, shopper: Shopper) -> None:
        sku = shopper.sku_with(available=100)
        orders = [shopper.start(shopper.a_cart(sku), key="tap", token="").json() for _ in range(10)]

        answers = [
            shopper.pay_again(order, key="another", token="pm_card_mastercard", replace=True) for order in orders
        ]

        assert [(answer.status_code, answer.json().get("status")) for answer in answers] == [(201, "paid")] * 10


class TestTrace:
    def test_one_id_leads_from_the_request_through_the_worker_to_the_history(self, shopper: Shopper) -> None:
        cart = shopper.a_cart(shopper.sku_with(available=100))
        answer = shopper.start(cart, key="second-thoughts", token="").json()
        trace_id = new_public_id("trc")

        cancelled = shopper.web.post(
            f"/orders/{answer['order_id']}/cancel",
            json={},
            headers={
                "X-Order-Token": answer["order_token"],
                "Idempotency-Key": "cancel",
                "X-Trace-Id": trace_id,
            },
        )

        assert cancelled.headers["X-Trace-Id"] == trace_id
        wait_until(lambda: shopper.orders_of(cart)[0][1] == "cancelled", seconds_max=40)
        [(actor, trace_of_the_end)] = shopper.rows(
            "SELECT actor, trace_id FROM orders_orderevent e JOIN orders_order o ON o.id = e.order_id "
            "WHERE o.public_id = %s AND to_state = 'cancelled'",
            answer["order_id"],
        )
        assert (actor, trace_of_the_end) == ("system:worker", trace_id)


class TestDatabaseAway:
    def test_in_mid_checkout_nothing_is_half_done_and_the_same_key_works_afterwards(self, shopper: Shopper) -> None:
        cart = shopper.a_cart(shopper.sku_with(available=100))
        fault = {"operation": "payment_intents.create", "kind": "slow", "seconds": 3, "times": 1}
        shopper.sandbox.post("/_control/faults", json=fault).raise_for_status()

        with ThreadPoolExecutor(max_workers=1) as threads:
            asked = threads.submit(shopper.start, cart, key="storm")
            wait_until(lambda: bool(shopper.orders_of(cart)), seconds_max=5)
            shopper.stop_postgres()
            answer = asked.result()

        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"]
        assert answer.json()["code"] == "temporarily_unavailable"
        wait_until(lambda: shopper.start(cart, key="storm").status_code == 201, seconds_max=90)
        [(order_id, state)] = shopper.orders_of(cart)
        assert state == "paid"
        assert len(shopper.intents_of(order_id)) == 1
