"""Captures: one, several, none in time, and one that the bank takes back."""

from typing import Any, ClassVar

import pytest
import stripe

from sandbox.tests.clients import InProcess


def held(sandbox: InProcess, card: str = "pm_card_visa", *, request: str = "if_available", amount: int = 1000) -> Any:
    """A payment whose money is held, ready for several captures."""
    options = {"card": {"request_multicapture": request}}
    return sandbox.pay(
        amount, card=card, capture_method="manual", payment_method_options=options, expand=["latest_charge"]
    )


def capture(sandbox: InProcess, intent: Any, amount: int | None = None, *, key: str = "", **more: Any) -> Any:
    """One capture."""
    params: Any = {**more, "expand": ["latest_charge"]}
    if amount is not None:
        params["amount_to_capture"] = amount
    options: Any = {"idempotency_key": key} if key else {}
    return sandbox.sdk.v1.payment_intents.capture(intent.id, params, options)


class TestSeveralCaptures:
    def test_add_up_while_the_rest_stays_held(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        assert intent.latest_charge.payment_method_details.card.multicapture.status == "available"
        assert intent.payment_method_options.card.request_multicapture == "if_available"
        sandbox.receive()

        first = capture(sandbox, intent, 300, final_capture=False)
        second = capture(sandbox, intent, 200, final_capture=False)

        assert (first.status, first.amount_received, first.amount_capturable) == ("requires_capture", 300, 700)
        assert (second.status, second.amount_received, second.amount_capturable) == ("requires_capture", 500, 500)
        charge = second.latest_charge
        assert (charge.amount, charge.amount_captured, charge.captured) == (1000, 500, False)
        assert sandbox.receive_types() == ["charge.updated", "payment_intent.amount_capturable_updated"] * 2
        assert [line["amount"] for line in sandbox.truth("balance_transaction")] == [300, 200]

    def test_end_with_the_last_one_which_lets_the_rest_go(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        capture(sandbox, intent, 300, final_capture=False)
        sandbox.receive()

        last = capture(sandbox, intent, 200)

        assert (last.status, last.amount_received, last.amount_capturable) == ("succeeded", 500, 0)
        assert (last.latest_charge.captured, last.latest_charge.amount_refunded) == (True, 0)
        assert sandbox.receive_types() == ["charge.captured", "payment_intent.succeeded"]
        told = [(line["amount"], line["is_final"], line["status"]) for line in sandbox.truth("capture")]
        assert told == [(300, False, "succeeded"), (200, True, "succeeded")]

    def test_end_when_nothing_is_left(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        capture(sandbox, intent, 300, final_capture=False)

        assert capture(sandbox, intent, 700, final_capture=False).status == "succeeded"

    def test_end_with_a_capture_of_nothing(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        with pytest.raises(stripe.InvalidRequestError, match="greater than or equal to 1"):
            capture(sandbox, intent, 0)
        capture(sandbox, intent, 300, final_capture=False)

        ended = capture(sandbox, intent, 0, final_capture=True)

        assert (ended.status, ended.amount_received) == ("succeeded", 300)
        assert len(sandbox.truth("capture")) == 1

    def test_end_when_the_intent_is_canceled_and_what_was_taken_stays(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        capture(sandbox, intent, 300, final_capture=False)
        sandbox.receive()

        canceled = sandbox.sdk.v1.payment_intents.cancel(intent.id)

        assert (canceled.status, canceled.amount_received, canceled.amount_capturable) == ("succeeded", 300, 0)
        assert canceled.cancellation_reason is None
        assert sandbox.receive_types() == ["charge.captured", "payment_intent.succeeded"]
        assert sandbox.balance() == 300

    def test_end_with_the_hold_and_what_was_taken_stays(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        capture(sandbox, intent, 300, final_capture=False)

        sandbox.clock.advance(8 * 24 * 3600)

        read = sandbox.sdk.v1.payment_intents.retrieve(intent.id)
        assert (read.status, read.amount_received, read.amount_capturable) == ("succeeded", 300, 0)

    def test_can_be_refunded_meanwhile_up_to_what_was_taken(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        capture(sandbox, intent, 300, final_capture=False)

        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 301})
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 300})

        charge = sandbox.sdk.v1.charges.retrieve(intent.latest_charge.id)
        assert (charge.amount_refunded, charge.refunded) == (300, False)
        assert capture(sandbox, intent, 100).latest_charge.amount_captured == 400

    @pytest.mark.parametrize(
        ("card", "request_"), [("pm_card_visa", "never"), ("pm_card_multicaptureUnavailable", "if_available")]
    )
    def test_are_refused_where_they_are_not_available(self, sandbox: InProcess, card: str, request_: str) -> None:
        intent = held(sandbox, card, request=request_)
        assert intent.latest_charge.payment_method_details.card.multicapture.status == "unavailable"

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            capture(sandbox, intent, 300, final_capture=False)

        assert (refusal.value.param, refusal.value.http_status) == ("final_capture", 400)
        assert sandbox.truth("capture") == []

    def test_never_take_more_than_is_left(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        capture(sandbox, intent, 300, final_capture=False)

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            capture(sandbox, intent, 701)

        assert refusal.value.code == "amount_too_large"

    def test_repeat_their_answer_under_one_key(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        sandbox.control("POST", "faults", {"operation": "payment_intents.capture", "kind": "timeout_after", "times": 1})

        with pytest.raises(stripe.APIConnectionError):
            capture(sandbox, intent, 300, key="k1", final_capture=False)
        again = capture(sandbox, intent, 300, key="k1", final_capture=False)

        assert again.amount_received == 300
        assert len(sandbox.truth("capture")) == 1

    def test_may_be_declined_by_a_fault(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        sandbox.control("POST", "faults", {"operation": "payment_intents.capture", "kind": "decline", "times": 1})

        with pytest.raises(stripe.CardError):
            capture(sandbox, intent, 300)

        assert capture(sandbox, intent, 300).status == "succeeded"


class TestHoldThatIsOver:
    def test_is_canceled_so_that_a_capture_finds_it_in_another_state(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        sandbox.clock.advance(7 * 24 * 3600)

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            capture(sandbox, intent)

        assert refusal.value.code == "payment_intent_unexpected_state"
        assert refusal.value.error.payment_intent.status == "canceled"  # type: ignore[union-attr]
        assert refusal.value.error.payment_intent.cancellation_reason == "expired"  # type: ignore[union-attr]

    def test_refuses_a_capture_before_the_provider_has_canceled(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", {"hold_lag_seconds": 3600})
        intent = held(sandbox)
        sandbox.clock.advance(7 * 24 * 3600)

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            capture(sandbox, intent)

        assert refusal.value.code == "charge_expired_for_capture"
        assert refusal.value.error.payment_intent.status == "requires_capture"  # type: ignore[union-attr]
        sandbox.clock.advance(3600)
        assert sandbox.sdk.v1.payment_intents.retrieve(intent.id).status == "canceled"

    def test_can_be_made_so_at_once(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        sandbox.receive()

        assert sandbox.make("expired_holds", payment_intent=intent.id)["status"] == "canceled"

        assert sandbox.receive_types() == ["charge.expired", "payment_intent.canceled"]
        assert sandbox.refusal("expired_holds", {"payment_intent": intent.id})[0] == 409

    def test_lasts_as_long_as_the_account_says(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", {"hold_seconds": 60})

        intent = held(sandbox)

        assert intent.latest_charge.payment_method_details.card.capture_before == sandbox.clock.now() + 60


class TestCaptureTakenBack:
    SHOWN: ClassVar[Any] = {"expand": ["latest_charge.failure_balance_transaction"]}

    def test_shows_as_a_failed_charge_that_was_captured(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_captureReversed")
        assert intent.status == "succeeded"
        sandbox.receive()

        sandbox.clock.advance(6)

        read: Any = sandbox.sdk.v1.payment_intents.retrieve(intent.id, self.SHOWN)
        charge = read.latest_charge
        assert (read.status, read.amount_received) == ("requires_payment_method", 0)
        assert (read.last_payment_error.code, read.last_payment_error.charge) == ("charge_reversed", charge.id)
        assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("failed", False, True, 1000)
        assert charge.failure_code == "charge_reversed"
        movement = charge.failure_balance_transaction
        assert (movement.amount, movement.type) == (-1000, "payment_failure_refund")
        assert (movement.reporting_category, movement.source) == ("charge_failure", charge.id)
        assert sandbox.receive_types() == ["charge.failed", "payment_intent.payment_failed"]
        assert sandbox.balance() == 0
        assert sandbox.truth("capture")[0]["status"] == "reversed"

    def test_takes_what_was_not_given_back_yet(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 400})
        pending = sandbox.make("refunds", payment_intent=intent.id, amount=100, behaviour="pending")

        sandbox.make("reversals", payment_intent=intent.id)

        assert sandbox.sdk.v1.refunds.retrieve(pending["id"]).status == "failed"
        assert sandbox.truth("balance_transaction")[-1]["amount"] == -600
        assert sandbox.balance() == 0

    def test_leaves_the_intent_open_for_another_card(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.make("reversals", charge=intent.latest_charge)

        paid = sandbox.sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

        assert (paid.status, paid.amount_received) == ("succeeded", 1000)
        assert sandbox.balance() == 1000

    def test_happens_once_and_only_to_captured_money(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.make("reversals", payment_intent=intent.id)

        assert sandbox.refusal("reversals", {"payment_intent": intent.id})[0] == 409
        assert sandbox.refusal("reversals", {"payment_intent": held(sandbox).id})[0] == 409
        assert sandbox.refusal("reversals", {"payment_intent": "pi_none"})[0] == 404
        assert sandbox.refusal("reversals", {})[0] == 400
        assert sandbox.balance() == 0

    def test_refuses_a_refund_afterwards(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.make("reversals", payment_intent=intent.id)

        for params in ({"payment_intent": intent.id}, {"charge": intent.latest_charge}):
            with pytest.raises(stripe.InvalidRequestError):
                sandbox.sdk.v1.refunds.create(params)  # type: ignore[arg-type]


class TestDuplicate:
    def test_takes_the_money_once_more_under_another_id(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(metadata={"attempt_id": "payatt_1"})
        sandbox.receive_types()

        made = sandbox.make("duplicates", payment_intent=intent.id)

        again = sandbox.sdk.v1.payment_intents.retrieve(made["id"])
        assert again.id != intent.id
        assert (again.status, again.amount_received, again.metadata["attempt_id"]) == ("succeeded", 1000, "payatt_1")
        assert again.latest_charge != intent.latest_charge
        assert sandbox.receive_types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
        assert sandbox.balance() == 2000

    def test_of_held_funds_that_were_taken_is_taken_at_once(self, sandbox: InProcess) -> None:
        intent = held(sandbox)
        assert sandbox.refusal("duplicates", {"payment_intent": intent.id})[0] == 409
        sandbox.sdk.v1.payment_intents.capture(intent.id)

        made = sandbox.make("duplicates", payment_intent=intent.id)

        assert sandbox.sdk.v1.payment_intents.retrieve(made["id"]).amount_received == 1000

    def test_is_refused_where_there_is_nothing(self, sandbox: InProcess) -> None:
        assert sandbox.refusal("duplicates", {"payment_intent": "pi_none"})[0] == 404
        assert sandbox.refusal("duplicates", {"payment_intent": "pi_none", "amount": 1})[0] == 400
