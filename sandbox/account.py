"""What a test may settle about the invented merchant account: fees, delays, payouts. Kept in the store."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.store import Store

SETTING = "account"
DAY_SECONDS = 24 * 3600
YEAR_SECONDS = 366 * DAY_SECONDS
SCHEDULES = ("manual", "daily")
# Wire amounts of these currencies end in zeros: they have fewer decimals than they are written with.
STEPS = {"isk": 100, "ugx": 100, **dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 10)}


class AccountRefusedError(ValueError):
    """The settings make no sense."""


@dataclass(frozen=True)
class Account:
    """The settings. Fees are in minor units as the wire writes them; `*` stands for every other currency."""

    charge_fees: dict[str, dict[str, int]]
    dispute_fees: dict[str, int]
    available_after_seconds: float = 2.0 * DAY_SECONDS
    late_seconds: float = 5.0
    dispute_due_seconds: float = 9.0 * DAY_SECONDS
    hold_seconds: float = 7.0 * DAY_SECONDS
    hold_lag_seconds: float = 0.0
    payout_schedule: str = "manual"
    payout_arrives_seconds: float = 1.0 * DAY_SECONDS
    partial_capture_pair: bool = False

    def charge_fee(self, amount: int, currency: str) -> int:
        """This will return what the provider keeps of a capture: a share in basis points, half up, and a fixed sum."""
        rule = self.charge_fees.get(currency) or self.charge_fees.get("*") or {}
        if not rule:
            return 0
        fee = (amount * rule["basis_points"] + 5_000) // 10_000 + rule["fixed"]
        return _whole(fee, currency)

    def dispute_fee(self, currency: str) -> int:
        """This will return what the provider keeps when a dispute opens."""
        return _whole(self.dispute_fees.get(currency, self.dispute_fees.get("*", 0)), currency)


DEFAULT = Account(charge_fees={}, dispute_fees={"*": 1500})


def load_account(store: Store) -> Account:
    """This will return the settings in force, defaults where nothing was settled."""
    text = store.read_setting(SETTING)
    return change_account(DEFAULT, json.loads(text)) if text else DEFAULT


def save_account(store: Store, account: Account) -> None:
    """This will keep the settings across restarts."""
    store.write_setting(SETTING, json.dumps(asdict(account)))


def change_account(account: Account, changes: Mapping[str, Any]) -> Account:
    """This will return the settings with those changed. Raises `AccountRefusedError`."""
    unknown = set(changes) - set(READERS)
    if unknown:
        raise AccountRefusedError(f"unknown settings: {', '.join(sorted(unknown))}")
    return replace(account, **{name: READERS[name](name, value) for name, value in changes.items()})


def _whole(fee: int, currency: str) -> int:
    step = STEPS.get(currency, 1)
    return -(-fee // step) * step


def _charge_fees(name: str, value: Any) -> dict[str, dict[str, int]]:
    fees = {}
    for currency, rule in _object(name, value).items():
        unknown = set(_object(name, rule)) - {"basis_points", "fixed"}
        if unknown:
            raise AccountRefusedError(f"{name} knows basis_points and fixed, not {', '.join(sorted(unknown))}")
        wanted = {part: _count(name, rule.get(part, 0)) for part in ("basis_points", "fixed")}
        if wanted["basis_points"] > 10_000:
            raise AccountRefusedError(f"{name}: basis_points are at most 10000")
        fees[str(currency).lower()] = wanted
    return fees


def _dispute_fees(name: str, value: Any) -> dict[str, int]:
    if isinstance(value, int):
        return {"*": _count(name, value)}
    return {str(currency).lower(): _count(name, fee) for currency, fee in _object(name, value).items()}


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise AccountRefusedError(f"{name} must be an object by currency")
    return value


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 99_999_999:
        raise AccountRefusedError(f"{name} must be whole numbers of at least 0")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= YEAR_SECONDS:
        raise AccountRefusedError(f"{name} must be a number of seconds, at most a year")
    return float(value)


def _schedule(name: str, value: Any) -> str:
    if value not in SCHEDULES:
        raise AccountRefusedError(f"{name} must be one of {', '.join(SCHEDULES)}")
    return str(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise AccountRefusedError(f"{name} must be true or false")
    return value


READERS: dict[str, Callable[[str, Any], Any]] = {
    "charge_fees": _charge_fees,
    "dispute_fees": _dispute_fees,
    "available_after_seconds": _seconds,
    "late_seconds": _seconds,
    "dispute_due_seconds": _seconds,
    "hold_seconds": _seconds,
    "hold_lag_seconds": _seconds,
    "payout_schedule": _schedule,
    "payout_arrives_seconds": _seconds,
    "partial_capture_pair": _flag,
}
