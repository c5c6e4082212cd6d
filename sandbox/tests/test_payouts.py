"""What the provider keeps, what is there, and what it sends to the bank."""

from typing import Any

import pytest
import stripe

from sandbox.tests.clients import InProcess

DAY = 24 * 3600
FEES = {"charge_fees": {"gbp": {"basis_points": 150, "fixed": 20}, "*": {"basis_points": 290}}}


class TestFees:
    def test_there_are_none_unless_settled(self, sandbox: InProcess) -> None:
        sandbox.pay()

        assert (sandbox.balance(), sandbox.truth("balance_transaction")[0]["fee"]) == (1000, 0)

    def test_are_kept_of_each_capture_and_shown(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", FEES)

        intent: Any = sandbox.pay(expand=["latest_charge.balance_transaction"])

        movement = intent.latest_charge.balance_transaction
        assert (movement.amount, movement.fee, movement.net) == (1000, 35, 965)
        [detail] = movement.fee_details
        assert (detail.amount, detail.type, detail.currency) == (35, "stripe_fee", "gbp")
        assert sandbox.sdk.v1.balance.retrieve().pending[0].amount == 965

    def test_are_not_given_back_with_a_refund(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", FEES)
        intent = sandbox.pay()

        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})

        assert sandbox.balance() == -35

    @pytest.mark.parametrize(
        ("currency", "amount", "fee"), [("jpy", 1000, 29), ("isk", 50_000, 1500), ("kwd", 1000, 30)]
    )
    def test_are_amounts_of_their_currency(self, sandbox: InProcess, currency: str, amount: int, fee: int) -> None:
        sandbox.control("POST", "settings", FEES)

        sandbox.pay(amount, currency=currency)

        assert sandbox.truth("balance_transaction")[0]["fee"] == fee

    @pytest.mark.parametrize(
        "settings",
        [
            {"charge_fees": 3},
            {"charge_fees": {"gbp": {"percent": 3}}},
            {"charge_fees": {"gbp": {"basis_points": 10_001}}},
            {"dispute_fees": -1},
            {"late_seconds": "5"},
            {"payout_schedule": "hourly"},
            {"partial_capture_pair": 1},
            {"colour": "red"},
        ],
    )
    def test_settings_without_a_meaning_are_refused(self, sandbox: InProcess, settings: Any) -> None:
        before = sandbox.control("GET", "settings")

        assert sandbox.refusal("settings", settings)[0] == 400
        assert sandbox.control("GET", "settings") == before

    def test_settings_outlive_a_restart_and_not_a_reset(self, tmp_path: Any) -> None:
        path = str(tmp_path / "sandbox.sqlite3")
        before = InProcess(path=path)
        before.control("POST", "settings", {**FEES, "dispute_fees": 700})
        before.engine.store.close()

        after = InProcess(path=path)

        assert after.engine.desk.account.charge_fee(1000, "gbp") == 35
        assert after.engine.desk.account.dispute_fee("gbp") == 700
        after.control("POST", "reset")
        assert after.control("GET", "settings")["charge_fees"] == {}
        after.engine.store.close()


class TestPayout:
    def paid_out(self, sandbox: InProcess, **more: Any) -> Any:
        """A payout of two payments and a refund of which 1700 were left."""
        intent = sandbox.pay()
        sandbox.pay()
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
        sandbox.clock.advance(2 * DAY)
        sandbox.receive()
        made = sandbox.make("payouts", currency="gbp", **more)
        return sandbox.sdk.v1.payouts.retrieve(made["id"])

    def test_takes_what_is_available_and_says_what_it_consists_of(self, sandbox: InProcess) -> None:
        payout = self.paid_out(sandbox)
        late = sandbox.pay(5)

        assert (payout.amount, payout.status, payout.automatic) == (1700, "pending", True)
        assert (payout.arrival_date, payout.reconciliation_status) == (payout.created + DAY, "in_progress")
        parts = list(sandbox.sdk.v1.balance_transactions.list({"payout": payout.id, "limit": 2}).auto_paging_iter())
        assert [part.type for part in parts] == ["payout", "refund", "charge", "charge"]
        assert [part.net for part in parts] == [-1700, -300, 1000, 1000]
        assert (parts[0].id, parts[0].source) == (payout.balance_transaction, payout.id)
        [new] = sandbox.sdk.v1.balance_transactions.list({"source": late.latest_charge}).data
        assert new.id not in {part.id for part in parts}
        balance = sandbox.sdk.v1.balance.retrieve()
        assert (balance.available[0].amount, balance.pending[0].amount) == (0, 5)

    def test_arrives(self, sandbox: InProcess) -> None:
        payout = self.paid_out(sandbox)
        assert sandbox.receive_types() == ["payout.created"]

        sandbox.clock.advance(DAY)

        read = sandbox.sdk.v1.payouts.retrieve(payout.id)
        assert (read.status, read.reconciliation_status) == ("paid", "completed")
        assert sandbox.receive_types() == ["payout.paid", "payout.reconciliation_completed"]
        assert sandbox.balance() == 0

    def test_that_fails_gives_the_money_back_for_the_next_one(self, sandbox: InProcess) -> None:
        payout = self.paid_out(sandbox, is_failing=True, arrive_seconds=60)
        sandbox.receive()

        sandbox.clock.advance(60)

        read: Any = sandbox.sdk.v1.payouts.retrieve(payout.id, {"expand": ["failure_balance_transaction"]})
        assert (read.status, read.failure_code) == ("failed", "account_closed")
        returned = read.failure_balance_transaction
        assert (returned.amount, returned.type, returned.reporting_category) == (
            1700,
            "payout_failure",
            "payout_reversal",
        )
        assert sandbox.receive_types() == ["payout.failed"]
        assert sandbox.make("payouts")["amount"] == 1700

    def test_may_fail_after_it_was_paid(self, sandbox: InProcess) -> None:
        payout = self.paid_out(sandbox)
        sandbox.clock.advance(DAY)

        sandbox.control("POST", f"payouts/{payout.id}", {"status": "failed", "failure_code": "no_account"})

        assert sandbox.balance() == 1700
        assert sandbox.refusal(f"payouts/{payout.id}", {"status": "paid"})[0] == 409

    def test_by_hand_names_no_parts(self, sandbox: InProcess) -> None:
        payout = self.paid_out(sandbox, amount=700)

        assert (payout.amount, payout.automatic, payout.reconciliation_status) == (700, False, "not_applicable")
        with pytest.raises(stripe.InvalidRequestError, match="automatic transfers"):
            sandbox.sdk.v1.balance_transactions.list({"payout": payout.id})
        assert sandbox.make("payouts")["amount"] == 1000

    def test_is_never_more_than_is_available(self, sandbox: InProcess) -> None:
        sandbox.pay()

        assert sandbox.refusal("payouts", {"currency": "gbp", "amount": 1})[0] == 409
        assert sandbox.refusal("payouts", {"currency": "gbp"})[0] == 409
        assert sandbox.refusal("payouts", {})[0] == 409
        assert sandbox.refusal("payouts", {"amount": 1})[0] == 400
        assert sandbox.truth("payout") == []

    def test_goes_daily_where_the_account_says_so(self, sandbox: InProcess) -> None:
        sandbox.control("POST", "settings", {"payout_schedule": "daily"})
        sandbox.pay()
        sandbox.pay(500, currency="eur")
        for _ in range(4):
            sandbox.clock.advance(DAY)
            sandbox.engine.tick()

        listed = sandbox.sdk.v1.payouts.list({"status": "paid"}).data
        assert {(one.currency, one.amount) for one in listed} == {("gbp", 1000), ("eur", 500)}
        sandbox.control("POST", "settings", {"payout_schedule": "manual"})
        sandbox.pay()
        sandbox.clock.advance(5 * DAY)
        assert len(sandbox.sdk.v1.payouts.list().data) == 2

    def test_with_a_dispute_takes_what_is_left(self, sandbox: InProcess) -> None:
        sandbox.pay(5000)
        intent = sandbox.pay()
        sandbox.make("disputes", payment_intent=intent.id)
        sandbox.clock.advance(2 * DAY)

        made = sandbox.make("payouts")

        assert made["amount"] == 5000 - 1500
        assert sum(line["amount"] - line["fee"] for line in sandbox.truth("balance_transaction") if line["payout"]) == 0
