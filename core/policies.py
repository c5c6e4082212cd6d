"""Numbers people may change without a release: append-only versioned rows. The version that decided stands on the
decision.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.db import transaction_required
from core.errors import Invalid
from core.models import Policy

CACHE_SECONDS = 10


# Note [Limits]: what one role may do with one action, in whole major units (pounds, yen, dinars); None is no bound. A
# role without the action may not do it at all. `per_order` counts what anybody did to the order, `per_day` what this
# person did on the channel's day, each action and currency by itself; above `approval_above` a second person is needed,
# and approving goes as far as `approves_up_to`. There are no exchange rates: a bound of 100 is 10,000 pence, 100 yen or
# 100,000 fils, unless `scales` says what one unit stands for in a currency, as in {"JPY": "200", "KWD": "0.4"}.
def _bounds(
    per_act: int | None,
    per_order: int | None,
    per_day: int | None,
    *,
    approval_above: int | None = None,
    approves_up_to: int | None = 0,
) -> dict[str, int | None]:
    return {
        "per_act_major": per_act,
        "per_order_major": per_order,
        "per_day_major": per_day,
        "approval_above_major": approval_above,
        "approves_up_to_major": approves_up_to,
    }


_UNBOUNDED = _bounds(None, None, None)
_LIMITS: dict[str, dict[str, Any]] = {
    "scales": {},
    "support": {
        "refund": _bounds(100, 200, 500, approval_above=50),
        "goodwill_refund": _bounds(20, 20, 100, approval_above=10),
        "void": _UNBOUNDED,
        "cancel": _UNBOUNDED,
    },
    "supervisor": {
        "refund": _bounds(1_000, 2_000, 5_000, approval_above=500, approves_up_to=500),
        "goodwill_refund": _bounds(50, 50, 500, approval_above=20, approves_up_to=50),
        "offline_refund": _bounds(200, 200, 1_000, approval_above=0, approves_up_to=200),
        "refund_while_disputed": _bounds(500, 500, 1_000, approval_above=0),
        "accept_mismatch": _bounds(50, 50, 200, approval_above=0, approves_up_to=50),
        "void": _UNBOUNDED,
        "capture": _UNBOUNDED,
        "cancel": _UNBOUNDED,
        "release_hold": _UNBOUNDED,
        "replay": _UNBOUNDED,
    },
    "finance": {
        "refund": _bounds(10_000, 10_000, 50_000, approval_above=1_000, approves_up_to=10_000),
        "goodwill_refund": _bounds(500, 500, 5_000, approval_above=100, approves_up_to=500),
        "offline_refund": _bounds(10_000, 10_000, 50_000, approval_above=0, approves_up_to=10_000),
        "refund_while_disputed": _bounds(10_000, 10_000, 50_000, approval_above=0, approves_up_to=10_000),
        "accept_mismatch": _bounds(1_000, 1_000, 5_000, approval_above=0, approves_up_to=1_000),
        "void": _UNBOUNDED,
        "capture": _UNBOUNDED,
        "cancel": _UNBOUNDED,
        "release_hold": _UNBOUNDED,
        "replay": _UNBOUNDED,
    },
    "administrator": {
        "refund": _bounds(None, None, None, approval_above=5_000, approves_up_to=None),
        "goodwill_refund": _bounds(None, None, None, approval_above=500, approves_up_to=None),
        "offline_refund": _bounds(None, None, None, approval_above=0, approves_up_to=None),
        "refund_while_disputed": _bounds(None, None, None, approval_above=0, approves_up_to=None),
        "accept_mismatch": _bounds(None, None, None, approval_above=0, approves_up_to=None),
        "void": _UNBOUNDED,
        "capture": _UNBOUNDED,
        "cancel": _UNBOUNDED,
        "release_hold": _UNBOUNDED,
        "replay": _UNBOUNDED,
    },
}

# Version 1 of every policy, written by core's migrations. Seconds, days, counts as the names say.
DEFAULTS: dict[str, dict[str, Any]] = {
    "reservation": {"hold_seconds": 900, "cap_seconds": 3600, "extension_seconds": 900},
    "payment": {
        "first_check_seconds": 60,
        "recheck_seconds": 60,
        "stuck_after_seconds": 600,
        "authorization_warning_hours": 48,
        "answer_within_seconds": 12,
        "not_found_spacing_seconds": 120,
        "checks_before_case": 20,
    },
    "webhooks": {"tries_max": 12, "lease_seconds": 60, "parked_recheck_seconds": 300, "lag_alert_seconds": 60},
    "idempotency": {"lease_seconds": 30, "keep_days": 30},
    "tokens": {"cart_days": 30, "order_days": 90},
    "sessions": {"customer_days": 60},
    "cases": {"high_due_seconds": 3600, "normal_due_seconds": 86_400, "low_due_seconds": 259_200},
    "carts": {"lines_max": 2000, "units_max": 1_000_000, "open_max": 20, "draft_abandoned_seconds": 1800},
    "addresses": {"per_customer_max": 50},
    "refunds": {"window_days": 30, "pending_alert_days": 5, "by_rule_up_to_major": 200},
    "fulfillment": {"stuck_after_hours": 24},
    "orders": {"dispute_window_days": 120},
    "retention": {"webhook_bytes_days": 90},
    "late_money": {"revive_expired": True},
    "throttles": {
        "coupons_seconds": 600,
        "coupons_cart_max": 20,
        "coupons_principal_max": 40,
        "coupons_address_max": 200,
        "payments_seconds": 600,
        "payments_cart_max": 300,
        "payments_order_max": 300,
        "payments_principal_max": 300,
        "payments_address_max": 1200,
        "carts_seconds": 600,
        "carts_device_max": 200,
        "carts_address_max": 2400,
        "returns_seconds": 600,
        "returns_address_max": 2400,
        "payment_links_seconds": 600,
        "payment_links_order_max": 60,
        "payment_links_address_max": 600,
        "declines_seconds": 600,
        "declines_cart_max": 20,
        "declines_order_max": 20,
        "declines_principal_max": 30,
        "declines_address_max": 200,
        "declines_token_max": 40,
        "declines_card_max": 40,
    },
    "approvals": {"expires_seconds": 259_200},
    "limits": _LIMITS,
    "pay_step": {"return_state_seconds": 86_400, "ask_again_seconds": 2, "payment_link_seconds": 3600},
}


@dataclass(frozen=True)
class CurrentPolicy:
    """One policy as it stands: `values` by name, `version` to keep beside a decision."""

    name: str
    version: int
    values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        """Read one value."""
        return self.values[key]


class _Cache:
    policies: dict[str, CurrentPolicy] = {}
    loaded_at = float("-inf")


def forget_cached() -> None:
    """This will make the next look read the table again."""
    _Cache.loaded_at = float("-inf")


def current(name: str) -> CurrentPolicy:
    """This will return the newest version of a policy, at most ten seconds old, for one query per process and ten
    seconds.
    """
    if time.monotonic() - _Cache.loaded_at > CACHE_SECONDS:
        rows = Policy.objects.order_by("name", "-version").distinct("name")
        _Cache.policies = {row.name: CurrentPolicy(row.name, row.version, row.values) for row in rows}
        _Cache.loaded_at = time.monotonic()
    return _Cache.policies[name]


@transaction_required
def change(name: str, *, values: dict[str, Any], reason: str, now: datetime) -> Policy:
    """This will write the next version of a policy; unknown value names are refused.

    Raises: Invalid.
    """
    before = Policy.objects.filter(name=name).order_by("-version").first()
    if before is None or set(values) - set(before.values):
        raise Invalid(detail=f"Policy {name} has no such value.", values=sorted(values))
    forget_cached()
    return Policy.objects.create(
        name=name, version=before.version + 1, values=before.values | values, reason=reason, created_at=now
    )
