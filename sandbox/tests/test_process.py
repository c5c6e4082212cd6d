"""The sandbox as a process of its own, over real HTTP."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import stripe

from sandbox.tests.clients import Wire

SECRET = "whsec_process"
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.stack


class Receiver(ThreadingHTTPServer):
    """A shop's webhook door; answers 500 as long as `refusals` last."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.events: list[stripe.Event] = []
        self.refusals = 0

    def wait_for(self, count: int) -> list[str]:
        deadline = time.monotonic() + 15
        while len(self.events) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return sorted(event.type for event in self.events)


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver: Any = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        status = 200
        if receiver.refusals:
            receiver.refusals -= 1
            status = 500
        else:
            header = self.headers["stripe-signature"]
            receiver.events.append(stripe.Webhook.construct_event(body, header, SECRET))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Process:
    """`python -m sandbox` on a free port."""

    def __init__(self, *, store: Path, webhook_url: str, port: int = 0) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SANDBOX_API_KEY": "sk_test_process",
            "SANDBOX_WEBHOOK_SECRET": SECRET,
        }
        options = ["--port", str(self.port), "--store", str(store), "--webhook-url", webhook_url]
        self.child = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--virtual-clock", *options],
            env=environment,
            cwd=store.parent,
            stdout=subprocess.DEVNULL,
        )
        self.http = httpx2.Client(base_url=self.url, trust_env=False)
        self.sdk = stripe.StripeClient(
            "sk_test_process",
            base_addresses={"api": self.url},
            http_client=Wire(self.http),
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.http.get("/_control/health").is_success:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
        pytest.fail("the sandbox did not start")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.http.close()
        self.child.send_signal(number)
        return self.child.wait(timeout=15)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def process(receiver: Receiver, tmp_path: Path) -> Iterator[Process]:
    started = Process(
        store=tmp_path / "sandbox.sqlite3",
        webhook_url=f"http://127.0.0.1:{receiver.server_port}/webhooks",
    )
    yield started
    if started.child.poll() is None:
        started.end()


def pay(process: Process, **options: Any) -> Any:
    wished: Any = {
        "amount": 1000,
        "currency": "gbp",
        "payment_method": "pm_card_visa",
        "confirm": True,
    }
    chosen: Any = options
    return process.sdk.v1.payment_intents.create(wished, chosen)


class TestProcess:
    def test_pays_and_delivers_signed_events(self, process: Process, receiver: Receiver) -> None:
        receiver.refusals = 1

        intent = pay(process)

        assert intent.status == "succeeded"
        assert receiver.wait_for(3) == [
            "charge.succeeded",
            "payment_intent.created",
            "payment_intent.succeeded",
        ]

    def test_delivers_each_event_once(self, process: Process, receiver: Receiver) -> None:
        for _ in range(40):
            pay(process)
        receiver.wait_for(120)

        while process.http.get("/_control/health").json()["deliveries_pending"]:
            time.sleep(0.02)

        assert len(receiver.events) == len({event.id for event in receiver.events}) == 120

    def test_breaks_the_connection_after_the_effect(self, process: Process) -> None:
        rule = {"kind": "timeout_after", "operation": "payment_intents.create", "times": 1}
        process.http.post("/_control/faults", json=rule)

        with pytest.raises(stripe.APIConnectionError):
            pay(process, idempotency_key="k1")
        intent = pay(process, idempotency_key="k1")

        truth = process.http.get("/_control/truth", params={"kind": "intent"}).text.splitlines()
        assert len(truth) == 1
        assert intent.id in truth[0]

    def test_breaks_the_connection_for_the_sdks_default_library_too(self, process: Process) -> None:
        process.http.post("/_control/faults", json={"kind": "timeout_before", "times": 1})
        sdk = stripe.StripeClient("sk_test_process", base_addresses={"api": process.url})
        reading: Any = {}

        with pytest.raises(stripe.APIConnectionError):
            sdk.v1.balance.retrieve(reading)
        balance = sdk.v1.balance.retrieve()
        stripe_client: Any = sdk
        stripe_client._requestor._get_http_client().close()

        assert balance.object == "balance"

    def test_advances_its_clock_and_keeps_it_over_a_kill(
        self, process: Process, receiver: Receiver, tmp_path: Path
    ) -> None:
        intent = pay(process)
        process.http.post("/_control/clock", json={"advance_seconds": 90_000})
        process.end(signal.SIGKILL)

        again = Process(store=tmp_path / "sandbox.sqlite3", webhook_url="http://127.0.0.1:9/", port=process.port)
        health = again.http.get("/_control/health").json()

        assert health["now"] > time.time() + 80_000
        assert again.sdk.v1.payment_intents.retrieve(intent.id).status == "succeeded"
        assert again.end() == 0

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_without_leaving_a_child(self, process: Process, number: int) -> None:
        children = Path(f"/proc/{process.child.pid}/task/{process.child.pid}/children")
        if children.exists():
            assert children.read_text() == ""

        assert process.end(number) == 0
