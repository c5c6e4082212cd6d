"""Refunds that people ask for: within limits at once, beyond them with a second person, never behind a bank's back."""

from collections.abc import Iterator

import pytest

from accounts.models import StaffRole, User
from core import clock
from core.cause import system
from core.db import transaction
from orders.models import HoldReason
from orders.refunding import AmountBeyondLeft, WantedAmount
from orders.selectors import lock_order
from orders.services import open_hold
from oversight.models import Approval, Case, StaffAct
from oversight.services import OwnRequest, actor_name
from oversight.tasks import expire_approvals
from oversight.tests.factories import a_colleague
from payments.models import Refund
from payments.services import (
    NotRefundable,
    RefundDecided,
    RefundLocked,
    RefundWish,
    UnknownReason,
    approve_refund,
    reject_refund,
    request_refund,
    withdraw_refund,
)
from reconciliation import sweeping_money
from support.selectors import order_file
from support.standing import standing_of
from tests.journeys.facts import assert_sound, by, unheard
from tests.shop import Shop

# Policy `limits`: support decides alone up to £50, and up to £100 with a second person.
SMALL, LARGE = 1500, 6000


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


@pytest.fixture
def ada(shop: Shop) -> User:
    """Who asks, on an order of £79.96 that is paid."""
    shop.start(shop.a_cart({"MUG-RED": 4}), token="pm_card_visa")
    shop.deliver()
    assert shop.order().state == "paid"
    return a_colleague("ada")


@pytest.fixture
def boss(ada: User) -> User:
    """Who agrees or does not."""
    return a_colleague("grace", StaffRole.FINANCE)


def ask(shop: Shop, user: User, amount_minor: int, *, reason_code: str = "damaged") -> Refund:
    """This will ask for a refund as a member of staff."""
    newest = Refund.objects.order_by("-id").values_list("public_id", flat=True).first() or ""
    wish = RefundWish(shop.order().public_id, WantedAmount(amount_minor), reason_code, newest)
    with transaction("test"):
        (refund,) = request_refund(wish, cause=by(user), staff=user)
    return refund


def by_rule(shop: Shop, amount_minor: int) -> None:
    """This will ask for the first refund as a rule of the shop does, and let a worker carry it out."""
    wish = RefundWish(shop.order().public_id, WantedAmount(amount_minor), "customer_request", "")
    with transaction("test"):
        request_refund(wish, cause=system("rules", now=clock.now()))
    shop.work()


def agree(refund: Refund, *, approver: User, requester: User) -> None:
    """This will let a second person agree."""
    with transaction("test"):
        approve_refund(refund.public_id, approver=approver, requester=requester, cause=by(approver))


def given_back(shop: Shop) -> list[int]:
    """This will let workers work and return what the provider gave back, refund by refund."""
    shop.work()
    return [row["amount"] for row in shop.truth("refund")]


def status() -> str:
    """This will return how far the first refund is."""
    return str(Refund.objects.earliest("id").status)


class TestAlone:
    def test_a_small_one_goes_at_once_and_is_written_down(self, shop: Shop, ada: User) -> None:
        refund = ask(shop, ada, SMALL)
        assert "£15.00 is on its way back." in standing_of(order_file(shop.order()))

        assert given_back(shop) == [SMALL]
        act = StaffAct.objects.get()
        assert (act.subject_id, act.amount_minor, act.actor) == (refund.public_id, SMALL, actor_name(ada))
        assert act.approval_id == ""

    def test_a_reason_that_is_on_no_list_is_refused(self, shop: Shop, ada: User) -> None:
        with pytest.raises(UnknownReason):
            ask(shop, ada, SMALL, reason_code="because")

        assert given_back(shop) == []

    def test_a_hold_is_theirs_to_decide_and_stops_every_rule(self, shop: Shop, ada: User) -> None:
        with transaction("test"):
            cause = system("rules", now=clock.now())
            open_hold(lock_order(shop.order().public_id), reason=HoldReason.MANUAL, detail="look", cause=cause)

        with pytest.raises(NotRefundable):
            by_rule(shop, SMALL)
        ask(shop, ada, SMALL)

        assert given_back(shop) == [SMALL]


class TestSecondPerson:
    def test_a_large_one_waits_and_counts_until_it_is_agreed_to_once(self, shop: Shop, ada: User, boss: User) -> None:
        refund = ask(shop, ada, LARGE)
        assert (status(), given_back(shop)) == ("awaiting_approval", [])
        with pytest.raises(AmountBeyondLeft):
            ask(shop, ada, 2000)

        agree(refund, approver=boss, requester=ada)
        with pytest.raises(RefundDecided):
            agree(refund, approver=boss, requester=ada)

        assert (given_back(shop), status(), shop.order().returned_minor) == ([LARGE], "succeeded", LARGE)
        assert StaffAct.objects.get().approval_id == Approval.objects.get().public_id

    def test_nobody_agrees_to_their_own(self, shop: Shop, ada: User) -> None:
        refund = ask(shop, ada, LARGE)

        with pytest.raises(OwnRequest):
            agree(refund, approver=ada, requester=ada)

        assert (status(), given_back(shop)) == ("awaiting_approval", [])

    def test_one_that_is_refused_frees_its_money(self, shop: Shop, ada: User, boss: User) -> None:
        refund = ask(shop, ada, LARGE)
        with transaction("test"):
            reject_refund(refund.public_id, approver=boss, cause=by(boss), note="send the pictures first")

        assert (status(), given_back(shop)) == ("rejected", [])
        assert ask(shop, ada, LARGE).status == "awaiting_approval"

    def test_one_that_is_taken_back_frees_its_money(self, shop: Shop, ada: User) -> None:
        refund = ask(shop, ada, LARGE)
        with transaction("test"):
            withdraw_refund(refund.public_id, cause=by(ada))

        assert (status(), given_back(shop)) == ("cancelled", [])
        assert ask(shop, ada, LARGE).status == "awaiting_approval"

    def test_one_nobody_decides_ends_with_its_time(self, shop: Shop, ada: User, boss: User) -> None:
        refund = ask(shop, ada, LARGE)
        shop.pass_time(days=4)
        expire_approvals.run()
        sweeping_money.sweep_refunds(now=clock.now)

        assert (status(), given_back(shop)) == ("cancelled", [])
        with pytest.raises(RefundDecided):
            agree(refund, approver=boss, requester=ada)

    def test_a_dispute_that_was_opened_meanwhile_locks_it(self, shop: Shop, ada: User, boss: User) -> None:
        refund = ask(shop, ada, LARGE)
        unheard(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"])
        shop.deliver()

        with pytest.raises(RefundLocked):
            agree(refund, approver=boss, requester=ada)

        assert (status(), given_back(shop)) == ("awaiting_approval", [])


class TestSlowOnes:
    def test_are_told_of_once_and_no_longer_once_they_ended(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_pendingRefund")
        shop.deliver()
        by_rule(shop, 500)
        engine = shop.sandbox.engine
        engine.store.execute("UPDATE timers SET due_at = due_at + 86400 * 30")
        engine.desk.forget_timers()
        shop.pass_time(days=6)

        for _ in range(3):
            sweeping_money.sweep_refunds(now=clock.now)
        case = Case.objects.get(type="refund_pending_too_long")
        assert (case.reports_count, case.status, status()) == (1, "open", "pending")
        shop.pass_time(days=30)
        shop.deliver()

        case.refresh_from_db()
        assert (status(), case.status) == ("succeeded", "resolved")


class TestEnding:
    @pytest.fixture
    def over(self, shop: Shop, ada: User) -> str:
        """An order of which everything went back, and whose windows are over."""
        by_rule(shop, 7996)
        shop.deliver()
        shop.pass_time(days=121)
        assert shop.order().state == "refunded"
        return shop.order().public_id

    def test_closes_what_is_over(self, shop: Shop, over: str) -> None:
        assert sweeping_money.sweep_closing(now=clock.now) == 1

        assert shop.order().state == "closed"
        assert sweeping_money.sweep_closing(now=clock.now) == 0

    def test_one_that_waits_for_a_person_keeps_no_other_waiting(self, shop: Shop, over: str) -> None:
        Case.objects.create(
            public_id="case_1", type="payment_in_doubt", subject_id=over, order_public_id=over, severity="low",
            status="open", summary="Look.", opened_at=clock.now(), due_at=clock.now(),
        )  # fmt: skip

        assert sweeping_money.sweep_closing(now=clock.now) == 0
        assert shop.order().state == "refunded"

    def test_a_part_that_is_still_to_be_sent_keeps_it_open(self, shop: Shop, ada: User) -> None:
        by_rule(shop, SMALL)
        shop.pass_time(days=121)

        assert sweeping_money.sweep_closing(now=clock.now) == 0
        assert shop.order().state == "partially_refunded"
