"""What the stack says, in a way that a slow or closed terminal never holds up a server."""

import queue
import sys
import threading
import time
from pathlib import Path
from typing import IO, TextIO

LINES_WAITING_MAX = 5_000


class Console:
    """Lines for the user, each through one thread; when nobody reads them they are dropped, not waited for."""

    def __init__(self, *, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=LINES_WAITING_MAX)
        self._printer = threading.Thread(target=self._print, name="console", daemon=True)
        self._printer.start()

    def say(self, text: str) -> None:
        """Show one line as it is."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            return  # the log files have every line of the servers

    def tell(self, text: str) -> None:
        """Show one line of ours with the seconds since the start."""
        self.say(f"[{time.monotonic() - self._began:5.1f} s] {text}")

    def close(self) -> None:
        """Give the printer a moment to show what is left."""
        try:
            self._lines.put(None, timeout=0.5)
        except queue.Full:
            return
        self._printer.join(timeout=1)

    def _print(self) -> None:
        is_open = True
        while (line := self._lines.get()) is not None:
            if is_open:
                try:
                    self._stream.write(line + "\n")
                    self._stream.flush()
                except (OSError, ValueError):
                    is_open = False


def show(text: str = "") -> None:
    """Print one line where no keeper runs: the front, before it and after it."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        return  # the terminal is gone; stopping goes on without it


def complain(text: str) -> None:
    """Print one line on standard error."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return


def tail(path: Path, *, lines_max: int = 30) -> str:
    """Read the last lines of a log, for a message about what went wrong."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines_max:])
    except OSError:
        return f"(no log at {path})"


def copy_lines(*, name: str, stream: IO[bytes], log: Path, console: Console | None) -> None:
    """Copy a server's output to its log file, and to the console under its name; ends with the stream."""
    with log.open("ab") as file:
        for raw in stream:
            file.write(raw)
            file.flush()
            if console is not None:
                console.say(f"{name:<9}| {raw.decode(errors='replace').rstrip()}")
