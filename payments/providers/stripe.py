"""Stripe through its official SDK, with our keys, our time-outs, our signature check and our own HTTP client.

Sources: https://docs.stripe.com/api/payment_intents, /api/idempotent_requests.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
import stripe

from core import clock
from core.http import provider_client
from payments.providers.base import (
    Capabilities,
    CaptureRequest,
    Declined,
    OutcomeUnknown,
    ParsedEvent,
    PaymentRequest,
    ProviderConfig,
    ProviderUpdate,
    RefundFact,
    RefundRequest,
    Refused,
    Unavailable,
    WebhookNotice,
)
from payments.providers.stripe_events import parse_event, verify_delivery
from payments.providers.stripe_wire import (
    Seen,
    last_charge,
    present_charge,
    read_dispute,
    read_intent,
    read_kept,
    read_refund,
    to_wire,
)

API_VERSION = "2026-10-28.endive"
# Card networks know two of the three decimals. Source: docs.stripe.com/currencies#three-decimal.
AMOUNT_STEPS = dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 10)
# Of the exemptions only these can be asked of a payment intent: nobody is there to be asked.
# Source: docs.stripe.com/api/payment_intents/create, off_session.
OFF_SESSION = {"mit", "recurring"}
PAGES_MAX = 50
# Source: docs.stripe.com/api/payment_intents/create, payment_method: PaymentMethod, Card or Source; tokens are older.
TOKEN = re.compile(r"(pm|card|src|tok)_[A-Za-z0-9_]{1,250}")
# Only these say that the request was understood and not carried out. Whatever else comes back (a proxy's page with
# status 200, a time-out it reports as 408, a conflict) may stand in front of a request that ran.
SURE_REFUSALS = {400, 401, 403, 404, 405, 422}
PAGE_SIZE = 100
# The last charge, and of one that failed after it was captured how much left our balance again.
WITH_WHAT_WAS_TAKEN_BACK = "latest_charge.failure_balance_transaction"


class SdkTransport(stripe.HTTPClient):
    """Lets the SDK speak through our guarded client and turns transport errors into what they mean for the money."""

    name = "surety"

    def __init__(self, *, inner: httpx2.BaseTransport | None = None) -> None:
        """Keep one pooled client; `inner` is the sandbox in process, for tests."""
        super().__init__()
        self._client = provider_client(key_header="Idempotency-Key", inner=inner)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """This will send one request. Raises: Unavailable (surely not sent), OutcomeUnknown (maybe executed)."""
        is_read = method.upper() == "GET"
        try:
            response = self._client.request(method.upper(), url, headers=dict(headers or {}), content=post_data)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Unavailable("not_reached", type(error).__name__) from error
        except httpx2.RequestError as error:
            failure = Unavailable if is_read else OutcomeUnknown
            raise failure("no_answer", type(error).__name__) from error
        return response.text, response.status_code, response.headers

    def close(self) -> None:
        """Close the pool."""
        self._client.close()


class StripeAdapter:
    """Payment intents, automatic or manual capture, confirmed by the server with a token or by the client with its
    secret.
    """

    capabilities = Capabilities(
        key_lifetime_seconds=24 * 3600,
        can_retrieve=True,
        dead_by="confirm",
        client_mode="embedded",
        frame_origins=("https://js.stripe.com", "https://hooks.stripe.com"),
        find_lag_seconds=120,
        label="Card",
        amount_steps=AMOUNT_STEPS,
    )

    def __init__(self, config: ProviderConfig, *, inner: httpx2.BaseTransport | None = None) -> None:
        """Build the SDK's client: no retries of its own, one explicit API version."""
        self._config = config
        if config.hosted_pages:
            self.capabilities = replace(self.capabilities, client_mode="hosted", frame_origins=())
        self._client = stripe.StripeClient(
            config.secret_key,
            http_client=SdkTransport(inner=inner),
            base_addresses={"api": config.api_base} if config.api_base else None,
            max_network_retries=0,
            stripe_version=API_VERSION,
        )

    def is_token(self, text: str) -> bool:
        """This will tell whether the text could name a payment method, or an older object that stands for one."""
        return TOKEN.fullmatch(text) is not None

    def create(self, request: PaymentRequest, *, key: str) -> ProviderUpdate:
        """This will create the intent and, with a token, confirm it. Raises: Refused for an amount it cannot take."""
        self._refuse_odd(request.amount_minor, request.currency)
        params: dict[str, Any] = {
            "amount": to_wire(request.amount_minor, request.currency),
            "currency": request.currency.lower(),
            "capture_method": request.capture_method,
            "payment_method_types": ["card"],
            "description": request.description,
            "metadata": {"order_id": request.order_id, "attempt_id": request.attempt_id},
            "expand": ["latest_charge"],
        }
        if request.payment_token:
            params |= {"payment_method": request.payment_token, "confirm": True}
            if request.return_url:
                params["return_url"] = request.return_url
            if request.exemption in OFF_SESSION:
                params["off_session"] = True
        options = {
            **({"request_three_d_secure": "challenge"} if request.wants_challenge else {}),
            **({"request_multicapture": "if_available"} if request.wants_several_captures else {}),
        }
        if options:
            params["payment_method_options"] = {"card": options}
        return self._intent(lambda: self._client.v1.payment_intents.create(params, {"idempotency_key": key}))  # type: ignore[arg-type]

    def capture(self, request: CaptureRequest, *, key: str) -> ProviderUpdate:
        """This will capture, in full or in part; a part that is not the last leaves the rest held."""
        params: dict[str, Any] = {
            "amount_to_capture": to_wire(request.amount_minor, request.currency), "expand": ["latest_charge"],
        }  # fmt: skip
        if not request.is_final:
            params["final_capture"] = False
        reference = request.provider_reference
        return self._intent(
            lambda: self._client.v1.payment_intents.capture(reference, params, {"idempotency_key": key})  # type: ignore[arg-type]
        )

    def void(self, reference: str, *, key: str) -> ProviderUpdate:
        """This will cancel the intent; afterwards it can never capture."""
        return self._intent(
            lambda: self._client.v1.payment_intents.cancel(
                reference, {"expand": ["latest_charge"]}, {"idempotency_key": key}
            )
        )

    def refund(self, request: RefundRequest, *, key: str) -> RefundFact:
        """This will create a refund that carries our operation's id. Raises: Refused for an amount it cannot give."""
        self._refuse_odd(request.amount_minor, request.currency)
        refund = self._call(
            lambda: self._client.v1.refunds.create(
                {
                    "payment_intent": request.provider_reference,
                    "amount": to_wire(request.amount_minor, request.currency),
                    "metadata": {"operation_id": request.operation_id, "order_id": request.order_id},
                },
                {"idempotency_key": key},
            )
        )
        return read_refund(refund.to_dict())

    def retrieve(self, reference: str, *, has_taken: bool = False, has_earlier: bool = False) -> ProviderUpdate:
        """This will ask for the intent, its last charge and, once money moved, its refunds and disputes.

        The last charge says nothing of those of an earlier one, which was taken back: where there may be one we ask.
        """
        asked_at = clock.now()
        intent = self._call(
            lambda: self._client.v1.payment_intents.retrieve(reference, {"expand": [WITH_WHAT_WAS_TAKEN_BACK]})
        ).to_dict()
        seen = Seen(asked_at, clock.now(), is_look=True)
        charge = last_charge(intent)
        has_moved = has_taken or intent["amount_received"] or charge.get("captured")
        refunds = self._all("refunds", reference) if has_moved else []
        earlier = {str(refund["charge"]) for refund in refunds} - {present_charge(intent)}
        may_have_earlier = has_earlier or bool(earlier) or (has_taken and not charge.get("captured"))
        disputes = self._all("disputes", reference) if may_have_earlier or charge.get("disputed") else []
        update = read_intent(intent, seen=seen, refunds=[read_refund(refund) for refund in refunds])
        return replace(
            update,
            disputes=tuple(read_dispute(dispute) for dispute in disputes),
            earlier_minor=self._kept_of(earlier, reference) if earlier else 0,
        )

    def _kept_of(self, charges: set[str], reference: str) -> int:
        """What these charges of a payment left with us. One call, and only where an earlier one was refunded."""
        found = self._all("charges", reference, expand=["data.failure_balance_transaction"])
        return sum(read_kept(charge) for charge in found if charge["id"] in charges)

    def find_by_reference(self, *, attempt_id: str, created_after: datetime) -> ProviderUpdate | None:
        """This will walk the list of intents; Stripe's search by metadata lags and proves nothing.

        Raises: Unavailable when the list is longer than we read, because then absence is not shown.
        """
        window = {
            "gte": int((created_after - timedelta(minutes=5)).timestamp()),
            "lte": int((created_after + timedelta(hours=25)).timestamp()),
        }
        for intent in self._each("payment_intents", {"created": window}):
            if (intent.get("metadata") or {}).get("attempt_id") == attempt_id:
                return self.retrieve(intent["id"])
        return None

    def _all(self, resource: str, reference: str, *, expand: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Everything of a kind that a payment has. Raises: Unavailable when there is no end of it."""
        return list(self._each(resource, {"payment_intent": reference} | ({"expand": list(expand)} if expand else {})))

    def _each(self, resource: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What a list holds, page after page. Raises: Unavailable when it is longer than one look reads."""
        params = asked | {"limit": PAGE_SIZE}
        for _ in range(PAGES_MAX):
            page = self._call(lambda params=params: getattr(self._client.v1, resource).list(params))
            for each in page.data:
                yield each.to_dict()
            if not page.has_more or not page.data:
                return
            params = params | {"starting_after": page.data[-1].id}
        raise Unavailable("list_too_long", f"More {resource} than one look reads.")

    def hosted_page(self, *, reference: str, client_secret: str, return_url: str) -> str:
        """This will name the page of a payment where the account has such pages, as the sandbox does.

        Stripe itself has none for a payment intent: its form is embedded.
        """
        if not self._config.hosted_pages or not reference or not client_secret:
            return ""
        back = {"return_url": return_url} if return_url else {}
        query = urlencode({"client_secret": client_secret, **back})
        return f"{self._config.hosted_pages.rstrip('/')}/pay/{reference}?{query}"

    def verify_webhook(
        self, *, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
    ) -> list[WebhookNotice]:
        """This will check the delivery's signature and say which event it brings. Raises: InvalidWebhook."""
        return verify_delivery(body=body, headers=headers, secrets=secrets, now=now)

    def parse_webhook(self, *, body: bytes, event_key: str) -> ParsedEvent:
        """This will read one stored event. Raises: InvalidWebhook when the bytes are not that event."""
        return parse_event(body=body, event_key=event_key)

    def _refuse_odd(self, amount_minor: int, currency: str) -> None:
        """Nothing is sent that would only come back as an error of ours."""
        if not self.capabilities.takes(amount_minor, currency):
            raise Refused("amount_not_payable", f"{amount_minor} {currency} is no multiple of {AMOUNT_STEPS[currency]}")

    def _intent(self, call: Any) -> ProviderUpdate:
        asked_at = clock.now()
        intent = self._call(call)
        return read_intent(intent.to_dict(), seen=Seen(asked_at, clock.now()))

    def _call(self, call: Any) -> Any:
        """Run one SDK call and say what its errors mean. Raises: Declined, Unavailable, OutcomeUnknown, Refused."""
        asked_at = clock.now()
        try:
            return call()
        except stripe.CardError as error:
            update = _intent_of(error, asked_at=asked_at)
            raise Declined(_decline_code(error), error.user_message or "", update=update) from error
        except stripe.RateLimitError as error:
            raise Unavailable("rate_limited") from error
        except stripe.StripeError as error:
            code = str(error.code or getattr(error.error, "type", None) or type(error).__name__)
            if error.http_status not in SURE_REFUSALS:
                raise OutcomeUnknown(code, f"HTTP {error.http_status}") from error
            if isinstance(error, stripe.IdempotencyError):
                # The key ran before with other parameters: whatever that was, it may have moved money.
                raise OutcomeUnknown("idempotency_mismatch") from error
            update = _intent_of(error, asked_at=asked_at)
            if update is not None and code == "payment_intent_unexpected_state":
                raise Declined(code, "The payment is in another state.", update=update) from error
            detail = str(error.user_message or "")[:200]
            raise Refused("payment_token_expired" if _is_lost_token(error) else code, detail) from error


def _decline_code(error: stripe.CardError) -> str:
    return str(getattr(error.error, "decline_code", None) or error.code or "card_declined")


def _intent_of(error: stripe.StripeError, *, asked_at: datetime) -> ProviderUpdate | None:
    intent = getattr(error.error, "payment_intent", None)
    return read_intent(intent.to_dict(), seen=Seen(asked_at, clock.now())) if intent is not None else None


def _is_lost_token(error: stripe.StripeError) -> bool:
    is_unknown = error.code == "resource_missing" and getattr(error, "param", None) == "payment_method"
    return is_unknown or error.code == "token_already_used"
