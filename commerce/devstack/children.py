"""One supervised process: its recipe, its restarts with growing pauses, its end."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from .console import Console, copy_lines
from .places import ROOT
from .processes import MARKER, Account, listens, marked_pids, send, spawn, sweep

PAUSE_SECONDS_FIRST = 0.5
PAUSE_SECONDS_MAX = 30.0
STEADY_SECONDS = 60.0
LEFTOVER_GRACE_SECONDS = 1.0


class Stage(IntEnum):
    """Which children stop together, in this order: nobody loses a server that it still needs."""

    APPS = 0
    VALKEY = 1
    POSTGRES = 2


@dataclass(frozen=True)
class Recipe:
    """How to start one child, and how it likes to be asked to stop."""

    name: str
    argv: list[str]
    env: dict[str, str]
    log: Path
    stage: Stage = Stage.APPS
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    working_directory: Path = ROOT
    is_restarted: bool = True


@dataclass
class Child:
    """A recipe and the process that runs it at the moment."""

    recipe: Recipe
    token: str
    console: Console | None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures_in_a_row: int = 0
    starts_again_at: float = field(default=float("inf"))

    @property
    def mark(self) -> str:
        """The token that this child and its descendants carry."""
        return f"{self.token}.{self.recipe.name}."

    def start(self) -> None:
        """Start the process; its output goes to its log, and to the console if it has one."""
        env = {**self.recipe.env, MARKER: self.mark}
        descriptor = os.open(self.recipe.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        output = descriptor if self.recipe.stage is not Stage.APPS else subprocess.PIPE
        try:
            self.process = spawn(
                self.recipe.argv,
                env=env,
                output=output,
                stop_signal=self.recipe.stop_signal,
                account=self.recipe.account,
                working_directory=self.recipe.working_directory,
            )
        finally:
            os.close(descriptor)
        self.started_at = time.monotonic()
        self.starts_again_at = float("inf")
        if self.process.stdout is not None:
            facts = {"name": self.recipe.name, "stream": self.process.stdout, "log": self.recipe.log}
            threading.Thread(target=copy_lines, kwargs={**facts, "console": self.console}, daemon=True).start()

    def poll(self) -> int | None:
        """Tell the exit code once the process has ended."""
        return None if self.process is None else self.process.poll()

    def listens(self, *, port: int) -> bool:
        """Tell whether the process or a descendant listens on this port: another's answer there is not theirs."""
        return any(listens(pid, port=port) for pid in marked_pids(self.mark))

    def plan_restart(self) -> float:
        """Note that the process ended by itself, clear away its descendants, and choose the pause in seconds."""
        self.process = None
        sweep(self.mark, grace_seconds=LEFTOVER_GRACE_SECONDS)
        if time.monotonic() - self.started_at >= STEADY_SECONDS:
            self.failures_in_a_row = 0
        pause_seconds = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_FIRST * 2.0 ** min(self.failures_in_a_row, 10))
        self.failures_in_a_row += 1
        self.starts_again_at = time.monotonic() + pause_seconds
        return pause_seconds

    def renew(self) -> None:
        """Let a running process end in good order for a fresh one; a start that is planned stays planned."""
        if self.process is not None and self.process.poll() is None:
            send(self.process.pid, self.recipe.stop_signal)

    def ask_to_stop(self) -> None:
        """Send the signal on which the process stops in good order, and do not start it again."""
        self.starts_again_at = float("inf")
        self.renew()

    def kill_group(self) -> None:
        """End the whole process group at once, if its leader is still there."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def describe_exit(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"exited with code {code}"
    return f"was ended by {signal.Signals(-code).name}"
