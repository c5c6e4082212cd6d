"""The front: the process the user started. It forks the keeper, passes signals on, runs commands at the terminal."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, TextIO

from .console import Console
from .keeper import Keeper, Plan
from .places import ROOT
from .processes import MARKER, die_with_parent, send, sweep
from .state import State

KEEPER_SECONDS_MAX = 14.5
COMMAND_SECONDS_MAX = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Signals:
    """Which signals reached us, noted instead of acted on, so that a stop is never cut short by a second one."""

    received: list[int] = field(default_factory=list)

    def listen(self) -> None:
        """Note the signals that end a stack from now on, even if the caller's shell had them ignored."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)

    def exit_code(self) -> int:
        """Choose the exit code for the signal that ended us: Ctrl-C is the usual way out of a development stack."""
        return 0 if self.received[0] == signal.SIGINT else 128 + self.received[0]


@dataclass
class Stack:
    """A keeper that we forked: its process, the pipe that keeps it alive, and the environment it offers."""

    keeper_pid: int
    token: str
    lifeline: int
    ready: int
    env: dict[str, str] = field(default_factory=dict)

    def wait_until_ready(self, signals: Signals) -> bool:
        """Wait for the keeper's word that everything runs; false when it gave up or we were told to stop."""
        os.set_blocking(self.ready, False)
        received = b""
        while not signals.received:
            try:
                chunk = os.read(self.ready, 65536)
            except BlockingIOError:
                time.sleep(0.02)
                continue
            if chunk:
                received += chunk
                continue
            self.env = json.loads(received) if received else {}
            return bool(self.env)
        return False

    def has_ended(self) -> bool:
        """Tell whether the keeper is gone."""
        return os.waitid(os.P_PID, self.keeper_pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def stop(self) -> int:
        """Have the keeper stop everything, make sure of it, and answer its exit code."""
        with contextlib.suppress(OSError):
            os.close(self.lifeline)
        deadline = time.monotonic() + KEEPER_SECONDS_MAX
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(0.02)
        send(self.keeper_pid, signal.SIGKILL)
        _, status = os.waitpid(self.keeper_pid, 0)
        sweep(f"{self.token}.", grace_seconds=3 if os.WIFSIGNALED(status) else 0)
        return os.waitstatus_to_exitcode(status)


def fork_keeper(plan: Plan, state: State, *, stream: TextIO) -> Stack:
    """Fork the keeper into a session of its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    lifeline_end, lifeline = os.pipe()
    ready, ready_end = os.pipe()
    keeper_pid = os.fork()
    if keeper_pid:
        os.close(lifeline_end)
        os.close(ready_end)
        return Stack(keeper_pid=keeper_pid, token=state.token, lifeline=lifeline, ready=ready)
    code = 1
    try:
        os.close(lifeline)
        os.close(ready)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        console = Console(stream=stream)

        def report_ready(env: dict[str, str]) -> None:
            with contextlib.suppress(BrokenPipeError):
                os.write(ready_end, json.dumps(env).encode())
            os.close(ready_end)

        keeper = Keeper(plan=plan, state=state, console=console, report_ready=report_ready)
        code = keeper.run(lifeline=lifeline_end)
        console.close()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        os._exit(code)


@contextmanager
def running_stack(plan: Plan, state: State, *, signals: Signals) -> Iterator[Stack | None]:
    """Run a stack for the commands inside the block; it is nothing when the stack could not start."""
    stack = fork_keeper(plan, state, stream=sys.stderr)
    try:
        yield stack if stack.wait_until_ready(signals) else None
    finally:
        stack.stop()


class Transcript:
    """Passes a command's output on as it comes and remembers how it ended."""

    BYTES_KEPT = 20_000

    def __init__(self) -> None:
        self.ending = b""

    def follow(self, source: IO[bytes]) -> threading.Thread:
        """Copy the output in a thread of its own."""
        thread = threading.Thread(target=self._copy, args=(source,), daemon=True)
        thread.start()
        return thread

    def _copy(self, source: IO[bytes]) -> None:
        while chunk := os.read(source.fileno(), 65536):
            self.ending = (self.ending + chunk)[-self.BYTES_KEPT :]
            with contextlib.suppress(OSError):
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()


def run_at_terminal(
    argv: list[str], *, env: dict[str, str], token: str, signals: Signals, transcript: Transcript | None = None
) -> int:
    """Run one command at the user's terminal and answer its exit code; it ends when we are told to.

    It stays in our process group, so the terminal gives it Ctrl-C itself; other signals we pass on.
    """
    noted = len(signals.received)
    process = subprocess.Popen(  # noqa: S603 - argv is ours
        argv,
        cwd=ROOT,
        env={**env, MARKER: f"{token}.command."},
        stdout=None if transcript is None else subprocess.PIPE,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see Note [Safe before exec]
    )
    copying = transcript.follow(process.stdout) if transcript is not None and process.stdout is not None else None
    while (code := wait_for(process, signals, noted=noted)) is None:
        number = signals.received[noted]
        noted = len(signals.received)
        if number != signal.SIGINT:
            code = terminate(process)
            break
        if not is_at_terminal():
            send(process.pid, signal.SIGINT)
    sweep(f"{token}.command.", grace_seconds=1)
    if copying is not None:
        copying.join(timeout=2)
    return code if code >= 0 else 128 - code


def terminate(process: subprocess.Popen[bytes]) -> int:
    """Ask a command to end, and end it."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=COMMAND_SECONDS_MAX)
    process.kill()
    return process.wait()


def wait_for(process: subprocess.Popen[bytes], signals: Signals, *, noted: int) -> int | None:
    """Wait until the command ends, or until one more signal has come: then the answer is nothing."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=0.1)
        if len(signals.received) > noted:
            return None


def is_at_terminal() -> bool:
    """Tell whether our process group is the one that the terminal sends Ctrl-C to."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
