"""The edge of the books: counting what was sealed."""

from celery import shared_task

from core import clock
from core.cause import system
from core.db import transaction
from ledger import services


@shared_task(name="ledger.make_checkpoints")
def make_checkpoints() -> None:
    """This will count the accounts that gathered enough entries since the last run."""
    with transaction("ledger.make_checkpoints"):
        services.make_checkpoints(cause=system("sweep", now=clock.now()))
