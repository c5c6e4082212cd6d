"""Faults on demand. Rules and their counters are stored, so a restart continues the same plan."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.store import Store

# What keeps the call from running, or its answer from arriving; these also meet a replayed key.
TRANSPORT_KINDS = frozenset(
    {"timeout_before", "timeout_after", "error_500_before", "slow", "key_in_use", "rate_limited"}
)
# What changes the outcome; a replayed key has its outcome already.
OUTCOME_KINDS = frozenset({"error_500_saved", "decline", "late_success"})
# How one refund behaves, whatever the card; these meet `refunds.create` only.
REFUND_KINDS = {
    "refund_succeeds": "succeed",
    "refund_pending": "pending",
    "refund_pending_fails": "pending_fail",
    "refund_reversed": "fail",
    "refund_requires_action": "requires_action",
}
CALL_KINDS = TRANSPORT_KINDS | OUTCOME_KINDS
PLAN_KINDS = CALL_KINDS | frozenset(REFUND_KINDS)
WEBHOOK_KINDS = frozenset({"drop", "duplicate", "delay", "reorder"})


class FaultRefusedError(ValueError):
    """The rule makes no sense."""


@dataclass(frozen=True)
class FaultRule:
    """One fault. Of the calls it matches it skips `after`, then hits each `every`-th, `times` times."""

    kind: str
    operation: str = "*"
    every: int = 1
    after: int = 0
    times: int | None = None
    seconds: float = 5.0
    match: dict[str, str] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    has_effect: bool = True
    id: int = 0
    seen: int = 0
    hits: int = 0


class FaultPlan:
    """The rules of one scope, `call` or `webhook`, oldest first; the first hit wins."""

    def __init__(self, store: Store, *, scope: str) -> None:
        self._store = store
        self._scope = scope
        self._kinds = PLAN_KINDS if scope == "call" else WEBHOOK_KINDS
        self._rules: list[FaultRule] = []
        self.reload()

    def reload(self) -> None:
        """This will read the plan from the store again."""
        found = self._store.rows(
            "SELECT seq, rule, seen, hits FROM faults WHERE scope = ? ORDER BY seq", (self._scope,)
        )
        self._rules = [
            replace(_parse(json.loads(rule), kinds=self._kinds), id=seq, seen=seen, hits=hits)
            for seq, rule, seen, hits in found
        ]

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        """The rules in force, with their counters."""
        return tuple(self._rules)

    def needs_metadata(self) -> bool:
        """This will tell whether any rule looks at metadata, which may cost a look-up."""
        return any(rule.match for rule in self._rules)

    def add(self, description: Mapping[str, Any]) -> FaultRule:
        """This will put a rule in force. Raises `FaultRefusedError`."""
        rule = _parse(description, kinds=self._kinds)
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO faults (scope, rule) VALUES (?, ?)",
                (self._scope, json.dumps(describe(rule))),
            )
            rule = replace(rule, id=int(self._store.rows("SELECT MAX(seq) FROM faults")[0][0]))
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """This will take every rule of this scope out of force."""
        with self._store.transaction():
            self._store.execute("DELETE FROM faults WHERE scope = ?", (self._scope,))
            self._rules = []

    def take(
        self,
        operation: str,
        *,
        metadata: Mapping[str, str],
        kinds: frozenset[str],
    ) -> FaultRule | None:
        """This will count the call against every matching rule and return the first that hits."""
        hit: FaultRule | None = None
        if not self._rules:
            return None
        with self._store.transaction():
            for index, rule in enumerate(self._rules):
                if rule.kind not in kinds or not _matches(rule, operation, metadata):
                    continue
                seen = rule.seen + 1
                is_hit = hit is None and _is_turn(rule, seen)
                counted = replace(rule, seen=seen, hits=rule.hits + is_hit)
                self._rules[index] = counted
                self._store.execute(
                    "UPDATE faults SET seen = ?, hits = ? WHERE seq = ?",
                    (counted.seen, counted.hits, counted.id),
                )
                if is_hit:
                    hit = counted
        return hit


def describe(rule: FaultRule) -> dict[str, Any]:
    """This will return the rule as the control API shows it."""
    return asdict(rule)


def _matches(rule: FaultRule, operation: str, metadata: Mapping[str, str]) -> bool:
    if rule.operation not in {"*", operation}:
        return False
    if rule.types and operation not in rule.types:
        return False
    return all(metadata.get(name) == value for name, value in rule.match.items())


def _is_turn(rule: FaultRule, seen: int) -> bool:
    is_exhausted = rule.times is not None and rule.hits >= rule.times
    return not is_exhausted and seen > rule.after and (seen - rule.after) % rule.every == 0


def _parse(description: Mapping[str, Any], *, kinds: frozenset[str]) -> FaultRule:
    unknown = set(description) - set(FaultRule.__dataclass_fields__)
    if unknown:
        raise FaultRefusedError(f"unknown fields: {', '.join(sorted(unknown))}")
    if description.get("kind") not in kinds:
        raise FaultRefusedError(f"kind must be one of {', '.join(sorted(kinds))}")
    every, after = description.get("every", 1), description.get("after", 0)
    times, seconds = description.get("times"), description.get("seconds", 5.0)
    if not isinstance(every, int) or every < 1:
        raise FaultRefusedError("every must be a whole number of at least 1")
    if not isinstance(after, int) or after < 0:
        raise FaultRefusedError("after must be a whole number of at least 0")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise FaultRefusedError("times must be a whole number of at least 1")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 86_400 * 30:
        raise FaultRefusedError("seconds must be a number from 0 to 2592000")
    match = description.get("match") or {}
    return FaultRule(
        kind=str(description["kind"]),
        operation=str(description.get("operation") or "*"),
        every=every,
        after=after,
        times=times,
        seconds=float(seconds),
        match={str(name): str(value) for name, value in dict(match).items()},
        types=tuple(str(name) for name in description.get("types") or ()),
        has_effect=bool(description.get("has_effect", True)),
    )
