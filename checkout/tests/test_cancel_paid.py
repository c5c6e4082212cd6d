"""Cancelling what is paid and not yet on its way: everything goes back, and then the order is cancelled."""

from typing import Any

import pytest

from accounts.models import StaffRole, User
from catalog.tests.factories import a_product
from core import clock
from core.cause import system
from core.db import transaction
from orders.models import HoldReason, Order
from orders.refunding import WantedEverything, WantedUnits
from orders.selectors import lock_order, open_holds
from orders.services import NotFulfillable, open_hold, release_hold, request_fulfillment
from oversight.models import Case
from oversight.tasks import expire_approvals
from oversight.tests.factories import a_colleague
from payments.models import Dispute, Refund
from payments.services import RefundWish, approve_refund, reject_refund, request_refund, withdraw_refund
from reconciliation.tasks import sweep_refunds
from tests.journeys.buyers import cancel, read
from tests.journeys.facts import by, control, errors, fault, moves, shelf, violations
from tests.shop import Shop

Answer = dict[str, Any]


@pytest.fixture
def order(shop: Shop) -> Answer:
    """Four mugs, £79.96, paid."""
    answer: Answer = shop.start(shop.a_cart({"MUG-RED": 4}), token="pm_card_visa").json()
    shop.deliver()
    return answer


def refund(shop: Shop, wanted: Any, *, restocks: bool = False) -> None:
    """This will give something back by rule, and let a worker carry it out."""
    newest = Refund.objects.order_by("-id").values_list("public_id", flat=True).first() or ""
    wish = RefundWish(shop.order().public_id, wanted, "customer_request", newest, restocks=restocks)
    with transaction("test"):
        request_refund(wish, cause=system("rules", now=clock.now()))


class TestCancelPaid:
    def test_everything_goes_back_and_the_units_can_be_sold_again(self, shop: Shop, order: Answer) -> None:
        answer = cancel(shop, order)
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")
        shop.work()

        final = cancel(shop, order)
        assert (final.status_code, final.json()["status"]) == (200, "cancelled")
        assert cancel(shop, order).content == final.content
        assert moves(shop)[-2:] == ["paid", "cancelled_with_refund"]
        assert [row["amount"] for row in shop.truth("refund")] == [7996]
        assert shelf() == (10, 0, 0)
        assert violations(shop) == []

    def test_asked_twice_with_two_keys_it_goes_back_once(self, shop: Shop, order: Answer) -> None:
        first, second = cancel(shop, order, key="one"), cancel(shop, order, key="two")
        shop.work()

        assert [answer.status_code for answer in (first, second)] == [202, 202]
        assert [row["amount"] for row in shop.truth("refund")] == [7996]
        assert cancel(shop, order, key="three").status_code == 200

    def test_what_went_back_before_is_not_given_back_again(self, shop: Shop, order: Answer) -> None:
        refund(shop, WantedUnits({1: 1}), restocks=True)
        shop.work()
        assert shelf() == (7, 0, 3)

        cancel(shop, order)
        shop.work()

        assert [row["amount"] for row in shop.truth("refund")] == [1999, 5997]
        assert (shop.order().state, shelf()) == ("cancelled_with_refund", (10, 0, 0))
        assert violations(shop) == []

    def test_while_everything_is_on_its_way_back_already_it_ends_with_that(self, shop: Shop, order: Answer) -> None:
        refund(shop, WantedEverything())

        assert cancel(shop, order).status_code == 202
        shop.work()

        assert Refund.objects.count() == 1
        assert (shop.order().state, shelf()) == ("cancelled_with_refund", (10, 0, 0))

    def test_a_free_order_is_cancelled_at_once(self, shop: Shop) -> None:
        a_product(shop.channel, sku="SAMPLE", price_minor=0, stock=3)
        order = shop.start(shop.a_cart({"SAMPLE": 2})).json()

        answer = cancel(shop, order)

        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert (shop.order().state, shelf("SAMPLE")) == ("cancelled_with_refund", (3, 0, 0))
        assert violations(shop) == []

    def test_nothing_is_sent_any_more(self, shop: Shop, order: Answer) -> None:
        cancel(shop, order)

        with pytest.raises(NotFulfillable), transaction("test"):
            request_fulfillment(lock_order(order["order_id"]), cause=system("fulfillment", now=clock.now()))

    def test_under_review_it_goes_back_all_the_same(self, shop: Shop, order: Answer) -> None:
        with transaction("test"):
            cause = system("test", now=clock.now())
            open_hold(lock_order(order["order_id"]), reason=HoldReason.MANUAL, detail="", cause=cause)

        assert cancel(shop, order).status_code == 202
        shop.work()

        assert shop.order().state == "cancelled_with_refund"


class TestRefused:
    def test_once_goods_were_asked_to_leave(self, shop: Shop, order: Answer) -> None:
        with transaction("test"):
            request_fulfillment(lock_order(order["order_id"]), cause=system("fulfillment", now=clock.now()))

        answer = cancel(shop, order)

        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_cancel")
        assert Order.objects.get().cancel_requested_at is None
        assert Refund.objects.count() == 0

    def test_once_everything_went_back(self, shop: Shop, order: Answer) -> None:
        refund(shop, WantedEverything())
        shop.work()

        assert cancel(shop, order).json()["code"] == "cannot_cancel"

    def test_while_it_is_not_known_who_is_owed_what(self, shop: Shop, order: Answer) -> None:
        with transaction("test"):
            cause = system("test", now=clock.now())
            open_hold(lock_order(order["order_id"]), reason=HoldReason.AMOUNT_MISMATCH, detail="", cause=cause)

        answer = cancel(shop, order)

        assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")
        assert Order.objects.get().cancel_requested_at is None

    def test_of_money_that_a_bank_took_back_people_decide(self, shop: Shop, order: Answer) -> None:
        refund(shop, WantedUnits({1: 1}))
        shop.work()
        control(shop, "reversals", payment_intent=shop.truth("intent")[0]["id"])
        assert (shop.order().state, shop.order().is_capture_reversed) == ("partially_refunded", True)

        answer = cancel(shop, order)

        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_cancel")
        assert Refund.objects.count() == 1


class TestRefundThatFails:
    def test_the_order_is_held_and_a_person_decides(self, shop: Shop, order: Answer) -> None:
        fault(shop, "refund_pending_fails", "refunds.create", seconds=60)
        cancel(shop, order)
        shop.work()
        shop.pass_time(days=3)
        shop.deliver()

        assert shop.order().state == "paid"
        assert open_holds(shop.order()) == [HoldReason.REFUND_FAILED]
        assert Case.objects.filter(type="refund_failed", resolved_at=None).count() == 1
        assert read(shop, order).json()["status"] == "under_review"
        with transaction("test"):
            cause = system("test", now=clock.now())
            release_hold(lock_order(order["order_id"]), reason=HoldReason.REFUND_FAILED, cause=cause)
        assert read(shop, order).json()["status"] == "cancelling"
        refund(shop, WantedEverything())
        shop.work()
        assert shop.order().state == "cancelled_with_refund"


class TestWaitingForASecondPerson:
    """A refund that somebody asked for before the customer cancelled, and that waits for an approval."""

    @pytest.fixture
    def waiting(self, shop: Shop, order: Answer) -> Refund:
        ada = a_colleague("ada")
        wish = RefundWish(order["order_id"], WantedUnits({1: 3}), "damaged", "")
        with transaction("test"):
            (asked,) = request_refund(wish, cause=by(ada), staff=ada)
        assert asked.status == "awaiting_approval"
        cancel(shop, order)
        shop.work()
        assert [row["amount"] for row in shop.truth("refund")] == [1999]
        return asked

    @pytest.mark.parametrize("decision", ["rejected", "withdrawn", "expired"])
    def test_one_that_comes_to_nothing_goes_back_all_the_same(self, shop: Shop, waiting: Refund, decision: str) -> None:
        ada, grace = User.objects.get(email__startswith="ada"), a_colleague("grace", StaffRole.FINANCE)
        with transaction("test"):
            if decision == "rejected":
                reject_refund(waiting.public_id, approver=grace, cause=by(grace))
            if decision == "withdrawn":
                withdraw_refund(waiting.public_id, cause=by(ada))
        if decision == "expired":
            shop.pass_time(days=4)
            expire_approvals()
            sweep_refunds()
        shop.work()

        assert [row["amount"] for row in shop.truth("refund")] == [1999, 5997]
        assert shop.order().state == "cancelled_with_refund"
        assert violations(shop) == []

    def test_one_that_comes_to_nothing_while_the_order_is_held_waits_for_people(
        self, shop: Shop, waiting: Refund
    ) -> None:
        grace = a_colleague("grace", StaffRole.FINANCE)
        with transaction("test"):
            cause = system("test", now=clock.now())
            open_hold(lock_order(shop.order().public_id), reason=HoldReason.MANUAL, detail="", cause=cause)
            reject_refund(waiting.public_id, approver=grace, cause=by(grace))
        shop.sweep()
        assert [row["amount"] for row in shop.truth("refund")] == [1999]

        with transaction("test"):
            release_hold(lock_order(shop.order().public_id), reason=HoldReason.MANUAL, cause=cause)
        shop.sweep()

        assert [row["amount"] for row in shop.truth("refund")] == [1999, 5997]

    def test_one_that_is_agreed_to_ends_it(self, shop: Shop, waiting: Refund) -> None:
        ada, grace = User.objects.get(email__startswith="ada"), a_colleague("grace", StaffRole.FINANCE)
        with transaction("test"):
            approve_refund(waiting.public_id, approver=grace, requester=ada, cause=by(grace))
        shop.work()

        assert shop.order().state == "cancelled_with_refund"


def test_money_that_a_bank_gives_back_to_us_after_the_cancellation_goes_on_to_the_customer(
    shop: Shop, order: Answer
) -> None:
    control(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"], amount=1999)
    lost = Dispute.objects.get()
    control(shop, f"disputes/{lost.provider_reference}", status="lost")
    cancel(shop, order)
    assert [row["amount"] for row in shop.truth("refund")] == []
    control(shop, f"disputes/{lost.provider_reference}", status="won")
    shop.work()
    shop.sweep()

    assert sum(row["amount"] for row in shop.truth("refund")) == 7996
    assert shop.order().state == "cancelled_with_refund"
    assert violations(shop) == []


def test_while_a_bank_decides_nothing_goes_back_beside_it_and_nobody_is_in_the_way(
    shop: Shop, order: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    ada, grace = a_colleague("ada"), a_colleague("grace", StaffRole.FINANCE)
    with transaction("test"):
        wish = RefundWish(order["order_id"], WantedUnits({1: 3}), "damaged", "")
        (asked,) = request_refund(wish, cause=by(ada), staff=ada)
    cancel(shop, order)
    shop.work()
    control(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"], amount=1999)
    with transaction("test"):
        cause = system("test", now=clock.now())
        release_hold(lock_order(order["order_id"]), reason=HoldReason.DISPUTE, cause=cause)

    with transaction("test"):
        reject_refund(asked.public_id, approver=grace, cause=by(grace))
    shop.sweep()
    assert [row["amount"] for row in shop.truth("refund")] == [1999]
    assert errors(caplog) == []

    control(shop, f"disputes/{Dispute.objects.get().provider_reference}", status="won")
    shop.sweep()
    assert [row["amount"] for row in shop.truth("refund")] == [1999, 5997]
    assert shop.order().state == "cancelled_with_refund"
    assert violations(shop) == []
