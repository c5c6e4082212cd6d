"""Money that is not what we asked for, or was returned behind our back: recorded, told to people, never guessed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog.tests.factories import a_product
from core import clock
from core.cause import system
from core.db import transaction
from orders.models import HoldReason
from orders.selectors import lock_order
from orders.services import release_hold
from oversight.models import Case
from oversight.services import resolve_case
from payments.models import PaymentAttempt
from payments.providers.registry import adapter_for
from sandbox.dialects.stripe.signing import signature_header
from tests.journeys.buyers import cancel, pay_again, read
from tests.journeys.facts import (
    ask,
    cases,
    errors,
    fault,
    given_back,
    holds,
    learn,
    operations,
    taken,
    unheard,
    violations,
    voided_though_it_will_pay,
    wait,
)
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert errors(caplog) == []
    # Money we refuse to count is at the provider and in a case, not in our books.
    skipping = ("I3", "I9") if "mismatch" in request.node.name else ()
    assert violations(shop, skipping=skipping) == []


class TestMismatch:
    def start(self, shop: Shop) -> PaymentAttempt:
        shop.start(shop.a_cart())
        return shop.attempt()

    def captured(self, shop: Shop, **changes: object) -> None:
        attempt = shop.attempt()
        update = adapter_for(shop.account).retrieve(str(attempt.provider_reference))
        paid = replace(update, status="captured", captured_minor=1999, can_still_capture=False)
        learn(shop, replace(paid, **changes))  # type: ignore[arg-type]

    @pytest.mark.pains("H4")
    @pytest.mark.parametrize(
        "changes",
        [
            {"amount_minor": 1, "captured_minor": 1},
            {"captured_minor": 1000},
            {"captured_minor": 2500, "amount_minor": 2500},
            {"currency": "EUR"},
            {"is_livemode": True},
            {"order_id": "ord_other"},
            {"provider_reference": "pi_another"},
        ],
        ids="-".join,
    )
    def test_a_mismatch_is_held_for_people_and_never_paid(self, shop: Shop, changes: dict[str, object]) -> None:
        self.start(shop)

        for _ in range(2):
            self.captured(shop, **changes)
        assert shop.order().state == "payment_pending"
        assert holds(shop) == ["amount_mismatch"]
        assert cases() == ["amount_mismatch"]

        ask(shop)
        assert shop.order().state == "payment_pending", "a later clean look does not turn foreign money into payment"
        assert operations("give_back") == []

    def test_a_mismatch_in_another_currency_is_not_booked_in_ours(self, shop: Shop) -> None:
        self.start(shop)

        self.captured(shop, currency="EUR")

        assert shop.order().captured_minor == 0
        assert shop.attempt().captured_minor == 0
        assert Case.objects.get(type="amount_mismatch").amount_minor is None

    def test_a_mismatch_on_a_paid_order_is_excess_that_waits_for_people(self, shop: Shop) -> None:
        """Both took money, and the late one not even the right amount: recorded, held, not given back blindly."""
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        first = adapter_for(shop.account).retrieve(str(shop.attempt().provider_reference))
        voided_though_it_will_pay(shop)
        assert pay_again(shop, order, token="pm_card_visa").json()["status"] == "paid"

        learn(shop, replace(first, status="captured", captured_minor=2500, amount_minor=2500, can_still_capture=False))

        placed = shop.order()
        assert (placed.state, placed.accepted_minor, placed.excess_minor) == ("paid", 1999, 2500)
        assert holds(shop) == ["amount_mismatch"]
        assert operations("give_back") == []

    def test_a_mismatch_does_not_keep_the_right_payment_from_being_taken_in(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        self.captured(shop, provider_reference="pi_another")

        shop.confirm(order)
        shop.deliver()

        assert shop.order().state == "paid"
        assert holds(shop) == ["amount_mismatch"]


class TestMadeTwice:
    """The provider breaks the promise of its keys and charges one try twice."""

    def twin(self, shop: Shop) -> str:
        """This will let the provider take once more what it took, and return its name for that payment."""
        known = {row["id"] for row in shop.truth("intent")}
        unheard(shop, "duplicates", payment_intent=next(iter(known)))
        [twin] = {row["id"] for row in shop.truth("intent")} - known
        return str(twin)

    def test_the_second_is_held_for_people_under_its_own_name_and_never_counted(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_visa").json()
        twin = self.twin(shop)

        for _ in range(2):
            shop.deliver()
            ask(shop)
            shop.work()

        placed = shop.order()
        assert (placed.state, placed.captured_minor, placed.excess_minor) == ("paid", 1999, 0)
        assert holds(shop) == ["amount_mismatch"]
        case = Case.objects.get(type="amount_mismatch")
        assert (case.subject_id, case.order_public_id, case.amount_minor) == (twin, placed.public_id, 1999)
        assert read(shop, order).json()["status"] == "under_review"

    def test_who_gives_the_second_back_refunds_nothing_of_the_first_and_is_not_told_again(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_visa").json()
        twin = self.twin(shop)
        shop.deliver()
        [case] = Case.objects.filter(type="amount_mismatch")

        unheard(shop, "refunds", payment_intent=twin, amount=1000)
        self.settle(order, case)
        shop.deliver()
        assert holds(shop) == ["amount_mismatch"]
        [again] = Case.objects.filter(type="amount_mismatch").exclude(status="resolved")
        unheard(shop, "refunds", payment_intent=twin, amount=999)
        self.settle(order, again)
        shop.deliver()
        wait(shop, rounds=2, seconds=601)

        placed = shop.order()
        assert (placed.state, placed.captured_minor, placed.returned_minor) == ("paid", 1999, 0)
        assert (holds(shop), cases(), operations("refund"), operations("give_back")) == ([], [], [], [])
        assert [row["amount"] for row in shop.truth("refund")] == [1000, 999]

    def test_one_that_was_given_back_before_anybody_heard_of_it_is_told_all_the_same(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")
        shop.deliver()
        twin = self.twin(shop)
        unheard(shop, "refunds", payment_intent=twin)

        # What told of the charge is lost: the first that is heard of it is a refund, and a look that shows both.
        for delivery in shop.sandbox.engine.due_deliveries(shop.virtual.now(), limit=100):
            if json.loads(delivery.body)["type"] == "charge.refunded":
                shop.carry(delivery)
        shop.work()

        [case] = Case.objects.filter(type="amount_mismatch")
        assert (case.subject_id, case.amount_minor, holds(shop)) == (twin, 1999, ["amount_mismatch"])

    def settle(self, order: dict[str, Any], case: Case) -> None:
        """This will be what a person does who gave it back: the case is closed and the order let go."""
        with transaction("test"):
            cause = system("test", now=clock.now())
            release_hold(lock_order(order["order_id"]), reason=HoldReason.AMOUNT_MISMATCH, cause=cause)
            resolve_case(case.public_id, resolution="Given back in the dashboard.", cause=cause)

    @pytest.mark.parametrize("is_first", [True, False], ids=["heard first", "heard last"])
    def test_whichever_is_heard_of_first_pays_and_the_other_is_told_to_people(
        self, shop: Shop, *, is_first: bool
    ) -> None:
        fault(shop, "timeout_after", "payment_intents.create", times=3)
        assert shop.start(shop.a_cart(), token="pm_card_visa").status_code == 202
        twin = self.twin(shop)
        engine = shop.sandbox.engine
        due = engine.due_deliveries(shop.virtual.now(), limit=100)
        for delivery in reversed(due) if is_first else due:
            shop.carry(delivery)
            shop.work()
        wait(shop, rounds=4, seconds=601)

        placed = shop.order()
        assert (placed.state, placed.captured_minor, placed.excess_minor) == ("paid", 1999, 0)
        assert (shop.attempt().provider_reference == twin) is is_first
        [other] = {row["id"] for row in shop.truth("intent")} - {shop.attempt().provider_reference}
        assert [case.subject_id for case in Case.objects.filter(type="amount_mismatch")] == [other]
        assert operations("authorize") == ["succeeded"]


class TestExternalRefund:
    def refund_in_the_dashboard(self, shop: Shop, amount: int) -> None:
        form = f"payment_intent={shop.attempt().provider_reference}&amount={amount}".encode()
        headers = {"Authorization": "Bearer sk_test_sandbox", "Content-Type": "application/x-www-form-urlencoded"}
        answer = shop.sandbox.handle("POST", "http://sandbox.localhost/v1/refunds", headers, form)
        assert answer.status == 200

    def test_it_is_recorded_as_a_fact_with_a_case(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")
        self.refund_in_the_dashboard(shop, 500)

        for _ in range(2):
            shop.deliver()
            ask(shop)

        order = shop.order()
        assert (order.state, order.returned_minor, order.accepted_minor) == ("partially_refunded", 500, 1999)
        assert operations("refund") == ["succeeded"]
        assert cases() == ["external_refund"]

    def test_in_full_makes_the_order_refunded(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")
        self.refund_in_the_dashboard(shop, 1999)
        shop.deliver()

        assert shop.order().state == "refunded"

    def test_one_that_fails_later_is_taken_back(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_refundFail")
        self.refund_in_the_dashboard(shop, 500)
        ask(shop)
        assert shop.order().state == "partially_refunded"

        shop.pass_time(seconds=6)
        ask(shop)

        assert shop.order().returned_minor == 0
        assert operations("refund") == ["reversed"]
        assert shop.order().state == "paid"


# As Stripe writes them: yen have no decimals, dinars three, of which the last is always 0.
YEN = """{"id": "evt_1JPY", "object": "event", "api_version": "2026-10-28.endive", "created": %(created)s,
 "type": "payment_intent.succeeded", "livemode": false, "pending_webhooks": 1,
 "request": {"id": "req_1JPY", "idempotency_key": null}, "data": {"object": {
 "id": "%(intent)s", "object": "payment_intent", "status": "succeeded", "amount": 1980, "amount_capturable": 0,
 "amount_received": 1980, "currency": "jpy", "capture_method": "automatic", "created": %(created)s, "livemode": false,
 "latest_charge": "ch_1JPY", "metadata": {"order_id": "%(order)s", "attempt_id": "%(attempt)s"}}}}"""
DINARS = """{"id": "evt_1KWD", "object": "event", "api_version": "2026-10-28.endive", "created": %(created)s,
 "type": "payment_intent.succeeded", "livemode": false, "pending_webhooks": 1,
 "request": {"id": "req_1KWD", "idempotency_key": null}, "data": {"object": {
 "id": "%(intent)s", "object": "payment_intent", "status": "succeeded", "amount": 12340, "amount_capturable": 0,
 "amount_received": 12340, "currency": "kwd", "capture_method": "automatic", "created": %(created)s, "livemode": false,
 "latest_charge": "ch_1KWD", "metadata": {"order_id": "%(order)s", "attempt_id": "%(attempt)s"}}}}"""


@pytest.mark.pains("H1")
class TestLiteralEvents:
    def post(self, shop: Shop, event: str) -> None:
        attempt = shop.attempt()
        names = {"intent": attempt.provider_reference, "order": attempt.order.public_id, "attempt": attempt.public_id}
        body = (event % {**names, "created": int(clock.now().timestamp())}).encode()
        signed = signature_header(body, secrets=("whsec_sandbox",), signed_at=int(clock.now().timestamp()))
        assert shop.post_delivery({"Stripe-Signature": signed}, body).status_code == 200
        shop.work()

    @pytest.mark.parametrize(
        ("event", "currency", "price_minor", "shown"),
        [(YEN, "JPY", 1980, "JP¥1,980"), (DINARS, "KWD", 12_340, "KWD\xa012.340")],
        ids=["yen", "dinars"],
    )
    def test_pay_what_was_agreed(self, shop: Shop, event: str, currency: str, price_minor: int, shown: str) -> None:
        a_product(shop.channel, sku="LANTERN", price_minor=price_minor, currency=currency)
        order = shop.start(shop.a_cart({"LANTERN": 1}, currency=currency)).json()
        shop.confirm(order)

        self.post(shop, event)

        placed = shop.order()
        assert (placed.state, placed.currency, placed.captured_minor) == ("paid", currency, price_minor)
        assert taken(shop) == [price_minor]
        total = order["order"]["total"]
        assert (total["amount_minor"], total["display"]) == (price_minor, shown)

    @pytest.mark.parametrize(
        ("event", "currency", "price_minor"),
        # A hundred times as many yen, and a tenth of the dinars: as who takes every currency for one of two decimals.
        [(YEN, "JPY", 198_000), (YEN, "JPY", 20), (DINARS, "KWD", 12_350), (DINARS, "KWD", 1230)],
        ids=["yen-hundredths", "yen-whole", "dinars-a-step-more", "dinars-a-tenth"],
    )
    def test_of_another_amount_are_a_mismatch(self, shop: Shop, event: str, currency: str, price_minor: int) -> None:
        a_product(shop.channel, sku="LANTERN", price_minor=price_minor, currency=currency)
        shop.start(shop.a_cart({"LANTERN": 1}, currency=currency))
        shop.pass_time(seconds=5)

        self.post(shop, event)

        assert shop.order().state == "payment_pending"
        assert (holds(shop), cases()) == (["amount_mismatch"], ["amount_mismatch"])


class TestKronur:
    @pytest.mark.pains("H1")
    def test_are_paid_and_given_back_whole_though_the_provider_writes_them_in_hundredths(self, shop: Shop) -> None:
        shop.channel.currencies = [*shop.channel.currencies, "ISK"]
        shop.channel.save(update_fields=["currencies"])
        shop.account.currencies = [*shop.account.currencies, "ISK"]
        shop.account.save(update_fields=["currencies"])
        a_product(shop.channel, sku="SWEATER", price_minor=500, currency="ISK")

        order = shop.start(shop.a_cart({"SWEATER": 1}, currency="ISK")).json()
        shop.confirm(order)
        cancel(shop, order)
        shop.deliver()
        wait(shop, rounds=3, seconds=61)

        assert order["order"]["total"]["amount_minor"] == 500
        assert (taken(shop), given_back(shop)) == ([50_000], [50_000])
        placed = shop.order()
        assert (placed.state, placed.captured_minor, placed.returned_minor) == ("cancelled_with_refund", 500, 500)
