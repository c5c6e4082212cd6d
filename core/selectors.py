"""Reads of the shared rows, and their locks."""

from typing import Any

from django.db.models import QuerySet

from core.models import IdempotencyKey
from core.written import only_or, written


def lock_idempotency_key(*, principal: str, operation: str, key_sha256: str) -> IdempotencyKey:
    """This will return the key's row, locked until the transaction ends: the first lock of every keyed request."""
    return only_or(IdempotencyKey.DoesNotExist, _key_to_lock(principal, operation, key_sha256))


@written
def _key_to_lock(principal: str, operation: str, key_sha256: str) -> QuerySet[IdempotencyKey]:
    rows = IdempotencyKey.objects.select_for_update()
    return rows.filter(principal=principal, operation=operation, key_sha256=key_sha256)


def lock_claimed_key(*, row_id: int, fencing_token: int) -> bool:
    """This will lock a key's row for the holder of its fencing token and tell whether that is still the caller."""
    return bool(_claimed_key_to_lock(row_id, fencing_token))


@written
def _claimed_key_to_lock(row_id: int, fencing_token: int) -> QuerySet[IdempotencyKey, Any]:
    rows = IdempotencyKey.objects.select_for_update().filter(pk=row_id, fencing_token=fencing_token)
    return rows.values_list("pk", flat=True)
