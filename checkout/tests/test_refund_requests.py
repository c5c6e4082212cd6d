"""Refund requests of customers over HTTP: granted by rule, refused by rule, or left to a person."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import StaffRole
from core import clock, policies
from core.cause import system
from core.db import transaction
from orders.models import HoldReason
from orders.selectors import lock_order
from orders.services import open_hold, record_fulfillment, request_fulfillment
from oversight.models import AuditEntry
from oversight.services import NotPermitted, actor_name
from oversight.tests.factories import a_colleague
from payments.models import ClaimStatus, Refund, RefundClaim
from payments.services import ClaimDecided, RefundLocked, approve_refund, grant_claim, refuse_claim, reject_refund
from tests.journeys.buyers import cancel
from tests.journeys.facts import by, cases, control, shelf, violations
from tests.shop import Shop

Answer = dict[str, Any]


@pytest.fixture
def order(shop: Shop) -> Answer:
    """Two mugs and a lamp, £84.98, paid."""
    answer: Answer = shop.start(shop.a_cart({"MUG-RED": 2, "LAMP": 1}), token="pm_card_visa").json()
    shop.deliver()
    return answer


def ask(shop: Shop, order: Answer, *lines: tuple[str, int], key: str = "refund", **more: Any) -> Any:
    """This will ask for units back, for everything without any."""
    body: dict[str, Any] = {"reason": "damaged", **more}
    if lines:
        body["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    path = f"orders/{order['order_id']}/refund-requests"
    return shop.api("POST", path, body, x_order_token=order["order_token"], idempotency_key=key)


def read(shop: Shop, order: Answer, claim: Answer) -> Any:
    """This will ask what became of a request."""
    return shop.api("GET", f"refund-requests/{claim['refund_request_id']}", x_order_token=order["order_token"])


def hold(shop: Shop) -> None:
    """This will put the order under somebody's eyes."""
    with transaction("test"):
        cause = system("test", now=clock.now())
        open_hold(lock_order(shop.order().public_id), reason=HoldReason.MANUAL, detail="", cause=cause)


class TestGrantedByRule:
    def test_units_come_back_at_once_and_can_be_sold_again(self, shop: Shop, order: Answer) -> None:
        answer = ask(shop, order, ("MUG-RED", 1))

        assert answer.status_code == 201
        claim = answer.json()
        assert (claim["status"], claim["amount"]["amount_minor"]) == ("refund_pending", 1999)
        assert claim["lines"] == [{"sku": "MUG-RED", "quantity": 1}]
        shop.work()
        shown = read(shop, order, claim).json()
        assert (shown["status"], [row["status"] for row in shown["refunds"]]) == ("refunded", ["succeeded"])
        assert [row["amount"] for row in shop.truth("refund")] == [1999]
        assert shelf() == (9, 0, 1)
        assert violations(shop) == []

    def test_everything_without_lines(self, shop: Shop, order: Answer) -> None:
        ask(shop, order)
        shop.work()

        assert (shop.order().state, shop.order().returned_minor) == ("refunded", 8498)

    @pytest.mark.pains("F1")
    def test_a_repeated_request_gives_nothing_back_again(self, shop: Shop, order: Answer) -> None:
        first = ask(shop, order, ("MUG-RED", 1))
        again = ask(shop, order, ("MUG-RED", 1))

        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"
        assert Refund.objects.count() == 1

    @pytest.mark.pains("F1")
    def test_a_second_tap_with_a_new_key_waits_for_a_person(self, shop: Shop, order: Answer) -> None:
        ask(shop, order, ("MUG-RED", 1))
        second = ask(shop, order, ("MUG-RED", 1), key="second").json()

        assert second["status"] == "waiting"
        assert Refund.objects.count() == 1
        assert RefundClaim.objects.latest("id").rule == "refund_under_way"
        third = ask(shop, order, ("MUG-RED", 1), key="third")
        assert (third.status_code, third.json()["code"]) == (409, "refund_request_waiting")
        assert third.json()["refund_request_id"] == second["refund_request_id"]

    def test_all_of_an_order_are_listed_newest_first(self, shop: Shop, order: Answer) -> None:
        asked = [ask(shop, order, ("MUG-RED", 1), key="one").json()]
        shop.work()
        asked.append(ask(shop, order, ("LAMP", 1), key="two").json())

        path = f"orders/{order['order_id']}/refund-requests"
        listed = shop.api("GET", path, x_order_token=order["order_token"]).json()["refund_requests"]
        assert [row["refund_request_id"] for row in listed] == [row["refund_request_id"] for row in reversed(asked)]


class TestLeftToAPerson:
    @pytest.fixture
    def waiting(self, shop: Shop, order: Answer) -> Answer:
        """A lamp asked back of an order that somebody looks at."""
        hold(shop)
        claim: Answer = ask(shop, order, ("LAMP", 1), note="It hums.").json()
        assert claim["status"] == "waiting"
        assert Refund.objects.count() == 0
        assert cases() == ["refund_claimed"]
        return claim

    def test_what_is_above_the_policy_s_amount_with_what_went_back_before(self, shop: Shop, order: Answer) -> None:
        with transaction("test"):
            policies.change("refunds", values={"by_rule_up_to_major": 60}, reason="test", now=clock.now())
        ask(shop, order, ("LAMP", 1), key="one")
        shop.work()

        assert ask(shop, order, ("MUG-RED", 1), key="two").json()["status"] == "waiting"
        assert RefundClaim.objects.latest("id").rule == "above_amount"

    def test_goods_that_left_the_house(self, shop: Shop, order: Answer) -> None:
        with transaction("test"):
            request_fulfillment(lock_order(order["order_id"]), cause=system("fulfillment", now=clock.now()))
            record_fulfillment(
                lock_order(order["order_id"]), units={1: 2, 2: 1}, cause=system("fulfillment", now=clock.now())
            )

        assert ask(shop, order, ("LAMP", 1)).json()["status"] == "waiting"
        assert RefundClaim.objects.get().rule == "goods_left"

    def test_somebody_grants_it_within_their_limits(self, shop: Shop, order: Answer, waiting: Answer) -> None:
        ada = a_colleague("ada")
        with transaction("test"):
            (refund,) = grant_claim(waiting["refund_request_id"], staff=ada, cause=by(ada), restocks=True)
        shop.work()

        assert (refund.claim and refund.claim.public_id, refund.amount_minor) == (waiting["refund_request_id"], 4500)
        assert read(shop, order, waiting).json()["status"] == "refunded"
        assert shelf("LAMP") == (5, 0, 0)
        assert cases() == []
        assert violations(shop) == []

    def test_what_cannot_be_sold_again_stays_sold(self, shop: Shop, waiting: Answer) -> None:
        ada = a_colleague("ada")
        with transaction("test"):
            grant_claim(waiting["refund_request_id"], staff=ada, cause=by(ada))
        shop.work()

        assert shelf("LAMP") == (4, 0, 1)

    def test_while_a_bank_decides_it_is_granted_by_override_and_a_second_person_alone(
        self, shop: Shop, waiting: Answer
    ) -> None:
        control(shop, "disputes", payment_intent=shop.truth()[0]["id"])
        grace = a_colleague("grace", StaffRole.FINANCE)
        claim_id = waiting["refund_request_id"]

        with pytest.raises(RefundLocked), transaction("test"):
            grant_claim(claim_id, staff=grace, cause=by(grace))
        with transaction("test"):
            (refund,) = grant_claim(claim_id, staff=grace, cause=by(grace), overrides_dispute=True)

        assert (refund.status, refund.is_during_dispute) == ("awaiting_approval", True)
        shop.work()
        assert shop.truth("refund") == []

    def test_beyond_them_a_second_person_decides_and_the_customer_goes_on_waiting(
        self, shop: Shop, order: Answer
    ) -> None:
        hold(shop)
        claim = ask(shop, order).json()
        ada, grace = a_colleague("ada"), a_colleague("grace", StaffRole.FINANCE)
        with transaction("test"):
            (refund,) = grant_claim(claim["refund_request_id"], staff=ada, cause=by(ada))
        assert read(shop, order, claim).json()["status"] == "waiting"

        with transaction("test"):
            approve_refund(refund.public_id, approver=grace, requester=ada, cause=by(grace))
        shop.work()

        assert read(shop, order, claim).json()["status"] == "refunded"

    def test_a_second_person_may_refuse_what_one_granted(self, shop: Shop, order: Answer) -> None:
        hold(shop)
        claim = ask(shop, order).json()
        ada, grace = a_colleague("ada"), a_colleague("grace", StaffRole.FINANCE)
        with transaction("test"):
            (refund,) = grant_claim(claim["refund_request_id"], staff=ada, cause=by(ada))
        with transaction("test"):
            reject_refund(refund.public_id, approver=grace, cause=by(grace))

        assert read(shop, order, claim).json()["status"] == "refused"

    def test_it_is_decided_once(self, shop: Shop, waiting: Answer) -> None:
        ada = a_colleague("ada")
        with transaction("test"):
            grant_claim(waiting["refund_request_id"], staff=ada, cause=by(ada))

        with pytest.raises(ClaimDecided), transaction("test"):
            grant_claim(waiting["refund_request_id"], staff=ada, cause=by(ada))
        with pytest.raises(ClaimDecided), transaction("test"):
            refuse_claim(waiting["refund_request_id"], staff=ada, cause=by(ada), note="No.")
        assert Refund.objects.count() == 1

    def test_a_refusal_is_told_in_its_own_words_and_audited(self, shop: Shop, order: Answer, waiting: Answer) -> None:
        ada = a_colleague("ada")
        with transaction("test"):
            refuse_claim(waiting["refund_request_id"], staff=ada, cause=by(ada), note="The lamp is meant to hum.")

        shown = read(shop, order, waiting).json()
        assert (shown["status"], shown["message"]) == ("refused", "The lamp is meant to hum.")
        assert AuditEntry.objects.filter(action="refund_request_refused", actor=actor_name(ada)).count() == 1
        assert cases() == []
        assert Refund.objects.count() == 0

    def test_who_may_not_refund_may_not_refuse(self, waiting: Answer) -> None:
        reader = a_colleague("rita")
        reader.is_active = False
        reader.save()

        with pytest.raises(NotPermitted), transaction("test"):
            refuse_claim(waiting["refund_request_id"], staff=reader, cause=by(reader), note="No.")

    def test_it_ends_with_the_order_when_its_customer_cancels(self, shop: Shop, order: Answer, waiting: Answer) -> None:
        assert cancel(shop, order).status_code == 202

        shown = read(shop, order, waiting).json()
        assert (shown["status"], shown["message"]) == (
            "refused", "Your order was cancelled: everything goes back to you."
        )  # fmt: skip
        assert cases() == []

    def test_what_was_decided_stays_so_in_the_database(self, waiting: Answer) -> None:
        ada = a_colleague("ada")
        with transaction("test"):
            refuse_claim(waiting["refund_request_id"], staff=ada, cause=by(ada), note="No.")

        with pytest.raises(IntegrityError), transaction("test"):
            RefundClaim.objects.update(status=ClaimStatus.GRANTED)
        with pytest.raises(IntegrityError), transaction("test"):
            RefundClaim.objects.update(amount_minor=1)


class TestRefused:
    def test_more_often_than_anybody_has_reasons(
        self, shop: Shop, order: Answer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("payments.services.refunding.claims.CLAIMS_MAX", 2)
        shop.pass_time(days=31)
        for number in range(2):
            assert ask(shop, order, ("LAMP", 1), key=f"k{number}").status_code == 201

        answer = ask(shop, order, ("LAMP", 1), key="k2")

        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_refund_requests")
        assert RefundClaim.objects.count() == 2

    def test_after_the_window_it_is_refused_by_rule(self, shop: Shop, order: Answer) -> None:
        shop.pass_time(days=31)

        claim = ask(shop, order, ("LAMP", 1)).json()

        assert (claim["status"], claim["message"]) == ("refused", "The time to ask for a refund is over.")
        assert Refund.objects.count() == 0

    def test_an_order_that_is_not_paid(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        answer = ask(shop, order)

        assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")

    def test_while_a_bank_may_give_it_back(self, shop: Shop, order: Answer) -> None:
        control(shop, "disputes", payment_intent=shop.truth()[0]["id"])

        answer = ask(shop, order)

        assert (answer.status_code, answer.json()["code"]) == (409, RefundLocked.code)

    @pytest.mark.parametrize(
        ("lines", "code"),
        [
            ([{"sku": "MUG-RED", "quantity": 3}], "refund_units_beyond_left"),
            ([{"sku": "OTHER", "quantity": 1}], "line_not_ordered"),
            ([], "invalid"),
            ([{"sku": "LAMP", "quantity": 0}], "invalid"),
            ([{"sku": "LAMP", "quantity": -1}], "invalid"),
            ([{"sku": "LAMP", "quantity": 1}, {"sku": "LAMP", "quantity": 1}], "invalid"),
            ("all", "invalid"),
        ],
    )
    def test_lines_that_are_none_of_the_order(self, shop: Shop, order: Answer, lines: Any, code: str) -> None:
        answer = ask(shop, order, lines=lines)

        assert answer.status_code in {400, 409}, answer.content
        assert answer.json()["code"] == code
        assert RefundClaim.objects.count() == 0

    def test_an_amount_of_the_customer_s_own_has_no_effect_and_they_learn_it(self, shop: Shop, order: Answer) -> None:
        answer = ask(shop, order, amount_minor=99_999)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "amount_minor")

    @pytest.mark.parametrize("reason", ["goodwill", "dispute_accepted", "because"])
    def test_reasons_that_are_not_a_customer_s(self, shop: Shop, order: Answer, reason: str) -> None:
        assert ask(shop, order, reason=reason).status_code == 400

    @pytest.mark.pains("L1")
    def test_strangers_find_neither_the_order_nor_the_request(self, shop: Shop, order: Answer) -> None:
        claim = ask(shop, order, ("MUG-RED", 1)).json()
        stranger = {**order, "order_token": "ot_" + "x" * 40}

        assert ask(shop, stranger, key="other").status_code == 404
        found, absent = read(shop, stranger, claim), read(shop, order, {"refund_request_id": "rrq_none"})
        assert (found.status_code, absent.status_code) == (404, 404)
        assert found.json()["code"] == absent.json()["code"] == "no_such_refund_request"

    def test_it_needs_a_key(self, shop: Shop, order: Answer) -> None:
        path = f"orders/{order['order_id']}/refund-requests"
        answer = shop.api("POST", path, {"reason": "damaged"}, x_order_token=order["order_token"])

        assert answer.json()["code"] == "idempotency_key_required"


class TestNextActions:
    def test_a_paid_order_says_what_can_be_asked(self, shop: Shop, order: Answer) -> None:
        def actions() -> list[str]:
            shown = shop.api("GET", f"orders/{order['order_id']}", x_order_token=order["order_token"]).json()
            return list(shown["next_actions"])

        assert actions() == ["cancel", "request_refund"]
        with transaction("test"):
            request_fulfillment(lock_order(order["order_id"]), cause=system("fulfillment", now=clock.now()))
        assert actions() == ["request_refund"]
        ask(shop, order)
        with transaction("test"):
            ada = a_colleague("ada", StaffRole.FINANCE)
            grant_claim(RefundClaim.objects.get().public_id, staff=ada, cause=by(ada))
        shop.work()
        assert actions() == []


@pytest.mark.usefixtures("order")
def test_the_window_is_counted_from_the_payment(shop: Shop, order: Answer) -> None:
    paid_at = shop.order().paid_at
    assert paid_at is not None
    shop.pass_time(seconds=(paid_at + timedelta(days=30) - clock.now()).total_seconds() - 1)

    assert ask(shop, order, ("MUG-RED", 1), key="in-time").json()["status"] == "refund_pending"
    shop.work()
    shop.pass_time(seconds=2)
    assert ask(shop, order, ("MUG-RED", 1), key="too-late").json()["status"] == "refused"
