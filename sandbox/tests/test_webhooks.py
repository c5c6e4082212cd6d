"""Events and their signed deliveries."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
import stripe

from sandbox.clock import VirtualClock
from sandbox.in_process import open_application
from sandbox.tests.clients import SECRETS, SETTINGS, START, InProcess


class TestEvents:
    def test_tell_an_automatic_payment(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(key="k1")

        events = sandbox.receive()

        assert [event.type for event in events] == [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
        ]
        assert events[2].data.object["id"] == intent.id
        assert events[2].request is not None
        assert events[2].request.idempotency_key == "k1"
        assert (events[2].livemode, events[2].pending_webhooks) == (False, 1)

    def test_tell_a_hold_its_capture_and_a_refund(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(capture_method="manual")
        sandbox.sdk.v1.payment_intents.capture(intent.id)
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})

        assert sandbox.receive_types() == [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated",
            "charge.captured",
            "payment_intent.succeeded",
            "refund.created",
            "charge.refunded",
        ]

    def test_show_the_object_as_it_was_then(self, sandbox: InProcess) -> None:
        sandbox.pay()

        created = sandbox.receive()[0]

        assert created.data.object["status"] == "requires_confirmation"

    def test_are_listed_by_type_and_by_delivery(self, sandbox: InProcess) -> None:
        sandbox.pay()
        events = sandbox.sdk.v1.events
        pending = events.list({"delivery_success": False, "types": ["payment_intent.succeeded"]})
        sandbox.receive()

        assert len(pending.data) == 1
        assert events.list({"delivery_success": False}).data == []
        assert len(events.list({"delivery_success": True}).data) == 3
        assert events.retrieve(pending.data[0].id).type == "payment_intent.succeeded"


class TestDelivery:
    def test_is_signed_with_every_active_secret_over_the_raw_body(self, sandbox: InProcess) -> None:
        sandbox.pay()
        delivery = sandbox.engine.due_deliveries(sandbox.clock.now())[0]
        header = delivery.headers["stripe-signature"]
        expected = [
            hmac.new(secret.encode(), b"1800000000." + delivery.body, hashlib.sha256).hexdigest() for secret in SECRETS
        ]

        assert header == f"t=1800000000,v1={expected[0]},v1={expected[1]}"
        for secret in SECRETS:
            stripe.Webhook.construct_event(delivery.body, header, secret, 10**10)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(delivery.body + b" ", header, SECRETS[0], 10**10)

    def test_is_repeated_with_a_fresh_signature_until_received(self, sandbox: InProcess) -> None:
        sandbox.sdk.v1.payment_intents.create({"amount": 5, "currency": "eur"})
        sandbox.receive(status=503)
        assert sandbox.receive() == []
        sandbox.clock.advance(2)

        again = sandbox.engine.due_deliveries(sandbox.clock.now())

        assert again[0].headers["stripe-signature"].startswith("t=1800000002,")
        sandbox.engine.record_delivery(again[0].id, None)
        sandbox.clock.advance(5)
        assert sandbox.receive_types() == ["payment_intent.created"]
        sandbox.clock.advance(10**6)
        assert sandbox.receive() == []

    def test_is_given_up_after_some_days(self, sandbox: InProcess) -> None:
        sandbox.sdk.v1.payment_intents.create({"amount": 5, "currency": "eur"})

        tries = 0
        while sandbox.receive(status=500):
            tries += 1
            sandbox.clock.advance(86_400)

        assert tries == 11
        assert len(sandbox.sdk.v1.events.list({"delivery_success": False}).data) == 1


class TestControl:
    def test_truth_holds_every_kind_and_adds_up(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(metadata={"order": "A"})
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 300})

        lines = [json.loads(line) for line in sandbox.http.get("/_control/truth").iter_lines()]

        kinds = {line["kind"] for line in lines}
        assert kinds == {"intent", "charge", "capture", "refund", "balance_transaction", "event"}
        charge = next(line for line in lines if line["kind"] == "charge")
        moved = sum(line["amount"] for line in lines if line["kind"] == "balance_transaction")
        assert charge["amount_captured"] - charge["amount_refunded"] == moved == 700
        assert lines[0]["metadata"] == {"order": "A"}

    def test_truth_is_read_in_pages_while_writes_go_on(self, sandbox: InProcess) -> None:
        for amount in range(1, 700):
            sandbox.sdk.v1.payment_intents.create({"amount": amount, "currency": "gbp"})

        assert [line["amount"] for line in sandbox.truth("intent")] == list(range(1, 700))

    def test_moves_the_clock(self, sandbox: InProcess) -> None:
        sandbox.pay(card="pm_card_lateSuccess")

        moved = sandbox.control("POST", "clock", {"advance_seconds": 10})

        assert moved == {"now": START + 10, "timers_run": 1}

    def test_reset_forgets_everything(self, sandbox: InProcess) -> None:
        sandbox.pay(card="pm_card_lateSuccess")
        sandbox.control("POST", "faults", {"kind": "slow"})

        sandbox.control("POST", "reset")

        assert sandbox.control("GET", "health")["counts"]["intent"] == 0
        assert sandbox.control("GET", "faults") == {"faults": []}
        sandbox.clock.advance(10)
        assert sandbox.engine.tick() == 0

    def test_refuses_a_page_of_another_site(self, sandbox: InProcess) -> None:
        answer = sandbox.http.post("/_control/reset", headers={"sec-fetch-site": "cross-site"})

        assert answer.status_code == 403


class TestRepeatability:
    def test_one_seed_gives_one_history(self) -> None:
        histories = []
        for _ in range(2):
            sandbox = InProcess(seed=7)
            sandbox.pay()
            histories.append(sandbox.http.get("/_control/truth").text)
            sandbox.engine.store.close()

        assert histories[0] == histories[1]

    def test_a_restart_keeps_payments_keys_faults_timers_and_deliveries(self, tmp_path: Path) -> None:
        path = f"{tmp_path}/sandbox.sqlite3"
        before = InProcess(path=path)
        first = before.pay(key="k1", card="pm_card_lateSuccess")
        before.control("POST", "faults", {"kind": "timeout_before", "operation": "refunds.create"})
        before.engine.store.close()

        after = InProcess(path=path, seed=2)

        assert after.pay(key="k1", card="pm_card_lateSuccess").id == first.id
        assert len(after.receive()) == 2
        assert len(after.control("GET", "faults")["faults"]) == 1
        after.clock.advance(10)
        assert after.sdk.v1.payment_intents.retrieve(first.id).status == "succeeded"
        after.engine.store.close()

    def test_a_killed_call_leaves_neither_effect_nor_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sandbox = InProcess()

        def die(*_args: object, **_kwargs: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(sandbox.application.stripe.keys, "save", die)
            with pytest.raises(KeyboardInterrupt):
                sandbox.pay(key="k1")

        assert sandbox.truth("intent") == sandbox.truth("event") == []
        assert sandbox.pay(key="k1").status == "succeeded"
        sandbox.engine.store.close()

    def test_without_an_endpoint_nothing_waits_for_delivery(self) -> None:
        settings = type(SETTINGS)()
        application = open_application(clock=VirtualClock(START), settings=settings)

        assert application.engine.due_deliveries(START) == []
        application.engine.store.close()
