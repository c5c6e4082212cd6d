"""The control API: truth, faults, clock, deliveries, moves of money. No authentication; loopback only."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.account import AccountRefusedError
from sandbox.answers import Answer, json_answer
from sandbox.clock import AdjustableClock, Clock
from sandbox.control_moves import ControlRefusedError, Moves
from sandbox.dialects.stripe.keys import KEPT_SECONDS, Keys
from sandbox.engine import Engine
from sandbox.errors import EngineError, NotFoundError
from sandbox.faults import FaultPlan, FaultRefusedError, describe
from sandbox.truth import KINDS, truth_of

FORM = "application/x-www-form-urlencoded"


class Control:
    """What a test or an operator may do to the sandbox from outside."""

    def __init__(self, engine: Engine, *, keys: Keys, calls: deque[dict[str, str | int]]) -> None:
        self._engine = engine
        self._keys = keys
        self._moves = Moves(engine)
        self._calls = calls
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Answer]] = {
            ("GET", "health"): self._health,
            ("GET", "calls"): self._list_calls,
            ("POST", "clock"): self._advance,
            ("POST", "deliver_now"): self._deliver_now,
            ("POST", "prune_keys"): self._prune_keys,
            ("POST", "reset"): self._reset,
        }

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """This will answer one request below `/_control/`."""
        split = urlsplit(url)
        name = split.path.removeprefix("/_control/").rstrip("/")
        # A page elsewhere must not reach this API through the visitor's browser.
        if headers.get("sec-fetch-site") == "cross-site":
            return json_answer(403, {"error": "cross-site requests are refused"})
        try:
            if method == "GET" and name == "truth":
                return self._truth(parse_qs(split.query).get("kind", list(KINDS)))
            # `curl -d` calls JSON a form.
            is_form = headers.get("content-type", "").partition(";")[0] == FORM and not body.lstrip().startswith(b"{")
            content = _read_form(body) if is_form else _read_object(body)
            answer = self._answer(method, name, content)
            # The dashboard's buttons lead back to it.
            return Answer(303, {"location": "/"}, b"") if is_form else answer
        except (ControlRefusedError, FaultRefusedError, AccountRefusedError) as refusal:
            return json_answer(400, {"error": str(refusal)})
        except NotFoundError as refusal:
            return json_answer(404, {"error": str(refusal)})
        except EngineError as refusal:
            return json_answer(409, {"error": str(refusal)})

    def _answer(self, method: str, name: str, content: dict[str, Any]) -> Answer:
        kind, _, rest = name.partition("/")
        if kind in {"faults", "webhook_faults"} and not rest:
            return self._change_faults(method, name, content)
        if name == "settings" and method in {"GET", "POST"}:
            account = self._engine.configure(content) if method == "POST" else self._engine.desk.account
            return json_answer(200, asdict(account))
        if method == "POST" and kind == "events" and rest.endswith("/redeliver"):
            return self._redeliver(rest.partition("/")[0])
        if method == "POST" and kind in self._moves.makers:
            return self._move(name, content)
        route = self._routes.get((method, name))
        return route(content) if route else json_answer(404, {"error": "no such operation"})

    def _move(self, name: str, content: dict[str, Any]) -> Answer:
        kind, _, record_id = name.partition("/")
        if not record_id:
            return json_answer(201, {kind: [truth_of(record) for record in self._moves.make(kind, content)]})
        if kind not in self._moves.movers:
            return json_answer(404, {"error": "no such operation"})
        return json_answer(200, truth_of(self._moves.move(kind, record_id, content)))

    def _truth(self, kinds: list[str]) -> Answer:
        unknown = set(kinds) - set(KINDS)
        if unknown:
            raise ControlRefusedError(f"kind must be one of {', '.join(KINDS)}")

        def lines() -> Iterator[bytes]:
            for record_type in [KINDS[kind] for kind in KINDS if kind in kinds]:
                for page in self._engine.store.pages(record_type):
                    yield b"".join(json.dumps(truth_of(record)).encode() + b"\n" for record in page)

        return Answer(200, {"content-type": "application/x-ndjson"}, lines())

    def _change_faults(self, method: str, name: str, content: dict[str, Any]) -> Answer:
        engine = self._engine
        plan: FaultPlan = engine.faults if name == "faults" else engine.webhook_faults
        if method == "POST":
            return json_answer(201, describe(plan.add(content)))
        if method == "DELETE":
            plan.clear()
        return json_answer(200, {name: [describe(rule) for rule in plan.rules]})

    def _redeliver(self, event_id: str) -> Answer:
        delivery = self._engine.deliveries.redeliver(event_id)
        return json_answer(202, {"delivery": delivery.id, "event": event_id})

    def _health(self, _content: dict[str, Any]) -> Answer:
        counts = {
            kind: self._engine.store.rows(f"SELECT COUNT(*) FROM {record.table}")[0][0]  # noqa: S608
            for kind, record in KINDS.items()
        }
        pending = self._engine.store.rows("SELECT COUNT(*) FROM deliveries WHERE state = 'pending'")[0][0]
        content = {"status": "ok", "now": self._engine.clock.now(), "counts": counts}
        return json_answer(200, {**content, "deliveries_pending": pending})

    def _list_calls(self, _content: dict[str, Any]) -> Answer:
        return json_answer(200, {"calls": list(self._calls)})

    def _advance(self, content: dict[str, Any]) -> Answer:
        clock = _adjustable(self._engine.clock)
        seconds = content.get("advance_seconds")
        if clock is None:
            raise ControlRefusedError("this sandbox runs on the machine's clock: use --virtual-clock")
        if not isinstance(seconds, int | float) or seconds < 0:
            raise ControlRefusedError("advance_seconds must be a number of at least 0")
        clock.advance(seconds)
        offset = getattr(clock, "offset_seconds", None)
        if offset is not None:
            self._engine.store.write_setting("clock_offset_seconds", str(offset))
        return json_answer(200, {"now": clock.now(), "timers_run": self._engine.tick()})

    def _deliver_now(self, _content: dict[str, Any]) -> Answer:
        return json_answer(200, {"deliveries": self._engine.deliveries.deliver_now()})

    def _prune_keys(self, content: dict[str, Any]) -> Answer:
        kept_seconds = content.get("older_than_seconds", KEPT_SECONDS)
        if not isinstance(kept_seconds, int | float) or kept_seconds < 0:
            raise ControlRefusedError("older_than_seconds must be a number of at least 0")
        return json_answer(200, {"pruned": self._keys.prune(kept_seconds=kept_seconds)})

    def _reset(self, _content: dict[str, Any]) -> Answer:
        self._engine.reset()
        self._calls.clear()
        return json_answer(200, {"status": "empty"})


def _read_form(body: bytes) -> dict[str, Any]:
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _read_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        content = json.loads(body)
    except ValueError as problem:
        raise ControlRefusedError("the body is not JSON") from problem
    if not isinstance(content, dict):
        raise ControlRefusedError("the body must be a JSON object")
    return content


def _adjustable(clock: Clock) -> AdjustableClock | None:
    return clock if hasattr(clock, "advance") else None  # type: ignore[return-value]
