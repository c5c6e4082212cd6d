"""Every check finds what it is for, and none finds anything in a sound shop."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.db import transaction
from oversight import services as oversight
from oversight.models import Case, CaseType
from oversight.services import Report, open_case
from oversight.tests.factories import tampering
from payments.services.settle import REST_OVERDUE
from reconciliation import invariants
from reconciliation.invariants import CHECKS, Check, combined, find_violations, hashes
from reconciliation.tests.sound_shop import LATER, open_sound_shop

pytestmark = pytest.mark.usefixtures("database")

ORDER = "UPDATE orders_order SET {} WHERE public_id = 'ord_{}'"
ATTEMPT = "UPDATE payments_paymentattempt SET {} WHERE public_id = 'payatt_{}'"
OPERATION = "UPDATE payments_operation SET {} WHERE public_id = 'op_{}'"
EVENT = "UPDATE webhooks_event SET {}"
KEY = "UPDATE core_idempotencykey SET {}"
ACT = "UPDATE oversight_staffact SET {} WHERE approval_id {}"

BY_NAME = {check.name: check for check in CHECKS}


def twin(table: str, *, where: str, **changes: object) -> str:
    """This will return SQL that inserts a row once more, with some columns changed."""
    changed = json.dumps({"id": 999_999, **changes})
    return (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(original) || '{changed}')).* "
        f"FROM {table} AS original WHERE {where}"
    )


# What a superuser does, by the check that finds it. Several statements where a unique index has to go first.
PLANTED: dict[str, list[str]] = {
    "one_live_order_per_cart": [
        "DROP INDEX orders_order_one_per_cart",
        "UPDATE orders_order SET cart_id = 'cart_paid' WHERE public_id = 'ord_waiting'",
    ],
    "cart_knows_its_order": ["UPDATE checkout_cart SET order_public_id = 'ord_paid' WHERE public_id = 'cart_waiting'"],
    "paid_means_accepted_is_due": [
        "ALTER TABLE orders_order DROP CONSTRAINT orders_paid_means_accepted_is_due",
        ORDER.format("captured_minor = 999", "paid"),
    ],
    "accepted_is_due_means_paid": [ORDER.format("captured_minor = 500", "waiting")],
    "ended_without_keeping_money": [ORDER.format("excess_returned_minor = 400", "returned")],
    "part_of_the_money_is_explained": [
        "UPDATE payments_paymentattempt SET dead_at = created_at WHERE public_id = 'payatt_waiting'",
        ORDER.format("captured_minor = 1", "waiting"),
    ],
    "rest_was_asked_for": [ORDER.format(f"cancel_reason = '{REST_OVERDUE}'", "returned")],
    "paid_at_is_history": [ORDER.format("paid_at = NULL", "paid")],
    "nothing_fulfilled_unpaid": [
        """UPDATE orders_orderline SET units_fulfilled = 1 FROM orders_order AS paid_for
            WHERE paid_for.id = order_id AND public_id = 'ord_waiting'"""
    ],
    "state_is_function_of_facts": [ORDER.format("returned_minor = 1", "paid")],
    "snapshot_is_total": [ORDER.format("snapshot = jsonb_set(snapshot, '{total_minor}', '999')", "paid")],
    "lines_are_snapshot": ["UPDATE orders_orderline SET unit_price_minor = 499"],
    "state_is_last_transition": [ORDER.format("state = 'fulfillment_pending'", "paid")],
    "money_is_sum_of_attempts": [ORDER.format("authorized_minor = 1", "waiting")],
    "only_known_transitions": [
        "UPDATE orders_orderevent SET from_state = 'draft' WHERE to_state = 'paid'",
        "DELETE FROM orders_orderevent WHERE to_state = 'payment_pending'",
    ],
    "one_current_attempt_per_tender": [
        "DROP INDEX payments_attempt_one_current",
        twin(
            "payments_paymentattempt",
            where="public_id = 'payatt_waiting'",
            public_id="payatt_twin",
            provider_reference="pi_twin",
        ),
    ],
    "attempt_is_in_the_orders_currency": [ATTEMPT.format("currency = 'EUR'", "waiting")],
    "none_current_after_paid": [ATTEMPT.format("created_at = created_at + interval '1 day'", "paid")],
    "ordered_captures_within_due": [ORDER.format("captured_minor = 1", "waiting")],
    "ended_order_cannot_capture": [ORDER.format("state = 'expired'", "waiting")],
    "nothing_captured_under_a_hold": [
        OPERATION.format("kind = 'capture'", "paid_authorize"),
        """INSERT INTO orders_hold (order_id, reason, detail, opened_at, opened_by, released_by)
            SELECT id, 'manual', '', created_at - interval '1 day', 'staff:usr_1', '' FROM orders_order
            WHERE public_id = 'ord_paid'""",
    ],
    "only_nobodys_money_goes_back": [
        ORDER.format(
            "state = 'payment_failed', cancel_requested_at = NULL, excess_minor = 499, excess_returned_minor = 499",
            "returned",
        )
    ],
    "excess_is_going_back": [ORDER.format("excess_returned_minor = 499", "returned")],
    "captured_follows_from_operations": [ATTEMPT.format("captured_minor = 999", "paid")],
    "captured_is_what_was_asked_for": [ATTEMPT.format("captured_minor = 999", "paid")],
    "returned_follows_from_operations": [OPERATION.format("status = 'pending'", "returned_give_back")],
    "returns_within_captured": [OPERATION.format("amount_minor = 501", "returned_give_back")],
    "requests_have_their_refunds": [
        """INSERT INTO payments_refundclaim (public_id, order_id, units, amount_minor, currency, reason_code, note,
            status, rule, policy_version, requested_by, requested_at, decided_by, decided_at, decision_note, trace_id)
            SELECT 'rrq_1', id, '{}', 1, currency, 'damaged', '', 'granted', 'within_rules', 1, 'customer:usr_1',
                paid_at, 'system:rules', paid_at, '', '' FROM orders_order WHERE public_id = 'ord_paid'"""
    ],
    "cancelled_sales_go_back": [ORDER.format("cancel_requested_at = paid_at", "paid")],
    "no_attempt_beside_unknown": [
        OPERATION.format("status = 'unknown', next_check_at = created_at", "waiting_authorize"),
        ATTEMPT.format("is_current = false", "waiting"),
        twin(
            "payments_paymentattempt",
            where="public_id = 'payatt_waiting'",
            public_id="payatt_next",
            provider_reference="pi_next",
            is_current=True,
        ),
    ],
    "failed_by_evidence_only": [
        OPERATION.format("status = 'failed', provider_reference = ''", "waiting_authorize"),
    ],
    "operations_are_looked_after": [
        OPERATION.format("next_check_at = next_check_at - interval '1 day'", "waiting_authorize")
    ],
    "stock_is_sum_of_reservations": ["UPDATE catalog_stock SET committed = committed + 1"],
    "one_live_reservation": [
        "DROP INDEX catalog_reservation_one_live",
        "UPDATE catalog_reservation SET owner_id = 'ord_paid' WHERE status = 'held'",
    ],
    "held_for_a_living_order": ["UPDATE catalog_reservation SET status = 'held' WHERE owner_id = 'ord_returned'"],
    "committed_for_a_paid_order": [
        "UPDATE catalog_reservation SET status = 'committed' WHERE owner_id = 'ord_waiting'"
    ],
    "paid_order_has_its_units": ["UPDATE catalog_reservationline SET quantity = 1"],
    "living_order_keeps_its_units": [
        """UPDATE catalog_reservation SET status = 'released', ended_at = cap_at - interval '1 minute'
            WHERE owner_id = 'ord_waiting'"""
    ],
    "coupon_counts_within_limits": [
        "ALTER TABLE catalog_promotioncount DROP CONSTRAINT catalog_promotion_count_within",
        "UPDATE catalog_promotioncount SET uses_max = 1 WHERE scope = 'total'",
    ],
    "coupon_counts_are_sums_of_uses": ["UPDATE catalog_promotioncount SET uses_count = 1 WHERE scope = 'total'"],
    "first_order_is_claimed_once": [
        """INSERT INTO catalog_firstorder (channel_id, key, order_public_id, claimed_at)
            SELECT id, 'mail:1', 'ord_returned', now() FROM core_saleschannel LIMIT 1""",
        "UPDATE catalog_promotion SET is_first_order_only = true",
    ],
    "coupon_use_follows_its_order": [
        "UPDATE catalog_couponuse SET status = 'given_back' WHERE order_public_id = 'ord_paid'"
    ],
    "order_has_its_coupon_uses": ["DELETE FROM catalog_couponuse WHERE order_public_id = 'ord_returned'"],
    "honoured_late_has_a_case": [
        "UPDATE catalog_couponuse SET status = 'honoured_late' WHERE order_public_id = 'ord_returned'"
    ],
    "postings_balance": ["UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE amount_minor > 0"],
    "entries_belong": ["DELETE FROM ledger_posting WHERE event = 'give_back'"],
    "paid_order_has_its_sale": ["DELETE FROM ledger_posting WHERE event = 'sale'"],
    "receivable_is_what_customers_owe": [
        """UPDATE ledger_entry SET amount_minor = 999 FROM ledger_account AS account
            WHERE account.id = account_id AND account.code = 'asset:receivable:customer' AND amount_minor = 1000""",
    ],
    "clearing_is_captured_less_returned": ["UPDATE ledger_entry SET attempt_public_id = 'payatt_nobody'"],
    "reversals_are_exact": ["UPDATE ledger_posting SET reverses = 'pst_none' WHERE event = 'give_back'"],
    "refunds_are_paid_once": [
        "UPDATE ledger_posting SET source_kind = 'refund' WHERE event = 'give_back'",
        "UPDATE ledger_account SET code = 'liability:refunds_payable' WHERE code = 'liability:customer_credit'",
    ],
    "disputes_hold_what_was_withdrawn": [
        "UPDATE ledger_posting SET source_kind = 'dispute' WHERE event = 'unowed_capture'",
        "UPDATE ledger_account SET code = 'asset:dispute_hold:stripe:main' WHERE code = 'liability:customer_credit'",
    ],
    "checkpoints_are_sums": [
        """INSERT INTO ledger_checkpoint (account_id, is_livemode, up_to_entry_id, balance_minor, entries_count,
            recorded_at)
            SELECT account_id, mode, entry.id, 7, 1, recorded_at
            FROM (SELECT * FROM ledger_entry LIMIT 1) AS entry, unnest(ARRAY[true, false]) AS mode"""
    ],
    "closed_days_stay_closed": [
        """INSERT INTO ledger_period (public_id, legal_entity, kind, starts_on, ends_on, previous_sha256,
            totals_sha256, closed_at, closed_by, schema_version)
            SELECT 'per_1', account.legal_entity, 'day', business_on, business_on, '', '', recorded_at, '', 1
            FROM ledger_posting, (SELECT legal_entity FROM ledger_account LIMIT 1) AS account LIMIT 1"""
    ],
    "event_stored_once": [
        "ALTER TABLE webhooks_event DROP CONSTRAINT webhooks_event_once",
        twin("webhooks_event", where="true", public_id="evt_twin"),
    ],
    "processed_is_processed": [EVENT.format("processed_at = NULL")],
    "event_moves_an_order_once": [
        "UPDATE orders_orderevent SET provider_event_id = 'evt_1', from_state = 'draft', to_state = 'paid'"
    ],
    "only_stored_events_have_effect": [EVENT.format("event_key = 'evt_2'")],
    "dead_event_has_a_case": [EVENT.format("status = 'dead'")],
    "events_are_looked_after": [
        EVENT.format("status = 'failed', processed_at = NULL, next_try_at = received_at - interval '1 day'")
    ],
    "approved_by_a_second_person": [
        "ALTER TABLE oversight_approval DROP CONSTRAINT oversight_approval_second_person",
        "UPDATE oversight_approval SET decided_by = requested_by",
    ],
    "executed_approval_is_one_act": ["DELETE FROM oversight_staffact WHERE approval_id <> ''"],
    "act_has_its_second_person": [ACT.format("approval_id = '', approval_above_minor = NULL", "<> ''")],
    "act_within_its_role": [ACT.format("amount_minor = 10001, act_max_minor = NULL", "<> ''")],
    "acts_within_order_and_day": [
        twin("oversight_staffact", where="approval_id = '' AND id < 999997", id=999_997 + number) for number in range(3)
    ],
    "act_has_its_audit_row": ["DELETE FROM oversight_auditentry WHERE action = 'act.refund'"],
    "key_has_one_row": [
        "ALTER TABLE core_idempotencykey DROP CONSTRAINT core_idempotency_key_unique",
        twin("core_idempotencykey", where="true"),
    ],
    "finished_key_has_its_answer": [
        "ALTER TABLE core_idempotencykey DROP CONSTRAINT core_idempotency_finished_has_answer",
        KEY.format("answer_sealed = NULL"),
    ],
}


def run_against(check: Check, planted: list[str]) -> list[tuple[str, str, str, str]]:
    """This will plant and look in one transaction of a superuser, and roll everything back, dropped indexes too."""
    with tampering() as tamperer, tamperer.transaction(force_rollback=True):
        for statement in planted:
            changed = tamperer.execute(statement)
            assert changed.rowcount, f"nothing was planted by {statement}"
        return tamperer.execute(combined([check]), [LATER]).fetchall()


class TestChecks:
    def test_a_sound_shop_has_no_violation(self) -> None:
        open_sound_shop()

        assert list(find_violations(now=LATER)) == []

    def test_an_empty_shop_has_no_violation(self) -> None:
        assert list(find_violations(now=LATER)) == []

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.invariant}-{check.name}")
    def test_finds_what_it_is_for(self, check: Check) -> None:
        open_sound_shop()

        found = run_against(check, PLANTED[check.name])

        assert found
        for invariant, subject, detail, name in found:
            assert (invariant, name) == (check.invariant, check.name)
            assert subject
            assert detail

    @pytest.mark.parametrize(("expires_at", "times"), [("NULL", 1), ("created_at", 0)])
    def test_a_part_is_forgotten_after_a_failed_try_only_where_no_time_ends_it(
        self, expires_at: str, times: int
    ) -> None:
        open_sound_shop()
        changes = f"captured_minor = 1, state = 'payment_failed', expires_at = {expires_at}"
        forgotten, _ = PLANTED["part_of_the_money_is_explained"]

        found = run_against(BY_NAME["part_of_the_money_is_explained"], [forgotten, ORDER.format(changes, "waiting")])

        assert len(found) == times

    @pytest.mark.parametrize(("told", "times"), [("amount_mismatch", 0), ("external_refund", 1)])
    def test_people_who_were_told_of_another_payment_need_not_ask(self, told: str, times: int) -> None:
        open_sound_shop()
        facts: dict[str, Any] = {
            "severity": Case.Severity.HIGH,
            "summary": "Look.",
            "order_public_id": "ord_returned",
            "evidence": {},
        }
        with transaction("test.told"):
            open_case(Report(type=CaseType(told), subject_id="payatt_returned", **facts), now=LATER)

        assert len(run_against(BY_NAME["rest_was_asked_for"], PLANTED["rest_was_asked_for"])) == times

    @pytest.mark.parametrize(("asked", "times"), [("capture_failed", 0), ("payment_failed", 0), ("paid", 1)])
    def test_who_was_asked_for_the_rest_may_be_too_late(self, asked: str, times: int) -> None:
        open_sound_shop()
        was_asked = f"""UPDATE orders_orderevent SET to_state = '{asked}' FROM orders_order AS ended
            WHERE ended.id = order_id AND ended.public_id = 'ord_returned' AND to_state = 'payment_pending'"""

        found = run_against(BY_NAME["rest_was_asked_for"], [was_asked, *PLANTED["rest_was_asked_for"]])

        assert len(found) == times

    @pytest.mark.parametrize(("came_from", "times"), [("draft", 1), ("expired", 0)])
    def test_a_sale_that_was_undone_may_be_paid_anew_only_by_who_came_back(self, came_from: str, times: int) -> None:
        open_sound_shop()
        moved = (
            f"UPDATE orders_orderevent SET from_state = '{came_from}' FROM orders_order AS moved "
            "WHERE moved.id = order_id AND moved.public_id = 'ord_waiting' AND to_state = 'payment_pending'"
        )
        changes = "paid_at = created_at, state = 'payment_failed'"

        found = run_against(BY_NAME["paid_order_has_its_sale"], [moved, ORDER.format(changes, "waiting")])

        assert len(found) == times

    def test_every_check_has_a_planted_violation_and_a_sentence(self) -> None:
        assert sorted(check.name for check in CHECKS) == sorted(PLANTED)
        assert all(check.proves.endswith(".") for check in CHECKS)

    def test_all_run_as_one_statement(self) -> None:
        with CaptureQueriesContext(connection) as statements:
            list(find_violations(now=LATER))

        assert len(statements) == 1

    def test_lateness_is_judged_at_rest_only(self) -> None:
        open_sound_shop()
        much_later = LATER + timedelta(days=1)

        always = list(find_violations(invariants.ALWAYS, now=much_later))
        at_rest = list(find_violations(invariants.AT_REST, now=much_later))

        assert always == []
        assert [violation.invariant for violation in at_rest] == ["I14"]

    def test_a_line_the_snapshot_lacks_is_laid_at_its_order(self) -> None:
        open_sound_shop()
        (check,) = [check for check in CHECKS if check.name == "lines_are_snapshot"]
        planted = twin("orders_orderline", where="total_minor = 1000", position=2)

        found = run_against(check, [planted])

        assert found == [("I5", "ord_paid", "line 2 differs from the snapshot", "lines_are_snapshot")]

    @pytest.mark.parametrize(("state", "is_found"), [("paid", False), ("fulfilled", True), ("refunded", True)])
    def test_a_cancelled_sale_that_went_back_waits_for_its_excess_where_it_was(
        self, state: str, is_found: bool
    ) -> None:
        open_sound_shop()
        (check,) = [check for check in CHECKS if check.name == "state_is_function_of_facts"]
        facts = (
            f"cancel_requested_at = paid_at, captured_minor = 2 * due_minor, excess_minor = due_minor, "
            f"returned_minor = due_minor, excess_returned_minor = 1, state = '{state}'"
        )

        found = run_against(check, [ORDER.format(facts, "paid")])

        assert bool(found) == is_found

    def test_an_act_that_no_role_may_do_is_beyond_its_role(self) -> None:
        open_sound_shop()
        (check,) = [check for check in CHECKS if check.name == "act_within_its_role"]

        (found,) = run_against(check, [ACT.format("action = 'capture'", "= ''")])

        assert found[2].endswith("is not permitted")

    def test_an_open_case_explains_money_that_is_not_where_it_belongs(self) -> None:
        open_sound_shop()
        plant = ORDER.format("excess_returned_minor = 499", "returned")
        explain = a_case_about("ord_returned")
        (check,) = [check for check in CHECKS if check.name == "excess_is_going_back"]

        assert run_against(check, [plant])
        assert not run_against(check, [plant, explain])


def a_case_about(order_public_id: str) -> str:
    """This will return SQL that opens a case about the order."""
    return f"""
        INSERT INTO oversight_case (public_id, type, subject_id, order_public_id, severity, status, summary, evidence,
            currency, reports_count, opened_at, due_at, resolution, trace_id)
        VALUES ('case_1', 'excess_captured', '{order_public_id}', '{order_public_id}', 'high', 'open', '', '{{}}',
            '', 1, now(), now(), '', '')
    """


class TestHashes:
    def test_finds_a_snapshot_that_was_altered(self) -> None:
        open_sound_shop()
        assert list(hashes.altered_snapshots()) == []

        with tampering() as tamperer:
            tamperer.execute(ORDER.format("snapshot = jsonb_set(snapshot, '{country}', '\"IE\"')", "waiting"))

        assert [violation.subject for violation in hashes.altered_snapshots()] == ["ord_waiting"]

    def test_finds_history_and_books_that_were_altered_after_their_seal(self) -> None:
        open_sound_shop()
        oversight.seal_closed_batches(now=LATER)
        assert list(hashes.broken_seals()) == []

        with tampering() as tamperer:
            tamperer.execute("UPDATE orders_orderevent SET actor = 'staff:usr_1' WHERE to_state = 'paid'")
            tamperer.execute("UPDATE ledger_account SET code = 'income:shipping' WHERE code = 'income:sales'")

        broken = [(violation.invariant, violation.subject) for violation in hashes.broken_seals()]
        assert broken == [("I6", "chain:ledger"), ("I6", "chain:history")]
