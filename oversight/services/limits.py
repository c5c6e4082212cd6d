"""What a member of staff may do: by role, up to an amount at once, on one order and in a day. See Note [Limits]."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import rfc8785

from accounts.models import User
from core import policies
from core.errors import DomainError, Invalid
from core.models import SalesChannel
from core.money import Money, exponent
from oversight import selectors
from oversight.models import MONEY_ACTIONS, Action, ReasonCode

POLICY = "limits"


class NotPermitted(DomainError):
    """The role does not have the action, or the person has no role."""

    code = "not_permitted"
    title = "Your role may not do this. Nothing was done."


class LimitExceeded(DomainError):
    """The role has the action, but not as much of it. No second person helps, somebody of another role does."""

    code = "limit_exceeded"
    title = "This is more than your role may do. Nothing was done."


class ActIncomplete(Invalid):
    """Money acts name an amount, and the reason `other` is explained."""

    code = "act_incomplete"
    title = "Something is missing. Nothing was done."


class Bound(StrEnum):
    """What stands in the way."""

    NOT_PERMITTED = "not_permitted"
    PER_ACT = "per_act"
    PER_ORDER = "per_order"
    PER_DAY = "per_day"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody is about to do to `subject_id`, a public id, and why.

    `money` is what is at stake; only cancelling, releasing a hold and replaying may do without. `channel` is the
    order's: its zone says which day it is.
    """

    action: Action
    actor: User
    channel: SalesChannel
    subject_id: str
    reason_code: ReasonCode
    money: Money | None = None
    order_public_id: str = ""
    note: str = ""

    @property
    def actor_name(self) -> str:
        """Who acts, as it stands in history and audit."""
        return actor_name(self.actor)

    def business_on(self, now: datetime) -> date:
        """The channel's day."""
        return now.astimezone(ZoneInfo(self.channel.time_zone)).date()


@dataclass(frozen=True, slots=True)
class Bounds:
    """One role's bounds for one action in one currency, in its minor units; None is no bound."""

    act_max_minor: int | None
    order_max_minor: int | None
    day_max_minor: int | None
    approval_above_minor: int | None
    approves_up_to_minor: int | None


UNBOUNDED = Bounds(None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether an act may be done now, and whether a second person is needed. `why` says what stands in the way."""

    is_allowed: bool
    needs_approval: bool
    why: Bound | None
    role: str
    bounds: Bounds
    policy_version: int


def check_limits(act: Act, *, now: datetime) -> Allowance:
    """This will tell whether the act is within what its actor may do now, by role, act, order and day.

    Reads the sums as they stand; `authorize_act` asks under a lock. Raises: ActIncomplete.
    """
    _require_complete(act)
    policy = policies.current(POLICY)
    bounds = bounds_of(act.actor, action=act.action, money=act.money, policy=policy)
    why = Bound.NOT_PERMITTED if bounds is None else _in_the_way(act, bounds=bounds, now=now)
    return Allowance(
        is_allowed=why is None,
        needs_approval=bounds is not None and _is_beyond(act.money, bounds.approval_above_minor),
        why=why,
        role=act.actor.role,
        bounds=bounds or UNBOUNDED,
        policy_version=policy.version,
    )


def require_allowed(act: Act, *, now: datetime) -> Allowance:
    """This will return the allowance of an act that may be done, alone or with a second person.

    Raises: ActIncomplete, NotPermitted, LimitExceeded.
    """
    allowance = check_limits(act, now=now)
    if allowance.why is Bound.NOT_PERMITTED:
        raise NotPermitted(action=act.action.value, role=allowance.role)
    if allowance.why is not None:
        raise LimitExceeded(action=act.action.value, role=allowance.role, bound=allowance.why.value)
    return allowance


def bounds_of(
    user: User, *, action: Action, money: Money | None, policy: policies.CurrentPolicy | None = None
) -> Bounds | None:
    """This will return the user's bounds for an action in the currency of `money`, None where their role lacks it."""
    values = (policy or policies.current(POLICY)).values
    majors = values.get(user.role, {}).get(action.value) if user.role else None
    if majors is None:
        return None
    if money is None:
        return UNBOUNDED

    def minor(name: str) -> int | None:
        return bound_minor(majors[f"{name}_major"], money.currency, scales=values["scales"])

    return Bounds(
        act_max_minor=minor("per_act"),
        order_max_minor=minor("per_order"),
        day_max_minor=minor("per_day"),
        approval_above_minor=minor("approval_above"),
        approves_up_to_minor=minor("approves_up_to"),
    )


def bound_minor(major: int | None, currency: str, *, scales: Mapping[str, Any]) -> int | None:
    """This will return a policy's bound, in whole major units, as minor units of a currency. See Note [Limits] in
    core.policies.
    """
    if major is None:
        return None
    scaled = Decimal(str(major)) * Decimal(str(scales.get(currency, "1")))
    return int(scaled.scaleb(exponent(currency)).to_integral_value(rounding=ROUND_FLOOR))


def actor_name(user: User) -> str:
    """This will return how a member of staff is named in history and audit: `staff:usr_…`."""
    return f"staff:{user.public_id}"


def digest_request(request: Mapping[str, Any]) -> str:
    """This will return the SHA-256 of a request as canonical JSON, in hex. Source: RFC 8785."""
    return hashlib.sha256(rfc8785.dumps(dict(request))).hexdigest()


def _require_complete(act: Act) -> None:
    if act.action in MONEY_ACTIONS and act.money is None:
        raise ActIncomplete(detail="Say how much it is about. Nothing was done.", action=act.action.value)
    if act.money is not None and act.money.amount_minor <= 0:
        raise ActIncomplete(detail="The amount is more than nothing. Nothing was done.", action=act.action.value)
    if act.reason_code is ReasonCode.OTHER and not act.note.strip():
        raise ActIncomplete(detail="Say in a note why. Nothing was done.", reason=act.reason_code.value)


def _in_the_way(act: Act, *, bounds: Bounds, now: datetime) -> Bound | None:
    if act.money is None:
        return None
    if _is_beyond(act.money, bounds.act_max_minor):
        return Bound.PER_ACT
    if act.order_public_id and bounds.order_max_minor is not None:
        before = selectors.acted_on_order(act.order_public_id, action=act.action, currency=act.money.currency)
        if _is_beyond(act.money + before, bounds.order_max_minor):
            return Bound.PER_ORDER
    if bounds.day_max_minor is not None:
        before = selectors.acted_in_a_day(
            act.actor_name, action=act.action, currency=act.money.currency, business_on=act.business_on(now)
        )
        if _is_beyond(act.money + before, bounds.day_max_minor):
            return Bound.PER_DAY
    return None


def _is_beyond(money: Money | None, bound_minor: int | None) -> bool:
    return money is not None and bound_minor is not None and money.amount_minor > bound_minor
