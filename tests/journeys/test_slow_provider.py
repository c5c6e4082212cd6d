"""A provider that takes minutes: no lock runs out, because what guards the money is a row and not a time."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from django.test import Client

from core import clock, killpoints
from core.cause import system
from core.db import transaction
from core.models import IdempotencyKey
from orders.models import Order
from payments.models import Operation, PaymentAttempt
from payments.providers.registry import config_of, use_adapter
from payments.providers.stripe import StripeAdapter
from payments.services import carry_out, recover, request_capture
from reconciliation import services as reconciliation
from sandbox.in_process import SandboxTransport
from tests.journeys.buyers import cancel, hold_funds, pay_again
from tests.journeys.deaths import kill
from tests.journeys.facts import (
    assert_sound,
    calls,
    cases,
    charges,
    fault,
    given_back,
    lose_webhooks,
    operations,
    shelf,
    taken,
    wait,
    with_right_key,
    with_wrong_key,
)
from tests.journeys.rows import constraint_of_copy
from tests.shop import Shop

CALL = "call:POST:payment_intents"


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


class TestAnotherCard:
    @pytest.mark.pains("A4")
    def test_is_charged_only_after_two_looks_found_that_the_first_never_ran(self, shop: Shop) -> None:
        fault(shop, "timeout_before", "payment_intents.create", times=None)
        order = shop.start(shop.a_cart(), token="pm_card_visa").json()
        early = pay_again(shop, order, token="pm_card_mastercard", replace=True)
        # Its key is too old to be sent again, so that only looking is left.
        Operation.objects.update(provider_key_expires_at=clock.now())
        wait(shop, rounds=3, seconds=200)
        shop.sandbox.engine.faults.clear()

        again = pay_again(shop, order, token="pm_card_mastercard", replace=True, key="proven")

        assert (early.status_code, early.json()["code"]) == (409, "payment_being_verified")
        assert (again.status_code, again.json()["status"]) == (201, "paid")
        assert (operations("authorize"), taken(shop)) == (["failed", "succeeded"], [1999])
        asked = calls(shop)
        keys = [call["idempotency_key"] for call in asked if call["operation"] == "payment_intents.create"]
        assert len(keys) > 2
        assert set(keys[:-1]) == {keys[0]} != {keys[-1]}
        last_of_first = max(place for place, call in enumerate(asked) if call["idempotency_key"] == keys[0])
        looks = [call["at"] for call in asked[last_of_first:-1] if call["operation"] == "payment_intents.list"]
        assert looks[-1] - looks[0] >= 120
        assert asked[-1]["idempotency_key"] == keys[-1]


class TestCancellations:
    def test_one_whose_payment_is_being_closed_stands_before_no_other(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many wait for a provider that is away, the sweep goes on to who can be helped."""
        monkeypatch.setattr(reconciliation, "BATCH", 1)
        cancel(shop, shop.start(shop.a_cart()).json())
        # The second one's payment could not be closed: our key was refused.
        cancel(shop, shop.start(shop.a_cart(), key="next").json(), key="next")
        with_wrong_key(shop)
        carry_out(Operation.objects.filter(kind="void").latest("id").public_id, cause=system("worker", now=clock.now()))
        with_right_key(shop)
        before = operations("void")
        shop.pass_time(minutes=10)

        reconciliation.sweep_cancellations(now=clock.now)

        assert (before, operations("void")) == (["created", "failed"], ["created", "failed", "created"])
        shop.work()
        assert set(Order.objects.values_list("state", flat=True)) == {"cancelled"}


class TestTenMinutes:
    @pytest.mark.pains("A6")
    @pytest.mark.parametrize("point", [f"{CALL}:before", f"{CALL}:during", f"{CALL}:after"])
    def test_requests_and_sweeps_meanwhile_and_afterwards_charge_nothing_more(self, shop: Shop, point: str) -> None:
        cart = shop.a_cart()
        lose_webhooks(shop)
        meanwhile: list[Any] = []

        def others(reached: str) -> None:
            if reached != point or meanwhile:
                return
            meanwhile.append("begun")
            # Longer than any lease: the first request's right to the key ran out long ago.
            shop.pass_time(minutes=10)
            meanwhile.extend(self.everybody_asks(shop, cart))
            shop.sweep()

        with killpoints.listen(others):
            first = shop.start(cart, token="pm_card_visa")
        wait(shop, rounds=3, seconds=61)
        afterwards = self.everybody_asks(shop, cart)

        assert first.status_code in {201, 202, 409}
        assert {answer.status_code for answer in meanwhile[1:]} <= {200, 201, 202, 409}
        assert {answer.json()["status"] for answer in afterwards} == {"paid"}
        assert (taken(shop), charges(shop), given_back(shop)) == ([1999], 1, [])
        assert (PaymentAttempt.objects.count(), operations("authorize"), shelf()) == (1, ["succeeded"], (9, 0, 1))

    def everybody_asks(self, shop: Shop, cart: tuple[str, str]) -> list[Any]:
        """This will pay again with the same key, another one, and from another device."""
        other_device = replace(shop, client=Client())
        number = IdempotencyKey.objects.count()
        return [
            shop.start(cart, token="pm_card_visa"),
            shop.start(cart, token="pm_card_visa", key=f"new-{number}"),
            other_device.start(cart, token="pm_card_mastercard", key=f"device-{number}"),
        ]

    @pytest.mark.pains("A6")
    def test_an_answer_that_takes_ten_minutes_is_found_out_and_not_repeated(self, shop: Shop) -> None:
        lose_webhooks(shop)
        fault(shop, "slow", "payment_intents.create", times=1, seconds=600)
        cart = shop.a_cart()

        first = shop.start(cart, token="pm_card_visa")
        shop.start(cart, token="pm_card_visa", key="another")
        wait(shop, rounds=3, seconds=61)

        assert first.status_code in {201, 202}
        assert (shop.order().state, taken(shop), charges(shop)) == ("paid", [1999], 1)

    @pytest.mark.pains("A6", "A5")
    @pytest.mark.pains("A4")
    def test_a_refusal_of_the_first_call_proves_nothing_once_another_took_it_over(self, shop: Shop) -> None:
        """The first caller reads its refusal when a second one has sent the same for real and heard nothing."""
        with_wrong_key(shop)
        lose_webhooks(shop)
        cart = shop.a_cart()
        codes: list[int] = []

        def second_comes_first(point: str) -> None:
            if point == "tx:checkout.start.finish:begin" and not codes:
                codes.append(0)
                with_right_key(shop)
                shop.pass_time(seconds=121)
                fault(shop, "timeout_after", "payment_intents.create", times=3)
                codes.append(shop.start(cart, token="pm_card_visa").status_code)

        with killpoints.listen(second_comes_first):
            first = shop.start(cart, token="pm_card_visa")

        assert (first.status_code, codes) == (409, [0, 202])
        assert (operations("authorize"), taken(shop)) == (["unknown"], [1999])
        assert shop.attempt().dead_at is None
        wait(shop, rounds=4, seconds=601)
        assert (shop.order().state, taken(shop), charges(shop)) == ("paid", [1999], 1)

    def test_the_database_itself_refuses_a_second_living_attempt(self, shop: Shop) -> None:
        shop.start(shop.a_cart())

        other = {"public_id": "payatt_second", "provider_reference": "pi_second", "status": "created"}

        assert constraint_of_copy(shop.attempt(), **other) == "payments_attempt_one_current"
        assert PaymentAttempt.objects.count() == 1


class Recording(httpx2.BaseTransport):
    """Notes the key of every write, and whether its operation stood in the database by then."""

    def __init__(self, shop: Shop) -> None:
        self.inner = SandboxTransport(shop.sandbox)
        self.keys: list[str] = []
        self.known: list[bool] = []
        self.keys_of: dict[str, list[str]] = defaultdict(list)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Look, then pass on."""
        key = request.headers.get("Idempotency-Key")
        if request.method == "POST" and key:
            self.keys.append(key)
            self.keys_of[request.url.path.rpartition("/")[2]].append(key)
            self.known.append(Operation.objects.filter(provider_key=key, status__in=["sent", "unknown"]).exists())
        return self.inner.handle_request(request)


def restart(shop: Shop) -> Recording:
    """This will give the shop an adapter that knows nothing of what went before, as a new process has."""
    recording = Recording(shop)
    use_adapter(shop.account, StripeAdapter(config_of(shop.account), inner=recording))
    return recording


class TestKeysToTheProvider:
    @pytest.mark.pains("D1")
    def test_are_ours_stored_before_the_call_and_one_for_each_operation(self, shop: Shop) -> None:
        provider = restart(shop)

        order = shop.start(shop.a_cart(), key="the-client's-own", token="pm_card_chargeDeclined").json()
        pay_again(shop, order, token="pm_card_visa", key="the-client's-own-2")

        assert all(provider.known)
        assert len(provider.keys) == len(set(provider.keys)) == Operation.objects.count() == 3
        assert not [key for key in provider.keys if "client" in key]

    @pytest.mark.pains("D1", "B6")
    @pytest.mark.parametrize("point", [f"{CALL}:before", f"{CALL}:during", f"{CALL}:after"])
    def test_survive_the_death_of_their_process_at_any_point_of_the_call(self, shop: Shop, point: str) -> None:
        lose_webhooks(shop)
        provider, cart = restart(shop), shop.a_cart()

        kill(lambda: shop.start(cart, token="pm_card_visa"), point)

        # What was decided before the call outlives who decided it: nothing rolled back with them.
        operation = Operation.objects.select_related("attempt").get()
        assert (operation.status, operation.amount_minor, operation.attempt.amount_minor) == ("sent", 1999, 1999)
        assert set(provider.keys) <= {operation.provider_key}
        assert shop.order().total_minor == 1999

        successor = restart(shop)
        shop.pass_time(seconds=61)
        recover(operation.public_id, cause=system("sweep", now=clock.now()))
        wait(shop, rounds=3, seconds=61)

        assert set(provider.keys) | set(successor.keys) == {operation.provider_key}
        assert (shop.order().state, taken(shop), charges(shop), cases()) == ("paid", [1999], 1, [])
        assert shop.start(cart, token="pm_card_visa").json()["status"] == "paid"

    @pytest.mark.pains("A3")
    def test_stay_the_same_however_often_a_capture_is_tried(self, shop: Shop) -> None:
        hold_funds(shop)
        lose_webhooks(shop)
        provider = restart(shop)
        fault(shop, "timeout_after", "payment_intents.capture", times=4)

        with transaction("test"):
            request_capture(shop.order().public_id, cause=system("sweep", now=clock.now()))
        shop.work()
        assert operations("capture") == ["unknown"]
        wait(shop, rounds=6, seconds=121)

        assert len(provider.keys_of["capture"]) > 1
        assert set(provider.keys_of["capture"]) == {Operation.objects.get(kind="capture").provider_key}
        assert (taken(shop), operations("capture"), shop.order().state) == ([1999], ["succeeded"], "paid")

    @pytest.mark.pains("A3")
    def test_stay_the_same_however_often_money_is_given_back(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        lose_webhooks(shop)
        shop.confirm(order)
        provider = restart(shop)
        fault(shop, "timeout_after", "refunds.create", times=4)

        cancel(shop, order)
        wait(shop, rounds=12, seconds=121)

        assert len(provider.keys_of["refunds"]) > 1
        assert set(provider.keys_of["refunds"]) == {Operation.objects.get(kind="give_back").provider_key}
        assert (taken(shop), given_back(shop), operations("give_back")) == ([1999], [1999], ["succeeded"])
