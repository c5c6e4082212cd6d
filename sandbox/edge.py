"""The HTTP edge: granian in this very process, so that killing it leaves nothing behind.

Granian runs WSGI only in worker processes, which outlive a killed parent; its embedded server
speaks RSGI. So requests arrive on one event loop and are answered by a pool of threads.
"""

import asyncio
import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from sandbox.answers import Answer, json_answer
from sandbox.application import Application
from sandbox.errors import ConnectionLostError
from sandbox.sender import Sender
from sandbox.settings import ProcessSettings

THREADS = 16
BODY_MAX_BYTES = 1_000_000
FILE_DESCRIPTORS = Path("/dev/fd")

logger = logging.getLogger("sandbox")


class Edge:
    """Turns RSGI requests into calls of the application."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """This will answer one request, or break its connection where a fault wants that."""
        if scope.proto != "http":
            return
        loop = asyncio.get_running_loop()
        body = await protocol()
        answer = await loop.run_in_executor(self._pool, self._answer, scope, body)
        if answer is None:
            # Nothing reaches the client any more; the server only wants the request closed.
            protocol.response_empty(500, [])
            return
        headers = list(answer.headers.items())
        if isinstance(answer.body, bytes):
            protocol.response_bytes(answer.status, headers, answer.body)
            return
        transport = protocol.response_stream(answer.status, headers)
        while chunk := await loop.run_in_executor(self._pool, _next_chunk, answer.body):
            await transport.send_bytes(chunk)

    def close(self) -> None:
        """This will let running answers end."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _answer(self, scope: Any, body: bytes) -> Answer | None:
        if len(body) > BODY_MAX_BYTES:
            return json_answer(413, {"error": "the body is too long"})
        if scope.path.startswith("/_control") and not _is_local(scope.client):
            return json_answer(403, {"error": "the control API answers this machine only"})
        url = f"{scope.path}?{scope.query_string}" if scope.query_string else scope.path
        try:
            return self._application.handle(scope.method, url, dict(scope.headers.items()), body)
        except ConnectionLostError:
            break_connection(scope.client)
            return None
        except Exception:
            # The edge: log once, answer like a broken server would.
            logger.exception("%s %s failed", scope.method, scope.path)
            return json_answer(500, {"error": {"type": "api_error", "message": "sandbox failed"}})


def break_connection(client: str) -> None:
    """This will close the socket of that client (`address:port`) without an answer.

    No server interface can do this, so the socket is found among the process's descriptors by
    its peer; shutting down a duplicate ends the connection itself.
    """
    host, _, port = client.rpartition(":")
    peer = (host.strip("[]"), int(port))
    for entry in FILE_DESCRIPTORS.iterdir():
        try:
            duplicate = os.dup(int(entry.name))
        except OSError:
            continue
        try:
            with socket.socket(fileno=duplicate) as connection:
                if connection.getpeername()[:2] == peer:
                    connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # No socket, or one that has no peer.
            with suppress(OSError):
                os.close(duplicate)


async def serve(application: Application, settings: ProcessSettings) -> None:
    """This will answer until the process is told to end (INT or TERM)."""
    edge = Edge(application)
    sender = Sender(application.engine, deliverers=settings.deliverers)
    server = Server(
        edge,
        settings.host,
        settings.port,
        interface=Interfaces.RSGI,
        websockets=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    sender.start()
    try:
        await server.serve()
    finally:
        sender.stop()
        edge.close()
        application.engine.store.close()


def _next_chunk(body: Iterator[bytes]) -> bytes:
    return next(body, b"")


def _is_local(client: str) -> bool:
    host = client.rpartition(":")[0].strip("[]")
    return ipaddress.ip_address(host).is_loopback
