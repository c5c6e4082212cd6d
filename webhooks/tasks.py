"""The workers' edge of the inbox: load by id, one service call."""

from celery import shared_task

from core import clock
from webhooks import services


@shared_task(name="webhooks.process")
def process(*, event_id: int) -> None:
    """This will process one event; it never fails for the event's sake, whose row says what happens next."""
    services.process(event_id, now=clock.now())


@shared_task(name="webhooks.sweep")
def sweep() -> None:
    """This will wake workers for events that are due."""
    services.sweep(now=clock.now())
