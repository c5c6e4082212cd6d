"""The threads that send webhooks, and let the engine's own time pass."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2

from sandbox.engine import Engine
from sandbox.engine.deliveries import OutgoingDelivery

IDLE_SECONDS = 0.25
TIMEOUT_SECONDS = 10.0

logger = logging.getLogger("sandbox")


class Sender:
    """One thread that looks for due deliveries, and a few that post them."""

    def __init__(self, engine: Engine, *, deliverers: int) -> None:
        self._engine = engine
        self._deliverers = deliverers
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._in_flight: set[str] = set()
        limits = httpx2.Limits(max_connections=deliverers, max_keepalive_connections=deliverers)
        # No proxy from the environment: deliveries go to a neighbour process.
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False)
        self._pool = ThreadPoolExecutor(deliverers, thread_name_prefix="deliver")
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        engine.deliveries.on_enqueue(self._wake.set)

    def start(self) -> None:
        """This will begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """This will stop after the deliveries already on the wire."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=TIMEOUT_SECONDS)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                is_busy = self._send_due()
            except Exception:
                # The edge of this thread: a bug must be seen, and must not end all deliveries.
                logger.exception("sending webhooks failed")
                is_busy = False
            if not is_busy:
                self._wake.wait(IDLE_SECONDS)

    def _send_due(self) -> bool:
        # Copied before the look-up: what ends in between is still in the rows about to be read,
        # and must not be sent twice.
        with self._guard:
            in_flight = set(self._in_flight)
        if len(in_flight) >= self._deliverers * 2:
            return False
        due = self._engine.due_deliveries(self._engine.clock.now(), limit=len(in_flight) + self._deliverers * 4)
        fresh = [delivery for delivery in due if delivery.id not in in_flight]
        with self._guard:
            self._in_flight.update(delivery.id for delivery in fresh)
        for delivery in fresh:
            self._pool.submit(self._send, delivery)
        return bool(fresh)

    def _send(self, delivery: OutgoingDelivery) -> None:
        status: int | None = None
        try:
            answer = self._client.post(delivery.url, content=delivery.body, headers=delivery.headers)
            status = answer.status_code
        except httpx2.HTTPError as problem:
            logger.info("webhook %s not delivered: %s", delivery.id, problem)
        finally:
            self._engine.record_delivery(delivery.id, status)
            with self._guard:
                self._in_flight.discard(delivery.id)
            self._wake.set()
