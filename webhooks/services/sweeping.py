"""Find what a lost message, a dead worker or a back-off left behind, and wake a worker for it."""

from datetime import datetime, timedelta

from django.db import connection

from core import jobs, policies
from core.db import outside_transaction, transaction
from webhooks import selectors
from webhooks.services.receiving import PROCESS_JOB

SWEEP_EVENTS_MAX = 500


@outside_transaction
def sweep(*, now: datetime, limit: int = SWEEP_EVENTS_MAX) -> int:
    """This will wake a worker for each event that is due and return how many there were.

    Due are events nobody picked up, lapsed leases, and failed and parked ones whose time has come. Opens a transaction.
    An event that was woken is left alone for the length of a lease, so that a backlog does not fill the queue with
    repeats; it stays due, so that its lag still shows. Sweeps at the same time take different events.
    """
    lease_seconds = policies.current("webhooks")["lease_seconds"]
    with transaction("webhooks.sweep"):
        event_ids = selectors.lock_due_event_ids(now=now, limit=limit)
        with connection.cursor() as cursor:
            # A lapsed lease stays lapsed, or the worker that is woken for it would take it for a living one.
            cursor.execute(
                "UPDATE webhooks_event SET lease_expires_at = %s WHERE id = ANY(%s) AND status <> 'processing'",
                [now + timedelta(seconds=lease_seconds), event_ids],
            )
        for event_id in event_ids:
            jobs.wake(PROCESS_JOB, event_id=event_id)
    return len(event_ids)
