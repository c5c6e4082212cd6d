"""The replay of invoice files: sixty invoices through the front door, to the penny and only once."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Price, Reservation
from checkout.models import Cart
from commerce.management.commands import replay_retail
from commerce.tests.living_shop import SERVICE_TOKEN, LivingClock, control_client, front_door, living_shop, payment_form
from commerce.tests.retail_invoices import NAME, sixty_invoices, write
from core import clock
from core.db import transaction
from core.models import SalesChannel
from ledger.models import Posting
from orders.models import Contact, Order, OrderEvent
from oversight.tests.factories import tampering
from payments.models import OPEN_STATUSES, Operation, PaymentAttempt, Refund, RefundClaim
from reconciliation.invariants import find_violations

pytestmark = pytest.mark.usefixtures("database")

Replay = Callable[..., str]


@pytest.fixture
def living(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivingClock]:
    """A shop that the command reaches in this process."""
    monkeypatch.setenv("REPLAY_SERVICE_TOKEN", SERVICE_TOKEN)
    with living_shop() as opened:
        monkeypatch.setattr(replay_retail, "open_front_door", front_door)
        monkeypatch.setattr(replay_retail, "open_payment_form", lambda: payment_form(opened.shop))
        monkeypatch.setattr(replay_retail, "open_control", lambda: control_client(opened.shop))
        yield opened


@pytest.fixture
def replay(living: LivingClock, tmp_path: Path) -> Replay:
    """Run the command over the sixty invoices and answer what it said."""
    path = write(tmp_path)

    def run(*options: str) -> str:
        output, ending = io.StringIO(), "exit 1"
        with suppress(SystemExit):
            call_command("replay_retail", str(path), *options, stdout=output)
            ending = "exit 0"
        return f"{output.getvalue()}{ending}"

    return run


def counts() -> dict[str, int]:
    """This will count what a second start must not add to."""
    models = [Order, PaymentAttempt, Operation, Reservation, Cart, Posting, OrderEvent]
    return {model.__name__: model._default_manager.count() for model in models}


class TestReplayRetail:
    def test_ties_out_to_the_penny(self, replay: Replay, tmp_path: Path) -> None:
        said = replay("--json", str(tmp_path / "out.json"))

        made = sixty_invoices()
        assert said.splitlines()[-2:] == [
            f"tied out: {made.orders} orders, {made.order_lines} lines, {made.gross_minor} pence",
            "exit 0",
        ]
        assert f"paid: {made.orders} by webhook (100.0%)" in said
        assert json.loads((tmp_path / "out.json").read_text()) == made.expected(with_refunds=False)

    def test_a_second_start_adds_nothing(self, replay: Replay) -> None:
        replay("--limit", "15")
        before, priced_at = counts(), Price.objects.latest("changed_at").changed_at

        said = replay("--limit", "15")

        assert counts() == before
        assert Price.objects.latest("changed_at").changed_at == priced_at
        assert "tied out" in said
        assert "every order was placed by an earlier start" in said

    def test_goes_on_where_an_earlier_start_ended(self, replay: Replay) -> None:
        replay("--limit", "5")
        placed = counts()["Order"]

        said = replay("--limit", "12")

        assert counts()["Order"] == counts()["PaymentAttempt"] > placed
        assert "tied out" in said

    def test_confirms_what_an_earlier_start_left_to_its_customer(
        self, replay: Replay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("commerce.retail.door.PaymentForm.confirm", lambda *_, **__: None)
            assert "exit 1" in replay("--limit", "3")

        assert "tied out" in replay("--limit", "3")

    def test_ties_out_through_the_sweep_when_webhooks_are_lost(self, replay: Replay, living: LivingClock) -> None:
        living.shop.sandbox.engine.webhook_faults.add({"kind": "drop"})

        said = replay("--limit", "5")

        assert "by sweep (100.0%)" in said
        assert "tied out" in said

    def test_names_every_order_that_is_not_paid(self, replay: Replay, living: LivingClock) -> None:
        living.are_workers_resting = True

        said = replay("--limit", "2")

        assert f"MISMATCH {NAME} 900001: state is payment_pending, the invoice says paid" in said
        assert said.endswith("exit 1")

    def test_names_every_operation_without_the_provider_s_last_word(self, replay: Replay, living: LivingClock) -> None:
        replay("--limit", "1")
        open_one = Operation.objects.get()
        open_one.pk, open_one.public_id, open_one.provider_key = None, "op_open", "open"
        open_one.kind, open_one.status, open_one.settled_at = "void", "created", None
        open_one.next_check_at = clock.now()
        open_one.save(force_insert=True)
        living.are_workers_resting = True

        said = replay("--limit", "1")

        assert f"MISMATCH {NAME} 900001: operation op_open is created, the invoice says settled" in said
        assert said.endswith("1 mismatch\nexit 1")

    def test_names_what_expected_json_says_otherwise(self, replay: Replay, tmp_path: Path) -> None:
        expected = json.loads((tmp_path / "expected.json").read_text())
        expected[NAME]["gross_pence_by_country"]["EIRE"] += 1
        (tmp_path / "expected.json").write_text(json.dumps(expected))

        said = replay()

        assert f"MISMATCH {NAME}: gross_pence_by_country of EIRE is" in said
        assert said.endswith("1 mismatch\nexit 1")

    def test_names_what_the_shop_refuses(self, replay: Replay, living: LivingClock) -> None:
        with_less = {"countries": ["GB"], "currencies": ["EUR"]}
        replay("--limit", "1")
        SalesChannel.objects.filter(pk=living.shop.channel.pk).update(**with_less)

        with pytest.raises(CommandError, match="This shop does not sell in GBP"):
            replay("--limit", "60")

    def test_guests_and_customers_have_addresses_of_their_own(self, replay: Replay) -> None:
        replay("--limit", "15")

        emails = set(Contact.objects.values_list("email", flat=True))
        assert any(email.startswith("customer-123") for email in emails)
        assert any(email.startswith("guest-9000") for email in emails)

    def test_keeps_the_country_s_label_beside_its_code(self, replay: Replay) -> None:
        replay()

        pairs = {(row["country_label"], row["country"]) for row in Order.objects.values_list("snapshot", flat=True)}
        assert ("EIRE", "IE") in pairs
        assert ("United Kingdom", "GB") in pairs

    def test_refuses_where_there_is_real_money(self, replay: Replay, living: LivingClock) -> None:
        SalesChannel.objects.filter(pk=living.shop.channel.pk).update(is_livemode=True)

        with pytest.raises(CommandError, match="real money"):
            replay()

    def test_refuses_a_file_that_is_not_there(self) -> None:
        with pytest.raises(CommandError, match="There is no file"):
            call_command("replay_retail", "/nowhere/2010-12.csv.gz")


class TestRefunds:
    def test_what_cancelled_invoices_take_back_ties_out_to_the_penny(
        self, replay: Replay, living: LivingClock, tmp_path: Path
    ) -> None:
        said = replay("--refunds", "--json", str(tmp_path / "out.json"))

        made = sixty_invoices()
        gone = made.refunded_minor
        assert said.splitlines()[-2:] == [
            f"tied out: {made.orders} orders, {made.order_lines} lines, {made.gross_minor} pence, {gone} given back",
            "exit 0",
        ]
        assert json.loads((tmp_path / "out.json").read_text()) == made.expected()
        assert re.search(r"decided: \d+ by one person, \d+ by rules, 1 by two people", said)
        given_back = sum(refund["amount"] for refund in living.shop.truth("refund"))
        assert given_back == made.refunded_minor
        with transaction("test.violations"):
            assert [str(one) for one in find_violations(now=clock.now())] == []

    def test_a_second_start_gives_nothing_back_again(self, replay: Replay) -> None:
        replay("--refunds", "--limit", "20")
        before = {**counts(), "Refund": Refund.objects.count(), "RefundClaim": RefundClaim.objects.count()}

        said = replay("--refunds", "--limit", "20")

        assert {**counts(), "Refund": Refund.objects.count(), "RefundClaim": RefundClaim.objects.count()} == before
        assert before["Refund"] > 0
        assert "tied out" in said

    def test_sales_alone_tie_out_after_refunds_too(self, replay: Replay) -> None:
        replay("--refunds", "--limit", "20")

        assert "tied out" in replay("--limit", "20")

    def test_ties_out_under_faults(self, replay: Replay, living: LivingClock, tmp_path: Path) -> None:
        said = replay("--refunds", "--faults", "--json", str(tmp_path / "out.json"))

        made = sixty_invoices()
        assert said.endswith(f"{made.refunded_minor} given back\nexit 0"), said
        assert json.loads((tmp_path / "out.json").read_text()) == made.expected()
        assert sum(refund["amount"] for refund in living.shop.truth("refund")) == made.refunded_minor

    def test_names_what_did_not_go_back(self, replay: Replay, living: LivingClock) -> None:
        replay("--limit", "20")
        living.are_workers_resting = True

        said = replay("--refunds", "--limit", "20")

        assert re.search(r"MISMATCH .*: amount given back is 0, the invoice says \d+", said)
        assert said.endswith("exit 1")

    def test_names_a_balance_that_is_not_the_provider_s(self, replay: Replay, living: LivingClock) -> None:
        replay("--refunds", "--limit", "20")
        with tampering() as tamperer:
            tamperer.execute(
                "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE id = (SELECT min(id) FROM ledger_entry)"
            )

        said = replay("--refunds", "--limit", "20")

        assert "MISMATCH the trial balance is 1, not zero" in said
        assert said.endswith("exit 1")


class TestFaults:
    def test_ties_out_to_the_penny_under_faults(self, replay: Replay, living: LivingClock, tmp_path: Path) -> None:
        said = replay("--faults", "--json", str(tmp_path / "out.json"))

        made = sixty_invoices()
        hits = re.search(r"faults: (\d+) webhooks dropped, (\d+) duplicated, (\d+) answers lost, (\d+) payments", said)
        assert hits, said
        assert all(int(count) for count in hits.groups())
        assert re.search(r"by sweep .*by webhook", said)
        assert json.loads((tmp_path / "out.json").read_text()) == made.expected(with_refunds=False)
        assert said.endswith(f"{made.gross_minor} pence\nexit 0")
        assert not Operation.objects.filter(status__in=OPEN_STATUSES).exists()
        with transaction("test.violations"):
            assert [str(one) for one in find_violations(now=clock.now())] == []
        captured = sum(intent["amount_received"] for intent in living.shop.truth())
        assert (captured, living.shop.truth("refund")) == (made.gross_minor, [])
        assert rules(living) == []

    def test_a_customer_pays_with_another_card_after_a_decline(self, replay: Replay, living: LivingClock) -> None:
        living.shop.sandbox.engine.faults.add({"kind": "decline", "operation": "payment_intents.confirm", "every": 2})

        said = replay("--limit", "4")

        assert "tied out" in said
        assert "failed" in {charge["status"] for charge in living.shop.truth("charge")}

    def test_a_customer_comes_back_after_a_decline(self, replay: Replay, living: LivingClock) -> None:
        living.shop.sandbox.engine.faults.add({"kind": "decline", "operation": "payment_intents.confirm"})
        assert "exit 1" in replay("--limit", "2")
        living.shop.deliver()
        assert set(Order.objects.values_list("state", flat=True)) == {"payment_failed"}
        living.shop.sandbox.engine.faults.clear()

        said = replay("--limit", "2")

        assert "tied out" in said

    def test_faults_are_removed_when_the_replay_is_stopped(
        self, replay: Replay, living: LivingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        met: list[object] = []

        def interrupt(*_: object) -> None:
            met.extend(rules(living))
            raise KeyboardInterrupt

        monkeypatch.setattr("commerce.retail.placed.remember_placed", interrupt)

        with pytest.raises(KeyboardInterrupt):
            replay("--limit", "2", "--faults")

        assert met != []
        assert rules(living) == []

    def test_names_faults_that_did_not_happen(self, replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("commerce.retail.report.ORDERS_WITHOUT_FAULTS_MAX", 1)

        said = replay("--limit", "3", "--faults")

        assert "MISMATCH no payment declined although" in said
        assert said.endswith("exit 1")


def rules(living: LivingClock) -> list[object]:
    """This will return every fault in force."""
    engine = living.shop.sandbox.engine
    return [*engine.faults.rules, *engine.webhook_faults.rules]
