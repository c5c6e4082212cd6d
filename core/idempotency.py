"""One key, one execution, one final answer.

Note [Idempotency keys]: the row is claimed in the business transaction, so key and effects commit together. A request
that dies afterwards leaves the row at its recovery point; whoever repeats the key after the lease continues from
there with a higher fencing token, and the late original can no longer store its answer. The table knows only the
key's SHA-256; the answer holds tokens, so it is sealed with a key made from the client's raw key and ours.
Source: IETF draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import rfc8785
from cryptography.exceptions import InvalidTag

from core import crypto, policies
from core.db import transaction_required
from core.errors import DomainError, Invalid, Kind
from core.models import IdempotencyKey
from core.selectors import lock_claimed_key, lock_idempotency_key

# 1 to 255 visible ASCII characters, quoted (a structured-field string) or bare.
KEY = re.compile(r'"(?P<quoted>[\x21\x23-\x5b\x5d-\x7e]{1,255})"|(?P<bare>[\x21\x23-\x5b\x5d-\x7e]{1,255})')


class KeyRequired(Invalid):
    """The request moves money, stock or orders and has no key."""

    code = "idempotency_key_required"
    title = "Send an Idempotency-Key header, so that a repeated request cannot act twice."


class KeyMalformed(Invalid):
    """The key is not 1–255 visible ASCII characters."""

    code = "idempotency_key_malformed"
    title = "The Idempotency-Key must be 1 to 255 visible ASCII characters, bare or in double quotes."


class KeyReused(DomainError):
    """The key was used for another request."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for a different request. Nothing was done."
    kind = Kind.UNPROCESSABLE


class RequestInProgress(DomainError):
    """The first request with this key still runs."""

    code = "request_in_progress"
    title = "The first request with this Idempotency-Key is still running. Ask again in a moment."
    retry_after_seconds = 1


class LeaseLost(DomainError):
    """Another process took the request over; what it stored counts."""

    code = "request_in_progress"
    title = "Another process is finishing this request. Ask again in a moment."
    retry_after_seconds = 1


class AnswerUnreadable(DomainError):
    """The data key has changed since the answer was stored; the request itself was finished and is not run again."""

    code = "stored_answer_unreadable"
    title = "This request was finished, but its stored answer can no longer be read. Read the cart or order instead."


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What a key is bound to. `fingerprint` is of the parsed body, so that whitespace does not matter."""

    principal: str
    operation: str
    raw_key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The final answer, byte for byte."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to execute, until the lease ends. `subject_id` is what an earlier execution made, if it got that
    far.
    """

    row_id: int
    fencing_token: int
    recovery_point: str
    subject_id: str
    answer: StoredAnswer | None


def parse_key(header: str | None) -> str:
    """This will return the raw key of a header value.

    Raises: KeyRequired, KeyMalformed.
    """
    if not header:
        raise KeyRequired
    match = KEY.fullmatch(header.strip())
    if match is None:
        raise KeyMalformed
    return match["quoted"] or match["bare"]


def fingerprint_of(body: object, *, path: str) -> str:
    """This will return SHA-256 over the canonical JSON (RFC 8785) of what was asked and where.

    Raises: Invalid for integers beyond 2^53.
    """
    try:
        canonical = rfc8785.dumps({"path": path, "body": body})  # type: ignore[dict-item]
    except rfc8785.CanonicalizationError as error:
        raise Invalid(detail="The request body has a number that JSON cannot carry safely.") from error
    return hashlib.sha256(canonical).hexdigest()


@transaction_required
def claim(request: KeyedRequest, *, now: datetime) -> Claim:
    """This will insert or take over the key's row and hold it locked until the transaction ends.

    A finished key returns its `answer`. Raises: KeyReused, RequestInProgress.
    """
    policy = policies.current("idempotency")
    lease_expires_at = now + timedelta(seconds=policy["lease_seconds"])
    key_sha256 = crypto.digest(request.raw_key)
    fresh = IdempotencyKey(
        principal=request.principal,
        operation=request.operation,
        key_sha256=key_sha256,
        fingerprint=request.fingerprint,
        recovery_point=IdempotencyKey.RecoveryPoint.STARTED,
        lease_expires_at=lease_expires_at,
        created_at=now,
        expires_at=now + timedelta(days=policy["keep_days"]),
    )
    # One statement for the usual case: a conflicting insert waits for the first transaction and then inserts nothing.
    IdempotencyKey.objects.bulk_create([fresh], ignore_conflicts=True)
    row = lock_idempotency_key(principal=request.principal, operation=request.operation, key_sha256=key_sha256)
    if row.fingerprint != request.fingerprint:
        raise KeyReused
    if row.recovery_point == IdempotencyKey.RecoveryPoint.FINISHED:
        return Claim(row.pk, row.fencing_token, row.recovery_point, row.subject_id, _open_answer(row, request))
    # A row is committed only at a later point, so one that is merely started is the one this transaction inserted.
    if row.recovery_point != IdempotencyKey.RecoveryPoint.STARTED:
        if row.lease_expires_at is not None and row.lease_expires_at > now:
            raise RequestInProgress
        row.fencing_token += 1
        row.lease_expires_at = lease_expires_at
        row.save(update_fields=["fencing_token", "lease_expires_at"])
    return Claim(row.pk, row.fencing_token, row.recovery_point, row.subject_id, None)


@transaction_required
def is_claimed(request: KeyedRequest) -> bool:
    """This will tell, without waiting, whether an execution of this key was committed."""
    rows = IdempotencyKey.objects.filter(principal=request.principal, operation=request.operation)
    return rows.filter(key_sha256=crypto.digest(request.raw_key)).exists()


@transaction_required
def commit_point(claimed: Claim, *, subject_id: str) -> None:
    """This will note, in the business transaction, what the request made, so that a successor continues instead of
    repeating.
    """
    IdempotencyKey.objects.filter(pk=claimed.row_id).update(
        recovery_point=IdempotencyKey.RecoveryPoint.COMMITTED, subject_id=subject_id
    )


@transaction_required
def hold(claimed: Claim) -> None:
    """This will lock the key's row first, as the lock order asks, before a second transaction touches the order.

    Raises: LeaseLost when a successor took over.
    """
    if not lock_claimed_key(row_id=claimed.row_id, fencing_token=claimed.fencing_token):
        raise LeaseLost


@transaction_required
def finish(claimed: Claim, *, request: KeyedRequest, answer: StoredAnswer, now: datetime) -> None:
    """This will store the final answer. Raises: LeaseLost when a successor took over."""
    changed = IdempotencyKey.objects.filter(pk=claimed.row_id, fencing_token=claimed.fencing_token).update(
        recovery_point=IdempotencyKey.RecoveryPoint.FINISHED,
        lease_expires_at=None,
        answer_status=answer.status,
        answer_sealed=crypto.seal(answer.body, purpose=_purpose(request), client_secret=request.raw_key),
        finished_at=now,
    )
    if not changed:
        raise LeaseLost


@transaction_required
def give_up_lease(claimed: Claim) -> None:
    """This will let the next repeat look at the current state at once; for answers that are not final yet (202)."""
    IdempotencyKey.objects.filter(pk=claimed.row_id, fencing_token=claimed.fencing_token).exclude(
        recovery_point=IdempotencyKey.RecoveryPoint.FINISHED
    ).update(lease_expires_at=None)


@transaction_required
def reap(*, now: datetime, limit: int = 1000) -> int:
    """This will delete keys past their time, `limit` at most; their orders stay. Returns how many."""
    due = IdempotencyKey.objects.filter(expires_at__lt=now).order_by("expires_at").values("pk")[:limit]
    return IdempotencyKey.objects.filter(pk__in=due).delete()[0]


def _purpose(request: KeyedRequest) -> str:
    return f"idempotency:{request.principal}:{request.operation}"


def _open_answer(row: IdempotencyKey, request: KeyedRequest) -> StoredAnswer:
    sealed = bytes(row.answer_sealed or b"")
    try:
        body = crypto.unseal(sealed, purpose=_purpose(request), client_secret=request.raw_key)
    except InvalidTag as error:
        raise AnswerUnreadable from error
    return StoredAnswer(status=row.answer_status or 0, body=body)
