"""Refunds in every way they can go, also several under one charge."""

import threading
from typing import Any

import pytest
import stripe

from sandbox.tests.clients import InProcess


def refund(sandbox: InProcess, intent: Any, amount: int | None = None, *, key: str = "", **metadata: str) -> Any:
    """One refund through the SDK."""
    params: Any = {"payment_intent": intent.id, "metadata": metadata}
    if amount is not None:
        params["amount"] = amount
    options: Any = {"idempotency_key": key} if key else {}
    return sandbox.sdk.v1.refunds.create(params, options)


def plan(sandbox: InProcess, kind: str, **more: Any) -> None:
    """A rule for one refund."""
    sandbox.control("POST", "faults", {"operation": "refunds.create", "kind": kind, "times": 1, **more})


class TestByCard:
    def test_pending_then_failed_gives_the_money_back_to_the_merchant(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_refundPendingFail")
        made = refund(sandbox, intent, 400)
        assert (made.status, made.pending_reason) == ("pending", "processing")
        sandbox.receive()

        sandbox.clock.advance(6)

        read: Any = sandbox.sdk.v1.refunds.retrieve(made.id, {"expand": ["failure_balance_transaction"]})
        assert (read.status, read.failure_reason) == ("failed", "expired_or_canceled_card")
        assert (read.failure_balance_transaction.amount, read.failure_balance_transaction.type) == (
            400,
            "refund_failure",
        )
        assert sandbox.receive_types() == ["refund.updated", "charge.refund.updated", "refund.failed"]
        assert refund(sandbox, intent).amount == 1000

    def test_requiring_action_moves_no_money_and_can_be_canceled(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_refundRequiresAction")
        made = refund(sandbox, intent, 400)
        assert (made.status, made.balance_transaction) == ("requires_action", None)
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            refund(sandbox, intent, 601)

        canceled = sandbox.sdk.v1.refunds.cancel(made.id, {}, {"idempotency_key": "k1"})
        again = sandbox.sdk.v1.refunds.cancel(made.id, {}, {"idempotency_key": "k1"})

        assert (canceled.status, again.status, sandbox.balance()) == ("canceled", "canceled", 1000)
        assert sandbox.sdk.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0
        with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
            sandbox.sdk.v1.refunds.cancel(made.id)


class TestByRule:
    def test_one_charge_has_refunds_of_every_kind(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        for kind in ("refund_pending", "refund_pending_fails", "refund_reversed", "refund_requires_action"):
            plan(sandbox, kind, match={"name": kind})

        made = {
            kind: refund(sandbox, intent, 100, name=kind)
            for kind in (
                "plain",
                "refund_requires_action",
                "refund_reversed",
                "refund_pending_fails",
                "refund_pending",
            )
        }
        assert {kind: one.status for kind, one in made.items()} == {
            "plain": "succeeded",
            "refund_requires_action": "requires_action",
            "refund_reversed": "succeeded",
            "refund_pending_fails": "pending",
            "refund_pending": "pending",
        }
        sandbox.clock.advance(6)

        ended = {one["metadata"]["name"]: one["status"] for one in sandbox.truth("refund")}
        assert ended == {
            "plain": "succeeded",
            "refund_requires_action": "requires_action",
            "refund_reversed": "failed",
            "refund_pending_fails": "failed",
            "refund_pending": "succeeded",
        }
        assert sandbox.truth("charge")[0]["amount_refunded"] == 300
        assert sandbox.balance() == 800

    def test_overrides_the_card_and_takes_as_long_as_it_says(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_refundFail")
        plan(sandbox, "refund_succeeds")
        plan(sandbox, "refund_pending", seconds=60)
        first, second = refund(sandbox, intent, 100), refund(sandbox, intent, 100)
        sandbox.clock.advance(59)
        assert sandbox.sdk.v1.refunds.retrieve(second.id).status == "pending"

        sandbox.clock.advance(1)

        assert {sandbox.sdk.v1.refunds.retrieve(one.id).status for one in (first, second)} == {"succeeded"}

    def test_meets_refunds_only(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "faults", {"kind": "refund_pending", "times": 1})
        intent = sandbox.pay()

        assert refund(sandbox, intent).status == "pending"

    @pytest.mark.parametrize("kind", ["timeout_after", "error_500_saved"])
    def test_a_lost_answer_is_one_refund(self, sandbox: InProcess, kind: str) -> None:
        intent = sandbox.pay()
        plan(sandbox, kind, match={"order": "A"})
        for _ in range(2):
            try:
                refund(sandbox, intent, 100, key="k1", order="A")
            except (stripe.APIConnectionError, stripe.APIError) as problem:
                assert kind.startswith("timeout") or problem.http_status == 500  # noqa: PT017

        assert [line["amount"] for line in sandbox.truth("refund")] == [100]


class TestByHand:
    def test_appears_without_metadata_as_made_in_the_dashboard(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.receive()

        made = sandbox.make("refunds", payment_intent=intent.id, amount=250, reason="requested_by_customer")

        [listed] = sandbox.sdk.v1.refunds.list({"charge": intent.latest_charge}).data
        assert (listed.id, listed.amount) == (made["id"], 250)
        assert sandbox.truth("refund")[0]["metadata"] == {}
        assert sandbox.receive_types() == ["refund.created", "charge.refunded"]

    def test_moves_where_the_bank_wants_it(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        one = sandbox.make("refunds", payment_intent=intent.id, amount=100, behaviour="requires_action")["id"]

        assert sandbox.control("POST", f"refunds/{one}", {"status": "pending"})["status"] == "pending"
        assert sandbox.balance() == 900
        assert sandbox.control("POST", f"refunds/{one}", {"status": "succeeded"})["status"] == "succeeded"
        failed = sandbox.control("POST", f"refunds/{one}", {"status": "failed", "failure_reason": "declined"})

        assert (failed["status"], failed["failure_reason"], sandbox.balance()) == ("failed", "declined", 1000)
        assert sandbox.refusal(f"refunds/{one}", {"status": "succeeded"})[0] == 409
        assert sandbox.refusal(f"refunds/{one}", {"status": "gone"})[0] == 400

    def test_never_goes_beyond_what_was_taken(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()

        assert sandbox.refusal("refunds", {"payment_intent": intent.id, "amount": 1001})[0] == 409
        assert sandbox.refusal("refunds", {"payment_intent": intent.id, "amount": 0})[0] == 400
        assert sandbox.truth("refund") == []


class TestSeveral:
    def test_at_the_same_time_never_give_more_than_was_taken(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        refused: list[Exception] = []

        def ask(number: int) -> None:
            params = {"payment_intent": intent.id, "amount": "300", "metadata[number]": str(number)}
            answer = sandbox.http.post("/v1/refunds", data=params, headers={"authorization": "Bearer sk_test_sandbox"})
            if not answer.is_success:
                refused.append(Exception(answer.text))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (len(sandbox.truth("refund")), len(refused)) == (3, 5)
        assert sandbox.balance() == 100

    def test_are_listed_page_by_page(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        other = sandbox.pay()
        made = [refund(sandbox, intent, 10).id for _ in range(5)]
        refund(sandbox, other, 10)

        listed = sandbox.sdk.v1.refunds.list({"payment_intent": intent.id, "limit": 2}).auto_paging_iter()

        assert [one.id for one in listed] == made[::-1]


class TestDisputed:
    def test_refuses_while_the_dispute_is_open_and_when_it_is_lost(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        dispute = sandbox.make("disputes", payment_intent=intent.id)["id"]
        with pytest.raises(stripe.InvalidRequestError) as refused:
            refund(sandbox, intent, 1)
        sandbox.control("POST", f"disputes/{dispute}", {"status": "lost"})
        with pytest.raises(stripe.InvalidRequestError) as lost:
            refund(sandbox, intent, 1)

        assert (refused.value.code, lost.value.code) == ("refund_disputed_payment", "charge_disputed")
        sandbox.control("POST", f"disputes/{dispute}", {"status": "won"})
        assert refund(sandbox, intent).amount == 1000

    def test_takes_back_what_the_bank_did_not_take(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        dispute = sandbox.make("disputes", payment_intent=intent.id, amount=400)["id"]
        sandbox.control("POST", f"disputes/{dispute}", {"status": "lost"})

        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            refund(sandbox, intent, 601)

        assert refund(sandbox, intent, 600).status == "succeeded"

    def test_is_possible_during_an_inquiry(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.make("disputes", payment_intent=intent.id, stage="warning_needs_response")

        assert refund(sandbox, intent).status == "succeeded"

    def test_fails_what_was_under_way_when_the_dispute_opened(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_pendingRefund")
        made = refund(sandbox, intent, 400)

        dispute = sandbox.make("disputes", payment_intent=intent.id)

        read = sandbox.sdk.v1.refunds.retrieve(made.id)
        assert (read.status, read.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
        assert (dispute["amount"], sandbox.balance()) == (1000, -1500)
