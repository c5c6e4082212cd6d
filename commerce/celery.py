"""The workers: queues by urgency and the static beat table. Rows in PostgreSQL are the work; this only wakes it."""

import os
from typing import Any

from celery import Celery, Task, signals

from core import trace
from core.db import alone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
# How soon the rows that are due are looked at; what nobody was told of is found at their next look.
SWEEP_SECONDS = float(os.environ.get("SWEEP_SECONDS", "15"))


class TracedTask(Task):  # type: ignore[type-arg]
    """Runs under the trace id of whoever woke it. A sweep leaves its work to the same one if that is at it already, so
    that one that takes longer than its period does not take all workers.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Enter the trace, then the task."""
        headers = getattr(self.request, "headers", None) or {}
        with trace.trace(headers.get("surety_trace")):
            if self.name not in SWEEPS:
                return super().__call__(*args, **kwargs)
            with alone(self.name) as is_alone:
                return super().__call__(*args, **kwargs) if is_alone else None


app = Celery("surety", task_cls=TracedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="default",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # A request must not wait for a broker that is away: one try, no pause (the default pauses for six seconds).
    broker_transport_options={
        "visibility_timeout": 600,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
    },
    worker_hijack_root_logger=False,
    timezone="UTC",
    task_routes={
        "webhooks.process": {"queue": "urgent"},
        "payments.recover": {"queue": "urgent"},
        "payments.carry_out": {"queue": "urgent"},
        "reconciliation.*": {"queue": "default"},
        "oversight.*": {"queue": "bulk"},
        "ledger.*": {"queue": "bulk"},
    },
    beat_schedule={
        name: {"task": task, "schedule": seconds, "args": args, "options": {"queue": queue, "expires": seconds}}
        for name, task, seconds, queue, args in [
            ("operations in doubt", "reconciliation.sweep_operations", SWEEP_SECONDS, "urgent", ()),
            ("webhook events due", "webhooks.sweep", SWEEP_SECONDS, "urgent", ()),
            ("money nobody is owed", "reconciliation.sweep_owed_money", SWEEP_SECONDS, "urgent", ()),
            ("orders past their time", "reconciliation.sweep_expired_orders", SWEEP_SECONDS, "default", ()),
            ("cancellations", "reconciliation.sweep_cancellations", SWEEP_SECONDS, "default", ()),
            ("pending too long", "reconciliation.sweep_pending_too_long", 60.0, "default", ()),
            ("holds that end", "reconciliation.sweep_authorizations", 300.0, "default", ()),
            ("refunds that wait", "reconciliation.sweep_refunds", 60.0, "default", ()),
            ("disputes without news", "reconciliation.sweep_disputes", 3600.0, "default", ()),
            ("orders that are over", "reconciliation.sweep_closing", 3600.0, "bulk", ()),
            ("idempotency keys", "reconciliation.reap_keys", 60.0, "bulk", ()),
            ("seals", "oversight.seal", 30.0, "bulk", ()),
            ("checkpoints of the books", "ledger.make_checkpoints", 60.0, "bulk", ()),
            ("cases overdue", "oversight.escalate", 60.0, "bulk", ()),
            ("approvals past their time", "oversight.expire_approvals", 60.0, "bulk", ()),
            ("heartbeat urgent", "reconciliation.heartbeat", 15.0, "urgent", ("urgent",)),
            ("heartbeat default", "reconciliation.heartbeat", 15.0, "default", ("default",)),
            ("heartbeat bulk", "reconciliation.heartbeat", 15.0, "bulk", ("bulk",)),
        ]
    },
)
app.autodiscover_tasks()
SWEEPS = {entry["task"] for entry in app.conf.beat_schedule.values()} - {"reconciliation.heartbeat"}


@signals.setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """This will leave logging as settings configured it."""
