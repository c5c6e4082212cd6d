"""Our records against the sandbox's truth, told by a real sandbox in this process."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from core.db import transaction
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from oversight.tests.factories import tampering
from payments.models import PaymentAttempt
from reconciliation.invariants import provider
from reconciliation.tests.sound_shop import open_sound_shop
from sandbox.clock import VirtualClock
from sandbox.in_process import SandboxTransport, open_application

pytestmark = pytest.mark.usefixtures("database")

NOON = 1_781_524_800
AFTERWARDS = datetime.fromtimestamp(NOON, tz=UTC) + timedelta(hours=1)


@pytest.fixture
def sandbox() -> httpx2.Client:
    """A sandbox of its own, with Stripe's API and the control API."""
    application = open_application(clock=VirtualClock(NOON), seed=1)
    return httpx2.Client(
        transport=SandboxTransport(application),
        base_url="http://sandbox",
        headers={"authorization": "Bearer sk_test_sandbox"},
    )


def paid(sandbox: httpx2.Client, *, name: str, amount_minor: int) -> str:
    """This will pay at the provider for our attempt of that name and give the payment the attempt's reference."""
    fields = {
        "amount": str(amount_minor),
        "currency": "gbp",
        "confirm": "true",
        "payment_method": "pm_card_visa",
        "payment_method_types[]": "card",
        "metadata[order_id]": f"ord_{name}",
        "metadata[attempt_id]": f"payatt_{name}",
    }
    answer = sandbox.post(
        "/v1/payment_intents", data=fields, headers={"idempotency-key": f"create-{name}-{amount_minor}"}
    )
    assert answer.status_code == 200, answer.text
    reference = str(answer.json()["id"])
    with tampering() as tamperer:
        tamperer.execute(
            "UPDATE payments_paymentattempt SET provider_reference = %s WHERE public_id = %s",
            [reference, f"payatt_{name}"],
        )
    return reference


def returned(sandbox: httpx2.Client, reference: str) -> None:
    """This will give a payment back at the provider."""
    answer = sandbox.post(
        "/v1/refunds", data={"payment_intent": reference}, headers={"idempotency-key": f"refund-{reference}"}
    )
    assert answer.status_code == 200, answer.text


def found(sandbox: httpx2.Client, *, since: datetime = AFTERWARDS) -> list[tuple[str, str]]:
    """This will compare and return (invariant, subject) of each difference."""
    answer = sandbox.get("/_control/truth", params={"kind": ["intent", "charge", "refund", "balance_transaction"]})
    records = [json.loads(line) for line in answer.iter_lines()]
    truth = provider.read_truth(records, since=since)
    return [(violation.invariant, violation.subject) for violation in provider.differences(truth)]


@pytest.fixture
def agreeing(sandbox: httpx2.Client) -> httpx2.Client:
    """A sandbox that says what the sound shop says."""
    open_sound_shop()
    paid(sandbox, name="paid", amount_minor=1000)
    returned(sandbox, paid(sandbox, name="returned", amount_minor=500))
    return sandbox


def tell(of: CaseType, reference: str) -> None:
    """This will open a case about a payment."""
    report = Report(
        type=of, subject_id=reference, severity=Case.Severity.HIGH, summary="A payment nobody here asked for."
    )
    with transaction("test"):
        open_case(report, now=AFTERWARDS)


class TestDifferences:
    def test_there_are_none_when_both_say_the_same(self, agreeing: httpx2.Client) -> None:
        assert found(agreeing) == []

    @pytest.mark.parametrize(
        ("statement", "violation"),
        [
            (
                "UPDATE payments_paymentattempt SET captured_minor = 999 WHERE public_id = 'payatt_paid'",
                ("I3", "ord_paid"),
            ),
            (
                "UPDATE payments_paymentattempt SET public_id = 'payatt_other' WHERE public_id = 'payatt_paid'",
                ("I3", "ord_paid"),
            ),
            (
                "UPDATE payments_paymentattempt SET provider_reference = 'pi_other' WHERE public_id = 'payatt_paid'",
                ("I3", "ord_paid"),
            ),
            (
                "UPDATE payments_paymentattempt SET currency = 'EUR' WHERE public_id = 'payatt_paid'",
                ("I3", "ord_paid"),
            ),
            (
                "UPDATE payments_paymentattempt SET excess_returned_minor = 0 WHERE public_id = 'payatt_returned'",
                ("I3", "ord_returned"),
            ),
            (
                "UPDATE payments_paymentattempt SET captured_minor = 500 WHERE public_id = 'payatt_waiting'",
                ("I3", "ord_waiting"),
            ),
            ("DELETE FROM ledger_entry WHERE amount_minor = 1000", ("I9", "clearing:GBP")),
        ],
        ids=["amount", "no attempt", "reference", "currency", "not returned", "not captured there", "books"],
    )
    def test_are_found(self, agreeing: httpx2.Client, statement: str, violation: tuple[str, str]) -> None:
        with tampering() as tamperer:
            assert tamperer.execute(statement).rowcount

        assert violation in found(agreeing)

    def test_money_taken_twice_for_an_order_is_found(self, agreeing: httpx2.Client) -> None:
        paid(agreeing, name="paid", amount_minor=1000 + 1)

        assert {("I3", "ord_paid"), ("I1", "ord_paid"), ("I9", "clearing:GBP")} <= set(found(agreeing))

    def test_money_under_no_reference_of_ours_is_found_until_people_were_told(self, agreeing: httpx2.Client) -> None:
        reference = paid(agreeing, name="stranger", amount_minor=700)
        assert {("I3", "ord_stranger"), ("I9", "clearing:GBP")} <= set(found(agreeing))

        tell(CaseType.UNKNOWN_PROVIDER_OBJECT, reference)

        assert found(agreeing) == []

    def test_a_payment_that_was_made_twice_is_found_until_people_were_told_of_that_one(
        self, agreeing: httpx2.Client
    ) -> None:
        answer = agreeing.get("/_control/truth", params={"kind": "intent"})
        [first] = [row for row in map(json.loads, answer.iter_lines()) if row["metadata"]["order_id"] == "ord_paid"]
        for _ in range(2):
            agreeing.post("/_control/duplicates", json={"payment_intent": first["id"]}).raise_for_status()
        records = [json.loads(line) for line in agreeing.get("/_control/truth?kind=intent").iter_lines()]
        again = [row["id"] for row in records if row["metadata"] == first["metadata"] and row["id"] != first["id"]]
        twice = {("I3", "ord_paid"), ("I1", "ord_paid"), ("I9", "clearing:GBP")}
        assert set(found(agreeing)) == twice

        tell(CaseType.AMOUNT_MISMATCH, again[0])
        assert set(found(agreeing)) == twice

        tell(CaseType.AMOUNT_MISMATCH, again[1])
        assert found(agreeing) == []

    def test_a_payment_of_ours_is_compared_whatever_people_were_told_of_it(self, agreeing: httpx2.Client) -> None:
        reference = PaymentAttempt.objects.get(public_id="payatt_paid").provider_reference
        tell(CaseType.AMOUNT_MISMATCH, str(reference))
        assert found(agreeing) == []

        with tampering() as tamperer:
            tamperer.execute("UPDATE payments_paymentattempt SET captured_minor = 999 WHERE public_id = 'payatt_paid'")

        assert found(agreeing) == [("I3", "ord_paid")]

    def test_what_moved_a_moment_ago_is_not_judged(self, agreeing: httpx2.Client) -> None:
        paid(agreeing, name="waiting", amount_minor=500)

        assert found(agreeing, since=datetime.fromtimestamp(NOON, tz=UTC)) == []
        assert ("I3", "ord_waiting") in found(agreeing)
