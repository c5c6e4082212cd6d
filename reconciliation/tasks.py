"""Celery's edge of the sweeps; the beat table in commerce/celery.py says how often."""

from celery import shared_task

from core import clock
from reconciliation import services, sweeping_money


@shared_task(name="reconciliation.sweep_operations")
def sweep_operations() -> None:
    """Operations in doubt."""
    services.sweep_operations(now=clock.now)


@shared_task(name="reconciliation.sweep_expired_orders")
def sweep_expired_orders() -> None:
    """Orders whose time is over."""
    services.sweep_expired_orders(now=clock.now)


@shared_task(name="reconciliation.sweep_cancellations")
def sweep_cancellations() -> None:
    """Cancellations under way."""
    services.sweep_cancellations(now=clock.now)


@shared_task(name="reconciliation.sweep_owed_money")
def sweep_owed_money() -> None:
    """Money nobody is owed."""
    services.sweep_owed_money(now=clock.now)


@shared_task(name="reconciliation.sweep_pending_too_long")
def sweep_pending_too_long() -> None:
    """Payments pending for too long."""
    services.sweep_pending_too_long(now=clock.now)


@shared_task(name="reconciliation.sweep_authorizations")
def sweep_authorizations() -> None:
    """Held funds that are released soon."""
    sweeping_money.sweep_authorizations(now=clock.now)


@shared_task(name="reconciliation.sweep_refunds")
def sweep_refunds() -> None:
    """Refunds nobody approved, and slow ones."""
    sweeping_money.sweep_refunds(now=clock.now)


@shared_task(name="reconciliation.sweep_disputes")
def sweep_disputes() -> None:
    """Open disputes of which nothing is heard."""
    sweeping_money.sweep_disputes(now=clock.now)


@shared_task(name="reconciliation.sweep_closing")
def sweep_closing() -> None:
    """Orders whose windows are over."""
    sweeping_money.sweep_closing(now=clock.now)


@shared_task(name="reconciliation.reap_keys")
def reap_keys() -> None:
    """Idempotency keys past their time."""
    services.reap_keys(now=clock.now())


@shared_task(name="reconciliation.heartbeat")
def heartbeat(queue: str) -> None:
    """Proof that a worker of this queue works."""
    services.beat(queue, now=clock.now())
