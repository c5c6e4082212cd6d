"""Give an event its effect once: lease it, read it outside any transaction, apply it and call it processed in one."""

import zlib
from datetime import datetime, timedelta

import structlog

from core import policies, trace
from core.cause import Cause, system
from core.db import outside_transaction, transaction, transaction_required
from core.errors import DomainError
from orders.services import order_transaction
from oversight.models import Case, CaseType
from oversight.services import Report, open_case, resolve_open
from payments.services import (
    EventReading,
    LookedMeanwhile,
    ProviderUnavailable,
    UnknownPayment,
    apply_update,
    note_fraud_warning,
    read_event,
)
from webhooks import selectors
from webhooks.models import Event

log = structlog.get_logger()

BACKOFF_FIRST_SECONDS = 10.0
BACKOFF_MAX_SECONDS = 3600.0
UNMATCHED_CASE_AFTER = timedelta(days=1)
# An outage at the provider is not the event's fault: for a day it uses up at most half of the event's tries.
OUTAGE_FORGIVEN = timedelta(days=1)

RELEASED_FIELDS = [
    "status", "status_reason", "order_public_id", "tries_count", "next_try_at", "lease_expires_at", "case_opened_at",
    "processed_at",
]  # fmt: skip
SITUATION = {
    CaseType.WEBHOOK_DEAD: "was given up after its last try",
    CaseType.UNMATCHED_WEBHOOK: "is about a payment nobody knows here",
}


class BytesGone(DomainError):
    """The event's bytes were removed at the end of their retention, so it cannot be read again."""

    code = "webhook_bytes_gone"
    title = "The bytes of this event are no longer kept."


class LeaseLost(DomainError):
    """Another worker took the event over; what this one found out must not count."""

    code = "webhook_lease_lost"
    title = "Another worker has taken this event over."


@outside_transaction
def process(event_id: int, *, now: datetime) -> None:
    """This will give one event its effect: lease it, read it (the provider may be asked), apply it.

    Opens its own transactions. An event that has ended, or that a living worker holds, is left alone. Whatever breaks
    leaves the event failed, with its next try set, and nothing of its effects.
    """
    leased = _lease(event_id, now=now)
    if leased is None:
        return
    with trace.trace(leased.trace_id):
        try:
            _process_leased(leased, now=now)
        except LeaseLost:
            log.warning("webhook_lease_lost", event_id=leased.public_id, fencing_token=leased.fencing_token)


def _lease(event_id: int, *, now: datetime) -> Event | None:
    policy = policies.current("webhooks")
    with transaction("webhooks.lease"):
        event = selectors.lock_event(event_id)
        if event is None or not _is_free(event, now=now):
            return None
        if event.status == Event.Status.PROCESSING and event.tries_count >= policy["tries_max"]:
            # Every worker that took it died: without this it would take one worker after the other for ever.
            _bury(event, reason="worker_died", now=now)
            return None
        event.status = Event.Status.PROCESSING
        event.fencing_token += 1
        event.tries_count += 1
        # One column tells the sweep everything: a lapsed lease is simply due.
        event.lease_expires_at = event.next_try_at = now + timedelta(seconds=policy["lease_seconds"])
        event.save(update_fields=["status", "fencing_token", "tries_count", "lease_expires_at", "next_try_at"])
    return event


def _is_free(event: Event, *, now: datetime) -> bool:
    if event.status == Event.Status.PROCESSING:
        return event.lease_expires_at is None or event.lease_expires_at <= now
    return event.status in {Event.Status.RECEIVED, Event.Status.FAILED, Event.Status.PARKED}


def _process_leased(leased: Event, *, now: datetime) -> None:
    try:
        reading = _read(leased)
        if reading.outcome == "unknown_payment":
            _park(leased, reason=reading.reason, now=now)
        else:
            _apply(leased, reading=reading, now=now)
    except LeaseLost:
        raise
    except UnknownPayment as error:
        _park(leased, reason=error.code, now=now)
    except LookedMeanwhile as error:
        log.info("webhook_read_again", event_id=leased.public_id)
        _fail(leased, error=error, now=now)
    except ProviderUnavailable as error:
        log.warning("webhook_provider_away", event_id=leased.public_id, provider=leased.account.provider)
        _fail(leased, error=error, now=now)
    except Exception as error:
        # Whatever broke, the event is kept and tried again: an error that escaped here would be an event forgotten.
        log.exception("webhook_failed", event_id=leased.public_id, event_type=leased.type)
        _fail(leased, error=error, now=now)


def _read(leased: Event) -> EventReading:
    body = selectors.body_of(leased.pk)
    if body is None:
        raise BytesGone
    return read_event(leased.account, body=body, event_key=leased.event_key)


def _apply(leased: Event, *, reading: EventReading, now: datetime) -> None:
    account = leased.account
    cause = system("webhook", now=now).because_of_event(
        provider=account.provider, event_id=leased.event_key, occurred_at=leased.occurred_at
    )
    with order_transaction("webhooks.apply"):
        # The event is locked first: while we hold it nobody can lease it, so the effects and the word `processed` are
        # one fact, and a worker whose lease went to another stops here, without any effect.
        event = _lock_ours(leased)
        applied = [apply_update(update, account=account, cause=cause) for update in reading.updates]
        if reading.warning is not None:
            note_fraud_warning(*reading.warning, cause=cause)
        event.order_public_id = next((each.order_public_id for each in applied if each.order_public_id), "")
        event.processed_at = now
        status = Event.Status.PROCESSED if reading.outcome == "relevant" else Event.Status.IGNORED
        _release(event, status=status, reason=reading.reason, next_try_at=None)
        _tell_people_it_is_over(event, cause=cause)


def _park(leased: Event, *, reason: str, now: datetime) -> None:
    """Look again after as long as the event is old, so that a payment about to be committed is met within seconds."""
    policy = policies.current("webhooks")
    age = now - leased.received_at
    with transaction("webhooks.park"):
        event = _lock_ours(leased)
        # The tries so far ended in an answer; only failures in a row lead to dead.
        event.tries_count = 0
        if age >= UNMATCHED_CASE_AFTER and event.case_opened_at is None:
            _ask_people(event, CaseType.UNMATCHED_WEBHOOK, severity=Case.Severity.NORMAL, reason=reason, now=now)
        delay_max = BACKOFF_MAX_SECONDS if event.case_opened_at else policy["parked_recheck_seconds"]
        delay_seconds = min(max(age.total_seconds(), BACKOFF_FIRST_SECONDS), delay_max)
        next_try_at = now + timedelta(seconds=_with_jitter(delay_seconds, event=event))
        _release(event, status=Event.Status.PARKED, reason=reason, next_try_at=next_try_at)


def _fail(leased: Event, *, error: Exception, now: datetime) -> None:
    # The reason names the error and nothing of its message, which may quote personal data.
    reason = error.code if isinstance(error, DomainError) else type(error).__name__
    is_forgiven = isinstance(error, ProviderUnavailable) and now - leased.received_at < OUTAGE_FORGIVEN
    with transaction("webhooks.fail"):
        event = _lock_ours(leased)
        tries_max = policies.current("webhooks")["tries_max"]
        if is_forgiven:
            event.tries_count = min(event.tries_count, tries_max // 2)
        elif event.tries_count >= tries_max:
            _bury(event, reason=reason, now=now)
            return
        delay_seconds = min(BACKOFF_FIRST_SECONDS * 2.0 ** min(event.tries_count - 1, 20), BACKOFF_MAX_SECONDS)
        next_try_at = now + timedelta(seconds=_with_jitter(delay_seconds, event=event))
        _release(event, status=Event.Status.FAILED, reason=reason, next_try_at=next_try_at)


@transaction_required
def _bury(event: Event, *, reason: str, now: datetime) -> None:
    _ask_people(event, CaseType.WEBHOOK_DEAD, severity=Case.Severity.HIGH, reason=reason, now=now)
    _release(event, status=Event.Status.DEAD, reason=reason, next_try_at=None)


@transaction_required
def _ask_people(event: Event, case_type: CaseType, *, severity: Case.Severity, reason: str, now: datetime) -> None:
    evidence = {
        "provider_event_id": event.event_key,
        "event_type": event.type,
        "object_id": event.object_id,
        "occurred_at": event.occurred_at.isoformat(),
        "tries": event.fencing_token,
        "reason": reason,
    }
    report = Report(
        type=case_type,
        subject_id=event.public_id,
        severity=severity,
        summary=f"The provider's event {event.type} {SITUATION[case_type]}.",
        evidence=evidence,
        order_public_id=event.order_public_id,
    )
    open_case(report, now=now)
    event.case_opened_at = now


@transaction_required
def _tell_people_it_is_over(event: Event, *, cause: Cause) -> None:
    if event.case_opened_at is None:
        return
    for case_type in SITUATION:
        resolve_open(type=case_type, subject_id=event.public_id, resolution="The event was processed.", cause=cause)


@transaction_required
def _lock_ours(leased: Event) -> Event:
    event = selectors.lock_leased(leased.pk, fencing_token=leased.fencing_token)
    if event is None:
        raise LeaseLost
    return event


@transaction_required
def _release(event: Event, *, status: Event.Status, reason: str, next_try_at: datetime | None) -> None:
    event.status = status
    event.status_reason = reason[:300]
    event.next_try_at = next_try_at
    event.lease_expires_at = None
    event.save(update_fields=RELEASED_FIELDS)


def _with_jitter(delay_seconds: float, *, event: Event) -> float:
    """Take up to a quarter off, the same for the same event and try: spread without chance, so that runs reproduce."""
    share = zlib.crc32(f"{event.public_id}:{event.fencing_token}".encode()) / 2**32
    return delay_seconds * (1 - share / 4)
