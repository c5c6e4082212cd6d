"""The edges of oversight: sealing closed batches, escalating what nobody took, ending approvals nobody used."""

import structlog
from celery import shared_task

from core import clock
from core.cause import system
from core.db import transaction
from oversight import services

log = structlog.get_logger()
ESCALATED_AT_ONCE = 100
EXPIRED_AT_ONCE = 100


@shared_task(name="oversight.seal")
def seal() -> None:
    """This will seal what was written since the last run."""
    services.seal_closed_batches(now=clock.now())


@shared_task(name="oversight.escalate")
def escalate() -> None:
    """This will escalate cases past their due time; what one run leaves the next one takes."""
    with transaction("oversight.escalate"):
        cases = services.escalate_overdue(limit=ESCALATED_AT_ONCE, cause=system("sweep", now=clock.now()))
    if cases:
        log.warning("cases_escalated", cases=[case.public_id for case in cases])


@shared_task(name="oversight.expire_approvals")
def expire_approvals() -> None:
    """This will end approvals past their time; what one run leaves the next one takes."""
    with transaction("oversight.expire_approvals"):
        services.expire_due(limit=EXPIRED_AT_ONCE, cause=system("sweep", now=clock.now()))
