"""Containers' health checks: a worker is well when it completes tasks, a server when it answers."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management import CommandError, call_command

from commerce.probe import probe
from core import clock
from core.models import Heartbeat


def beat(queue: str, *, seconds_ago: int) -> None:
    """A heartbeat task that was completed a while ago."""
    Heartbeat.objects.create(queue=queue, completed_at=clock.now() - timedelta(seconds=seconds_ago))


@pytest.mark.usefixtures("database")
class TestCheckWork:
    def test_a_queue_that_completes_tasks_is_well(self) -> None:
        beat("urgent", seconds_ago=5)

        call_command("check_work", queue="urgent")

    @pytest.mark.pains("J3")
    def test_a_queue_is_not_well_because_another_one_is(self) -> None:
        beat("urgent", seconds_ago=5)
        beat("bulk", seconds_ago=90)

        with pytest.raises(CommandError, match="bulk was completed 90 s ago"):
            call_command("check_work", queue="bulk")
        with pytest.raises(CommandError, match="default was completed never"):
            call_command("check_work", queue="default")

    def test_beat_is_well_while_any_queue_is(self) -> None:
        beat("bulk", seconds_ago=90)
        beat("urgent", seconds_ago=5)

        call_command("check_work")

    def test_beat_is_not_well_when_all_are_old(self) -> None:
        beat("urgent", seconds_ago=61)

        with pytest.raises(CommandError):
            call_command("check_work")


class Named(BaseHTTPRequestHandler):
    """Answers to one host name, like production."""

    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Host"] == "shop.example" else 400)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def port() -> Iterator[str]:
    """A server on a free port."""
    with HTTPServer(("127.0.0.1", 0), Named) as server:
        threading.Thread(target=server.serve_forever).start()
        yield str(server.server_port)
        server.shutdown()


class TestProbe:
    @pytest.mark.parametrize("hosts", ["shop.example", ".shop.example,other.example"])
    def test_asks_by_a_name_the_server_answers_to(self, hosts: str, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALLOWED_HOSTS", hosts)

        probe(port, "/readyz")

    def test_an_error_is_not_well(self, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALLOWED_HOSTS", "elsewhere.example")

        with pytest.raises(OSError, match="400"):
            probe(port, "/readyz")
