"""The control API's moves of money: what a bank, a payer or the merchant's dashboard would do."""

from collections.abc import Callable
from typing import Any

from sandbox.engine import Engine
from sandbox.engine.captures import expire_hold, reverse_capture
from sandbox.engine.charges import get_charge, get_intent
from sandbox.engine.disputes import REASONS, STAGES, DisputeRequest, move_dispute, open_dispute
from sandbox.engine.intents import charge_again
from sandbox.engine.payouts import FAILURE_CODES, PayoutRequest, available, create_payout, move_payout
from sandbox.engine.refunds import (
    BEHAVIOURS,
    FAILURE_REASON,
    FAILURE_REASONS,
    RefundRequest,
    create_refund,
    move_refund,
)
from sandbox.engine.warnings import FRAUD_TYPES, open_warning
from sandbox.errors import MoveRefusedError
from sandbox.records import Record

Content = dict[str, Any]
DISPUTE_MOVES = ("needs_response", "under_review", "warning_under_review", "warning_closed", "won", "lost", "withdrawn")
REFUND_MOVES = ("pending", "succeeded", "failed", "canceled")
PAYOUT_MOVES = ("in_transit", "paid", "failed", "canceled")
SECONDS_MAX = 86_400 * 366


class ControlRefusedError(ValueError):
    """The request to the control API makes no sense."""


class Moves:
    """Every move runs in one transaction of its own and returns the records it made or changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = engine.desk
        self.makers: dict[str, Callable[[Content], list[Record]]] = {
            "disputes": self._open_dispute,
            "refunds": self._make_refund,
            "payouts": self._make_payouts,
            "fraud_warnings": self._warn,
            "reversals": self._reverse,
            "expired_holds": self._expire,
            "duplicates": self._charge_again,
        }
        self.movers: dict[str, Callable[[str, Content], Record]] = {
            "disputes": self._move_dispute,
            "refunds": self._move_refund,
            "payouts": self._move_payout,
        }

    def make(self, name: str, content: Content) -> list[Record]:
        """This will make something happen. Raises `ControlRefusedError` and what the engine refuses."""
        with self._engine.store.transaction():
            return self.makers[name](content)

    def move(self, name: str, record_id: str, content: Content) -> Record:
        """This will bring something on. Raises `ControlRefusedError` and what the engine refuses."""
        with self._engine.store.transaction():
            return self.movers[name](record_id, content)

    def _open_dispute(self, content: Content) -> list[Record]:
        _refuse_unknown(content, "payment_intent charge amount reason stage fee")
        request = DisputeRequest(
            charge_id=self._charge_of(content),
            amount=_amount(content, "amount", least=1),
            reason=_choice(content, "reason", REASONS, "fraudulent"),
            stage=_choice(content, "stage", STAGES, "needs_response"),
            fee=_amount(content, "fee"),
        )
        return [open_dispute(self._desk, request=request)]

    def _move_dispute(self, dispute_id: str, content: Content) -> Record:
        _refuse_unknown(content, "status fee returns_fee")
        return move_dispute(
            self._desk,
            dispute_id=dispute_id,
            status=_choice(content, "status", DISPUTE_MOVES),
            fee=_amount(content, "fee"),
            returns_fee=_flag(content, "returns_fee"),
        )

    def _make_refund(self, content: Content) -> list[Record]:
        _refuse_unknown(content, "payment_intent charge amount reason metadata behaviour seconds")
        metadata = content.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise ControlRefusedError("metadata must be an object")
        request = RefundRequest(
            charge_id=self._charge_of(content),
            intent_id=None,
            amount=_amount(content, "amount", least=1),
            reason=content.get("reason"),
            metadata={str(name): str(text) for name, text in metadata.items()},
            behaviour=_choice(content, "behaviour", tuple(BEHAVIOURS), "") or None,
            seconds=_seconds(content, "seconds", 5.0),
        )
        return [create_refund(self._desk, request=request)]

    def _move_refund(self, refund_id: str, content: Content) -> Record:
        _refuse_unknown(content, "status failure_reason")
        return move_refund(
            self._desk,
            refund_id=refund_id,
            status=_choice(content, "status", REFUND_MOVES),
            reason=_choice(content, "failure_reason", FAILURE_REASONS, FAILURE_REASON),
        )

    def _make_payouts(self, content: Content) -> list[Record]:
        _refuse_unknown(content, "currency amount arrive_seconds is_failing")
        there = available(self._desk)
        amount = _amount(content, "amount", least=1)
        named = content.get("currency")
        if amount is not None and not named:
            raise ControlRefusedError("an amount needs its currency")
        currencies = [str(named).lower()] if named else [name for name in sorted(there) if there[name] > 0]
        if not currencies:
            raise MoveRefusedError("nothing is available to be paid out")
        arrive_seconds = self._desk.account.payout_arrives_seconds
        return [
            create_payout(
                self._desk,
                request=PayoutRequest(
                    currency=currency,
                    amount=amount,
                    arrive_seconds=_seconds(content, "arrive_seconds", arrive_seconds),
                    is_failing=_flag(content, "is_failing"),
                ),
            )
            for currency in currencies
        ]

    def _move_payout(self, payout_id: str, content: Content) -> Record:
        _refuse_unknown(content, "status failure_code")
        return move_payout(
            self._desk,
            payout_id=payout_id,
            status=_choice(content, "status", PAYOUT_MOVES),
            failure_code=_choice(content, "failure_code", FAILURE_CODES, "account_closed"),
        )

    def _warn(self, content: Content) -> list[Record]:
        _refuse_unknown(content, "payment_intent charge fraud_type")
        fraud_type = _choice(content, "fraud_type", FRAUD_TYPES, "unauthorized_use_of_card")
        return [open_warning(self._desk, charge_id=self._charge_of(content), fraud_type=fraud_type)]

    def _reverse(self, content: Content) -> list[Record]:
        _refuse_unknown(content, "payment_intent charge")
        return [reverse_capture(self._desk, charge_id=self._charge_of(content))]

    def _expire(self, content: Content) -> list[Record]:
        _refuse_unknown(content, "payment_intent")
        intent = get_intent(self._desk, str(content.get("payment_intent")))
        if intent.status != "requires_capture":
            raise MoveRefusedError(f"{intent.id} is {intent.status}, so it holds nothing")
        return [expire_hold(self._desk, intent_id=intent.id)]

    def _charge_again(self, content: Content) -> list[Record]:
        _refuse_unknown(content, "payment_intent")
        return [charge_again(self._desk, intent_id=str(content.get("payment_intent")))]

    def _charge_of(self, content: Content) -> str:
        if content.get("charge"):
            return get_charge(self._desk, str(content["charge"])).id
        if not content.get("payment_intent"):
            raise ControlRefusedError("payment_intent or charge must be given")
        intent = get_intent(self._desk, str(content["payment_intent"]))
        if intent.latest_charge is None:
            raise MoveRefusedError(f"{intent.id} has no charge")
        return intent.latest_charge


def _refuse_unknown(content: Content, known: str) -> None:
    unknown = set(content) - set(known.split())
    if unknown:
        raise ControlRefusedError(f"unknown fields: {', '.join(sorted(unknown))}; known are {known}")


def _amount(content: Content, name: str, *, least: int = 0) -> int | None:
    value = content.get(name)
    if value is None or value == "":
        return None
    # A form of the dashboard sends text.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ControlRefusedError(f"{name} must be a whole number of at least {least}")
    return value


def _seconds(content: Content, name: str, default: float) -> float:
    value = content.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_MAX:
        raise ControlRefusedError(f"{name} must be a number of at least 0")
    return float(value)


def _choice(content: Content, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    value = content.get(name, default)
    if value != default and value not in choices:
        raise ControlRefusedError(f"{name} must be one of {', '.join(choices)}")
    if value is None:
        raise ControlRefusedError(f"{name} must be one of {', '.join(choices)}")
    return str(value)


def _flag(content: Content, name: str) -> bool:
    value = content.get(name, False)
    if value in {"true", "on"}:
        return True
    if not isinstance(value, bool):
        raise ControlRefusedError(f"{name} must be true or false")
    return value
