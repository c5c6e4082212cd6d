"""What a stack writes down about itself, so that another `./run` can find it, wait for it, or clear up after it."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from .places import STATE, make_private_directory, make_socket_directory, write_private
from .processes import Account, find_server_account, sweep

LOG_BYTES_MAX = 5_000_000
TEMPORARY_PREFIXES = ("/tmp/surety-", "/var/tmp/surety-test-")  # noqa: S108 - only what we made with mkdtemp is removed


class Phase(StrEnum):
    """How far a stack is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass
class State:
    """One stack's directory, the lock on it, and its entry in `state.json`."""

    directory: Path
    mode: str
    lock: int
    is_durable: bool
    token: str = field(default_factory=lambda: secrets.token_hex(12))
    entry: dict[str, Any] = field(default_factory=dict)

    def update(self, **facts: Any) -> None:
        """Write down what changed."""
        self.entry |= {"mode": self.mode, "token": self.token, "pid": os.getpid(), **facts}
        write_private(self.directory / "state.json", json.dumps(self.entry))

    def add_socket_directory(self, account: Account) -> Path:
        """Make a directory for one server's socket and remember it."""
        path = make_socket_directory(uid=account.uid, gid=account.gid)
        self.remember_directory(path)
        return path

    def remember_directory(self, path: Path) -> None:
        """Note a temporary directory, so that it is removed even if we are killed."""
        self.update(directories=[*self.entry.get("directories", []), str(path)])

    def clear(self) -> None:
        """Remove what was temporary; a durable stack keeps its rows, logs and secrets."""
        remove_directories(self.entry.get("directories", []))
        (self.directory / "state.json").unlink(missing_ok=True)
        if not self.is_durable:
            shutil.rmtree(self.directory, ignore_errors=True)


def claim(name: str, *, mode: str, is_durable: bool) -> State | None:
    """Take the lock of a stack's directory and clear up after a stack that was killed; nothing if it is in use."""
    directory = make_private_directory(make_private_directory(STATE) / name)
    lock = take_lock(directory / "lock")
    if lock is None:
        return None
    clear_up(directory)
    for log in make_private_directory(directory / "log").iterdir():
        if log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".old"))
    state = State(directory=directory, mode=mode, lock=lock, is_durable=is_durable)
    state.update(phase=Phase.STARTING, front_pid=os.getpid())
    return state


def take_lock(path: Path) -> int | None:
    """Lock a file until the descriptor is closed, by us and every process forked from us; nothing if it is taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def read_entry(name: str) -> dict[str, Any]:
    """Read what a running stack says about itself; empty when it says nothing."""
    with contextlib.suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads((STATE / name / "state.json").read_text())
        return found
    return {}


def clear_up(directory: Path) -> None:
    """End the processes and remove the directories of a stack whose keeper was killed."""
    entry = read_entry(directory.name)
    if token := entry.get("token"):
        sweep(f"{token}.", grace_seconds=5)
    remove_directories(entry.get("directories", []))
    (directory / "state.json").unlink(missing_ok=True)


def clear_up_tests() -> None:
    """Clear up after test runs that were killed: their directories are not locked any more."""
    for directory in STATE.glob("test-*"):
        lock = take_lock(directory / "lock")
        if lock is not None:
            clear_up(directory)
            shutil.rmtree(directory, ignore_errors=True)
            os.close(lock)


def remove_directories(paths: list[str]) -> None:
    """Remove temporary directories, if they are where we make them and belong to us or to PostgreSQL's user."""
    owners = {os.geteuid(), find_server_account().uid}
    for text in paths:
        path = Path(text)
        with contextlib.suppress(OSError):
            if text.startswith(TEMPORARY_PREFIXES) and ".." not in path.parts and path.lstat().st_uid in owners:
                shutil.rmtree(path)


@contextmanager
def waiting_lock(path: Path, *, say_waiting: str) -> Iterator[None]:
    """Hold a lock, and say what we wait for while somebody else holds it."""
    make_private_directory(path.parent)
    while (descriptor := take_lock(path)) is None:
        if say_waiting:
            os.write(2, f"{say_waiting}\n".encode())
            say_waiting = ""
        time.sleep(0.3)
    try:
        yield
    finally:
        os.close(descriptor)
