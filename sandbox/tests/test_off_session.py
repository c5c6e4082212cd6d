"""Payments while nobody is there to be asked, and challenges that were asked for."""

from typing import Any, ClassVar

import pytest
import stripe

from sandbox.tests.clients import InProcess


class TestNobodyThere:
    CARD = "pm_card_authenticationRequired"
    CHALLENGE: ClassVar[dict[str, Any]] = {"card": {"request_three_d_secure": "challenge"}}

    def test_a_card_that_wants_to_ask_declines(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.CardError) as refusal:
            sandbox.pay(card=self.CARD, off_session=True)

        error: Any = refusal.value.error
        assert (refusal.value.code, error.decline_code) == ("authentication_required", "authentication_required")
        assert sandbox.truth("intent")[0]["off_session"]

    def test_a_card_that_need_not_ask_approves(self, sandbox: InProcess) -> None:
        assert sandbox.pay(off_session=True).status == "succeeded"

    def test_a_challenge_that_was_asked_for_is_put(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(card=self.CARD, payment_method_options=self.CHALLENGE)

        assert intent.status == "requires_action"
        assert intent.payment_method_options.card.request_three_d_secure == "challenge"

    def test_the_customer_who_comes_back_to_it_is_asked(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.CardError):
            sandbox.pay(card=self.CARD, off_session=True)
        intent_id = sandbox.truth("intent")[0]["id"]

        intent = sandbox.sdk.v1.payment_intents.confirm(intent_id, {"payment_method": self.CARD})

        assert intent.status == "requires_action"
        assert not sandbox.truth("intent")[0]["off_session"]

    def test_wishes_without_a_meaning_are_refused(self, sandbox: InProcess) -> None:
        options: Any = {"card": {"request_three_d_secure": "perhaps"}}
        with pytest.raises(stripe.InvalidRequestError, match="request_three_d_secure"):
            sandbox.pay(payment_method_options=options)
        with pytest.raises(stripe.InvalidRequestError, match="off_session"):
            sandbox.sdk.v1.payment_intents.create({"amount": 1000, "currency": "gbp", "off_session": True})

        assert sandbox.truth("intent") == []
