"""The console's lists of approvals and of what staff did."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import StaffRole, User
from core.money import Money
from oversight.models import Action, ReasonCode
from oversight.tests.factories import a_colleague, an_act, approved, authorized, requested
from support.tests.factories import address_of

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.pains("K2")]

LISTS = [f"/console/oversight/{name}/" for name in ("approval", "staffact")]


def text_of(answer: Any) -> str:
    """The page as it is read: tags and runs of blanks left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode().partition('id="content"')[2]))


def two_people() -> tuple[User, User]:
    """One who asks and one who approves."""
    return a_colleague("ada"), a_colleague("boss", StaffRole.SUPERVISOR)


def an_approved_refund(ada: User, boss: User, number: int) -> str:
    """Ada's refund of £60, agreed to by her supervisor and done; the approval's public id."""
    act = an_act(
        ada, Money(6_000, "GBP"), subject_id=f"ref_{number}", order_public_id=f"ord_{number}", note="in pieces"
    )
    approval = approved(act, approver=boss)
    authorized(act, approval_id=approval.public_id)
    return approval.public_id


class TestLists:
    def test_cost_the_same_with_one_row_and_with_several(self, console: Client) -> None:
        ada, boss = two_people()

        def costs() -> dict[str, int]:
            counted = {}
            for address in LISTS:
                with CaptureQueriesContext(connection) as queries:
                    assert console.get(address).status_code == 200, address
                counted[address] = len(queries)
            return counted

        an_approved_refund(ada, boss, 0)
        few = costs()
        for number in range(1, 8):
            an_approved_refund(ada, boss, number)

        assert costs() == few

    def test_an_approval_says_who_asked_who_decided_and_how_it_stands(self, console: Client) -> None:
        ada, boss = two_people()
        public_id = an_approved_refund(ada, boss, 0)

        page = console.get(LISTS[0])

        assert f"{public_id} ✓ Executed Refund £60.00 ord_0 staff:{ada.public_id} staff:{boss.public_id}" in text_of(
            page
        )
        (row,) = page.context["cl"].result_list
        assert "seen the pictures" in text_of(console.get(address_of(row)))

    def test_what_waits_says_so(self, console: Client) -> None:
        ada, _ = two_people()
        requested(an_act(ada, Money(6_000, "GBP")))

        assert "● Requested Refund £60.00" in text_of(console.get(f"{LISTS[0]}?status=requested"))

    def test_an_act_says_who_did_what_why_and_within_which_limits(self, console: Client) -> None:
        ada, boss = two_people()
        public_id = an_approved_refund(ada, boss, 0)

        page = console.get(LISTS[1])

        assert f"staff:{ada.public_id} Support Refund £60.00 ord_0 Damaged: in pieces" in text_of(page)
        (row,) = page.context["cl"].result_list
        detail = text_of(console.get(address_of(row)))
        for said in (public_id, "£100.00", "£200.00", "£500.00", "£50.00"):
            assert said in detail

    def test_an_act_without_money_says_so(self, console: Client) -> None:
        boss = a_colleague("boss", StaffRole.ADMINISTRATOR)
        authorized(an_act(boss, None, action=Action.CANCEL, reason_code=ReasonCode.CANCELLATION))

        page = console.get(LISTS[1])

        assert "Cancel none ord_1 Cancellation" in text_of(page)
        (row,) = page.context["cl"].result_list
        assert "no limit" in text_of(console.get(address_of(row)))
