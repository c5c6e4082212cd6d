"""What Stripe's wire looks like."""

from datetime import UTC, datetime
from typing import Any

from payments.providers.base import ProviderConfig

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CONFIG = ProviderConfig(account_id="acct_1", secret_key="sk_test_x", publishable_key="", api_base="", is_livemode=False)
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 1999,
    "amount_capturable": 0,
    "amount_received": 1999,
    "currency": "gbp",
    "created": int(NOW.timestamp()),
    "livemode": False,
    "metadata": {"order_id": "ord_1", "attempt_id": "payatt_1"},
    "latest_charge": None,
    "next_action": None,
    "client_secret": "pi_1_secret_x",
    "last_payment_error": None,
}
