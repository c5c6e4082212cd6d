"""`./run` with real processes in a copy of this checkout: it starts, mends itself, and leaves nothing behind."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from commerce.devstack.apps import find_need
from commerce.devstack.checks import find_closing_line
from commerce.devstack.environment import free_ports
from commerce.devstack.install import is_installed

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS_MAX = 60
GONE_SECONDS_MAX = 15
IGNORED = shutil.ignore_patterns(
    ".git", ".venv", ".surety", "__pycache__", ".*_cache", ".hypothesis", "docs", "staticfiles", "test-results"
)


class Checkout:
    """A copy of the project and the `./run` processes started in it."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.output = tree.parent / "output"
        self.mark = f"test-run-{uuid.uuid4()}"
        self.ports = free_ports()
        self.started: list[subprocess.Popen[bytes]] = []

    @property
    def port(self) -> int:
        """Where the first page is."""
        return self.ports.web

    def run(self, *words: str, **env: str) -> subprocess.Popen[bytes]:
        """Start `./run` as a newcomer's shell would: hardly any environment, and a mark to find its descendants by."""
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.tree), "RUN_TEST_MARK": self.mark}
        clean |= {"PORT": str(self.port), "WEBHOOKS_PORT": str(self.ports.webhooks)}
        clean |= {"SANDBOX_PORT": str(self.ports.sandbox)}
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "run", *words],
                cwd=self.tree,
                env={**clean, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.started.append(process)
        return process

    def end(self) -> None:
        """End whatever a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=GONE_SECONDS_MAX)
        self.started.clear()

    def finish(self, *words: str, **env: str) -> tuple[int, str]:
        """Run `./run` to its end and answer its exit code and what it said."""
        code = self.run(*words, **env).wait(timeout=30)
        return code, self.output.read_text()

    def state(self) -> dict[str, Any]:
        """Read what the running stack wrote down about itself; empty when none runs."""
        try:
            found: dict[str, Any] = json.loads((self.tree / ".surety" / "dev" / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def first_page(self) -> int | None:
        """Ask for the first page and answer the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def start(self) -> subprocess.Popen[bytes]:
        """Start everything and wait until it is ready."""
        process = self.run()
        wait_until(
            lambda: self.state().get("phase") == "ready" or process.poll() is not None, seconds_max=START_SECONDS_MAX
        )
        if process.poll() is not None:
            pytest.fail(f"./run ended early:\n{self.output.read_text()}")
        return process

    def processes(self, name: str = "") -> set[tuple[int, str]]:
        """List (pid, start time) of what `./run` started here, or of one child with its descendants."""
        seen = describe_processes()
        token = f"SURETY_STACK={self.state().get('token')}.{name}"
        found = {pid for pid, process in seen.items() if token in process.environ}
        if not name:
            found |= {pid for pid, process in seen.items() if self.mark in process.environ}
        while more := {pid for pid, process in seen.items() if process.parent in found} - found:
            found |= more
        return {(pid, seen[pid].started) for pid in found}

    def survivors(self, before: set[tuple[int, str]]) -> set[int]:
        """List what still lives of the processes seen earlier, and whatever else carries our mark."""
        seen = describe_processes()
        old = {pid for pid, started in before if pid in seen and seen[pid].started == started}
        return old | {pid for pid, process in seen.items() if self.mark in process.environ}


class Process:
    """What /proc says about a process."""

    def __init__(self, directory: Path) -> None:
        fields = (directory / "stat").read_text().rpartition(")")[2].split()
        self.is_dead = fields[0] == "Z"
        self.parent = int(fields[1])
        self.started = fields[19]
        self.environ = (directory / "environ").read_bytes().decode(errors="replace")


def describe_processes() -> dict[int, Process]:
    seen = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            process = Process(directory)
        except OSError:
            continue
        if not process.is_dead:
            seen[int(directory.name)] = process
    return seen


def wait_until(is_true: Callable[[], bool], *, seconds_max: float) -> None:
    deadline = time.monotonic() + seconds_max
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds_max} s"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def copied_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    tree = tmp_path_factory.mktemp("checkout") / "surety"
    shutil.copytree(ROOT, tree, ignore=IGNORED)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    checkout = Checkout(tree)

    yield checkout

    note = tree / ".surety" / "dev" / "postgres-data"
    if note.exists():
        shutil.rmtree(note.read_text().strip())


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
