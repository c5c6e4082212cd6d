"""Approvals: a second person, exactly this, once, in time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection

from accounts.models import StaffRole, User
from core import clock
from core.db import transaction
from core.money import Money
from oversight import services, tasks
from oversight.models import Action, Approval, AuditEntry, StaffAct
from oversight.services import (
    AlreadyRequested,
    ApprovalClosed,
    ApprovalExpired,
    ApprovalForSomethingElse,
    ApprovalNotFound,
    ApprovalNotGiven,
    ApprovalUsed,
    LimitExceeded,
    NotPermitted,
    OwnRequest,
)
from oversight.tests.factories import (
    NOON,
    StandingClock,
    a_colleague,
    an_act,
    approved,
    authorized,
    by,
    digest_of,
    requested,
)

pytestmark = pytest.mark.usefixtures("database")

GBP_60 = Money(6_000, "GBP")
TOO_LATE = NOON + timedelta(days=3)


@pytest.fixture
def ada(database: str) -> User:
    """She works in support and may refund £60 with a second person."""
    return a_colleague("ada")


@pytest.fixture
def grace(database: str) -> User:
    """She supervises and may approve £60."""
    return a_colleague("grace", StaffRole.SUPERVISOR)


class TestRequest:
    def test_waits_for_a_second_person(self, ada: User) -> None:
        approval = Approval.objects.get(pk=requested(an_act(ada, GBP_60)).pk)

        assert approval.public_id.startswith("apr_")
        assert (approval.status, approval.decided_by, approval.expires_at) == ("requested", "", TOO_LATE)
        assert (approval.requested_by, approval.amount_minor) == (f"staff:{ada.public_id}", 6_000)
        audit = AuditEntry.objects.get()
        assert (audit.action, audit.subject_id, audit.reason) == ("approval.requested", approval.public_id, "damaged")

    def test_refuses_what_a_second_person_could_not_allow(self, ada: User) -> None:
        with pytest.raises(LimitExceeded):
            requested(an_act(ada, Money(10_001, "GBP")))
        with pytest.raises(NotPermitted):
            requested(an_act(ada, GBP_60, action=Action.OFFLINE_REFUND))

    def test_the_same_is_asked_for_once_at_a_time(self, ada: User) -> None:
        first = requested(an_act(ada, GBP_60))

        with pytest.raises(AlreadyRequested) as refusal:
            requested(an_act(ada, GBP_60))
        assert refusal.value.facts == {"approval_id": first.public_id}

        again = requested(an_act(ada, GBP_60), now=TOO_LATE)

        first.refresh_from_db()
        assert (first.status, again.status) == ("expired", "requested")


class TestDecide:
    def test_a_second_person_approves_and_leaves_a_trail(self, ada: User, grace: User) -> None:
        approval = approved(an_act(ada, GBP_60), approver=grace)

        approval.refresh_from_db()
        assert (approval.status, approval.decided_by, approval.decided_at) == (
            "approved", f"staff:{grace.public_id}", NOON,
        )  # fmt: skip
        audit = AuditEntry.objects.get(action="approval.approved")
        assert (audit.actor, audit.reason) == (f"staff:{grace.public_id}", "seen the pictures")
        assert audit.before == {"status": "requested"}

    def test_nobody_decides_on_their_own_request(self, grace: User) -> None:
        approval = requested(an_act(grace, Money(60_000, "GBP")))

        for decide in (services.approve, services.reject):
            with pytest.raises(OwnRequest), transaction("test"):
                decide(approval.public_id, approver=grace, cause=by(grace))

        approval.refresh_from_db()
        assert approval.status == "requested"

    def test_nobody_decides_in_another_s_name(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))

        with pytest.raises(NotPermitted), transaction("test"):
            services.approve(approval.public_id, approver=grace, cause=by(ada))

    @pytest.mark.parametrize("role", [None, StaffRole.SUPPORT])
    def test_a_role_that_approves_nothing_does_not_approve(self, ada: User, role: StaffRole | None) -> None:
        approval, ben = requested(an_act(ada, GBP_60)), a_colleague("ben", role)

        with pytest.raises(NotPermitted), transaction("test"):
            services.approve(approval.public_id, approver=ben, cause=by(ben))

    def test_a_role_approves_up_to_an_amount(self, grace: User) -> None:
        mary, frank = a_colleague("mary", StaffRole.SUPERVISOR), a_colleague("frank", StaffRole.FINANCE)
        approval = requested(an_act(grace, Money(60_000, "GBP")))

        with pytest.raises(NotPermitted) as refusal, transaction("test"):
            services.approve(approval.public_id, approver=mary, cause=by(mary))
        assert refusal.value.facts["approves_up_to_minor"] == 50_000

        with transaction("test"):
            services.approve(approval.public_id, approver=frank, cause=by(frank))

    def test_a_role_lost_a_moment_ago_is_lost(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))
        User.objects.filter(pk=grace.pk).update(is_active=False)

        with pytest.raises(NotPermitted), transaction("test"):
            services.approve(approval.public_id, approver=grace, cause=by(grace))

    def test_what_was_rejected_stays_rejected(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))
        with transaction("test"):
            services.reject(approval.public_id, approver=grace, cause=by(grace), note="no picture")

        with pytest.raises(ApprovalClosed), transaction("test"):
            services.approve(approval.public_id, approver=grace, cause=by(grace))
        with pytest.raises(ApprovalNotGiven):
            authorized(an_act(ada, GBP_60), approval_id=approval.public_id)

    def test_who_asked_takes_it_back_and_nobody_else(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))
        with pytest.raises(NotPermitted), transaction("test"):
            services.withdraw(approval.public_id, cause=by(grace))

        with transaction("test"):
            services.withdraw(approval.public_id, cause=by(ada))

        with pytest.raises(ApprovalClosed), transaction("test"):
            services.withdraw(approval.public_id, cause=by(ada))
        approval.refresh_from_db()
        assert approval.status == "withdrawn"

    def test_is_too_late_after_its_time(self, ada: User, grace: User) -> None:
        approval = requested(an_act(ada, GBP_60))

        with pytest.raises(ApprovalExpired), transaction("test"):
            services.approve(approval.public_id, approver=grace, cause=by(grace, now=TOO_LATE))

    def test_knows_what_is_not_there(self, ada: User, grace: User) -> None:
        with pytest.raises(ApprovalNotFound), transaction("test"):
            services.approve("apr_none", approver=grace, cause=by(grace))
        with pytest.raises(ApprovalNotFound):
            authorized(an_act(ada, GBP_60), approval_id="apr_none")


class TestExecute:
    def test_lets_the_act_happen_once(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)

        recorded = authorized(act, approval_id=approval.public_id)
        with pytest.raises(ApprovalUsed):
            authorized(act, approval_id=approval.public_id)

        approval.refresh_from_db()
        assert (approval.status, approval.executed_at) == ("executed", NOON)
        assert StaffAct.objects.get() == recorded
        assert (recorded.approval_id, recorded.actor) == (approval.public_id, f"staff:{ada.public_id}")

    def test_who_approved_may_set_it_off(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)

        recorded = authorized(act, approval_id=approval.public_id, cause=by(grace))

        assert recorded.actor == f"staff:{ada.public_id}"
        assert AuditEntry.objects.get(action="act.refund").actor == f"staff:{grace.public_id}"

    def test_a_third_person_may_neither_set_it_off_nor_use_it(self, ada: User, grace: User) -> None:
        act, ben = an_act(ada, GBP_60), a_colleague("ben")
        approval = approved(act, approver=grace)

        with pytest.raises(NotPermitted):
            authorized(act, approval_id=approval.public_id, cause=by(ben))
        with pytest.raises(ApprovalForSomethingElse):
            authorized(replace(act, actor=ben), approval_id=approval.public_id)

        approval.refresh_from_db()
        assert approval.status == "approved"

    def test_asked_for_is_not_given(self, ada: User) -> None:
        act = an_act(ada, GBP_60)

        with pytest.raises(ApprovalNotGiven):
            authorized(act, approval_id=requested(act).public_id)

    def test_is_for_nothing_else(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)
        others = [
            replace(act, money=Money(6_001, "GBP")),
            replace(act, money=Money(6_000, "EUR")),
            replace(act, subject_id="ord_2"),
            replace(act, action=Action.VOID),
        ]

        for other in others:
            with pytest.raises(ApprovalForSomethingElse):
                authorized(other, approval_id=approval.public_id)

        assert not StaffAct.objects.exists()

    def test_is_for_no_other_amount_under_the_same_digest(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)

        for other in (replace(act, money=Money(7_000, "GBP")), replace(act, order_public_id="ord_2")):
            with pytest.raises(ApprovalForSomethingElse), transaction("test"):
                services.authorize_act(
                    other, request_digest=digest_of(act), cause=by(ada), approval_id=approval.public_id
                )

    def test_lifts_no_limit(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)
        for _ in range(3):
            authorized(an_act(ada, Money(5_000, "GBP"), subject_id="ref_1"))

        with pytest.raises(LimitExceeded):
            authorized(act, approval_id=approval.public_id)

    def test_is_too_late_after_its_time(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)

        with pytest.raises(ApprovalExpired):
            authorized(act, approval_id=approval.public_id, cause=by(ada, now=TOO_LATE))

    def test_eight_at_once_are_one(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)
        start = Barrier(8)

        def once(_: int) -> str:
            start.wait()
            try:
                authorized(act, approval_id=approval.public_id)
            except ApprovalUsed:
                return "used"
            finally:
                connection.close()
            return "done"

        with ThreadPoolExecutor(8) as pool:
            outcomes = sorted(pool.map(once, range(8)))

        assert outcomes == ["done"] + ["used"] * 7
        assert StaffAct.objects.count() == 1

    def test_without_its_act_it_is_not_committed(self, ada: User, grace: User) -> None:
        act = an_act(ada, GBP_60)
        approval = approved(act, approver=grace)

        with pytest.raises(IntegrityError, match="executed by no act"), transaction("test"):
            services.execute_approval(
                approval.public_id,
                action=act.action,
                subject_id=act.subject_id,
                request_digest=digest_of(act),
                cause=by(ada),
            )


class TestExpire:
    def test_ends_what_nobody_decided_or_used(self, ada: User, grace: User) -> None:
        waiting = requested(an_act(ada, GBP_60))
        given = approved(an_act(ada, GBP_60, subject_id="ref_1"), approver=grace)
        young = requested(an_act(ada, GBP_60, subject_id="ref_2"), now=NOON + timedelta(days=1))

        with clock.use(StandingClock(TOO_LATE)):
            tasks.expire_approvals()
            tasks.expire_approvals()

        statuses = dict(Approval.objects.values_list("public_id", "status"))
        assert statuses == {waiting.public_id: "expired", given.public_id: "expired", young.public_id: "requested"}
        assert AuditEntry.objects.filter(action="approval.expired").count() == 2
