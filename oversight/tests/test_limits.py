"""Limits: by role, act, order and day, in the money of the order, and held when two acts come at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import StaffRole, User
from core import policies
from core.db import TransactionStanceError, transaction
from core.money import EXPONENTS, Money
from core.policies import DEFAULTS
from oversight import selectors
from oversight.models import Action, AuditEntry, ReasonCode, StaffAct
from oversight.services import (
    ActIncomplete,
    ApprovalRequired,
    Bound,
    LimitExceeded,
    NotPermitted,
    authorize_act,
    check_limits,
)
from oversight.tests.factories import NOON, SWEEP, a_colleague, an_act, authorized, by, digest_of

pytestmark = pytest.mark.usefixtures("database")

GBP_40 = Money(4_000, "GBP")


@pytest.fixture
def ada(database: str) -> User:
    """She works in support."""
    return a_colleague("ada")


def changed_limits(role: str, action: Action, **bounds: int | None) -> None:
    """This will write the next version of the limits."""
    row = policies.current("limits")[role]
    with transaction("test"):
        policies.change(
            "limits", values={role: row | {action.value: row[action.value] | bounds}}, reason="a test", now=NOON
        )
    policies.forget_cached()


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "action", "is_allowed"),
        [
            (StaffRole.SUPPORT, Action.REFUND, True),
            (StaffRole.SUPPORT, Action.OFFLINE_REFUND, False),
            (StaffRole.SUPPORT, Action.CAPTURE, False),
            (StaffRole.SUPPORT, Action.ACCEPT_MISMATCH, False),
            (StaffRole.SUPERVISOR, Action.OFFLINE_REFUND, True),
            (StaffRole.FINANCE, Action.ACCEPT_MISMATCH, True),
            (StaffRole.ADMINISTRATOR, Action.REFUND_WHILE_DISPUTED, True),
            (None, Action.REFUND, False),
            (None, Action.CANCEL, False),
        ],
    )
    def test_have_some_actions_and_no_others(self, role: StaffRole | None, action: Action, is_allowed: bool) -> None:
        act = an_act(a_colleague("ada", role), Money(100, "GBP"), action=action)

        allowance = check_limits(act, now=NOON)

        assert allowance.is_allowed is is_allowed
        assert allowance.why == (None if is_allowed else Bound.NOT_PERMITTED)

    def test_customers_and_who_left_may_do_nothing(self, ada: User) -> None:
        for changes in ({"is_staff": False, "staff_role": ""}, {"is_active": False}):
            nobody = User(public_id=ada.public_id, **{"is_staff": True, "staff_role": "support"} | changes)

            assert check_limits(an_act(nobody, GBP_40), now=NOON).why == Bound.NOT_PERMITTED

    def test_a_superuser_is_an_administrator(self) -> None:
        boss = User(is_staff=True, is_superuser=True)

        assert check_limits(an_act(boss, GBP_40, action=Action.CAPTURE), now=NOON).role == StaffRole.ADMINISTRATOR

    def test_every_role_s_bounds_are_complete(self) -> None:
        limits = DEFAULTS["limits"]

        assert set(limits) == {"scales", *StaffRole.values}
        for role in StaffRole.values:
            assert set(limits[role]) <= set(Action.values)
            for bounds in limits[role].values():
                assert set(bounds) == {
                    "per_act_major", "per_order_major", "per_day_major", "approval_above_major", "approves_up_to_major",
                }  # fmt: skip
        assert set(limits[StaffRole.ADMINISTRATOR]) == set(Action.values)


class TestBounds:
    def test_a_little_is_done_alone_more_with_a_second_person_and_too_much_not_at_all(self, ada: User) -> None:
        allowances = [
            check_limits(an_act(ada, Money(minor, "GBP")), now=NOON) for minor in (5_000, 5_001, 10_000, 10_001)
        ]

        assert [(each.is_allowed, each.needs_approval) for each in allowances] == [
            (True, False),
            (True, True),
            (True, True),
            (False, True),
        ]
        assert allowances[-1].why == Bound.PER_ACT

    def test_are_major_units_of_each_currency(self, ada: User) -> None:
        for currency, at_most_minor in {"GBP": 10_000, "JPY": 100, "KWD": 100_000}.items():
            within, beyond = Money(at_most_minor, currency), Money(at_most_minor + 1, currency)

            assert check_limits(an_act(ada, within), now=NOON).is_allowed
            assert check_limits(an_act(ada, beyond), now=NOON).why == Bound.PER_ACT

    def test_a_scale_says_what_one_unit_stands_for(self, ada: User) -> None:
        with transaction("test"):
            policies.change("limits", values={"scales": {"JPY": "200", "KWD": "0.4"}}, reason="rates", now=NOON)
        policies.forget_cached()

        for currency, at_most_minor in {"GBP": 10_000, "JPY": 20_000, "KWD": 40_000}.items():
            assert check_limits(an_act(ada, Money(at_most_minor, currency)), now=NOON).is_allowed
            assert not check_limits(an_act(ada, Money(at_most_minor + 1, currency)), now=NOON).is_allowed

    def test_know_every_currency_we_know(self, ada: User) -> None:
        for currency in EXPONENTS:
            assert check_limits(an_act(ada, Money(1, currency)), now=NOON).bounds.act_max_minor

    def test_an_order_has_its_sum_whoever_acts(self, ada: User) -> None:
        for _ in range(4):
            authorized(an_act(ada, GBP_40))
        ben = a_colleague("ben")

        assert check_limits(an_act(ben, GBP_40), now=NOON).is_allowed
        authorized(an_act(ben, GBP_40))

        assert check_limits(an_act(ben, Money(1, "GBP")), now=NOON).why == Bound.PER_ORDER
        assert check_limits(an_act(ben, GBP_40, order_public_id="ord_2"), now=NOON).is_allowed
        assert check_limits(an_act(ben, Money(40, "EUR")), now=NOON).is_allowed
        assert check_limits(an_act(ben, Money(100, "GBP"), action=Action.GOODWILL_REFUND), now=NOON).is_allowed

    def test_a_person_has_their_day_in_the_channel_s_zone(self, ada: User) -> None:
        for number in range(10):
            authorized(an_act(ada, Money(5_000, "GBP"), order_public_id=f"ord_{number}"))
        one_more = an_act(ada, Money(1, "GBP"), order_public_id="ord_11")

        before_midnight_in_london = NOON + timedelta(hours=10, minutes=59)
        after_midnight_in_london = NOON + timedelta(hours=11)
        assert check_limits(one_more, now=before_midnight_in_london).why == Bound.PER_DAY
        assert check_limits(one_more, now=after_midnight_in_london).is_allowed
        assert check_limits(replace(one_more, actor=a_colleague("ben")), now=NOON).is_allowed

    def test_none_is_no_bound(self) -> None:
        boss = a_colleague("boss", StaffRole.ADMINISTRATOR)

        allowance = check_limits(an_act(boss, Money(10**12, "GBP")), now=NOON)

        assert (allowance.is_allowed, allowance.needs_approval) == (True, True)

    def test_what_has_no_money_in_it_needs_the_action_alone(self, ada: User) -> None:
        act = an_act(ada, None, action=Action.CANCEL, reason_code=ReasonCode.CANCELLATION)

        assert (authorized(act).amount_minor, authorized(act).currency) == (None, "")

    @pytest.mark.parametrize(
        ("money", "changes"),
        [
            (None, {}),
            (Money(0, "GBP"), {}),
            (Money(-1, "GBP"), {}),
            (Money(0, "GBP"), {"action": Action.CANCEL}),
            (GBP_40, {"reason_code": ReasonCode.OTHER}),
            (GBP_40, {"reason_code": ReasonCode.OTHER, "note": "  "}),
        ],
    )
    def test_an_act_says_how_much_and_why(self, ada: User, money: Money | None, changes: dict[str, object]) -> None:
        with pytest.raises(ActIncomplete):
            authorized(an_act(ada, money, **changes))

        assert not StaffAct.objects.exists()


class TestAuthorize:
    def test_writes_the_act_its_limits_and_an_audit_row(self, ada: User) -> None:
        act = an_act(ada, GBP_40, note="the mug came in pieces")

        recorded = StaffAct.objects.get(pk=authorized(act).pk)

        assert (recorded.actor, recorded.role, recorded.action) == (f"staff:{ada.public_id}", "support", "refund")
        assert (recorded.amount_minor, recorded.currency, recorded.policy_version) == (4_000, "GBP", 1)
        assert (recorded.act_max_minor, recorded.order_max_minor, recorded.day_max_minor) == (10_000, 20_000, 50_000)
        assert (recorded.business_on, recorded.request_digest) == (NOON.date(), digest_of(act))
        audit = AuditEntry.objects.get()
        assert (audit.action, audit.subject_id, audit.actor) == ("act.refund", "ord_1", recorded.actor)
        assert audit.reason == "damaged: the mug came in pieces"
        assert audit.after["amount_minor"] == 4_000

    def test_refuses_what_a_role_may_not(self, ada: User) -> None:
        with pytest.raises(NotPermitted):
            authorized(an_act(ada, GBP_40, action=Action.CAPTURE))

        assert not StaffAct.objects.exists()

    def test_refuses_too_much_and_says_which_bound(self, ada: User) -> None:
        with pytest.raises(LimitExceeded) as refusal:
            authorized(an_act(ada, Money(10_001, "GBP")))

        assert refusal.value.facts == {"action": "refund", "role": "support", "bound": "per_act"}

    def test_asks_for_a_second_person(self, ada: User) -> None:
        with pytest.raises(ApprovalRequired):
            authorized(an_act(ada, Money(5_001, "GBP")))

        assert not StaffAct.objects.exists()

    def test_nobody_acts_in_another_s_name(self, ada: User) -> None:
        for cause in (by(a_colleague("ben", StaffRole.FINANCE)), SWEEP):
            with pytest.raises(NotPermitted):
                authorized(an_act(ada, GBP_40), cause=cause)

    def test_a_role_lost_a_moment_ago_is_lost(self, ada: User) -> None:
        User.objects.filter(pk=ada.pk).update(staff_role="")

        with pytest.raises(NotPermitted):
            authorized(an_act(ada, GBP_40))

    def test_the_version_that_decided_stands_beside_the_act(self, ada: User) -> None:
        changed_limits("support", Action.REFUND, per_act_major=30)

        with pytest.raises(LimitExceeded):
            authorized(an_act(ada, GBP_40))
        recorded = authorized(an_act(ada, Money(3_000, "GBP")))

        assert (recorded.policy_version, recorded.act_max_minor) == (2, 3_000)

    def test_needs_its_callers_transaction(self, ada: User) -> None:
        act = an_act(ada, GBP_40)

        with pytest.raises(TransactionStanceError):
            authorize_act(act, request_digest=digest_of(act), cause=by(ada))


class TestAtOnce:
    """Eight threads, each with a connection of its own."""

    def race(self, acts: list[object]) -> list[str]:
        start = Barrier(len(acts))
        policies.current("limits")

        def once(act: object) -> str:
            start.wait()
            try:
                authorized(act)  # type: ignore[arg-type]
            except LimitExceeded as refusal:
                return str(refusal.facts["bound"])
            finally:
                connection.close()
            return "done"

        with ThreadPoolExecutor(len(acts)) as pool:
            return sorted(pool.map(once, acts))

    def test_an_order_s_limit_holds_against_several_people(self) -> None:
        people = [a_colleague(f"colleague{number}") for number in range(8)]

        outcomes = self.race([an_act(person, Money(5_000, "GBP")) for person in people])

        assert outcomes == ["done"] * 4 + ["per_order"] * 4
        assert selectors.acted_on_order("ord_1", action=Action.REFUND, currency="GBP") == Money(20_000, "GBP")

    def test_a_day_s_limit_holds_against_several_orders(self, ada: User) -> None:
        changed_limits("support", Action.REFUND, per_day_major=150)

        outcomes = self.race([an_act(ada, Money(5_000, "GBP"), order_public_id=f"ord_{n}") for n in range(8)])

        assert outcomes == ["done"] * 3 + ["per_day"] * 5
