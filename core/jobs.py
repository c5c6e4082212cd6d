"""Wake-ups: a hint to a worker, sent after commit, by task name. Rows are the queue; losing every wake-up loses nothing."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from core import trace
from core.db import run_after_commit

log = structlog.get_logger()


def wake(name: str, **ids: int | str) -> None:
    """This will ask a worker, once the transaction is durable, to run task `name` with row ids.

    A broker that is away is logged and forgiven: a sweep finds the row within its period.
    """
    trace_id = trace.current()

    def send() -> None:
        try:
            current_app.send_task(name, kwargs=ids, headers={"surety_trace": trace_id}, retry=False)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("wake_not_sent", task=name, error=type(error).__name__)

    run_after_commit(send)
