"""Keys below the door: claims, leases, fencing, sealing and reaping."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from django.db import IntegrityError

from core import crypto, idempotency
from core.db import TransactionStanceError, transaction
from core.errors import Invalid
from core.idempotency import (
    AnswerUnreadable,
    KeyedRequest,
    KeyMalformed,
    KeyRequired,
    KeyReused,
    LeaseLost,
    RequestInProgress,
    StoredAnswer,
)
from core.models import IdempotencyKey
from core.tests.factories import NOW

pytestmark = pytest.mark.usefixtures("database")

REQUEST = KeyedRequest(principal="cart:cart_1", operation="checkout.start", raw_key="key-1", fingerprint="f" * 64)
ANSWER = StoredAnswer(status=201, body=b'{"order_token":"secret"}')
LATER = NOW + timedelta(seconds=31)


def claimed(request: KeyedRequest = REQUEST, *, now: Any = NOW) -> idempotency.Claim:
    """This will claim the key, commit what it made, and leave the rest undone."""
    with transaction("test"):
        claim = idempotency.claim(request, now=now)
        if claim.answer is None and claim.recovery_point == "started":
            idempotency.commit_point(claim, subject_id="op_1")
    return claim


def finish(claim: idempotency.Claim, *, answer: StoredAnswer = ANSWER) -> None:
    with transaction("test"):
        idempotency.hold(claim)
        idempotency.finish(claim, request=REQUEST, answer=answer, now=NOW)


class TestParse:
    @pytest.mark.parametrize("header", [None, ""])
    def test_none_is_required(self, header: str | None) -> None:
        with pytest.raises(KeyRequired):
            idempotency.parse_key(header)

    @pytest.mark.parametrize(
        "header", ["a b", '"a', 'a"b', "é", "x" * 256, '""', '"' + "x" * 256 + '"', "a\tb", "a\\b"]
    )
    def test_other_characters_are_malformed(self, header: str) -> None:
        with pytest.raises(KeyMalformed):
            idempotency.parse_key(header)

    def test_quotes_are_not_part_of_the_key(self) -> None:
        assert idempotency.parse_key('"abc"') == idempotency.parse_key("abc") == idempotency.parse_key(" abc ") == "abc"


class TestFingerprint:
    def test_is_of_meaning_not_of_bytes(self) -> None:
        first = idempotency.fingerprint_of({"a": 1, "b": [1.0, "é"]}, path="/x")

        assert first == idempotency.fingerprint_of({"b": [1, "é"], "a": 1}, path="/x")
        assert first != idempotency.fingerprint_of({"b": [1, "é"], "a": 1}, path="/y")
        assert first != idempotency.fingerprint_of({"b": ["é", 1], "a": 1}, path="/x")

    @pytest.mark.parametrize("number", [2**53, -(2**53), float("inf"), float("nan")])
    def test_refuses_numbers_that_json_cannot_carry(self, number: float) -> None:
        with pytest.raises(Invalid):
            idempotency.fingerprint_of({"a": number}, path="/x")


class TestClaim:
    def test_needs_the_business_transaction(self) -> None:
        with pytest.raises(TransactionStanceError):
            idempotency.claim(REQUEST, now=NOW)

    def test_is_gone_with_its_transaction(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction("test"):
            assert idempotency.claim(REQUEST, now=NOW).row_id / 0

        assert not IdempotencyKey.objects.exists()

    def test_another_request_under_the_key_is_refused(self) -> None:
        claimed()

        with pytest.raises(KeyReused), transaction("test"):
            idempotency.claim(replace(REQUEST, fingerprint="0" * 64), now=LATER)

    @pytest.mark.parametrize(
        "change", [{"principal": "cart:cart_2"}, {"operation": "orders.cancel"}, {"raw_key": "key-2"}]
    )
    def test_principal_operation_and_key_make_it(self, change: dict[str, str]) -> None:
        claimed()

        assert claimed(replace(REQUEST, **change)).recovery_point == "started"
        assert IdempotencyKey.objects.count() == 2

    def test_runs_while_the_lease_runs(self) -> None:
        claimed()

        with pytest.raises(RequestInProgress) as refusal:
            claimed(now=NOW + timedelta(seconds=29))
        assert refusal.value.retry_after_seconds == 1

    def test_is_visible_to_who_asks_without_waiting(self) -> None:
        with transaction("test"):
            assert not idempotency.is_claimed(REQUEST)
        claimed()
        with transaction("test"):
            assert idempotency.is_claimed(REQUEST)


class TestTakeover:
    @pytest.mark.pains("D3")
    def test_after_the_lease_a_successor_continues_with_a_higher_token(self) -> None:
        first = claimed()

        second = claimed(now=LATER)

        assert (second.recovery_point, second.subject_id) == ("committed", "op_1")
        assert second.fencing_token == first.fencing_token + 1

    def test_the_late_original_can_no_longer_store_its_answer(self) -> None:
        first = claimed()
        second = claimed(now=LATER)

        with pytest.raises(LeaseLost):
            finish(first, answer=StoredAnswer(status=500, body=b"late"))
        with pytest.raises(LeaseLost), transaction("test"):
            idempotency.finish(first, request=REQUEST, answer=ANSWER, now=NOW)
        finish(second)

        assert claimed(now=LATER).answer == ANSWER

    def test_the_late_original_cannot_give_up_its_successor_s_lease(self) -> None:
        first = claimed()
        claimed(now=LATER)

        with transaction("test"):
            idempotency.give_up_lease(first)

        with pytest.raises(RequestInProgress):
            claimed(now=LATER + timedelta(seconds=1))

    def test_an_answer_that_is_not_final_yet_frees_the_key_at_once(self) -> None:
        first = claimed()
        with transaction("test"):
            idempotency.give_up_lease(first)

        assert claimed(now=NOW + timedelta(seconds=1)).recovery_point == "committed"


class TestAnswer:
    def test_is_final_and_the_same_for_ever(self) -> None:
        first = claimed()
        finish(first)

        assert claimed(now=NOW + timedelta(days=20)).answer == ANSWER
        with pytest.raises(IntegrityError):
            IdempotencyKey.objects.update(answer_sealed=b"other")
        with pytest.raises(IntegrityError):
            IdempotencyKey.objects.update(fingerprint="0" * 64)

    def test_is_sealed_with_what_only_the_client_holds(self) -> None:
        finish(claimed())
        sealed = bytes(IdempotencyKey.objects.get().answer_sealed or b"")

        assert b"secret" not in sealed
        purpose = "idempotency:cart:cart_1:checkout.start"
        assert crypto.unseal(sealed, purpose=purpose, client_secret="key-1") == ANSWER.body
        for other in ({"purpose": purpose, "client_secret": "key-2"}, {"purpose": "x", "client_secret": "key-1"}):
            with pytest.raises(InvalidTag):
                crypto.unseal(sealed, **other)

    def test_is_not_run_again_when_the_data_key_was_lost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        finish(claimed())
        monkeypatch.setenv("DATA_KEY", "another key than the one that sealed it")

        with pytest.raises(AnswerUnreadable), transaction("test"):
            idempotency.claim(REQUEST, now=NOW)

    def test_a_finished_key_without_an_answer_is_refused_by_the_database(self) -> None:
        claimed()

        with pytest.raises(IntegrityError):
            IdempotencyKey.objects.update(recovery_point="finished")


class TestReap:
    def test_takes_keys_past_their_time_in_batches(self) -> None:
        for number in range(3):
            claimed(replace(REQUEST, raw_key=f"key-{number}"))
        claimed(replace(REQUEST, raw_key="young"), now=NOW + timedelta(days=2))

        with transaction("test"):
            assert idempotency.reap(now=NOW + timedelta(days=30, seconds=1), limit=2) == 2
        with transaction("test"):
            assert idempotency.reap(now=NOW + timedelta(days=30, seconds=1), limit=2) == 1
        assert IdempotencyKey.objects.count() == 1
