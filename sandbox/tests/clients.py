"""Ways to talk to a sandbox in tests."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import stripe

from sandbox.application import Application
from sandbox.clock import VirtualClock
from sandbox.dialects.stripe import StripeSettings
from sandbox.in_process import SandboxTransport, open_application

START = 1_800_000_000.0
SECRETS = ("whsec_new", "whsec_old")
SETTINGS = StripeSettings(webhook_url="http://shop.test/webhooks", webhook_secrets=SECRETS)
ORIGIN = "http://sandbox.localhost"


class Wire(stripe.HTTPClient):
    """The unmodified SDK's own seam for another HTTP library."""

    name = "httpx2"

    def __init__(self, client: httpx2.Client) -> None:
        super().__init__()
        self._client = client
        self.last_headers: Mapping[str, str] = {}

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_usage: Any
    ) -> tuple[Any, int, Any]:
        try:
            answer = self._client.request(method, url, headers=headers, content=post_data)
        except httpx2.TransportError as problem:
            raise stripe.APIConnectionError(repr(problem), should_retry=True) from problem
        self.last_headers = answer.headers
        return answer.content, answer.status_code, answer.headers

    def close(self) -> None:
        self._client.close()


class InProcess:
    """A sandbox of its own, with a clock that stands still."""

    def __init__(self, *, path: str = ":memory:", seed: int | None = 1) -> None:
        self.clock = VirtualClock(START)
        self.application: Application = open_application(clock=self.clock, settings=SETTINGS, path=path, seed=seed)
        self.engine = self.application.engine
        self.http = httpx2.Client(transport=SandboxTransport(self.application), base_url=ORIGIN)
        self.wire = Wire(self.http)
        self.sdk = self.client("sk_test_sandbox")

    def client(self, api_key: str, *, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(
            api_key,
            base_addresses={"api": ORIGIN},
            http_client=self.wire,
            max_network_retries=retries,
        )

    def pay(self, amount: int = 1000, card: str = "pm_card_visa", **more: Any) -> Any:
        key = more.pop("key", None)
        params: dict[str, Any] = {"amount": amount, "currency": "gbp", "payment_method": card, "confirm": True}
        options: Any = {"idempotency_key": key} if key else {}
        params.update(more)
        wished: Any = params
        return self.sdk.v1.payment_intents.create(wished, options)

    def control(self, method: str, name: str, content: Any = None) -> Any:
        answer = self.http.request(method, f"/_control/{name}", json=content)
        assert answer.is_success, answer.text
        return answer.json()

    def refusal(self, name: str, content: Any = None) -> tuple[int, str]:
        """What the control API says to something that cannot happen."""
        answer = self.http.post(f"/_control/{name}", json=content)
        return answer.status_code, answer.json()["error"]

    def make(self, name: str, **content: Any) -> dict[str, Any]:
        """Let one thing happen through the control API and return it."""
        made: list[dict[str, Any]] = self.control("POST", name, content)[name]
        return made[0]

    def balance(self) -> int:
        """What all movements come to."""
        return sum(line["amount"] - line["fee"] for line in self.truth("balance_transaction"))

    def truth(self, kind: str) -> list[dict[str, Any]]:
        lines = self.http.get("/_control/truth", params={"kind": kind}).text.splitlines()
        return [json.loads(line) for line in lines]

    def receive(self, *, status: int = 200) -> list[stripe.Event]:
        """Take what is due, verify it with the SDK, and answer with `status`."""
        events = []
        for delivery in self.engine.due_deliveries(self.clock.now()):
            events.append(
                stripe.Webhook.construct_event(delivery.body, delivery.headers["stripe-signature"], SECRETS[0], 10**10)
            )
            self.engine.record_delivery(delivery.id, status)
        return events

    def receive_types(self) -> list[str]:
        return [event.type for event in self.receive()]
