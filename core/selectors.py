"""Reads of the shared rows, and their locks."""

from core.db import one_or_none
from core.models import IdempotencyKey


def lock_idempotency_key(*, principal: str, operation: str, key_sha256: str) -> IdempotencyKey:
    """This will return the key's row, locked until the transaction ends: the first lock of every keyed request."""
    return IdempotencyKey.objects.select_for_update().get(
        principal=principal, operation=operation, key_sha256=key_sha256
    )


def lock_claimed_key(*, row_id: int, fencing_token: int) -> bool:
    """This will lock a key's row for the holder of its fencing token and tell whether that is still the caller."""
    rows = IdempotencyKey.objects.select_for_update().filter(pk=row_id, fencing_token=fencing_token)
    return one_or_none(rows.values("pk")) is not None
