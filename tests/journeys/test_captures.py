"""Held funds taken in parts, in time, or not at all."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from orders.models import HoldReason
from orders.selectors import lock_order
from orders.services import adjust_due, open_hold
from oversight.models import Case
from payments.models import Operation, PaymentAttempt
from payments.services import AuthorizationLapsed, BeyondAuthorized, NotTheWhole, ask_provider, request_capture
from reconciliation import services as reconciliation
from reconciliation import sweeping_money
from tests.journeys.buyers import Answer, hold_funds, pay_again, read
from tests.journeys.facts import (
    assert_sound,
    cases,
    control,
    fault,
    given_back,
    held,
    lose_webhooks,
    moves,
    operations,
    shelf,
    taken,
    violations,
    voided_though_it_will_pay,
    wait,
)
from tests.shop import Shop
from tests.simulation.line import in_dashboard


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def ask(shop: Shop, amount_minor: int | None = None, *, is_final: bool = True) -> None:
    """This will ask for held funds; no worker has taken them yet."""
    with transaction("test"):
        cause = system("staff", now=clock.now())
        request_capture(shop.order().public_id, amount_minor=amount_minor, is_final=is_final, cause=cause)


def capture(shop: Shop, amount_minor: int | None = None, *, is_final: bool = True) -> None:
    """This will ask for held funds and let a worker take them."""
    ask(shop, amount_minor, is_final=is_final)
    shop.work()
    shop.deliver()


def captures(*statuses: str) -> list[Operation]:
    """This will return the captures, of these statuses if any are named, oldest first."""
    rows = Operation.objects.filter(kind="capture").order_by("id")
    return list(rows.filter(status__in=statuses) if statuses else rows)


class TestTakenInTheDashboard:
    def test_held_funds_that_somebody_takes_at_the_provider_pay_the_order_and_have_their_operation(
        self, shop: Shop
    ) -> None:
        hold_funds(shop)
        assert shop.order().state == "payment_authorized"

        in_dashboard(shop, f"payment_intents/{shop.attempt().provider_reference}/capture")
        for _ in range(2):
            shop.deliver()
            ask_provider(shop.attempt(), cause=system("staff", now=clock.now()))

        assert (shop.order().state, taken(shop), held(shop)) == ("paid", [1999], [0])
        assert (operations("authorize"), operations("capture")) == (["succeeded"], ["succeeded"])
        assert shelf() == (9, 0, 1)


def being_closed_beside_another(shop: Shop) -> Answer:
    """This will bring a try to life that another one has followed; its void had no answer, and the provider is back."""
    first = hold_funds(shop, card="pm_card_lateSuccess")
    voided_though_it_will_pay(shop)
    pay_again(shop, first, token="pm_card_captureFail")
    fault(shop, "timeout_before", "payment_intents.cancel", times=None)
    shop.pass_time(seconds=6)
    shop.deliver()
    ask(shop)
    shop.work()
    assert (shop.order().state, operations("void")) == ("capture_failed", ["sent"])
    shop.sandbox.engine.faults.clear()
    return first


class TestParts:
    def test_several_captures_pay_when_they_make_what_is_due(self, shop: Shop) -> None:
        hold_funds(shop)

        capture(shop, 500, is_final=False)
        assert (shop.order().state, taken(shop), held(shop)) == ("payment_authorized", [500], [1499])
        capture(shop, 499, is_final=False)
        capture(shop)

        assert (shop.order().state, taken(shop), held(shop)) == ("paid", [1999], [0])
        assert operations("capture") == ["succeeded"] * 3

    @pytest.mark.parametrize("is_heard_first", [True, False])
    def test_all_taken_in_the_dashboard_while_a_part_is_asked_for_pays_and_has_its_operations(
        self, shop: Shop, is_heard_first: bool
    ) -> None:
        hold_funds(shop)
        ask(shop, 500, is_final=False)
        in_dashboard(shop, f"payment_intents/{shop.attempt().provider_reference}/capture")

        if is_heard_first:
            shop.deliver()
        shop.work()
        shop.deliver()

        assert (shop.order().state, taken(shop)) == ("paid", [1999])
        assert [row.amount_minor for row in captures("succeeded")] == [500, 1499]
        assert "amount_mismatch" not in cases()

    def test_the_rest_taken_in_the_dashboard_has_an_operation_of_its_own(self, shop: Shop) -> None:
        hold_funds(shop)
        capture(shop, 500, is_final=False)
        in_dashboard(shop, f"payment_intents/{shop.attempt().provider_reference}/capture")
        shop.deliver()

        assert (shop.order().state, taken(shop)) == ("paid", [1999])
        assert [row.amount_minor for row in captures("succeeded")] == [500, 1499]

    def test_two_parts_taken_in_the_dashboard_have_an_operation_each(self, shop: Shop) -> None:
        hold_funds(shop)
        path = f"payment_intents/{shop.attempt().provider_reference}/capture"
        assert in_dashboard(shop, path, form=b"amount_to_capture=500&final_capture=false") == 200
        shop.deliver()
        in_dashboard(shop, path)
        shop.deliver()

        assert (shop.order().state, taken(shop)) == ("paid", [1999])
        assert [row.amount_minor for row in captures("succeeded")] == [500, 1499]

    def test_another_part_than_ours_taken_in_the_dashboard_is_for_people(self, shop: Shop) -> None:
        hold_funds(shop)
        ask(shop)
        reference = shop.attempt().provider_reference
        in_dashboard(shop, f"payment_intents/{reference}/capture", form=b"amount_to_capture=100")
        shop.deliver()
        assert [row.amount_minor for row in captures("succeeded")] == [100]
        shop.work()

        assert (shop.order().state, taken(shop)) == ("capture_failed", [100])
        assert [(row.status, row.amount_minor) for row in captures()] == [("failed", 1999), ("succeeded", 100)]
        assert "amount_mismatch" in cases()

    def test_a_part_that_never_ran_is_not_taken_for_the_one_before(self, shop: Shop) -> None:
        hold_funds(shop)
        capture(shop, 500, is_final=False)
        fault(shop, "timeout_before", "payment_intents.capture", times=None)
        ask(shop, 499, is_final=False)
        shop.work()
        ask_provider(shop.attempt(), cause=system("staff", now=clock.now()))

        assert [(row.status, row.amount_minor) for row in captures()] == [("succeeded", 500), ("sent", 499)]
        shop.sandbox.engine.faults.clear()
        shop.pass_time(minutes=2)
        shop.sweep()
        shop.deliver()
        assert [(row.status, row.amount_minor) for row in captures()] == [("succeeded", 500), ("succeeded", 499)]
        assert taken(shop) == [999]

    def test_what_is_held_beyond_a_lowered_due_is_released(self, shop: Shop) -> None:
        hold_funds(shop)
        with transaction("test"):
            order = lock_order(shop.order().public_id)
            cause = system("staff", now=clock.now())
            adjust_due(order, amount_minor=-999, reason="one is missing", approved_by="staff:usr_2", cause=cause)

        capture(shop)

        assert (shop.order().state, taken(shop), held(shop)) == ("paid", [1000], [0])

    def test_more_than_is_held_is_refused_and_a_last_part_that_is_not_the_whole(self, shop: Shop) -> None:
        hold_funds(shop)

        with pytest.raises(BeyondAuthorized):
            capture(shop, 2000)
        with pytest.raises(NotTheWhole):
            capture(shop, 1000)

        assert operations("capture") == []

    def test_a_hold_that_ends_after_a_part_leaves_the_rest_to_another_card_for_its_time(self, shop: Shop) -> None:
        hold_funds(shop)
        capture(shop, 500, is_final=False)

        shop.pass_time(days=7, minutes=5)
        shop.deliver()
        shop.sweep()
        assert (shop.order().state, shelf()) == ("capture_failed", (9, 1, 0))
        shop.pass_time(minutes=15)
        for _ in range(2):
            shop.sweep()
            shop.deliver()

        assert (taken(shop), shelf()) == ([500], (10, 0, 0))
        # Nobody brought the rest in time: what was taken went back.
        assert moves(shop)[2:] == ["payment_authorized", "capture_failed", "cancelled_with_refund"]

    def test_the_rest_that_a_bank_let_go_is_paid_with_another_card_also_after_a_decline(self, shop: Shop) -> None:
        """What was taken stands in nobody's way: nothing more can come of that payment."""
        first = hold_funds(shop)
        capture(shop, 500, is_final=False)
        shop.pass_time(days=7, minutes=1)
        shop.deliver()
        assert (shop.order().state, taken(shop)) == ("capture_failed", [500])
        assert "A part of your order is paid" in read(shop, first).json()["message"]

        declined = pay_again(shop, first, token="pm_card_chargeDeclined", key="second")
        assert (declined.status_code, shop.order().state) == (201, "payment_failed")
        assert declined.json()["order"]["next_actions"] == ["retry_payment", "cancel"]
        held_again = pay_again(shop, first, token="pm_card_visa", key="third")
        assert (held_again.status_code, held(shop)) == (201, [0, 0, 1499])
        capture(shop)

        assert (taken(shop), shop.order().state) == ([500, 0, 1499], "paid")

    def test_a_rest_that_is_taken_whole_when_the_part_before_it_is_gone_asks_for_what_is_missing(
        self, shop: Shop
    ) -> None:
        """Also with time for it, however little was left of the time before."""
        first = hold_funds(shop)
        capture(shop, 500, is_final=False)
        shop.pass_time(days=7, minutes=1)
        shop.deliver()
        rest = pay_again(shop, first, key="rest").json()
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        shop.pass_time(minutes=14)

        shop.confirm(rest)
        in_dashboard(shop, f"payment_intents/{shop.truth('intent')[1]['id']}/capture")
        shop.deliver()

        order = shop.order()
        assert (order.state, order.captured_minor, order.due_minor) == ("payment_failed", 1499, 1999)
        assert order.expires_at == clock.now() + timedelta(minutes=15)
        shown = read(shop, first).json()
        assert "A part of your order is paid" in shown["message"]
        assert shown["next_actions"] == ["retry_payment", "cancel"]
        pay_again(shop, first, token="pm_card_visa", key="missing")
        capture(shop)
        assert (moves(shop)[-2:], shop.order().accepted_minor) == (["payment_authorized", "paid"], 1999)

    def test_a_declined_try_at_the_rest_that_was_closed_leaves_the_customer_their_time(self, shop: Shop) -> None:
        """As when the server dies while it closes that try to open another."""
        first = hold_funds(shop)
        capture(shop, 500, is_final=False)
        shop.pass_time(days=7, minutes=1)
        shop.deliver()
        pay_again(shop, first, token="pm_card_chargeDeclined")

        in_dashboard(shop, f"payment_intents/{shop.truth('intent')[1]['id']}/cancel")
        shop.deliver()
        shop.sweep()

        assert (shop.order().state, shop.attempt().status, given_back(shop)) == ("payment_failed", "voided", [])
        assert violations(shop) == []
        wait(shop, rounds=3, minutes=16)
        assert (moves(shop)[-1], given_back(shop)) == ("cancelled_with_refund", [500])

    def test_a_try_at_the_rest_that_nobody_finishes_ends_the_order_as_soon_as_it_is_closed(self, shop: Shop) -> None:
        first = hold_funds(shop)
        capture(shop, 500, is_final=False)
        shop.pass_time(days=7, minutes=1)
        shop.deliver()
        assert pay_again(shop, first, token="pm_card_authenticationRequired").status_code == 201

        while not operations("void"):
            shop.pass_time(minutes=16)
            reconciliation.sweep_expired_orders(now=clock.now)
        assert shop.order().state == "payment_pending"
        shop.work()
        assert (operations("void"), shop.order().cancel_requested_at) == (["succeeded"], clock.now())
        shop.work()

        assert moves(shop)[-2:] == ["payment_pending", "cancelled_with_refund"]
        assert (taken(shop), given_back(shop), held(shop)) == ([500, 0], [500], [0, 0])

    @pytest.mark.pains("A5")
    def test_no_third_is_opened_while_the_first_that_came_to_life_again_is_being_closed(self, shop: Shop) -> None:
        """Until the provider has closed it both could be paid."""
        first = being_closed_beside_another(shop)

        refused = pay_again(shop, first, token="pm_card_visa", replace=True, key="third")

        assert (refused.status_code, refused.json()["code"]) == (409, "payment_being_verified")
        # Going on with the one that is there opens nothing.
        assert pay_again(shop, first, key="on").status_code == 200
        assert len(shop.truth("intent")) == 2
        wait(shop, rounds=2, seconds=121)
        assert operations("void")[0] == "succeeded"
        assert pay_again(shop, first, token="pm_card_visa", replace=True, key="fourth").status_code == 201
        assert held(shop) == [0, 0, 1999]

    @pytest.mark.pains("A5")
    def test_nor_is_one_when_the_second_was_closed_at_the_provider_meanwhile(self, shop: Shop) -> None:
        first = being_closed_beside_another(shop)
        in_dashboard(shop, f"payment_intents/{shop.truth('intent')[1]['id']}/cancel")
        shop.deliver()
        assert [attempt.dead_at is None for attempt in PaymentAttempt.objects.order_by("id")] == [True, False]
        # Nobody is asked to do what would be refused.
        assert read(shop, first).json()["next_actions"] == ["wait", "cancel"]

        refused = pay_again(shop, first, token="pm_card_visa", key="third")

        assert (refused.status_code, refused.json()["code"]) == (409, "payment_being_verified")
        assert len(shop.truth("intent")) == 2
        wait(shop, rounds=2, seconds=121)
        assert pay_again(shop, first, token="pm_card_visa", key="fourth").status_code == 201


class TestDeadline:
    @pytest.mark.pains("G3")
    def test_after_it_nothing_is_taken_and_the_customer_has_to_pay_again(self, shop: Shop) -> None:
        hold_funds(shop)
        lose_webhooks(shop)
        shop.pass_time(days=7, seconds=1)

        with pytest.raises(AuthorizationLapsed):
            capture(shop)

        assert (shop.order().state, taken(shop)) == ("payment_authorized", [0])
        shop.sweep()
        assert shop.order().state == "expired"

    def test_it_is_told_of_two_days_before_and_taken_on_the_last_one(self, shop: Shop) -> None:
        hold_funds(shop)
        shop.pass_time(days=4, hours=23)
        assert sweeping_money.sweep_authorizations(now=clock.now) == 0

        shop.pass_time(hours=2)
        sweeping_money.sweep_authorizations(now=clock.now)
        shop.work()
        assert (cases(), taken(shop)) == (["authorization_expiring"], [0])

        shop.pass_time(hours=24)
        sweeping_money.sweep_authorizations(now=clock.now)
        shop.work()
        shop.deliver()
        assert (shop.order().state, taken(shop)) == ("paid", [1999])
        assert Case.objects.get().status == "resolved"

    def test_whoever_holds_the_order_is_told_and_nothing_is_taken(self, shop: Shop) -> None:
        hold_funds(shop)
        with transaction("test"):
            cause = system("rules", now=clock.now())
            open_hold(lock_order(shop.order().public_id), reason=HoldReason.MANUAL, detail="look", cause=cause)

        shop.pass_time(days=6, hours=12)
        sweeping_money.sweep_authorizations(now=clock.now)
        shop.work()

        assert taken(shop) == [0]
        assert "an open hold keeps them" in Case.objects.get(type="authorization_expiring").summary
