"""The checks of `./run test`: each with a heading and its time, all of them even when one fails."""

import re
import sys
import time
from dataclasses import dataclass

from .apps import manage
from .console import show
from .environment import production_env
from .front import Signals, Transcript, run_at_terminal
from .places import PYTHON, VENV

# Not "loadgroup": under pytest 9.2, pytest-xdist 3.8 loses its suffix on node ids and spreads groups over all workers.
# In the order of conftest.py: xdist would put files of few tests last, and the longest are among them.
PYTEST_OPTIONS = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--durations", "40"]
CLOSING_LINE = re.compile(r"^(\d+ \w+|no tests ran).* in [\d.]+s")
ANSI = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Check:
    """One command of the suite."""

    title: str
    argv: list[str]
    is_like_production: bool = False


def every_check() -> list[Check]:
    """List the checks, quick ones first."""
    python = str(PYTHON)
    ruff = [python, "-m", "ruff"]
    return [
        Check("ruff check .", [*ruff, "check", "."]),
        Check("ruff format --check .", [*ruff, "format", "--check", "."]),
        Check("mypy . run", [python, "-m", "mypy", ".", "run"]),
        Check("lint-imports", [python, str(VENV / "bin" / "lint-imports")]),
        Check("makemigrations --check", manage("makemigrations", "--check", "--dry-run")),
        Check("check --deploy", manage("check", "--deploy", "--fail-level", "WARNING"), is_like_production=True),
    ]


def pytest_argv(words: list[str]) -> list[str]:
    """Write pytest's command line."""
    return [str(PYTHON), "-m", "pytest", *words]


def run_checks(*, env: dict[str, str], token: str, signals: Signals) -> int:
    """Run every check and then pytest, sum up in a table, and end with pytest's own closing line."""
    results: list[tuple[str, int, float]] = []
    transcript = Transcript()
    color = "yes" if sys.stdout.isatty() else "no"
    for check in [*every_check(), Check("pytest", pytest_argv([*PYTEST_OPTIONS, f"--color={color}"]))]:
        began = time.monotonic()
        show(f"\n── {check.title} " + "─" * max(0, 90 - len(check.title)))
        code = run_at_terminal(
            check.argv,
            env=production_env(env) if check.is_like_production else env,
            token=token,
            signals=signals,
            transcript=transcript if check.title == "pytest" else None,
        )
        results.append((check.title, code, time.monotonic() - began))
        if signals.received:
            break
    show("\n── in short " + "─" * 82)
    for title, code, seconds in results:
        show(f"{'passed' if code == 0 else 'FAILED':<8}{seconds:7.1f} s  {title}")
    show(find_closing_line(transcript.ending) or "pytest did not get to its closing line")
    return 1 if any(code != 0 for _, code, _ in results) else 0


def find_closing_line(ending: bytes) -> str:
    """Find the line in which pytest sums up, like `12 passed in 3.4s`; empty when it did not get that far."""
    lines = [ANSI.sub("", line).strip("= ") for line in ending.decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if CLOSING_LINE.search(line)), "")
