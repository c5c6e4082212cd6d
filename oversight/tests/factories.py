"""Reports and causes as the rest of the shop makes them, and a superuser who ignores every trigger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection

from accounts.models import User
from core.cause import Cause
from core.ids import new_public_id
from core.money import Money
from oversight.models import Case, CaseType
from oversight.services import Report
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
