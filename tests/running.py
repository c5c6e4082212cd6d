"""A copy of this checkout in which `./run` is started for real, and how to follow what it started."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from commerce.devstack.environment import free_ports

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS_MAX = 60
GONE_SECONDS_MAX = 15
WORDS_MAX = 30
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
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "run", *words],
                cwd=self.tree,
                env={**self.clean_env(), **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.started.append(process)
        return process

    def clean_env(self) -> dict[str, str]:
        """Give what a newcomer's shell holds, our mark and our ports."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.tree),
            "RUN_TEST_MARK": self.mark,
            "PORT": str(self.port),
            "WEBHOOKS_PORT": str(self.ports.webhooks),
            "SANDBOX_PORT": str(self.ports.sandbox),
        }

    def manage(self, *words: str) -> tuple[int, str]:
        """Run a management command inside the running stack; answer its exit code and what it printed."""
        argv = [sys.executable, "run", "manage", *words]
        ended = subprocess.run(
            argv,
            check=False,
            cwd=self.tree,
            env=self.clean_env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
        )
        return ended.returncode, (ended.stdout + ended.stderr).decode()

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

    def has_seeded(self) -> bool:
        """Tell whether the demo data is all there."""
        return "seed is done" in self.output.read_text()

    def last_words(self) -> dict[str, str]:
        """Read the end of what each process of ours wrote, by its name."""
        logs = sorted((self.tree / ".surety" / "dev" / "log").glob("*.log"))
        return {log.stem: "\n".join(log.read_text(errors="replace").splitlines()[-WORDS_MAX:]) for log in logs}

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

    def start(self, **env: str) -> subprocess.Popen[bytes]:
        """Start everything and wait until it is ready."""
        process = self.run(**env)
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


@contextmanager
def a_copy(place: Path) -> Iterator[Checkout]:
    """A copy of the project in which `./run` can be started, and nothing of it afterwards."""
    tree = place / "surety"
    shutil.copytree(ROOT, tree, ignore=IGNORED)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    yield Checkout(tree)
    note = tree / ".surety" / "dev" / "postgres-data"
    if note.exists():
        shutil.rmtree(note.read_text().strip())


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
