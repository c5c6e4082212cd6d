"""Reports and causes as the rest of the shop makes them, and a superuser who ignores every trigger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection

from accounts.models import StaffRole, User
from core.cause import Cause
from core.db import transaction
from core.ids import new_public_id
from core.models import SalesChannel
from core.money import Money
from core.tests.factories import a_channel
from oversight.models import Action, Approval, Case, CaseType, ReasonCode, StaffAct
from oversight.services import Act, Report, actor_name, approve, authorize_act, digest_request, request_approval
from tests.databases import superuser

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
SWEEP = Cause(actor="system:sweep", source="sweep", now=NOON)


def a_report(
    *,
    severity: Case.Severity = Case.Severity.NORMAL,
    evidence: dict[str, Any] | None = None,
    money: Money | None = None,
    order_public_id: str = "",
) -> Report:
    """This will return a report about operation op_1."""
    return Report(
        type=CaseType.PAYMENT_IN_DOUBT,
        subject_id="op_1",
        severity=severity,
        summary="Nobody knows whether the provider took the money.",
        evidence=evidence or {},
        money=money,
        order_public_id=order_public_id,
    )


def a_member_of_staff() -> User:
    """This will insert somebody who can own a case."""
    return User.objects.create(
        public_id=new_public_id("usr"), email="ada@example.com", is_staff=True, created_at=NOON, password="!"
    )


def a_colleague(name: str, role: StaffRole | None = StaffRole.SUPPORT) -> User:
    """This will insert a member of staff with a role, or without one."""
    return User.objects.create(
        public_id=new_public_id("usr"),
        email=f"{name}@example.com",
        is_staff=True,
        staff_role=role or "",
        created_at=NOON,
        password="!",
    )


def the_shop() -> SalesChannel:
    """This will return the one British shop, which is made at the first asking."""
    return SalesChannel.objects.first() or a_channel()


def by(user: User, *, now: datetime = NOON) -> Cause:
    """This will return the cause of what a member of staff does in the console."""
    return Cause(actor=actor_name(user), source="console", now=now)


def an_act(actor: User, money: Money | None, **changes: Any) -> Act:
    """This will return a refund of order ord_1 because something arrived damaged."""
    fields: dict[str, Any] = {
        "action": Action.REFUND,
        "subject_id": "ord_1",
        "order_public_id": "ord_1",
        "reason_code": ReasonCode.DAMAGED,
    }
    return Act(actor=actor, channel=the_shop(), money=money, **fields | changes)


def digest_of(act: Act) -> str:
    """This will return the digest of what the act would do."""
    money = act.money
    return digest_request(
        {
            "action": act.action.value,
            "subject_id": act.subject_id,
            "amount_minor": money.amount_minor if money else None,
            "currency": money.currency if money else "",
        }
    )


def authorized(act: Act, *, approval_id: str = "", cause: Cause | None = None) -> StaffAct:
    """This will authorize the act in a transaction of its own."""
    with transaction("test"):
        return authorize_act(act, request_digest=digest_of(act), cause=cause or by(act.actor), approval_id=approval_id)


def requested(act: Act, *, now: datetime = NOON) -> Approval:
    """This will ask a second person for the act."""
    with transaction("test"):
        return request_approval(act, request_digest=digest_of(act), cause=by(act.actor, now=now))


def approved(act: Act, *, approver: User, now: datetime = NOON) -> Approval:
    """This will ask for the act and let the approver agree."""
    approval = requested(act, now=now)
    with transaction("test"):
        return approve(approval.public_id, approver=approver, cause=by(approver, now=now), note="seen the pictures")


@dataclass
class StandingClock:
    """A clock that stands still; waiting takes no time and is counted."""

    instant: datetime = NOON
    waits: int = 0

    def now(self) -> datetime:
        """This will return the same instant every time."""
        return self.instant

    def sleep(self, seconds: float) -> None:
        """This will count a wait."""
        self.waits += 1


@contextmanager
def tampering() -> Iterator[psycopg.Connection]:
    """This will give a superuser's connection to the test's database with all triggers and foreign keys off."""
    with superuser(str(connection.settings_dict["NAME"])) as tamperer:
        tamperer.execute("SET session_replication_role = replica")
        yield tamperer
