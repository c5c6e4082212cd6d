"""Defects that are planted on purpose: a matrix that stays green with one of them proves nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from unittest.mock import patch

from core.ids import new_public_id
from payments.models import Operation
from payments.services import operations
from reconciliation import selectors
from reconciliation import services as reconciliation

_call = operations._call


def _call_with_new_key(adapter: Any, operation: Operation) -> Any:
    operation.provider_key = f"v1:{new_public_id('op')}"
    return _call(adapter, operation)


def _due_unless_leased(*, now: datetime, limit: int) -> list[str]:
    due = selectors.due_operations(now=now, limit=limit)
    return list(Operation.objects.filter(public_id__in=due, lease_expires_at=None).values_list("public_id", flat=True))


PLANTED: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "new key for each call": lambda: patch.object(operations, "_call", _call_with_new_key),
    "sweep passes over lapsed leases": lambda: patch.object(reconciliation, "due_operations", _due_unless_leased),
}
