"""Eight ways in which a checkout goes wrong, over real HTTP with real workers, sweeps and a provider of its own.

Each is judged by what the customer is told, by what the provider took and gave back, by the order's rows and books, and
at the end all of them together by the invariants, ours and against the provider's truth.
"""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import permutations
from typing import Any

import psycopg
import pytest

from commerce.devstack.install import is_installed
from tests.running import wait_until
from tests.stack.backstage import Backstage
from tests.stack.client import Answer, Cart, at_once, intent_of

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not is_installed(), reason="needs the .venv that ./run makes"),
]

NAMES = ["created", "requires_action", "failed", "authorized", "captured"]
CONVERSATIONS = 4
CLOSED_SECONDS_MAX = 30.0


def a_second_try(patient: Backstage, first: Answer) -> tuple[Answer, Answer]:
    """This will let the first payment fail at its bank and have the second one held and taken at the provider."""
    shopper = patient.shopper
    shopper.answer_bank(first, result="fail")
    answered = shopper.pay_again(first, key="another-card", replace=True)
    patience_ends = time.monotonic() + CLOSED_SECONDS_MAX
    while answered.status_code == 409 and answered.json()["code"] == "payment_being_verified":
        # The first is still being closed; a phone asks again when it is told to.
        assert time.monotonic() < patience_ends, answered.text
        time.sleep(int(answered.headers["Retry-After"]))
        answered = shopper.pay_again(first, key="another-card", replace=True)
    assert answered.status_code == 201, answered.text
    second = answered.json()
    shopper.confirm(second)
    patient.as_merchant("POST", f"/v1/payment_intents/{intent_of(second)}/capture")
    return first, second


def news_of(heard: dict[str, dict[str, Answer]], tries: tuple[Answer, Answer]) -> dict[str, Answer]:
    """This will return what the provider has to tell of two tries, all of one second."""
    first, second = (heard[intent_of(one)] for one in tries)
    told = {
        "created": first["payment_intent.created"],
        "requires_action": first["payment_intent.requires_action"],
        "failed": first["payment_intent.payment_failed"],
        "authorized": second["payment_intent.amount_capturable_updated"],
        "captured": second["payment_intent.succeeded"],
        "closed": first["payment_intent.canceled"],
    }
    instant = int(time.time())
    return {name: event | {"created": instant} for name, event in told.items()}


def end(backstage: Backstage, order_id: str) -> dict[str, Any]:
    """This will return everything that must not depend on the order of news."""
    attempts = backstage.shopper.rows(
        "SELECT p.status, p.captured_minor, p.authorized_minor, p.is_current FROM payments_paymentattempt p "
        "JOIN orders_order o ON o.id = p.order_id WHERE o.public_id = %s ORDER BY p.id",
        order_id,
    )
    return {
        "state": backstage.moves(order_id)[-1],
        "paid by": backstage.actor_of(order_id, "paid"),
        "money": backstage.money(order_id),
        "attempts": attempts,
        "operations": [row[:2] for row in backstage.operations(order_id)],
        "books": backstage.books(order_id),
        "taken": [intent["amount_received"] for intent in backstage.shopper.intents_of(order_id)],
    }


class TestOutOfOrder:
    @pytest.mark.parametrize("first_told", NAMES)
    def test_all_permutations_within_one_second_have_one_end(self, patient: Backstage, first_told: str) -> None:
        patient.webhook_fault("drop")
        sku = patient.shopper.sku_with(available=1000)
        ways = [(first_told, *rest) for rest in permutations([name for name in NAMES if name != first_told])]
        with ThreadPoolExecutor(max_workers=CONVERSATIONS) as threads:
            carts = list(threads.map(lambda _: patient.shopper.a_cart(sku), ways))
            tries = list(threads.map(partial(a_second_try, patient), self.held(patient, carts)))
            heard = patient.events_by_payment([intent_of(one) for both in tries for one in both])
            news = [news_of(heard, both) for both in tries]

            ends = list(threads.map(partial(self.hear, patient), tries, news, ways))

        price = ends[0]["money"][0]
        assert price > 0
        assert ends[0] == {
            "state": "paid",
            "paid by": "system:webhook",
            "money": (price, 0, 0, 0),
            "attempts": [("voided", 0, 0, False), ("captured", price, 0, True)],
            "operations": [
                ("authorize", "failed"),
                ("void", "succeeded"),
                ("authorize", "succeeded"),
                ("capture", "succeeded"),
            ],
            "books": ends[0]["books"],
            "taken": [0, price],
        }
        assert sum(amount for _, amount in ends[0]["books"]) == 0 != len(ends[0]["books"])
        assert [(way, reached) for way, reached in zip(ways, ends, strict=True) if reached != ends[0]] == []

    def held(self, patient: Backstage, carts: list[Cart]) -> list[Answer]:
        """This will start the first payments, all of which wait for their bank."""
        call = f"start_held({[cart[0] for cart in carts]!r}, card='pm_card_authenticationRequired')"
        code, said = patient.stack.manage("shell", "-v", "0", "-c", f"from tests.stack.held import start_held; {call}")
        assert code == 0, said
        answers: list[Answer] = json.loads(said.splitlines()[-1])
        assert {answer["status"] for answer in answers} == {"action_required"}
        return answers

    def hear(
        self, patient: Backstage, tries: tuple[Answer, Answer], news: dict[str, Answer], way: tuple[str, ...]
    ) -> dict[str, Any]:
        """This will tell an order's news this way, then what is old by now, and return where the order ended."""
        order_id = tries[0]["order_id"]
        for name in way:
            patient.tell(news[name])
        reached = end(patient, order_id)
        for name in ("closed", way[0]):
            patient.tell(news[name])
        assert end(patient, order_id) == reached, way
        return reached


class TestWebhookTwice:
    @pytest.mark.pains("C2")
    def test_ten_deliveries_at_once_and_ten_later_have_one_effect(self, patient: Backstage) -> None:
        shopper = patient.shopper
        patient.webhook_fault("drop")
        order = shopper.start(shopper.a_cart(shopper.sku_with(available=100)), key="tap", token="").json()
        shopper.confirm(order)
        succeeded = patient.events_of(order)["payment_intent.succeeded"]

        first = at_once([partial(patient.post_event, succeeded)] * 10)
        shown = shopper.wait_for(order, "paid")
        books = patient.books(order["order_id"])
        later = at_once([partial(patient.post_event, succeeded)] * 10)

        assert {answer.status_code for answer in (*first, *later)} == {200}
        wait_until(lambda: patient.heard(succeeded) == "processed", seconds_max=10)
        assert patient.deliveries(succeeded) == 20
        assert patient.moves(order["order_id"]) == ["draft", "payment_pending", "paid"]
        assert shopper.read(order) == shown
        assert (patient.books(order["order_id"]), len(books) > 0) == (books, True)
        assert patient.money(order["order_id"]) == (shown["total"]["amount_minor"], 0, 0, 0)


class TestDuplicateSubmission:
    @pytest.mark.pains("A2")
    def test_twenty_devices_that_pay_at_once_are_charged_once(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        cart = shopper.a_cart(shopper.sku_with(available=100))
        order = shopper.start(cart, key="first", token="pm_card_chargeDeclined").json()
        assert order["status"] == "payment_failed"

        answers = at_once(
            [partial(shopper.pay_again, order, key=f"tab-{number}", token="pm_card_visa") for number in range(20)]
        )

        refused = [answer for answer in answers if answer.status_code == 409]
        assert {answer.json()["code"] for answer in refused} <= {"payment_being_verified", "request_in_progress"}
        assert all(answer.headers["Retry-After"] for answer in refused)
        served = [answer for answer in answers if answer.status_code != 409]
        assert {answer.status_code for answer in served} <= {200, 201, 202}
        assert {answer.json()["order_id"] for answer in served} == {order["order_id"]}
        shown = shopper.wait_for(order, "paid")
        assert [row[1] for row in shopper.orders_of(cart)] == ["paid"]
        taken = [intent["amount_received"] for intent in shopper.intents_of(order["order_id"])]
        assert sorted(taken)[:-1] == [0] * (len(taken) - 1)
        assert sum(taken) == shown["total"]["amount_minor"]
        assert shopper.refunds_of(order["order_id"]) == []


class TestTimeoutThenRetry:
    @pytest.mark.pains("A1")
    def test_the_charge_that_nobody_heard_of_is_the_only_one_whoever_asks_again(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        cart = shopper.a_cart(shopper.sku_with(available=100))
        impatient.fault("timeout_after", "payment_intents.create", times=None)
        impatient.webhook_fault("drop")

        lost = shopper.start(cart, key="tap")
        assert (lost.status_code, lost.json()["status"]) == (202, "processing")
        impatient.mend()
        order = lost.json()
        asks = [
            partial(shopper.start, cart, key="tap"),
            partial(shopper.start, cart, key="tapped-anew"),
            partial(shopper.pay_again, order, key="telephone", token="pm_card_visa"),
        ]
        for answer in [ask() for ask in asks]:
            assert answer.status_code in {200, 201, 202} or answer.json()["code"] == "payment_being_verified"
        shopper.wait_for(order, "paid")
        answers = [ask() for ask in asks]

        assert {answer.status_code for answer in answers} <= {200, 201}
        for answer in answers:
            assert (answer.json()["order_id"], answer.json()["status"]) == (order["order_id"], "paid")
        [intent] = shopper.intents_of(order["order_id"])
        assert intent["amount_received"] == order["order"]["total"]["amount_minor"]
        # Sent again under its key or seen by a look before that: on a slow machine either may be first.
        assert [row[:2] for row in impatient.operations(order["order_id"])] == [("authorize", "succeeded")]


class TestAbandonedBrowser:
    @pytest.mark.pains("B1")
    def test_who_paid_and_left_is_found_though_every_webhook_is_lost(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        impatient.webhook_fault("drop")
        cart = shopper.a_cart(shopper.sku_with(available=100))
        order = shopper.start(cart, key="tap", token="").json()

        shopper.confirm(order)

        wait_until(lambda: shopper.orders_of(cart)[0][1] == "paid", seconds_max=20)
        assert impatient.actor_of(order["order_id"], "paid") == "system:sweep"
        assert [intent["status"] for intent in shopper.intents_of(order["order_id"])] == ["succeeded"]

    @pytest.mark.pains("E2")
    def test_who_left_at_the_bank_keeps_the_units_once_longer_and_then_another_can_buy_them(
        self, impatient: Backstage
    ) -> None:
        shopper = impatient.shopper
        sku = shopper.sku_with(available=1, article=1)
        _, _, sold = impatient.shelf(sku)
        other = shopper.a_cart(sku)
        order = shopper.start(shopper.a_cart(sku), key="tap", token="pm_card_threeDSecure2Required").json()
        assert order["status"] == "action_required"

        wait_until(lambda: impatient.was_extended(order["order_id"]), seconds_max=30)
        refused = shopper.start(other, key="mine")
        shown = shopper.wait_for(order, "expired", seconds_max=40)

        assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
        assert shown["next_actions"] == ["retry_payment", "order_again"]
        assert [intent["status"] for intent in shopper.intents_of(order["order_id"])] == ["canceled"]
        assert impatient.shelf(sku) == (1, 0, sold)
        assert shopper.start(other, key="now").json()["status"] == "paid"
        assert impatient.shelf(sku) == (0, 0, sold + 1)


class TestLastUnitRaced:
    @pytest.mark.pains("E1")
    def test_five_units_and_fifty_buyers_of_one_to_three(self, impatient: Backstage) -> None:
        seed = random.SystemRandom().randrange(10**6)
        print(f"seed {seed}")
        shopper, chance = impatient.shopper, random.Random(seed)
        sku = shopper.sku_with(available=200, article=2)
        wishes = [chance.randint(1, 3) for _ in range(50)]
        carts = [shopper.a_cart(sku, quantity=quantity) for quantity in wishes]
        # However it is dressed, one article cannot stand on two lines and be counted twice.
        assert shopper.fill(carts[0], lines=[{"sku": sku, "quantity": 1}] * 2).status_code == 400
        shopper.sku_with(available=5, article=2)
        (_, held_before, sold_before), intents_before = impatient.shelf(sku), len(shopper.truth("intent"))

        answers = shopper.start_many([(cart, "mine") for cart in carts])

        served = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 409]
        assert (len(served) + len(refused), {answer.json()["status"] for answer in served}) == (50, {"paid"})
        assert {answer.json()["code"] for answer in refused} == {"insufficient_stock"}
        available, held, sold = impatient.shelf(sku)
        assert (held, available + sold - sold_before) == (held_before, 5)
        assert 0 <= available <= 2
        assert len(shopper.truth("intent")) - intents_before == len(served)
        with pytest.raises(psycopg.errors.CheckViolation):
            shopper.rows("UPDATE catalog_stock SET committed = received - held + 1")


class TestPriceManipulation:
    def test_no_field_of_the_client_makes_anything_cheaper(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        sku = shopper.sku_with(available=100)
        cart = shopper.a_cart(sku)
        lies: list[dict[str, Any]] = [
            {"total": {"amount_minor": 1, "currency": "GBP"}},
            {"amount_minor": 1},
            {"payment": {"method": "stripe", "token": "pm_card_visa", "amount_minor": 1}},
            {"status": "paid"},
        ]

        answers = [shopper.start(cart, key=f"lie-{number}", **lie) for number, lie in enumerate(lies)]
        priced = shopper.fill(cart, lines=[{"sku": sku, "quantity": 1, "unit_price_minor": 1}])
        negative = shopper.fill(cart, lines=[{"sku": sku, "quantity": -1}])

        assert {answer.status_code for answer in (*answers, priced, negative)} == {400}
        assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}
        assert shopper.orders_of(cart) == []
        honest = shopper.start(cart, key="honest").json()
        [intent] = shopper.intents_of(honest["order_id"])
        assert intent["amount_received"] == honest["order"]["total"]["amount_minor"] == impatient.price_of(sku)

    def test_a_price_that_rose_meanwhile_is_agreed_to_again_before_anything_is_made(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        sku = shopper.sku_with(available=100)
        cart = shopper.a_cart(sku)
        seen = shopper.quote(cart)
        impatient.raise_price(sku, by=1)

        stale = shopper.start(cart, key="stale", quote_hash=seen["quote_hash"])

        assert (stale.status_code, stale.json()["code"]) == (409, "quote_changed")
        assert shopper.orders_of(cart) == []
        anew = shopper.quote(cart)
        assert anew["total"]["amount_minor"] > seen["total"]["amount_minor"]
        paid = shopper.start(cart, key="agreed", quote_hash=anew["quote_hash"]).json()
        [intent] = shopper.intents_of(paid["order_id"])
        assert intent["amount_received"] == anew["total"]["amount_minor"]

    def test_the_customer_cannot_change_the_amount_at_the_provider(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        order = shopper.start(shopper.a_cart(shopper.sku_with(available=100)), key="tap", token="").json()

        tried = shopper.as_customer(order, "", {"amount": "1"})
        shopper.confirm(order)

        assert tried.status_code in {401, 403}
        shown = shopper.wait_for(order, "paid")
        [intent] = shopper.intents_of(order["order_id"])
        assert intent["amount_received"] == shown["total"]["amount_minor"]

    def test_a_payment_of_another_amount_is_never_taken_for_ours(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        order = shopper.start(shopper.a_cart(shopper.sku_with(available=100)), key="tap", token="").json()
        impatient.as_merchant("POST", f"/v1/payment_intents/{intent_of(order)}", data={"amount": "1"})

        shopper.confirm(order)

        shopper.wait_for(order, "under_review")
        assert "paid" not in impatient.moves(order["order_id"])
        assert impatient.open_cases(order["order_id"]) == ["amount_mismatch"]


class TestWorkerKilledDuringGiveBack:
    def test_the_retry_gives_the_same_money_back_and_no_other(self, impatient: Backstage) -> None:
        shopper = impatient.shopper
        sku = shopper.sku_with(available=100)
        impatient.webhook_fault("drop")
        order = shopper.start(shopper.a_cart(sku), key="tap", token="").json()
        shopper.confirm(order)
        impatient.fault("slow", "refunds.create", seconds=4)

        assert shopper.cancel(order).status_code == 202
        wait_until(lambda: ("give_back", "sent", 1) in impatient.operations(order["order_id"]), seconds_max=20)
        assert shopper.refunds_of(order["order_id"]) == []
        impatient.kill_worker()

        wait_until(lambda: len(shopper.refunds_of(order["order_id"])) == 1, seconds_max=10)
        assert ("give_back", "sent", 1) in impatient.operations(order["order_id"])
        impatient.mend()
        meanwhile = shopper.start(shopper.a_cart(sku), key="tap", token="").json()
        shopper.confirm(meanwhile)
        shopper.wait_for(meanwhile, "paid")
        # The dead worker's lease lapses after a minute; then the sweep sends the same operation under the same key.
        shopper.wait_for(order, "cancelled", seconds_max=90)

        [refund] = shopper.refunds_of(order["order_id"])
        assert (refund["amount"], refund["status"]) == (order["order"]["total"]["amount_minor"], "succeeded")
        assert ("give_back", "succeeded", 2) in impatient.operations(order["order_id"])
        assert impatient.moves(order["order_id"])[-1] == "cancelled_with_refund"
        assert impatient.actor_of(order["order_id"], "cancelled_with_refund") == "system:sweep"
        assert impatient.money(order["order_id"]) == (refund["amount"], 0, refund["amount"], 0)
        # Its time ended before the lease did.
        assert impatient.reservations(order["order_id"]) == ["expired"]


class TestAfterwards:
    def test_the_invariants_hold_and_the_provider_says_the_same(self, impatient: Backstage) -> None:
        assert impatient.find_violations() == ""
        assert impatient.crashes() == []
