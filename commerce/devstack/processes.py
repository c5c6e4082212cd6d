"""Processes that do not outlive us: how they are started, recognised and swept.

# Note [Nothing is left behind]
Three nets lie under each other. The keeper stops its children in order. Should the keeper itself be killed, Linux
signals its direct children (PR_SET_PDEATHSIG). And everything we start carries `SURETY_STACK=<token>.<name>.` in its
environment, grandchildren included, so that the front, or the next start, finds and kills what is left.

# Note [Safe before exec]
`preexec_fn` is Python code between fork and exec, where a lock held by another thread would never be released. Ours
makes one system call through a function that was loaded at import, and the other threads of the keeper only copy lines.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = "SURETY_STACK"
# How /proc/net/tcp writes it.
LISTENING = "0A"

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """The user and group a server runs as."""

    uid: int
    gid: int


def find_server_account() -> Account:
    """Choose who runs PostgreSQL: ourselves, or `postgres` or `nobody` when we are root, whom it refuses."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(uid=found.pw_uid, gid=found.pw_gid)
    return Account(uid=65534, gid=65534)


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """Build what a child does before exec: ask Linux to signal it when its parent dies, however that happens."""
    parent_pid = os.getpid()

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
            if os.getppid() != parent_pid:
                os._exit(1)

    return ask


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies (Linux), so that they can be reaped."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(*, known_pids: set[int]) -> None:
    """Collect dead processes that nobody waits for, and leave our own children's exit codes alone."""
    if _libc is None:
        return
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in known_pids:
            return
        os.waitpid(found.si_pid, 0)


def identify(account: Account | None) -> dict[str, Any]:
    """Write the arguments of `subprocess` that make a child run as this account, when it is not ours."""
    if account is None or account.uid == os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def spawn(
    argv: list[str],
    *,
    env: dict[str, str],
    output: int,
    stop_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    working_directory: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Start a background process in a session of its own that dies with us."""
    process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - argv is ours
        argv,
        env=env,
        cwd=working_directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(stop_signal),  # noqa: PLW1509 - see Note [Safe before exec]
        **identify(account),
    )
    return process


def ask(
    argv: list[str],
    *,
    env: dict[str, str] | None = None,
    account: Account | None = None,
    text_in: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a short command out of the terminal's reach and answer what it said; it may fail, but not be missing."""
    return subprocess.run(  # noqa: S603 - argv is ours
        argv,
        env=env,
        cwd="/",
        input=text_in,
        capture_output=True,
        check=False,
        text=True,
        errors="replace",
        start_new_session=True,
        **identify(account),
    )


def marked_pids(token: str) -> list[int]:
    """List processes that carry this token in their environment, ourselves excepted."""
    needle = f"{MARKER}={token}"
    found = []
    if sys.platform == "linux":
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if needle.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    else:
        lines = ask(["ps", "-axEww", "-o", "pid=,command="]).stdout.splitlines()
        found = [int(line.split(None, 1)[0]) for line in lines if needle in line]
    return [pid for pid in found if pid != os.getpid()]


def listens(pid: int, *, port: int) -> bool:
    """Tell whether the process itself listens on this port; where that cannot be seen it is believed."""
    if sys.platform != "linux":
        return True
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == LISTENING}
    with contextlib.suppress(OSError):
        return any(str(handle.readlink()) in sockets for handle in Path(f"/proc/{pid}/fd").iterdir())
    return False


def send(pid: int, stop_signal: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, stop_signal)


def sweep(token: str, *, grace_seconds: float) -> None:
    """Stop everything that carries this token: politely first, then for good."""
    deadline = time.monotonic() + grace_seconds
    asked: set[int] = set()
    while pids := marked_pids(token):
        for pid in pids:
            if time.monotonic() >= deadline:
                send(pid, signal.SIGKILL)
            elif pid not in asked:
                send(pid, signal.SIGTERM)
        asked.update(pids)
        if time.monotonic() >= deadline + 2:
            return  # a process that outlives SIGKILL is stuck in the kernel
        time.sleep(0.05)
