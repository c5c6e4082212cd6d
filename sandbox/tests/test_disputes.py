"""Disputes from the first inquiry to a decision that is opened again."""

from typing import Any

import pytest
import stripe

from sandbox.tests.clients import InProcess

DAY = 24 * 3600


def dispute(sandbox: InProcess, **more: Any) -> Any:
    """A payment of 1000 with a dispute, read through the SDK; events so far are received."""
    intent = sandbox.pay()
    made = sandbox.make("disputes", payment_intent=intent.id, **more)
    sandbox.receive()
    return sandbox.sdk.v1.disputes.retrieve(made["id"])


def move(sandbox: InProcess, dispute_id: str, status: str, **more: Any) -> Any:
    """The bank's next word."""
    sandbox.control("POST", f"disputes/{dispute_id}", {"status": status, **more})
    return sandbox.sdk.v1.disputes.retrieve(dispute_id)


def answer(sandbox: InProcess, dispute_id: str, *, key: str = "", **params: Any) -> Any:
    """The merchant's answer."""
    wanted: Any = params
    options: Any = {"idempotency_key": key} if key else {}
    return sandbox.sdk.v1.disputes.update(dispute_id, wanted, options)


class TestOpening:
    def test_by_card_takes_the_money_and_a_fee_and_marks_the_charge(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_createDispute")
        sandbox.receive()

        sandbox.clock.advance(6)

        read: Any = sandbox.sdk.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.dispute"]})
        charge = read.latest_charge
        shown = charge.dispute
        assert (read.status, read.amount_received, charge.disputed) == ("succeeded", 1000, True)
        assert (shown.id[:3], shown.object, shown.status, shown.reason) == (
            "du_",
            "dispute",
            "needs_response",
            "fraudulent",
        )
        assert (shown.amount, shown.currency, shown.charge, shown.payment_intent) == (1000, "gbp", charge.id, intent.id)
        assert (shown.is_charge_refundable, shown.livemode) == (False, False)
        details = shown.evidence_details
        assert (details.due_by, details.has_evidence) == (shown.created + 9 * DAY, False)
        assert (details.past_due, details.submission_count) == (False, 0)
        [movement] = shown.balance_transactions
        assert (movement.amount, movement.fee, movement.net) == (-1000, 1500, -2500)
        assert (movement.type, movement.reporting_category, movement.source) == ("adjustment", "dispute", shown.id)
        assert movement.fee_details[0].description == "Dispute fee"
        assert sandbox.receive_types() == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
        assert sandbox.balance() == -1500

    def test_of_an_inquiry_takes_nothing(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_createDisputeInquiry")
        sandbox.receive()

        sandbox.clock.advance(6)

        [shown] = sandbox.sdk.v1.disputes.list({"payment_intent": intent.id}).data
        assert (shown.status, shown.balance_transactions) == ("warning_needs_response", [])
        assert shown.is_charge_refundable
        assert sandbox.receive_types() == ["charge.dispute.created"]
        assert sandbox.balance() == 1000

    def test_waits_for_the_capture_and_goes_by_the_accounts_clock(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", {"late_seconds": 3 * DAY})
        intent = sandbox.pay(card="pm_card_createDisputeProductNotReceived", capture_method="manual")
        sandbox.clock.advance(4 * DAY)
        assert sandbox.sdk.v1.disputes.list().data == []
        sandbox.sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 600})

        sandbox.clock.advance(3 * DAY)

        [shown] = sandbox.sdk.v1.disputes.list({"charge": intent.latest_charge}).data
        assert (shown.reason, shown.amount) == ("product_not_received", 600)

    def test_by_control_of_a_part_with_its_own_fee(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox, amount=400, reason="duplicate", fee=0)

        assert (shown.amount, shown.reason, shown.balance_transactions[0].fee) == (400, "duplicate", 0)
        assert sandbox.balance() == 600

    def test_takes_the_fee_the_account_has(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", {"dispute_fees": {"gbp": 2000, "*": 0}})

        assert dispute(sandbox).balance_transactions[0].fee == 2000

    def test_that_was_prevented_is_over(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox, stage="prevented")

        assert (shown.status, shown.balance_transactions) == ("prevented", [])
        assert sandbox.refusal(f"disputes/{shown.id}", {"status": "lost"})[0] == 409

    @pytest.mark.parametrize(
        ("more", "status"),
        [({"amount": 1001}, 409), ({"amount": 0}, 400), ({"reason": "mood"}, 400), ({"stage": "won"}, 400)],
    )
    def test_is_refused_where_it_makes_no_sense(self, sandbox: InProcess, more: Any, status: int) -> None:
        intent = sandbox.pay()

        assert sandbox.refusal("disputes", {"payment_intent": intent.id, **more})[0] == status
        assert sandbox.truth("dispute") == []

    def test_is_refused_without_captured_money_and_beside_another(self, sandbox: InProcess) -> None:
        held = sandbox.pay(capture_method="manual")
        shown = dispute(sandbox)

        assert sandbox.refusal("disputes", {"payment_intent": held.id})[0] == 409
        assert sandbox.refusal("disputes", {"charge": shown.charge})[0] == 409

    def test_leaves_a_payment_alone_that_was_given_back_before(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_createDispute")
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})

        sandbox.clock.advance(6)

        assert sandbox.truth("dispute") == []


class TestAnswering:
    def test_keeps_evidence_and_submits_it_once(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox)

        kept = answer(sandbox, shown.id, evidence={"product_description": "A lamp"}, submit=False)
        assert (kept.status, kept.evidence_details.has_evidence) == ("needs_response", True)
        sent = answer(sandbox, shown.id, evidence={"shipping_carrier": "Post"}, metadata={"case": "1"})

        assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
        assert (sent.evidence.product_description, sent.evidence.shipping_carrier) == ("A lamp", "Post")
        assert sandbox.receive_types() == ["charge.dispute.updated"] * 2
        with pytest.raises(stripe.InvalidRequestError, match="submitted already"):
            answer(sandbox, shown.id, evidence={"shipping_carrier": "Other"})
        assert answer(sandbox, shown.id, metadata={"case": "2"}).status == "under_review"

    def test_of_an_inquiry_is_reviewed_as_one(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox, stage="warning_needs_response")

        assert answer(sandbox, shown.id, submit=True).status == "warning_under_review"

    @pytest.mark.parametrize(
        ("text", "status", "balance"), [("winning_evidence", "won", -500), ("losing_evidence", "lost", -1500)]
    )
    def test_with_the_test_words_is_decided_by_itself(
        self, sandbox: InProcess, text: str, status: str, balance: int
    ) -> None:
        shown = dispute(sandbox)
        answer(sandbox, shown.id, evidence={"uncategorized_text": text})

        sandbox.clock.advance(6)

        assert sandbox.sdk.v1.disputes.retrieve(shown.id).status == status
        assert sandbox.balance() == balance

    def test_refuses_evidence_nobody_knows(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox)

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            answer(sandbox, shown.id, evidence={"gut_feeling": "sure"})

        assert refusal.value.param == "evidence[gut_feeling]"

    def test_accepts_the_loss(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox)

        closed = sandbox.sdk.v1.disputes.close(shown.id)

        assert closed.status == "lost"
        assert sandbox.receive_types() == ["charge.dispute.closed"]
        with pytest.raises(stripe.InvalidRequestError, match="already closed"):
            sandbox.sdk.v1.disputes.close(shown.id)

    def test_in_silence_is_lost_when_the_time_is_over(self, sandbox: InProcess) -> None:
        silent, kept = dispute(sandbox), dispute(sandbox)
        inquiry = dispute(sandbox, stage="warning_needs_response")
        answer(sandbox, kept.id, evidence={"receipt": "file_1"}, submit=False)

        sandbox.clock.advance(9 * DAY)

        ends = [sandbox.sdk.v1.disputes.retrieve(one.id).status for one in (silent, kept, inquiry)]
        assert ends == ["lost", "under_review", "warning_closed"]

    @pytest.mark.parametrize("kind", ["timeout_after", "error_500_saved"])
    def test_counts_once_when_the_answer_is_lost(self, sandbox: InProcess, kind: str) -> None:
        shown = dispute(sandbox)
        for operation in ("disputes.update", "disputes.close"):
            sandbox.control("POST", "faults", {"operation": operation, "kind": kind, "times": 1})

        with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
            answer(sandbox, shown.id, key="k1", evidence={"receipt": "file_1"})

        assert sandbox.sdk.v1.disputes.retrieve(shown.id).evidence_details.submission_count == 1
        if kind == "timeout_after":
            assert answer(sandbox, shown.id, key="k1", evidence={"receipt": "file_1"}).status == "under_review"


class TestDeciding:
    def test_won_gives_the_money_back_but_not_the_fee(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox)

        won = move(sandbox, shown.id, "won")

        assert (won.status, won.is_charge_refundable) == ("won", True)
        assert [(one.amount, one.fee) for one in won.balance_transactions] == [(-1000, 1500), (1000, 0)]
        assert won.balance_transactions[1].reporting_category == "dispute_reversal"
        assert sandbox.receive_types() == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
        assert sandbox.balance() == -500
        assert sandbox.sdk.v1.charges.retrieve(won.charge).disputed

    def test_won_may_give_the_fee_back(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox)

        won = move(sandbox, shown.id, "won", returns_fee=True)

        assert (won.balance_transactions[1].fee, won.balance_transactions[1].net) == (-1500, 2500)
        assert (sandbox.balance(), sandbox.truth("dispute")[0]["fee"]) == (1000, 0)

    def test_withdrawn_by_the_payer_is_won_or_closed(self, sandbox: InProcess) -> None:
        taken, asked = dispute(sandbox), dispute(sandbox, stage="warning_needs_response")

        assert move(sandbox, taken.id, "withdrawn").status == "won"
        assert move(sandbox, asked.id, "withdrawn").status == "warning_closed"

    def test_an_inquiry_may_become_a_dispute(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox, stage="warning_needs_response")
        sandbox.clock.advance(DAY)

        escalated = move(sandbox, shown.id, "needs_response")

        assert escalated.status == "needs_response"
        assert escalated.evidence_details.due_by == shown.created + 10 * DAY
        assert [(one.amount, one.fee) for one in escalated.balance_transactions] == [(-1000, 1500)]
        assert sandbox.receive_types() == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
        sandbox.clock.advance(8 * DAY)
        assert sandbox.sdk.v1.disputes.retrieve(shown.id).status == "needs_response"

    def test_what_was_decided_may_be_opened_again(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox)
        move(sandbox, shown.id, "won")
        sandbox.receive()

        again = move(sandbox, shown.id, "needs_response", fee=300)
        assert (again.status, again.is_charge_refundable) == ("needs_response", False)
        assert sandbox.receive_types() == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
        move(sandbox, shown.id, "lost")
        late = move(sandbox, shown.id, "won")

        assert [one.amount for one in late.balance_transactions] == [-1000, 1000, -1000, 1000]
        assert [one.fee for one in late.balance_transactions] == [1500, 0, 300, 0]
        assert sandbox.balance() == -800

    def test_refuses_what_no_bank_does(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox)

        assert sandbox.refusal(f"disputes/{shown.id}", {"status": "warning_closed"})[0] == 409
        assert sandbox.refusal(f"disputes/{shown.id}", {"status": "perhaps"})[0] == 400
        assert sandbox.refusal("disputes/du_none", {"status": "won"})[0] == 404

    def test_is_told_by_truth(self, sandbox: InProcess) -> None:
        shown = dispute(sandbox, amount=400)
        move(sandbox, shown.id, "lost")

        [told] = sandbox.truth("dispute")

        assert (told["status"], told["amount"], told["fee"], told["is_withdrawn"]) == ("lost", 400, 1500, True)
        assert (told["intent"], told["charge"]) == (shown.payment_intent, shown.charge)


class TestFraudWarning:
    def test_comes_with_the_card(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_createIssuerFraudRecord")
        sandbox.receive()

        sandbox.clock.advance(6)

        [warning] = sandbox.sdk.v1.radar.early_fraud_warnings.list({"payment_intent": intent.id}).data
        assert (warning.charge, warning.payment_intent) == (intent.latest_charge, intent.id)
        assert (warning.fraud_type, warning.actionable) == ("unauthorized_use_of_card", True)
        [event] = sandbox.receive()
        assert (event.type, event.data.object["id"]) == ("radar.early_fraud_warning.created", warning.id)

    def test_is_past_acting_on_once_all_is_given_back(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        made = sandbox.make("fraud_warnings", payment_intent=intent.id, fraud_type="made_with_stolen_card")
        sandbox.receive()

        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})

        warning = sandbox.sdk.v1.radar.early_fraud_warnings.retrieve(made["id"])
        assert (warning.actionable, warning.fraud_type) == (False, "made_with_stolen_card")
        assert sandbox.receive_types()[-1] == "radar.early_fraud_warning.updated"

    def test_is_found_under_its_own_address_only(self, sandbox: InProcess) -> None:
        key = {"authorization": "Bearer sk_test_sandbox"}

        assert sandbox.http.get("/v1/radar/early_fraud_warnings", headers=key).json()["data"] == []
        assert sandbox.http.get("/v1/early_fraud_warnings", headers=key).status_code == 404
        assert sandbox.http.get("/v1/radar/charges", headers=key).status_code == 404
