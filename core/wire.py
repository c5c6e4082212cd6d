"""How facts look on the wire: bytes that can be stored for a replay, money, instants. Knows no HTTP."""

import json
from datetime import datetime
from typing import Any

from core.money import Money


def encode(body: Any) -> bytes:
    """This will return the JSON bytes that are both sent and stored."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def money_json(value: Money, *, locale: str = "en_GB") -> dict[str, Any]:
    """This will return {"amount_minor", "currency", "display"}."""
    return {"amount_minor": value.amount_minor, "currency": value.currency, "display": value.display(locale)}


def instant_json(value: datetime | None) -> str | None:
    """This will return RFC 3339 in UTC with a Z, or None."""
    return value.isoformat().replace("+00:00", "Z") if value else None
