"""`./run` with real processes in a copy of this checkout: it starts, mends itself, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest

from commerce.devstack import install
from commerce.devstack.apps import find_need
from commerce.devstack.checks import find_closing_line
from commerce.devstack.children import Child, Recipe
from commerce.devstack.install import is_installed, quickest_python
from tests.running import GONE_SECONDS_MAX, START_SECONDS_MAX, Checkout, wait_until


@pytest.fixture
def checkout(copied_checkout: Checkout) -> Iterator[Checkout]:
    yield copied_checkout

    copied_checkout.end()


def end_and_count(checkout: Checkout, process: subprocess.Popen[bytes], number: signal.Signals) -> tuple[int, set[int]]:
    """Signal `./run`, and answer its exit code and the processes that outlive it for 15 seconds."""
    before = checkout.processes()
    assert len(before) > 10
    began = time.monotonic()
    process.send_signal(number)
    code = process.wait(timeout=GONE_SECONDS_MAX)
    while checkout.survivors(before) and time.monotonic() < began + GONE_SECONDS_MAX:
        time.sleep(0.1)
    return code, checkout.survivors(before)


@pytest.mark.stack
@pytest.mark.skipif(sys.platform != "linux", reason="follows processes through /proc")
@pytest.mark.skipif(not is_installed(), reason="needs the .venv that ./run makes")
class TestRun:
    def test_starts_mends_itself_and_dies_with_a_kill(self, checkout: Checkout) -> None:
        process = checkout.start()
        assert checkout.first_page() == 200

        code, said = checkout.finish()
        assert code == 1
        assert f"running already in this checkout: http://127.0.0.1:{checkout.port}" in said

        web = checkout.processes("web.")
        for pid, _ in web:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: checkout.first_page() == 200, seconds_max=20)
        assert not web & checkout.processes("web.")

        with psycopg.connect(checkout.state()["env"]["DATABASE_OWNER_URL"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        assert end_and_count(checkout, process, signal.SIGKILL) == (-signal.SIGKILL, set())

    def test_keeps_the_data_and_stops_on_ctrl_c(self, checkout: Checkout) -> None:
        process = checkout.start()

        with psycopg.connect(checkout.state()["env"]["DATABASE_OWNER_URL"]) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        code, _ = checkout.finish("manage", "shell", "-c", "raise SystemExit(7)")

        assert code == 7
        assert checkout.first_page() == 200
        assert end_and_count(checkout, process, signal.SIGINT) == (0, set())

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_leaves_nothing_behind(self, checkout: Checkout, number: signal.Signals) -> None:
        process = checkout.start()

        assert end_and_count(checkout, process, number) == (128 + number, set())
        assert not checkout.state()

    def test_says_how_to_start_when_a_port_is_busy(self, checkout: Checkout) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]

            code, said = checkout.finish(PORT=str(port))

        assert code == 1
        assert f"Port {port} is busy. Start on another: PORT=" in said
        assert len(said.splitlines()) == 1

    def test_is_ready_when_it_answers_itself_and_not_when_another_does_at_its_port(self, checkout: Checkout) -> None:
        checkout.run(DEMO_ORDERS="0")
        wait_until(lambda: checkout.state().get("phase") == "starting", seconds_max=START_SECONDS_MAX)
        with HTTPServer(("127.0.0.1", checkout.port), Other) as other:
            threading.Thread(target=other.serve_forever, daemon=True).start()
            wait_until(lambda: checkout.output.read_text().count("web exited") == 2, seconds_max=START_SECONDS_MAX)
            assert checkout.first_page() == 200
            assert checkout.state()["phase"] == "starting"
            other.shutdown()

        wait_until(lambda: checkout.state()["phase"] == "ready", seconds_max=START_SECONDS_MAX)

        assert checkout.first_page() == 200


class Other(BaseHTTPRequestHandler):
    """Somebody else's server, with a page at every address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
        """Keep the test's output readable."""


class TestChild:
    def test_a_renewal_between_two_lives_does_not_cancel_the_next(self, tmp_path: Path) -> None:
        recipe = Recipe(name="worker", argv=["false"], env={}, log=tmp_path / "log")
        child = Child(recipe=recipe, token="test", console=None)
        child.plan_restart()

        child.renew()

        assert child.starts_again_at < float("inf")


class TestFindNeed:
    @pytest.mark.parametrize("words", [["replay_retail", "x.csv.gz"], ["seed_demo"]])
    def test_starts_everything_for_commands_that_check_out(self, words: list[str]) -> None:
        assert set(find_need(words).apps) == {"web", "webhooks", "worker", "beat", "sandbox"}

    def test_starts_the_sandbox_for_a_look_at_the_provider(self) -> None:
        assert find_need(["verify_invariants", "--provider"]).apps == ("sandbox",)
        assert find_need(["verify_invariants"]).apps == ()

    def test_does_not_migrate_before_a_command_about_migrations(self) -> None:
        assert not find_need(["makemigrations"]).is_migrated
        assert find_need(["shell"]).is_migrated


class TestFindClosingLine:
    def test_finds_it_below_colours_and_before_other_output(self) -> None:
        ending = (
            b"..\n\x1b[32m===== \x1b[1m12 passed\x1b[0m, \x1b[33m1 skipped\x1b[0m in 3.41s ====\x1b[0m\nlate output\n"
        )

        assert find_closing_line(ending) == "12 passed, 1 skipped in 3.41s"

    def test_is_empty_when_pytest_broke_off(self) -> None:
        assert find_closing_line(b"Traceback (most recent call last):\n") == ""


class TestQuickestPython:
    @pytest.mark.parametrize(("exit_code", "is_taken"), [(0, True), (1, False), (None, False)])
    def test_is_the_distribution_s_of_our_version_where_it_can_make_an_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exit_code: int | None, is_taken: bool
    ) -> None:
        theirs = tmp_path / f"python{sys.version_info.major}.{sys.version_info.minor}"
        if exit_code is not None:
            theirs.write_text(f"#!/bin/sh\nexit {exit_code}\n")
            theirs.chmod(0o700)
        monkeypatch.setattr(install, "DISTRIBUTION_BIN", tmp_path)

        assert quickest_python() == (str(theirs) if is_taken else sys.executable)
