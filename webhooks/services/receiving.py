"""Let a delivery in: verify its raw bytes, store it once, wake a worker for what is new."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import structlog
from django.db import connection

from core import jobs, killpoints, trace
from core.cards import holds_card_number
from core.channels import SecretMissing, read_secret
from core.db import outside_transaction
from core.errors import DomainError, Invalid, NotFound, Unavailable
from core.ids import new_public_id
from payments.services import WebhookNotice, verify_webhook
from webhooks import selectors

log = structlog.get_logger()

PROCESS_JOB = "webhooks.process"
# All that may be kept of a delivery's headers: cookies, authorization and network addresses are never stored.
KEPT_HEADERS = ("content-type", "user-agent", "request-id", "x-request-id", "stripe-signature")
KEPT_HEADER_CHARACTERS = 1000
PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


class NoSuchAddress(NotFound):
    """No account receives webhooks here."""

    code = "no_such_webhook_address"
    title = "No account receives webhooks at this address."


class NoSecret(Unavailable):
    """Nothing can be verified, so nothing is believed; the provider comes back once the secret is set."""

    code = "webhook_secret_missing"
    title = "This address cannot verify signatures right now."
    retry_after_seconds = 60


class OtherMode(Invalid):
    """A live event came to a test account, or a test event to a live one."""

    code = "webhook_mode_mismatch"
    title = "The event's mode is not the account's."


class UnusableNotice(Invalid):
    """An event's key cannot be stored: it is empty, too long, or no text a database holds."""

    code = "webhook_event_unusable"
    title = "The event carries no usable id."


@dataclass(frozen=True, slots=True)
class Stored:
    """What one delivery brought: the events it holds, and those of them nobody had told us before."""

    event_ids: tuple[int, ...]
    new_event_ids: tuple[int, ...]


class _Refusals:
    """How many deliveries this process refused, by code. Forged ones leave this and a log line, never a row."""

    counts: Counter[str] = Counter()
    lock = Lock()


def refusals() -> dict[str, int]:
    """This will return how many deliveries this process has refused since it started, by code."""
    with _Refusals.lock:
        return dict(_Refusals.counts)


@outside_transaction
def receive(*, provider: str, account_slug: str, body: bytes, headers: Mapping[str, str], now: datetime) -> Stored:
    """This will verify a delivery over its raw bytes and store it; when it returns, the delivery is durable.

    Runs outside a transaction, because its one statement must be committed before the provider hears yes.

    Raises: NoSuchAddress; NoSecret; payments.services.InvalidSignature; OtherMode; UnusableNotice.
    """
    try:
        address = selectors.find_address(provider=provider, slug=account_slug)
        if address is None:
            raise NoSuchAddress
        secrets = _active_secrets(address, now=now)
        return ingest(
            account_id=address.account_id,
            is_livemode=address.is_livemode,
            notices=verify_webhook(provider, body=body, headers=headers, secrets=secrets, now=now),
            body=body,
            headers=headers,
            now=now,
        )
    except DomainError as refusal:
        _note_refusal(refusal, provider=provider, account_slug=account_slug)
        raise


def _note_refusal(refusal: DomainError, *, provider: str, account_slug: str) -> None:
    # In the process and not in a store: a flood of forged deliveries must find nothing behind the door to wear out.
    with _Refusals.lock:
        _Refusals.counts[refusal.code] += 1
        refused_count = _Refusals.counts[refusal.code]
    log.warning(
        "webhook_refused",
        provider=_loggable(provider),
        account=_loggable(account_slug),
        code=refusal.code,
        refused_count=refused_count,
    )


def _loggable(name: str) -> str:
    """What strangers put in an address is theirs to choose, and may be anything; names of ours are short and plain."""
    return name if PLAIN_NAME.fullmatch(name) and not holds_card_number(name) else "?"


def _active_secrets(address: selectors.Address, *, now: datetime) -> list[str]:
    secrets: list[str] = []
    for period in address.secrets:
        if not period.counts_at(now):
            continue
        try:
            secrets += [secret.strip() for secret in read_secret(period.reference).split(",") if secret.strip()]
        except SecretMissing:
            # During a rotation the other secret still works; with none left we refuse below instead of believing.
            log.warning("webhook_secret_missing", reference=period.reference, account=address.slug)
    if not secrets:
        raise NoSecret
    return secrets


def ingest(
    *,
    account_id: int,
    is_livemode: bool,
    notices: Sequence[WebhookNotice],
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
) -> Stored:
    """This will store verified events once, count the delivery, and wake a worker for those that are new.

    Also takes events that reconciliation found in the provider's list: they count as if they had been delivered. One
    statement; durable by itself, or with the caller's transaction if there is one.

    Raises: OtherMode, UnusableNotice.
    """
    for notice in notices:
        if notice.is_livemode != is_livemode:
            raise OtherMode(event_is_livemode=notice.is_livemode)
        if not notice.event_key.isprintable() or not 0 < len(notice.event_key) <= 255:
            raise UnusableNotice
    killpoints.reach("tx:webhooks.store:begin")
    stored = _store(account_id=account_id, notices=notices, body=body, headers=headers, now=now)
    killpoints.reach("tx:webhooks.store:committed")
    for event_id in stored.new_event_ids:
        jobs.wake(PROCESS_JOB, event_id=event_id)
    return stored


def _store(
    *, account_id: int, notices: Sequence[WebhookNotice], body: bytes, headers: Mapping[str, str], now: datetime
) -> Stored:
    events = [
        {
            "public_id": new_public_id("evt"),
            "event_key": notice.event_key,
            # Only the key decides; type and object are for people, and are cut rather than refused.
            "type": _storable(notice.type)[:80],
            "object_id": _storable(notice.object_id)[:255],
            "occurred_at": notice.occurred_at.isoformat(),
        }
        for notice in notices
    ]
    kept = {
        name: _storable(headers[name])[:KEPT_HEADER_CHARACTERS]
        for name in KEPT_HEADERS
        if headers.get(name) is not None
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT all_ids, new_ids FROM webhooks_store(%s::bigint, %s::jsonb, %s, %s, %s, %s, %s::jsonb)",
            [
                account_id,
                json.dumps(kept),
                body,
                hashlib.sha256(body).hexdigest(),
                now,
                trace.current(),
                json.dumps(events),
            ],
        )
        all_ids, new_ids = cursor.fetchone()
    return Stored(event_ids=tuple(all_ids), new_event_ids=tuple(new_ids))


def _storable(text: str) -> str:
    """NUL, lone surrogates and control characters are legal in JSON and in headers, but not in a database's text."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
