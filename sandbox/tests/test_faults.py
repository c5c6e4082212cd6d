"""Faults on demand: each does exactly what its name says, as often as asked."""

from typing import Any

import httpx2
import pytest
import stripe

from sandbox.tests.clients import InProcess


class TestCallFault:
    def test_timeout_after_executes_once_and_the_key_gives_the_same_intent(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "faults", {"kind": "timeout_after", "times": 1})
        with pytest.raises(stripe.APIConnectionError, match="ReadError"):
            sandbox.pay(key="k1")
        executed = sandbox.truth("intent")

        intent = sandbox.pay(key="k1")

        assert [line["id"] for line in executed] == [intent.id]
        assert len(sandbox.truth("intent")) == len(sandbox.truth("charge")) == 1

    def test_what_was_asked_is_told_in_its_order_whatever_became_of_it(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "faults", {"kind": "timeout_before", "times": 1})
        with pytest.raises(stripe.APIConnectionError):
            sandbox.pay(key="k1", metadata={"order_id": "ord_1"})
        sandbox.sdk.v1.payment_intents.list({"limit": 1})
        sandbox.sdk.v1.payment_intents.retrieve(sandbox.pay(key="k2").id)

        calls = sandbox.control("GET", "calls")["calls"]

        assert [(call["operation"], call["order_id"], call["idempotency_key"]) for call in calls] == [
            ("payment_intents.create", "ord_1", "k1"),
            ("payment_intents.list", "", ""),
            ("payment_intents.create", "", "k2"),
            ("payment_intents.retrieve", "", ""),
        ]
        assert calls[3]["id"] == sandbox.truth("intent")[0]["id"]
        sandbox.control("POST", "reset")
        assert sandbox.control("GET", "calls") == {"calls": []}

    def test_timeout_before_executes_nothing(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "faults", {"kind": "timeout_before", "times": 1})

        with pytest.raises(stripe.APIConnectionError, match="ConnectTimeout"):
            sandbox.pay(key="k1")

        assert sandbox.truth("intent") == []
        assert sandbox.pay(key="k1").status == "succeeded"

    def test_a_slow_call_executes_although_the_client_gave_up(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "faults", {"kind": "slow", "times": 1, "seconds": 60})

        with pytest.raises(stripe.APIConnectionError, match="ReadTimeout"):
            sandbox.pay(key="k1")

        assert sandbox.pay(key="k1").id == sandbox.truth("intent")[0]["id"]

    @pytest.mark.parametrize("has_effect", [True, False])
    def test_a_saved_500_is_replayed_for_ever(self, sandbox: InProcess, has_effect: bool) -> None:
        rule = {"kind": "error_500_saved", "times": 1, "has_effect": has_effect}
        sandbox.control("POST", "faults", rule)

        for _ in range(3):
            with pytest.raises(stripe.APIError) as refusal:
                sandbox.pay(key="k1")
            assert refusal.value.http_status == 500

        assert len(sandbox.truth("intent")) == int(has_effect)

    def test_a_500_before_execution_is_forgotten(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "faults", {"kind": "error_500_before", "times": 1})
        with pytest.raises(stripe.APIError):
            sandbox.pay(key="k1")

        assert sandbox.pay(key="k1").status == "succeeded"

    def test_the_sdks_own_retry_overcomes_a_lost_answer(
        self, sandbox: InProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stripe.HTTPClient, "_sleep_time_seconds", lambda *_: 0)
        sandbox.control("POST", "faults", {"kind": "timeout_after", "times": 2})
        client = sandbox.client("sk_test_sandbox", retries=2)

        intent = client.v1.payment_intents.create({"amount": 7, "currency": "gbp"})

        assert [line["id"] for line in sandbox.truth("intent")] == [intent.id]

    def test_decline_late_success_in_use_and_rate_limit(self, sandbox: InProcess) -> None:
        for kind in ("decline", "late_success", "key_in_use", "rate_limited"):
            sandbox.control("POST", "faults", {"kind": kind, "times": 1, "seconds": 3})

        with pytest.raises(stripe.CardError):
            sandbox.pay(key="k1")
        assert sandbox.pay(key="k2").status == "processing"
        with pytest.raises(stripe.APIError) as in_use:
            sandbox.pay(key="k3")
        with pytest.raises(stripe.RateLimitError):
            sandbox.pay(key="k3")
        assert in_use.value.http_status == 409
        assert sandbox.pay(key="k3").status == "succeeded"

    def test_hits_each_nth_matching_call_after_those_left_out(self, sandbox: InProcess) -> None:
        rule = {"kind": "error_500_before", "every": 2, "after": 1, "times": 2}
        sandbox.control("POST", "faults", {**rule, "operation": "payment_intents.create"})

        outcomes = [self.outcome(sandbox) for _ in range(8)]

        assert outcomes == [True, True, False, True, False, True, True, True]
        shown = sandbox.control("GET", "faults")["faults"][0]
        assert (shown["seen"], shown["hits"]) == (8, 2)

    def test_matches_metadata_of_the_call_and_of_its_intent(self, sandbox: InProcess) -> None:
        rule = {"kind": "timeout_before", "match": {"order": "B"}}
        sandbox.control("POST", "faults", {**rule, "operation": "payment_intents.capture"})
        first = sandbox.pay(capture_method="manual", metadata={"order": "A"})
        second = sandbox.pay(capture_method="manual", metadata={"order": "B"})

        assert sandbox.sdk.v1.payment_intents.capture(first.id).status == "succeeded"
        with pytest.raises(stripe.APIConnectionError):
            sandbox.sdk.v1.payment_intents.capture(second.id)

    def test_can_be_taken_out_of_force(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "faults", {"kind": "timeout_before"})

        assert sandbox.control("DELETE", "faults") == {"faults": []}
        assert sandbox.pay().status == "succeeded"

    @pytest.mark.parametrize("rule", [{"kind": "flood"}, {"kind": "slow", "every": 0}, {"kind": "slow", "often": 1}])
    def test_refuses_a_rule_that_makes_no_sense(self, sandbox: InProcess, rule: Any) -> None:
        answer: httpx2.Response = sandbox.http.post("/_control/faults", json=rule)

        assert answer.status_code == 400

    def outcome(self, sandbox: InProcess) -> bool:
        try:
            sandbox.pay()
        except stripe.APIError:
            return False
        return True


class TestWebhookFault:
    def test_a_dropped_event_counts_as_delivered_but_is_never_sent(self, sandbox: InProcess) -> None:
        rule = {"kind": "drop", "times": 1, "types": ["payment_intent.succeeded"]}
        sandbox.control("POST", "webhook_faults", rule)
        sandbox.pay()

        assert sandbox.receive_types() == ["payment_intent.created", "charge.succeeded"]
        listed = sandbox.sdk.v1.events.list({"type": "payment_intent.succeeded"}).data
        assert listed[0].pending_webhooks == 0
        assert sandbox.sdk.v1.events.list({"delivery_success": False}).data == []

    def test_a_dropped_event_can_be_sent_again_by_hand(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "webhook_faults", {"kind": "drop"})
        sandbox.sdk.v1.payment_intents.create({"amount": 5, "currency": "eur"})
        event = sandbox.truth("event")[0]

        sandbox.control("POST", f"events/{event['id']}/redeliver")

        assert [received.id for received in sandbox.receive()] == [event["id"]]

    def test_a_duplicate_has_the_same_event_id(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "webhook_faults", {"kind": "duplicate", "times": 1})
        sandbox.sdk.v1.payment_intents.create({"amount": 5, "currency": "eur"})

        received = sandbox.receive()

        assert len(received) == 2
        assert received[0].id == received[1].id

    def test_a_delayed_event_comes_later(self, sandbox: InProcess) -> None:
        rule = {"kind": "delay", "types": ["charge.succeeded"], "seconds": 60}
        sandbox.control("POST", "webhook_faults", rule)
        sandbox.pay()

        assert sandbox.receive_types() == ["payment_intent.created", "payment_intent.succeeded"]
        sandbox.clock.advance(60)
        assert sandbox.receive_types() == ["charge.succeeded"]

    def test_deliver_now_ends_a_delay(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "webhook_faults", {"kind": "delay", "seconds": 9999})
        sandbox.pay()
        assert sandbox.receive_types() == []

        assert sandbox.control("POST", "deliver_now") == {"deliveries": 3}
        assert len(sandbox.receive_types()) == 3

    def test_a_reordered_event_follows_its_successor(self, sandbox: InProcess) -> None:
        rule = {"kind": "reorder", "types": ["charge.succeeded"]}
        sandbox.control("POST", "webhook_faults", rule)
        sandbox.pay()

        assert sandbox.receive_types() == [
            "payment_intent.created",
            "payment_intent.succeeded",
            "charge.succeeded",
        ]

    def test_a_reordered_event_without_successor_still_comes(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "webhook_faults", {"kind": "reorder", "seconds": 2})
        sandbox.sdk.v1.payment_intents.create({"amount": 5, "currency": "eur"})
        assert sandbox.receive_types() == []

        sandbox.clock.advance(2)

        assert sandbox.receive_types() == ["payment_intent.created"]
