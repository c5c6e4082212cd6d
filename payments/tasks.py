"""Celery's edge of payments: one operation, by id."""

from celery import shared_task

from core import cause, clock
from payments import services


@shared_task(name="payments.carry_out")
def carry_out(operation_id: str) -> None:
    """Send a void, capture or give-back that was committed before."""
    services.carry_out(operation_id, cause=cause.system("worker", now=clock.now()))


@shared_task(name="payments.recover")
def recover(operation_id: str) -> None:
    """Climb one rung of the recovery ladder for one operation."""
    services.recover(operation_id, cause=cause.system("sweep", now=clock.now()))
