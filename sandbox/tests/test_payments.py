"""Intents, charges and refunds as the SDK sees them."""

from typing import Any

import pytest
import stripe

from sandbox.tests.clients import InProcess


class TestCreate:
    @pytest.mark.parametrize(("currency", "amount"), [("gbp", 1), ("jpy", 500), ("isk", 50_000), ("kwd", 12_340)])
    def test_takes_money_in_currencies_of_zero_two_and_three_decimals(
        self, sandbox: InProcess, currency: str, amount: int
    ) -> None:
        intent = sandbox.pay(amount, currency=currency, expand=["latest_charge"])

        assert (intent.status, intent.amount_received) == ("succeeded", amount)
        assert intent.latest_charge.amount_captured == amount
        assert intent.latest_charge.captured is True

    def test_waits_for_a_payment_method_without_one(self, sandbox: InProcess) -> None:
        intent = sandbox.sdk.v1.payment_intents.create({"amount": 5, "currency": "eur"})

        assert intent.status == "requires_payment_method"
        assert intent.client_secret is not None
        assert intent.client_secret.startswith(f"{intent.id}_secret_")

    def test_takes_a_card_token_in_payment_method_data(self, sandbox: InProcess) -> None:
        intent = sandbox.sdk.v1.payment_intents.create(
            {
                "amount": 5,
                "currency": "eur",
                "confirm": True,
                "payment_method_data": {"type": "card", "card": {"token": "tok_visa"}},  # type: ignore[typeddict-unknown-key]
            }
        )

        assert (intent.status, intent.payment_method) == ("succeeded", "pm_card_visa")

    @pytest.mark.parametrize(
        ("params", "parameter", "code"),
        [
            ({"currency": "gbp"}, "amount", "parameter_missing"),
            ({"amount": 0, "currency": "gbp"}, "amount", "parameter_invalid_integer"),
            ({"amount": "1.5", "currency": "gbp"}, "amount", "parameter_invalid_integer"),
            ({"amount": 10**8, "currency": "gbp"}, "amount", "amount_too_large"),
            ({"amount": 12_345, "currency": "kwd"}, "amount", None),
            ({"amount": 50_050, "currency": "isk"}, "amount", "invalid_charge_amount_no_decimal_compatible"),
            ({"amount": 5, "currency": "ugx"}, "amount", "invalid_charge_amount_no_decimal_compatible"),
            ({"amount": 1, "currency": "xxx"}, "currency", None),
            ({"amount": 1, "currency": "gbp", "colour": "red"}, "colour", "parameter_unknown"),
            ({"amount": 1, "currency": "gbp", "return_url": "http://x"}, "return_url", None),
            ({"amount": 1, "currency": "gbp", "metadata": {"a": "b" * 501}}, "metadata[a]", None),
        ],
    )
    def test_refuses_parameters_that_make_no_sense(
        self, sandbox: InProcess, params: Any, parameter: str, code: str | None
    ) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.sdk.v1.payment_intents.create(params)

        assert (refusal.value.param, refusal.value.code) == (parameter, code)
        assert sandbox.truth("intent") == []

    def test_refuses_an_unknown_payment_method_and_keeps_nothing(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod") as refusal:
            sandbox.pay(card="pm_card_unheardof")

        assert refusal.value.code == "resource_missing"
        assert refusal.value.http_status == 404
        assert sandbox.truth("intent") == []


class TestDecline:
    @pytest.mark.parametrize(
        ("card", "code", "decline_code"),
        [
            ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ],
    )
    def test_answers_402_with_the_intent_and_the_reason(
        self, sandbox: InProcess, card: str, code: str, decline_code: str
    ) -> None:
        with pytest.raises(stripe.CardError) as refusal:
            sandbox.pay(card=card)

        error: Any = refusal.value.error
        assert (refusal.value.http_status, refusal.value.code) == (402, code)
        assert error.decline_code == decline_code
        assert error.payment_intent.status == "requires_payment_method"
        assert error.payment_intent.last_payment_error.decline_code == decline_code
        assert sandbox.truth("charge")[0]["status"] == "failed"
        assert sandbox.truth("balance_transaction") == []

    def test_leaves_the_intent_open_for_another_card(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.CardError):
            sandbox.pay(card="pm_card_chargeDeclined")
        intent_id = sandbox.truth("intent")[0]["id"]

        intent = sandbox.sdk.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"})

        assert intent.status == "succeeded"
        assert intent.last_payment_error is None

    def test_follows_a_test_amount_whatever_the_card(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.CardError) as refusal:
            sandbox.pay(99_999_002)

        assert refusal.value.error.decline_code == "insufficient_funds"  # type: ignore[union-attr]


class TestChallenge:
    def start(self, sandbox: InProcess, **more: Any) -> Any:
        return sandbox.pay(card="pm_card_threeDSecure2Required", return_url="http://shop.test/back?a=1", **more)

    def test_redirects_to_the_challenge_page(self, sandbox: InProcess) -> None:
        intent = self.start(sandbox)

        assert intent.status == "requires_action"
        assert intent.next_action.type == "redirect_to_url"
        assert intent.next_action.redirect_to_url.return_url == "http://shop.test/back?a=1"
        page = sandbox.http.get(intent.next_action.redirect_to_url.url)
        assert "Complete" in page.text
        assert "10.00 GBP" in page.text

    def test_takes_the_money_when_completed(self, sandbox: InProcess) -> None:
        intent = self.start(sandbox)
        form = {"client_secret": intent.client_secret, "result": "complete"}

        answer = sandbox.http.post(f"/3ds/{intent.id}", data=form)

        assert answer.status_code == 303
        assert answer.headers["location"].startswith("http://shop.test/back?a=1&payment_intent=pi_")
        assert answer.headers["location"].endswith("redirect_status=succeeded")
        charge = sandbox.sdk.v1.charges.list({"payment_intent": intent.id}).data[0]
        assert charge.payment_method_details is not None
        card = charge.payment_method_details.card
        assert card is not None
        assert card.three_d_secure is not None
        assert card.three_d_secure.result == "authenticated"

    def test_fails_the_try_when_failed(self, sandbox: InProcess) -> None:
        intent = self.start(sandbox)
        form = {"client_secret": intent.client_secret, "result": "fail"}

        answer = sandbox.http.post(f"/3ds/{intent.id}", data=form)

        assert answer.headers["location"].endswith("redirect_status=failed")
        read = sandbox.sdk.v1.payment_intents.retrieve(intent.id)
        assert read.status == "requires_payment_method"
        assert read.last_payment_error is not None
        assert read.last_payment_error.code == "payment_intent_authentication_failure"
        assert sandbox.truth("charge") == []

    def test_refuses_a_second_answer(self, sandbox: InProcess) -> None:
        intent = self.start(sandbox)
        form = {"client_secret": intent.client_secret, "result": "complete"}
        sandbox.http.post(f"/3ds/{intent.id}", data=form)

        assert sandbox.http.post(f"/3ds/{intent.id}", data=form).status_code == 409
        assert len(sandbox.truth("charge")) == 1

    def test_asks_the_sdk_of_the_page_when_there_is_no_return_address(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_authenticationRequired")

        assert intent.next_action.type == "use_stripe_sdk"


class TestLateAnswer:
    def test_succeeds_by_the_engines_clock(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_lateSuccess")
        assert (intent.status, intent.latest_charge) == ("processing", None)

        sandbox.clock.advance(6)

        assert sandbox.sdk.v1.payment_intents.retrieve(intent.id).status == "succeeded"

    def test_fails_by_the_engines_clock(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_processingFailed")

        sandbox.clock.advance(6)

        assert sandbox.sdk.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"

    def test_cannot_be_canceled_meanwhile(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_lateSuccess")

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.sdk.v1.payment_intents.cancel(intent.id)

        assert refusal.value.code == "payment_intent_unexpected_state"


class TestCapture:
    def test_takes_a_part_and_releases_the_rest(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(capture_method="manual")
        assert (intent.status, intent.amount_capturable) == ("requires_capture", 1000)

        captured = sandbox.sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 300})

        assert (captured.status, captured.amount_received) == ("succeeded", 300)
        assert captured.amount_capturable == 0
        assert [movement["amount"] for movement in sandbox.truth("balance_transaction")] == [300]

    def test_is_booked_as_reports_show_it_where_the_account_says_so(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", {"partial_capture_pair": True})
        intent = sandbox.pay(capture_method="manual")

        sandbox.sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 300})

        movements = sandbox.truth("balance_transaction")
        assert [movement["amount"] for movement in movements] == [1000, -700]
        assert movements[1]["reporting_category"] == "partial_capture_reversal"

    def test_refuses_more_than_is_held_and_a_second_capture(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(capture_method="manual")

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1001})
        sandbox.sdk.v1.payment_intents.capture(intent.id)
        with pytest.raises(stripe.InvalidRequestError) as second:
            sandbox.sdk.v1.payment_intents.capture(intent.id)

        assert refusal.value.code == "amount_too_large"
        assert second.value.code == "payment_intent_unexpected_state"

    def test_expires_after_seven_days(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(capture_method="manual", expand=["latest_charge"])
        deadline = intent.latest_charge.payment_method_details.card.capture_before
        sandbox.receive()

        sandbox.clock.advance(deadline - sandbox.clock.now())

        read = sandbox.sdk.v1.payment_intents.retrieve(intent.id)
        assert (read.status, read.cancellation_reason) == ("canceled", "expired")
        assert sandbox.receive_types() == ["charge.expired", "payment_intent.canceled"]


class TestCancel:
    def test_releases_a_hold_of_which_nothing_is_refunded(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(capture_method="manual")

        canceled = sandbox.sdk.v1.payment_intents.cancel(
            intent.id, {"cancellation_reason": "requested_by_customer", "expand": ["latest_charge"]}
        )

        charge: Any = canceled.latest_charge
        assert (canceled.status, charge.refunded, charge.captured) == ("canceled", False, False)
        assert (charge.status, charge.amount_captured, charge.amount_refunded) == ("succeeded", 0, 0)
        assert sandbox.truth("charge")[0]["released"]

    def test_refuses_a_payment_that_succeeded(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.sdk.v1.payment_intents.cancel(intent.id)

        assert refusal.value.code == "payment_intent_unexpected_state"
        assert refusal.value.error.payment_intent.id == intent.id  # type: ignore[union-attr]


class TestRefund:
    def test_never_gives_back_more_than_was_taken(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 400})

        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 601})
        rest = sandbox.sdk.v1.refunds.create({"charge": intent.latest_charge})
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})

        assert rest.amount == 600
        assert refusal.value.code == "charge_already_refunded"
        assert sandbox.sdk.v1.charges.retrieve(intent.latest_charge).refunded is True

    def test_arrives_late_where_the_card_says_so(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_pendingRefund")
        refund = sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})
        assert (refund.status, refund.pending_reason) == ("pending", "processing")
        sandbox.receive()

        sandbox.clock.advance(6)

        assert sandbox.sdk.v1.refunds.retrieve(refund.id).status == "succeeded"
        assert sandbox.receive_types() == ["refund.updated", "charge.refund.updated"]

    def test_may_fail_after_it_succeeded(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card="pm_card_refundFail")
        refund = sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})

        sandbox.clock.advance(6)

        read = sandbox.sdk.v1.refunds.retrieve(refund.id)
        assert (read.status, read.failure_reason) == ("failed", "expired_or_canceled_card")
        assert sandbox.truth("charge")[0]["amount_refunded"] == 0
        assert sum(line["amount"] for line in sandbox.truth("balance_transaction")) == 1000

    def test_refuses_a_hold(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(capture_method="manual")

        with pytest.raises(stripe.InvalidRequestError, match="must cancel the PaymentIntent"):
            sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})


class TestRead:
    def test_pages_forwards_and_backwards_without_gaps(self, sandbox: InProcess) -> None:
        made = [sandbox.pay(amount).id for amount in range(1, 6)]
        intents = sandbox.sdk.v1.payment_intents

        first = intents.list({"limit": 2})
        second = intents.list({"limit": 2, "starting_after": first.data[-1].id})
        back = intents.list({"limit": 2, "ending_before": second.data[0].id})

        assert [intent.id for intent in (*first.data, *second.data)] == made[:0:-1]
        assert (first.has_more, back.has_more) == (True, False)
        assert [intent.id for intent in back.data] == [intent.id for intent in first.data]
        assert [intent.id for intent in intents.list({"limit": 2}).auto_paging_iter()] == made[::-1]

    def test_filters_by_creation(self, sandbox: InProcess) -> None:
        sandbox.pay()
        sandbox.clock.advance(10)
        late = sandbox.pay()

        found = sandbox.sdk.v1.payment_intents.list({"created": {"gte": late.created}})

        assert [intent.id for intent in found.data] == [late.id]

    def test_expands_along_a_path(self, sandbox: InProcess) -> None:
        sandbox.pay()

        listed: Any = sandbox.sdk.v1.payment_intents.list({"expand": ["data.latest_charge.balance_transaction"]})

        assert listed.data[0].latest_charge.balance_transaction.net == 1000

    def test_sums_the_balance(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 1})

        balance = sandbox.sdk.v1.balance.retrieve()

        assert (balance.pending[0].amount, balance.available[0].amount) == (999, 0)

    def test_finds_nothing_under_an_unknown_id(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent") as refusal:
            sandbox.sdk.v1.payment_intents.retrieve("pi_none")

        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


class TestWhoAsks:
    def test_refuses_a_wrong_key(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.AuthenticationError):
            sandbox.client("sk_test_wrong").v1.balance.retrieve()

    def test_lets_the_buyers_browser_confirm_with_the_client_secret_only(self, sandbox: InProcess) -> None:
        intent = sandbox.sdk.v1.payment_intents.create({"amount": 5, "currency": "eur"})
        browser = sandbox.client("pk_test_sandbox").v1.payment_intents
        assert intent.client_secret is not None

        with pytest.raises(stripe.InvalidRequestError):
            browser.confirm(intent.id, {"payment_method": "pm_card_visa"})
        with pytest.raises(stripe.AuthenticationError):
            browser.cancel(intent.id)
        proof: Any = {"payment_method": "pm_card_visa", "client_secret": intent.client_secret}
        paid = browser.confirm(intent.id, proof)

        assert paid.status == "succeeded"
