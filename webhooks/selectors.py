"""What the inbox reads: the addresses at its door, an event's bytes and deliveries, and the locks."""

import time
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from core.written import only, written
from webhooks.models import Delivery, Event

CACHE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class SecretPeriod:
    """A signing secret by the name of its environment variable, and when it counts."""

    reference: str
    active_from: datetime
    active_until: datetime | None

    def counts_at(self, now: datetime) -> bool:
        """This will tell whether a signature made with it is believed at `now`."""
        return self.active_from <= now and (self.active_until is None or now < self.active_until)


@dataclass(frozen=True, slots=True)
class Address:
    """One address of the door: whose account stands behind it, in which mode, and which secrets sign for it."""

    account_id: int
    provider: str
    slug: str
    is_livemode: bool
    secrets: tuple[SecretPeriod, ...]


class _Cache:
    addresses: dict[tuple[str, str], Address] = {}
    loaded_at = float("-inf")


def forget_addresses() -> None:
    """This will make the next delivery read the addresses again."""
    _Cache.loaded_at = float("-inf")


def find_address(*, provider: str, slug: str) -> Address | None:
    """This will return the address, at most five seconds old, or None where nobody lives.

    All addresses come with one query per process and five seconds, so that a flood of forged deliveries and of invented
    addresses costs the database nothing and the process no memory.
    """
    if time.monotonic() - _Cache.loaded_at > CACHE_SECONDS:
        _Cache.addresses = _read_addresses()
        _Cache.loaded_at = time.monotonic()
    return _Cache.addresses.get((provider, slug))


def _read_addresses() -> dict[tuple[str, str], Address]:
    # The door's role may read this view and nothing else, hence no model.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, provider, slug, is_livemode, reference, active_from, active_until"
            " FROM webhooks_active_secret ORDER BY id"
        )
        rows = cursor.fetchall()
    addresses: dict[tuple[str, str], Address] = {}
    for account_id, provider, slug, is_livemode, *period in rows:
        known = addresses.get((provider, slug))
        secrets = (*(known.secrets if known else ()), SecretPeriod(*period))
        addresses[provider, slug] = Address(account_id, provider, slug, is_livemode, secrets)
    return addresses


def check_store() -> None:
    """This will read one row the door depends on. Raises: django.db.OperationalError when the database is away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM webhooks_active_secret LIMIT 1")


def body_of(event_id: int) -> bytes | None:
    """This will return the bytes that first told us of the event; None once retention has removed them."""
    body = next(iter(_bodies_of(event_id)), None)
    return None if body is None else bytes(body)


@written
def _bodies_of(event_id: int) -> QuerySet[Delivery, bytes | memoryview | None]:
    # Bytes are written with the delivery that brought the event, so the oldest row that has any is the one.
    rows = Delivery.objects.filter(event_ids__contains=[event_id], body__isnull=False)
    return rows.order_by("id").values_list("body", flat=True)[:1]


def count_deliveries(event_id: int) -> int:
    """This will return how often the event arrived."""
    return Delivery.objects.filter(event_ids__contains=[event_id]).count()


def lock_event(event_id: int) -> Event | None:
    """This will return the event with its account, locked until the transaction ends; None while another has it."""
    return only(_event_to_lock(event_id))


@written
def _event_to_lock(event_id: int) -> QuerySet[Event]:
    rows = Event.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account__channel")
    return rows.filter(id=event_id)


def lock_leased(event_id: int, *, fencing_token: int) -> Event | None:
    """This will return the event, locked, if the lease with this token is still the last one given; None otherwise."""
    return only(_leased_event(event_id, fencing_token))


@written
def _leased_event(event_id: int, fencing_token: int) -> QuerySet[Event]:
    rows = Event.objects.select_for_update().filter(status=Event.Status.PROCESSING)
    return rows.filter(id=event_id, fencing_token=fencing_token)


def lock_due_event_ids(*, now: datetime, limit: int) -> list[int]:
    """This will return the ids of events to look at, longest due first, locked until the transaction ends.

    The condition stands as in the partial index: with parameters a prepared statement could not use it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM webhooks_event"
            " WHERE status IN ('received', 'processing', 'parked', 'failed') AND next_try_at <= %s"
            " AND (lease_expires_at IS NULL OR lease_expires_at <= %s)"
            " ORDER BY next_try_at LIMIT %s FOR UPDATE SKIP LOCKED",
            [now, now, limit],
        )
        return [event_id for (event_id,) in cursor.fetchall()]
