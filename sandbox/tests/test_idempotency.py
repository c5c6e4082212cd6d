"""The provider's idempotency keys, true to the wire."""

import threading
from typing import Any

import pytest
import stripe

from sandbox.tests.clients import InProcess


class TestKey:
    def test_gives_the_same_answer_again_and_says_so(self, sandbox: InProcess) -> None:
        first = sandbox.pay(key="k1")
        assert "idempotent-replayed" not in sandbox.wire.last_headers

        second = sandbox.pay(key="k1")

        assert second.to_dict() == first.to_dict()
        assert sandbox.wire.last_headers["idempotent-replayed"] == "true"
        assert len(sandbox.truth("intent")) == 1

    def test_gives_the_saved_answer_even_when_the_world_moved_on(self, sandbox: InProcess) -> None:
        first = sandbox.pay(key="k1", capture_method="manual")
        sandbox.sdk.v1.payment_intents.capture(first.id)

        assert sandbox.pay(key="k1", capture_method="manual").status == "requires_capture"

    def test_gives_a_saved_decline_again(self, sandbox: InProcess) -> None:
        for _ in range(2):
            with pytest.raises(stripe.CardError):
                sandbox.pay(key="k1", card="pm_card_chargeDeclined")

        assert len(sandbox.truth("charge")) == 1

    def test_refuses_other_parameters(self, sandbox: InProcess) -> None:
        sandbox.pay(key="k1")

        with pytest.raises(stripe.IdempotencyError) as refusal:
            sandbox.pay(1001, key="k1")

        assert refusal.value.http_status == 400
        assert len(sandbox.truth("intent")) == 1

    def test_is_not_spent_by_parameters_that_make_no_sense(self, sandbox: InProcess) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            sandbox.pay(0, key="k1")
        with pytest.raises(stripe.InvalidRequestError):
            sandbox.pay(key="k1", expand=["nonsense"])

        assert sandbox.pay(key="k1").status == "succeeded"
        assert len(sandbox.truth("intent")) == 1

    def test_is_spent_by_a_refusal_in_mid_execution(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        options: Any = {"idempotency_key": "k1"}
        for _ in range(2):
            with pytest.raises(stripe.InvalidRequestError):
                sandbox.sdk.v1.payment_intents.capture(intent.id, {}, options)

        assert sandbox.wire.last_headers["idempotent-replayed"] == "true"

    def test_runs_again_as_new_after_a_day(self, sandbox: InProcess) -> None:
        first = sandbox.pay(key="k1")
        sandbox.clock.advance(24 * 3600)

        assert sandbox.pay(key="k1").id != first.id

    def test_can_be_forgotten_early(self, sandbox: InProcess) -> None:
        first = sandbox.pay(key="k1")

        assert sandbox.control("POST", "prune_keys", {"older_than_seconds": 0}) == {"pruned": 1}
        assert sandbox.pay(key="k1").id != first.id

    def test_is_ignored_by_reads(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(capture_method="manual")
        options: Any = {"idempotency_key": "k1"}
        sandbox.sdk.v1.payment_intents.retrieve(intent.id, {}, options)
        sandbox.sdk.v1.payment_intents.capture(intent.id)

        read = sandbox.sdk.v1.payment_intents.retrieve(intent.id, {}, options)

        assert read.status == "succeeded"

    def test_refuses_while_its_first_call_runs(self, sandbox: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        started, may_end = threading.Event(), threading.Event()

        def wait(seconds: float) -> None:
            started.set()
            may_end.wait(5)

        monkeypatch.setattr(sandbox.clock, "sleep", wait)
        sandbox.control("POST", "faults", {"kind": "slow", "times": 1, "seconds": 1})
        first = threading.Thread(target=sandbox.pay, kwargs={"key": "k1"})
        first.start()
        assert started.wait(5)

        with pytest.raises(stripe.APIError) as refusal:
            sandbox.pay(key="k1")
        may_end.set()
        first.join()

        assert refusal.value.http_status == 409
        assert refusal.value.error.code == "idempotency_key_in_use"  # type: ignore[union-attr]
        assert sandbox.pay(key="k1").status == "succeeded"
        assert len(sandbox.truth("intent")) == 1
