"""The command: its lines, its exit codes, and that it changes nothing."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from core import clock
from oversight.tests.factories import StandingClock, tampering
from reconciliation.tests.sound_shop import LATER, open_sound_shop

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def a_minute_after_noon() -> Iterator[None]:
    """The instant at which nothing in the sound shop is late."""
    with clock.use(StandingClock(LATER)):
        yield


class TestVerifyInvariants:
    def test_says_that_it_cannot_compare_without_a_sandbox(self, settings: Settings) -> None:
        settings.SANDBOX_URL = ""

        with pytest.raises(CommandError, match="SANDBOX_URL is not set") as refusal:
            call_command("verify_invariants", "--provider")

        assert refusal.value.returncode == 2

    def test_says_that_nobody_answers(self, settings: Settings) -> None:
        settings.SANDBOX_URL = "http://127.0.0.1:1"

        with pytest.raises(CommandError, match="cannot be reached") as refusal:
            call_command("verify_invariants", "--provider")

        assert refusal.value.returncode == 2

    def test_prints_the_number_of_violations_last(self, capsys: pytest.CaptureFixture[str]) -> None:
        open_sound_shop()

        call_command("verify_invariants")

        assert capsys.readouterr().out == "0 violations\n"

    def test_prints_a_line_for_each_violation_and_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        open_sound_shop()
        with tampering() as tamperer:
            tamperer.execute("UPDATE catalog_stock SET committed = 5")

        with pytest.raises(SystemExit) as end:
            call_command("verify_invariants")

        assert end.value.code == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines == ["I8 MUG held 1 (reserved 1), committed 5 (reserved 2) of 10 received", "1 violation"]

    def test_prints_json_for_programs(self, capsys: pytest.CaptureFixture[str]) -> None:
        open_sound_shop()
        with tampering() as tamperer:
            tamperer.execute("UPDATE catalog_stock SET committed = 5")

        with pytest.raises(SystemExit):
            call_command("verify_invariants", "--json")

        violation, count = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert (violation["invariant"], violation["subject"]) == ("I8", "MUG")
        assert count == {"violations": 1}

    def test_changes_nothing_and_reads_one_snapshot(self, capsys: pytest.CaptureFixture[str]) -> None:
        with CaptureQueriesContext(connection) as statements:
            call_command("verify_invariants")

        sent = [query["sql"] for query in statements if not query["sql"].startswith(("BEGIN", "COMMIT"))]
        assert sent[0] == "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

    @pytest.mark.stack
    def test_asks_a_running_sandbox(
        self, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with a_running_sandbox(tmp_path / "sandbox.sqlite3") as url:
            settings.SANDBOX_URL = url
            call_command("verify_invariants", "--provider", "--grace-seconds", "5")

        assert capsys.readouterr().out == "0 violations\n"


@contextmanager
def a_running_sandbox(store: Path) -> Iterator[str]:
    """This will start a sandbox process and end it by its own id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", port, "--store", str(store)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            with suppress(httpx2.TransportError):
                if httpx2.get(f"{url}/_control/health").status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)
