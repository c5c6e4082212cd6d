"""Nothing to pay: what a total of exactly zero is paid with. No provider, no network, no memory.

The attempt, its operation, the funnel and `orders.mark_paid` are those of every other payment; only the answer is
made here. It follows from the request alone, so a repeat after a crash is the same answer, whatever its key.
"""

# ruff: noqa: ARG002 - what refuses everything reads nothing of it.
from collections.abc import Mapping, Sequence
from datetime import datetime

from core import clock
from payments.providers.base import (
    Capabilities,
    CaptureRequest,
    InvalidWebhook,
    ParsedEvent,
    PaymentRequest,
    ProviderConfig,
    ProviderUpdate,
    RefundFact,
    RefundRequest,
    Refused,
    WebhookNotice,
)

KEY_LIFETIME_SECONDS = 10 * 365 * 24 * 3600


class FreeAdapter:
    """Takes nothing and says so at once, finally; whatever would move money is refused."""

    capabilities = Capabilities(
        key_lifetime_seconds=KEY_LIFETIME_SECONDS,
        can_retrieve=False,
        dead_by="confirm",
        client_mode="embedded",
        frame_origins=(),
        find_lag_seconds=0,
        label="Nothing to pay",
        takes_zero=True,
    )

    def __init__(self, config: ProviderConfig) -> None:
        """Keep the mode alone: there is nobody to call."""
        self._is_livemode = config.is_livemode

    def is_token(self, text: str) -> bool:
        """This will let anything pass: nothing is paid with it."""
        return True

    def create(self, request: PaymentRequest, *, key: str) -> ProviderUpdate:
        """This will call a request over zero captured. Raises: Refused for any other amount."""
        if request.amount_minor != 0:
            raise Refused("not_free", "only a total of zero is paid without a provider")
        now = clock.now()
        return ProviderUpdate(
            provider_reference=f"free_{request.attempt_id}",
            attempt_id=request.attempt_id,
            order_id=request.order_id,
            status="captured",
            provider_status="free",
            amount_minor=0,
            currency=request.currency,
            authorized_minor=0,
            captured_minor=0,
            is_livemode=self._is_livemode,
            occurred_at=now,
            observed_at=now,
            answered_at=now,
            can_still_capture=False,
        )

    def capture(self, request: CaptureRequest, *, key: str) -> ProviderUpdate:
        """This will refuse: nothing is held. Raises: Refused."""
        raise _no_provider(request.provider_reference)

    def void(self, reference: str, *, key: str) -> ProviderUpdate:
        """This will refuse: what is final when it is asked for cannot be closed. Raises: Refused."""
        raise _no_provider(reference)

    def refund(self, request: RefundRequest, *, key: str) -> RefundFact:
        """This will refuse: nothing was taken. Raises: Refused."""
        raise _no_provider(request.provider_reference)

    def retrieve(self, reference: str, *, has_taken: bool = False, has_earlier: bool = False) -> ProviderUpdate:
        """This will refuse: nobody remembers. Raises: Refused."""
        raise _no_provider(reference)

    def find_by_reference(self, *, attempt_id: str, created_after: datetime) -> ProviderUpdate | None:
        """This will find nothing: what was not recorded by us never was."""
        return None

    def hosted_page(self, *, reference: str, client_secret: str, return_url: str) -> str:
        """This will name no page: there is nothing to pay on it."""
        return ""

    def verify_webhook(
        self, *, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
    ) -> list[WebhookNotice]:
        """This will refuse every delivery. Raises: InvalidWebhook."""
        raise InvalidWebhook("nobody sends webhooks about free orders")

    def parse_webhook(self, *, body: bytes, event_key: str) -> ParsedEvent:
        """This will refuse every event. Raises: InvalidWebhook."""
        raise InvalidWebhook("nobody sends webhooks about free orders")


def _no_provider(reference: str) -> Refused:
    return Refused("no_provider", f"{reference} was free: there is nobody to ask")
