"""What hand-written SQL may not do to approvals and acts, as the application's own role."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection

from accounts.models import StaffRole, User
from core.db import transaction
from core.machines import MOVES
from core.money import Money
from oversight.models import Approval, StaffAct
from oversight.tests.factories import NOON, a_colleague, an_act, approved, authorized, digest_of, requested

pytestmark = pytest.mark.usefixtures("database")

GBP_60 = Money(6_000, "GBP")
ONE_HOUR = timedelta(hours=1)


@pytest.fixture
def ada(database: str) -> User:
    """She works in support."""
    return a_colleague("ada")


@pytest.fixture
def grace(database: str) -> User:
    """She supervises."""
    return a_colleague("grace", StaffRole.SUPERVISOR)


def constraint_of(write: Callable[[], Any]) -> str:
    """This will return the name of the constraint or trigger that refuses the write."""
    with pytest.raises(IntegrityError) as refusal:
        write()
    return str(refusal.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def update(approval: Approval, **changes: Any) -> Callable[[], int]:
    """This will return an UPDATE of the approval's row."""
    return lambda: Approval.objects.filter(pk=approval.pk).update(**changes)


def decided(user: User, status: str) -> dict[str, Any]:
    """This will return what a decision writes."""
    return {"status": status, "decided_by": f"staff:{user.public_id}", "decided_at": NOON}


class TestApproval:
    def test_is_never_approved_by_who_asked(self, ada: User) -> None:
        approval = requested(an_act(ada, GBP_60))

        for status in ("approved", "rejected"):
            assert constraint_of(update(approval, **decided(ada, status))) == "oversight_approval_second_person"

    def test_is_never_approved_by_nobody_or_by_a_program(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))

        assert constraint_of(update(approval, status="approved")) == "oversight_approval_decider"
        by_program = decided(grace, "approved") | {"decided_by": "system:sweep"}
        assert constraint_of(update(approval, **by_program)) == "oversight_approval_decider"

    def test_is_decided_by_staff_with_such_a_role(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))

        for changes in ({"is_active": False}, {"staff_role": ""}):
            User.objects.filter(pk=grace.pk).update(**changes)
            assert constraint_of(update(approval, **decided(grace, "approved"))) == "oversight_approval_decider"

    @pytest.mark.parametrize("status", ["approved", "rejected", "withdrawn", "expired", "executed"])
    def test_is_born_asked_for(self, ada: User, grace: User, status: str) -> None:
        approval = requested(an_act(ada, GBP_60))
        approval.pk, approval.public_id, approval.subject_id = None, "apr_2", "ord_2"
        approval.status = status
        if status not in {"withdrawn", "expired"}:
            approval.decided_by, approval.decided_at = f"staff:{grace.public_id}", NOON
        approval.executed_at = NOON if status == "executed" else None

        assert constraint_of(lambda: approval.save(force_insert=True)) == "oversight_approval_status_machine"

    def test_takes_no_way_its_machine_lacks(self, ada: User, grace: User) -> None:
        statuses = set(Approval.Status.values)
        assert {state for move in MOVES["approval"] for state in move} == statuses
        ended = requested(an_act(ada, GBP_60))
        update(ended, **decided(grace, "rejected"))()

        for status in sorted(statuses - {"rejected"}):
            assert constraint_of(update(ended, status=status)) == "oversight_approval_status_machine"

    def test_is_executed_only_when_approved(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))

        at_once = decided(grace, "executed") | {"executed_at": NOON}
        assert constraint_of(update(approval, **at_once)) == "oversight_approval_status_machine"

    def test_is_never_executed_twice(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)
        authorized(act, approval_id=approval.public_id)

        again = update(approval, status="executed", executed_at=NOON + ONE_HOUR)
        assert constraint_of(again) == "oversight_approval_written_once"
        assert constraint_of(update(approval, status="approved")) == "oversight_approval_status_machine"

    def test_is_executed_by_an_act_only(self, ada: User, grace: User) -> None:
        approval = approved(an_act(ada, GBP_60), approver=grace)

        executed = update(approval, status="executed", executed_at=NOON)

        assert constraint_of(executed) == "oversight_approval_executed_is_an_act"

    def test_a_decision_is_not_rewritten(self, ada: User, grace: User) -> None:
        approval = approved(an_act(ada, GBP_60), approver=grace)
        frank = a_colleague("frank", StaffRole.FINANCE)

        for changes in (
            {"decided_by": f"staff:{frank.public_id}"},
            {"decided_at": NOON + ONE_HOUR},
            {"decision_note": "another"},
            {"executed_at": NOON},
        ):
            assert constraint_of(update(approval, **changes)) == "oversight_approval_written_once"

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount_minor": 1}, {"currency": "EUR"}, {"action": "void"}, {"subject_id": "ord_2"}, {"note": "x"},
            {"order_public_id": "ord_2"}, {"request_digest": "0" * 64}, {"reason_code": "late"},
            {"expires_at": NOON + timedelta(days=30)}, {"requested_at": NOON - ONE_HOUR}, {"public_id": "apr_2"},
            {"requested_by": "staff:usr_00000000000000000000000000"}, {"trace_id": "trc_2"},
        ],
    )  # fmt: skip
    def test_what_was_asked_for_never_changes(self, ada: User, changes: dict[str, Any]) -> None:
        approval = requested(an_act(ada, GBP_60))

        assert constraint_of(update(approval, **changes)) == "oversight_approval_frozen"

    def test_is_not_decided_or_executed_too_late(self, ada: User, grace: User) -> None:
        waiting = requested(an_act(ada, GBP_60))
        given = approved(an_act(ada, GBP_60, subject_id="ref_1"), approver=grace)
        late = NOON + timedelta(days=3)

        too_late = decided(grace, "approved") | {"decided_at": late}
        assert constraint_of(update(waiting, **too_late)) == "oversight_approval_in_time"
        assert constraint_of(update(given, status="executed", executed_at=late)) == "oversight_approval_in_time"

    def test_is_never_removed(self, ada: User) -> None:
        requested(an_act(ada, GBP_60))

        assert constraint_of(lambda: Approval.objects.all().delete()) == "oversight_approval_no_delete"
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("TRUNCATE oversight_approval")


class TestStaffAct:
    def insert(self, act: StaffAct, **changes: Any) -> Callable[[], None]:
        def write() -> None:
            act.pk = None
            for name, value in changes.items():
                setattr(act, name, value)
            with transaction("test"):
                act.save(force_insert=True)

        return write

    def test_is_append_only(self, ada: User) -> None:
        authorized(an_act(ada, Money(100, "GBP")))

        assert constraint_of(lambda: StaffAct.objects.update(amount_minor=1)) == "oversight_staffact_append_only"
        assert constraint_of(lambda: StaffAct.objects.all().delete()) == "oversight_staffact_append_only"
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("TRUNCATE oversight_staffact")

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"amount_minor": 10_001, "approval_id": "apr_1"}, "oversight_staffact_approved"),
            ({"amount_minor": 10_001, "approval_above_minor": None}, "oversight_staffact_per_act"),
            ({"amount_minor": 5_001}, "oversight_staffact_second_person"),
            ({"order_max_minor": 5_000}, "oversight_staffact_per_order"),
            ({"day_max_minor": 5_000}, "oversight_staffact_per_day"),
            ({"action": "capture"}, "oversight_staffact_permitted"),
            ({"role": "finance"}, "oversight_staffact_permitted"),
            ({"policy_version": 99}, "oversight_staffact_permitted"),
            ({"actor": "system:sweep"}, "oversight_staffact_permitted"),
            ({"reason_code": "because"}, "oversight_staffact_codes_known"),
            ({"request_digest": ""}, "oversight_staffact_codes_known"),
            ({"reason_code": "other"}, "oversight_staffact_other_says_why"),
            ({"amount_minor": None, "currency": ""}, "oversight_staffact_money"),
            ({"amount_minor": 0}, "oversight_staffact_money"),
            ({"amount_minor": -1}, "oversight_staffact_money"),
        ],
    )
    def test_stays_within_role_limits_and_reason(self, ada: User, changes: dict[str, Any], constraint: str) -> None:
        act = authorized(an_act(ada, Money(4_000, "GBP")))

        assert constraint_of(self.insert(act, **changes)) == constraint

    def test_uses_an_approval_of_its_own(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)
        recorded = authorized(act, approval_id=approval.public_id)

        assert constraint_of(self.insert(recorded)) == "oversight_staffact_one_approval"
        for changes in (
            {"request_digest": digest_of(an_act(grace, GBP_60, subject_id="ord_2"))},
            {"amount_minor": 5_999},
        ):
            recorded.request_digest, recorded.amount_minor = digest_of(act), 6_000
            assert constraint_of(self.insert(recorded, **changes)) == "oversight_staffact_approved"
