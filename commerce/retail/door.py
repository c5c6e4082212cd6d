"""The shop's front door and the provider's public one, as a client of the API uses them. Knows no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from django.conf import settings

from core import clock
from core.channels import read_secret

SIGN_IN = "/_allauth/app/v1"
TRIES_MAX = 30
PAUSE_SECONDS = 1.0
# The shop answers within 12 seconds; what takes longer is lost and asked again with the same key.
TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
GOOD_CARD = "pm_card_visa"
OTHER_CARD = "pm_card_mastercard"
# The provider says so of a payment that was confirmed before.
CONFIRMED_BEFORE = "payment_intent_unexpected_state"
# What the shop says while another answer, or the provider's, is awaited: the same request is right a moment later.
PATIENCE_CODES = frozenset({"request_in_progress", "payment_being_verified"})


class RefusedAtDoorError(Exception):
    """The shop or the provider said no, or did not answer however often it was asked."""


class DeclinedAtDoorError(RefusedAtDoorError):
    """The bank said no to this card; the same payment may be confirmed with another."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the shop said. `is_replay` marks the stored answer of an earlier execution of the same key."""

    status: int
    body: dict[str, Any]
    is_replay: bool


class FrontDoor:
    """The HTTP API under `/api/v1/`. Usable by several threads at once."""

    def __init__(self, client: httpx2.Client) -> None:
        """Keep the client, whose base URL is the shop's."""
        self._client = client

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str], body: Any = None, accept: tuple[int, ...]
    ) -> Answer:
        """This will send the request, and again with the same key while the shop asks for patience.

        Raises: RefusedAtDoorError for a status that is not in `accept`.
        """
        said = "no answer"
        for _ in range(TRIES_MAX):
            try:
                response = self._client.request(method, f"/api/v1/{path}", headers=dict(headers), json=body)
            except httpx2.TransportError as error:
                said, seconds = type(error).__name__, PAUSE_SECONDS
            else:
                if response.status_code in accept:
                    return _answer(response)
                said = _reason(response)
                if response.status_code not in {202, 429, 503} and not any(code in said for code in PATIENCE_CODES):
                    break
                seconds = float(response.headers.get("Retry-After", PAUSE_SECONDS))
            clock.sleep(seconds)
        raise RefusedAtDoorError(f"{method} {path}: {said}")

    def sign_in(self, email: str, *, password: str) -> str:
        """This will sign a customer in and return their session token. Raises: RefusedAtDoorError."""
        try:
            response = self._client.post(f"{SIGN_IN}/auth/login", json={"email": email, "password": password})
        except httpx2.TransportError as error:
            raise RefusedAtDoorError(f"sign in {email}: {type(error).__name__}") from error
        if response.status_code != 200:
            raise RefusedAtDoorError(f"sign in {email}: status {response.status_code}")
        return str(response.json()["meta"]["session_token"])

    def is_open(self) -> bool:
        """This will tell whether the shop answers and is ready to sell."""
        try:
            return self._client.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False


class PaymentForm:
    """What a customer's app does at the provider: it confirms with the publishable key and the client secret."""

    def __init__(self, client: httpx2.Client, *, publishable_key: str) -> None:
        """Keep the client, whose base URL is the provider's."""
        self._client = client
        self._headers = {"Authorization": f"Bearer {publishable_key}"}

    def confirm(self, client_secret: str, *, card: str = GOOD_CARD) -> None:
        """This will confirm a payment; one that was confirmed before stays as it is.

        Raises: DeclinedAtDoorError, RefusedAtDoorError.
        """
        intent_id = client_secret.partition("_secret_")[0]
        form = {"client_secret": client_secret, "payment_method": card}
        said = "no answer"
        for _ in range(TRIES_MAX):
            try:
                response = self._client.post(
                    f"/v1/payment_intents/{intent_id}/confirm", headers=self._headers, data=form
                )
            except httpx2.TransportError as error:
                said = type(error).__name__
            else:
                said = response.text
                if response.status_code == 200 or CONFIRMED_BEFORE in said:
                    return
                if response.status_code == 402:
                    raise DeclinedAtDoorError(_confirmation(intent_id, said))
                if response.status_code < 500 and response.status_code not in {409, 429}:
                    break
            clock.sleep(PAUSE_SECONDS)
        raise RefusedAtDoorError(_confirmation(intent_id, said))

    def is_open(self) -> bool:
        """This will tell whether the provider answers."""
        try:
            self._client.get("/")
        except httpx2.TransportError:
            return False
        return True


def open_front_door() -> FrontDoor:
    """This will return the front door of the shop at SURETY_URL."""
    # Each request has a connection of its own, as from as many customers: the kernel deals out connections, so a few
    # kept ones would leave one web process with most of the work.
    return FrontDoor(_client(settings.SURETY_URL, limits=httpx2.Limits(max_keepalive_connections=0)))


def open_payment_form() -> PaymentForm:
    """This will return the payment form of the sandbox at SANDBOX_URL. Raises: SecretMissing."""
    client = _client(settings.SANDBOX_URL, limits=httpx2.Limits(max_keepalive_connections=32))
    return PaymentForm(client, publishable_key=read_secret("STRIPE_PUBLISHABLE_KEY"))


def _client(url: str, *, limits: httpx2.Limits) -> httpx2.Client:
    # No proxy from the environment: the shop and the sandbox are neighbours.
    return httpx2.Client(base_url=url, timeout=TIMEOUT, limits=limits, trust_env=False)


def _answer(response: httpx2.Response) -> Answer:
    body = response.json() if response.content else {}
    return Answer(response.status_code, body, is_replay=response.headers.get("Idempotent-Replayed") == "true")


def _confirmation(intent_id: str, said: str) -> str:
    return f"confirm {intent_id}: {' '.join(said.split())[:300]}"


def _reason(response: httpx2.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return f"status {response.status_code}"
    if not isinstance(problem, dict) or "code" not in problem:
        return f"status {response.status_code}"
    facts = {name: problem[name] for name in ("skus", "lines", "errors") if name in problem}
    return f"status {response.status_code}, {problem['code']}: {problem.get('detail', '')} {facts or ''}".strip()
