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
    "refunds": {"window_days": 30, "pending_alert_days": 5},
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
