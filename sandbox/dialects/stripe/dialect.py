"""Stripe's API as one function of a request: who asks, which operation, which fault, which key."""

import base64
import hmac
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from sandbox.answers import Answer
from sandbox.dialects.stripe.aftermath import AftermathOperations
from sandbox.dialects.stripe.errors import (
    CardDeclinedError,
    InvalidParametersError,
    StripeError,
    translate,
)
from sandbox.dialects.stripe.forms import Form, parse_form, read_text
from sandbox.dialects.stripe.keys import Keys, SavedAnswer, fingerprint_of, key_in_use
from sandbox.dialects.stripe.operations import Act, Operations
from sandbox.dialects.stripe.reads import RESOURCES, Reads
from sandbox.dialects.stripe.render import Rendered, Renderer
from sandbox.dialects.stripe.signing import signature_header
from sandbox.engine import Engine
from sandbox.engine.deliveries import Endpoint
from sandbox.engine.desk import Fact
from sandbox.errors import ConnectionLostError, EngineError
from sandbox.faults import CALL_KINDS, PLAN_KINDS, TRANSPORT_KINDS, FaultRule
from sandbox.records import Charge, Dispute, Event, Intent, Record, Refund

API_VERSION = "2026-10-28.endive"
PATH = re.compile(
    r"^/v1/(?:radar/(?=early_fraud_warnings)|(?!early_fraud_warnings))([a-z_]+)(?:/([A-Za-z0-9_]+))?(?:/([a-z]+))?/?$"
)
OF_INTENTS: dict[str, type[Record]] = {"ch_": Charge, "re_": Refund, "du_": Dispute}
CALLS_KEPT = 1000
CLIENT_OPERATIONS = frozenset({"payment_intents.retrieve", "payment_intents.confirm"})


@dataclass(frozen=True)
class StripeSettings:
    """The invented Stripe account."""

    public_url: str = "http://sandbox.localhost"
    api_key: str = "sk_test_sandbox"
    publishable_key: str = "pk_test_sandbox"
    webhook_url: str | None = None
    webhook_secrets: tuple[str, ...] = ("whsec_sandbox",)


class Call(NamedTuple):
    """A request understood."""

    operation: str
    resource: str
    subject_id: str
    path: str
    form: Form
    key: str | None
    request_id: str
    api_version: str


class StripeDialect:
    """Speaks for one account over one engine."""

    def __init__(self, engine: Engine, settings: StripeSettings) -> None:
        self.engine = engine
        self.settings = settings
        self.renderer = Renderer(public_url=settings.public_url, now=engine.desk.now, store=engine.store)
        self.keys = Keys(engine.store, engine.clock)
        self._operations = Operations(engine.desk, renderer=self.renderer)
        aftermath = AftermathOperations(engine.desk, renderer=self.renderer)
        self._reads = Reads(engine.store, renderer=self.renderer)
        # What was asked for, oldest first, whatever became of it; of this process alone.
        self.calls: deque[dict[str, str | int]] = deque(maxlen=CALLS_KEPT)
        # Whose request an event belongs to; guarded by the store's lock, as events are.
        self._current: Call | None = None
        self._posts: dict[str, Callable[[str, Form], Act]] = {
            "payment_intents.create": self._operations.create_intent,
            "payment_intents.update": self._operations.update_intent,
            "payment_intents.confirm": self._operations.confirm_intent,
            "payment_intents.capture": self._operations.capture_intent,
            "payment_intents.cancel": self._operations.cancel_intent,
            "refunds.create": aftermath.create_refund,
            "refunds.update": aftermath.update_refund,
            "refunds.cancel": aftermath.cancel_refund,
            "disputes.update": aftermath.update_dispute,
            "disputes.close": aftermath.close_dispute,
        }
        engine.desk.subscribe(self._announce)
        if settings.webhook_url:
            engine.deliveries.register("stripe", endpoint=Endpoint(url=settings.webhook_url, sign=self._sign))

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """This will answer one API request.

        Raises `ConnectionLostError` where the fault plan wants the client to get no answer.
        """
        self.engine.tick()
        request_id = self.engine.desk.new_id("req", length=14)
        lowered = {name.lower(): value for name, value in headers.items()}
        version = lowered.get("stripe-version", API_VERSION)
        try:
            call = self._understand(method, url, lowered, body, request_id=request_id)
            self._note(call)
            if method == "GET":
                return self._read(call)
            with self.keys.claimed(call.key):
                return self._write(call)
        except StripeError as error:
            saved = SavedAnswer(error.status, _json(error.content(request_id=request_id)), "")
            return _answer(saved, request_id=request_id, api_version=version)

    def _understand(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        request_id: str,
    ) -> Call:
        split = urlsplit(url)
        secret = _secret_of(headers.get("authorization", ""))
        is_client = hmac.compare_digest(secret, self.settings.publishable_key)
        if not is_client and not hmac.compare_digest(secret, self.settings.api_key):
            raise _unauthorized(secret)
        operation, resource, subject_id = _operation_of(method, split.path)
        is_known = method == "GET" or operation in self._posts
        if not operation or not is_known:
            raise StripeError(404, f"Unrecognized request URL ({method}: {split.path}).", code=None)
        form = parse_form(split.query if method == "GET" else body.decode())
        if is_client:
            self._check_client(operation, subject_id, form)
        return Call(
            operation=operation,
            resource=resource,
            subject_id=subject_id,
            path=split.path,
            form=form,
            key=headers.get("idempotency-key") or None,
            request_id=request_id,
            api_version=headers.get("stripe-version", API_VERSION),
        )

    def _note(self, call: Call) -> None:
        given = call.form.get("metadata")
        self.calls.append(
            {
                "at": self.engine.desk.now(),
                "operation": call.operation,
                "id": call.subject_id,
                "order_id": str(given.get("order_id", "")) if isinstance(given, dict) else "",
                "idempotency_key": call.key or "",
            }
        )

    def _check_client(self, operation: str, subject_id: str, form: Form) -> None:
        if operation not in CLIENT_OPERATIONS:
            raise StripeError(
                401,
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                code="secret_key_required",
            )
        intent = self.engine.store.find(Intent, subject_id)
        given = read_text(form, "client_secret") or ""
        if intent is None or not hmac.compare_digest(intent.client_secret, given):
            raise StripeError(
                404,
                f"No such payment_intent: '{subject_id}'",
                code="resource_missing",
                parameter="intent",
            )

    def _read(self, call: Call) -> Answer:
        fault = self._take_fault(call, kinds=TRANSPORT_KINDS)
        self._before(fault, call)
        with self.engine.store.lock:
            if call.resource == "balance":
                rendered = self._reads.balance()
            elif call.subject_id:
                rendered = self._reads.retrieve(call.resource, call.subject_id, call.form)
            else:
                rendered = self._reads.page(call.resource, call.form)
            rendered = self._reads.expand(rendered, call.form)
        if fault and fault.kind == "timeout_after":
            raise ConnectionLostError(is_executed=True)
        saved = SavedAnswer(200, _json(rendered), call.request_id)
        return _answer(saved, request_id=call.request_id, api_version=call.api_version)

    def _write(self, call: Call) -> Answer:
        fingerprint = fingerprint_of(call.path, call.form)
        saved = self.keys.recall(call.key, fingerprint=fingerprint) if call.key else None
        is_replay = saved is not None
        fresh_kinds = PLAN_KINDS if call.operation == "refunds.create" else CALL_KINDS
        fault = self._take_fault(call, kinds=TRANSPORT_KINDS if is_replay else fresh_kinds)
        self._before(fault, call)
        if saved is None:
            act = self._posts[call.operation](call.subject_id, call.form)
            saved = self._execute(call, act, fault=fault, fingerprint=fingerprint)
        if fault and fault.kind == "timeout_after":
            raise ConnectionLostError(is_executed=True)
        return _answer(
            saved,
            request_id=call.request_id,
            api_version=call.api_version,
            is_replay=is_replay,
        )

    def _execute(self, call: Call, act: Act, *, fault: FaultRule | None, fingerprint: str) -> SavedAnswer:
        with self.engine.store.transaction():
            self._current = call
            try:
                saved = self._outcome(call, act, fault=fault)
            finally:
                self._current = None
            if call.key:
                self.keys.save(call.key, fingerprint=fingerprint, answer=saved)
        return saved

    def _outcome(self, call: Call, act: Act, *, fault: FaultRule | None) -> SavedAnswer:
        if fault and fault.kind == "error_500_saved" and not fault.has_effect:
            return SavedAnswer(500, _json(_broken().content(request_id=call.request_id)), "")
        try:
            # A refusal undoes what the operation had begun, yet its answer is saved with the key.
            with self.engine.store.savepoint():
                rendered, declined = self._run(act, fault)
                self._reads.expand(rendered, call.form)
            status, content = 200, rendered
            if declined:
                status, content = 402, declined.content(request_id=call.request_id)
        except InvalidParametersError:
            raise
        except EngineError as refusal:
            error = translate(refusal, render_intent=self.renderer.intent)
            status, content = error.status, error.content(request_id=call.request_id)
        except StripeError as error:
            status, content = error.status, error.content(request_id=call.request_id)
        if fault and fault.kind == "error_500_saved":
            status, content = 500, _broken().content(request_id=call.request_id)
        return SavedAnswer(status, _json(content), call.request_id)

    def _run(self, act: Act, fault: FaultRule | None) -> tuple[Rendered, CardDeclinedError | None]:
        try:
            return act(fault), None
        except CardDeclinedError as declined:
            return declined.error["payment_intent"], declined

    def _take_fault(self, call: Call, *, kinds: frozenset[str]) -> FaultRule | None:
        faults = self.engine.faults
        metadata: dict[str, str] = {}
        if faults.needs_metadata():
            intent = self._intent_of(call)
            given = call.form.get("metadata")
            metadata = {**(intent.metadata if intent else {})}
            metadata.update(given if isinstance(given, dict) else {})
        return faults.take(call.operation, metadata=metadata, kinds=kinds)

    def _intent_of(self, call: Call) -> Intent | None:
        """The payment a call is about, whatever the call names of it."""
        named = call.subject_id or str(call.form.get("payment_intent") or call.form.get("charge") or "")
        kind = OF_INTENTS.get(named[:3])
        record = self.engine.store.find(kind, named) if kind else None
        return self.engine.store.find(Intent, str(getattr(record, "intent_id", named)))

    def _before(self, fault: FaultRule | None, call: Call) -> None:
        match fault.kind if fault else None:
            case "timeout_before":
                raise ConnectionLostError(is_executed=False)
            case "slow":
                assert fault is not None
                self.engine.clock.sleep(fault.seconds)
            case "error_500_before":
                raise _broken()
            case "key_in_use":
                raise key_in_use(call.key)
            case "rate_limited":
                raise StripeError(
                    429,
                    "Request rate limit exceeded. Learn more about rate limits here "
                    "https://docs.stripe.com/rate-limits.",
                    code="rate_limit",
                )

    def _announce(self, fact: Fact) -> None:
        if fact.intent is not None and fact.intent.dialect != "stripe":
            return
        is_wanted = self.engine.deliveries.has_endpoint("stripe")
        call = self._current
        event_id = self.engine.desk.new_id("evt")
        content = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.engine.desk.now(),
            "data": {"object": self.renderer.render(fact.subject)},
            "livemode": False,
            "pending_webhooks": int(is_wanted),
            "request": {
                "id": call.request_id if call else None,
                "idempotency_key": call.key if call else None,
            },
            "type": fact.kind,
        }
        event = Event(
            id=event_id,
            dialect="stripe",
            kind=fact.kind,
            subject_id=fact.subject.id,
            created=self.engine.desk.now(),
            body=json.dumps(content, indent=2),
            is_delivered=not is_wanted,
        )
        self.engine.store.insert(event)
        self.engine.deliveries.enqueue(event)

    def _sign(self, body: bytes) -> dict[str, str]:
        signed_at = int(self.engine.clock.signing_time())
        return {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": signature_header(body, secrets=self.settings.webhook_secrets, signed_at=signed_at),
        }


def _operation_of(method: str, path: str) -> tuple[str, str, str]:
    found = PATH.match(path)
    if not found:
        return "", "", ""
    resource, subject_id, action = found[1], found[2] or "", found[3] or ""
    if method == "GET" and resource == "balance" and not subject_id:
        return "balance.retrieve", resource, ""
    if resource not in RESOURCES or method not in {"GET", "POST"}:
        return "", "", ""
    if method == "GET":
        name = "retrieve" if subject_id else "list"
        return ("", "", "") if action else (f"{resource}.{name}", resource, subject_id)
    name = action or ("update" if subject_id else "create")
    return f"{resource}.{name}", resource, subject_id


def _secret_of(authorization: str) -> str:
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        with suppress(ValueError):
            return base64.b64decode(value).decode().partition(":")[0]
    return ""


def _unauthorized(secret: str) -> StripeError:
    if not secret:
        return StripeError(401, "You did not provide an API key.")
    return StripeError(401, f"Invalid API Key provided: {secret[:8]}{'*' * 8}{secret[-4:]}")


def _broken() -> StripeError:
    return StripeError(500, "Sorry! There was an error while talking to one of our backends.", kind="api_error")


def _json(content: object) -> bytes:
    return json.dumps(content, indent=2).encode()


def _answer(saved: SavedAnswer, *, request_id: str, api_version: str, is_replay: bool = False) -> Answer:
    headers = {
        "content-type": "application/json",
        "request-id": request_id,
        "stripe-version": api_version,
        "cache-control": "no-cache, no-store",
    }
    if is_replay:
        headers["idempotent-replayed"] = "true"
        headers["original-request"] = saved.request_id
    return Answer(saved.status, headers, saved.body)
