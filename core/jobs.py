"""Wake-ups: a hint to a worker, sent after commit, by task name. Rows are the queue; losing every wake-up loses
nothing.
"""

import time

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from core import trace
from core.db import run_after_commit

log = structlog.get_logger()

# After a failure wake-ups are not even tried for a while: a broker that hangs must not hold every request.
AWAY_SECONDS = 2.0


class _Broker:
    away_until = float("-inf")


def wake(name: str, **ids: int | str) -> None:
    """This will ask a worker, once the transaction is durable, to run task `name` with row ids.

    A broker that is away is logged and forgiven: a sweep finds the row within its period.
    """
    trace_id = trace.current()

    def send() -> None:
        if time.monotonic() < _Broker.away_until:
            return
        try:
            current_app.send_task(name, kwargs=ids, headers={"surety_trace": trace_id}, retry=False)
        except (OperationalError, RedisError, OSError) as error:
            _Broker.away_until = time.monotonic() + AWAY_SECONDS
            log.warning("wake_not_sent", task=name, error=type(error).__name__)

    run_after_commit(send)


def forget_outage() -> None:
    """This will make the next wake-up try the broker again, whatever happened before."""
    _Broker.away_until = float("-inf")
